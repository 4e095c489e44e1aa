"""Serve the HTTP API, the pages and the streams on one port: `linli serve`."""

import ctypes
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import django
from granian import Granian
from granian.constants import Interfaces

from linli.server import env

APPLICATION = "linli.server.asgi:application"
KILL_TIMEOUT = 4  # seconds a stuck client may hold up a stop
BACKPRESSURE = 1024  # open streams count, so it must be far above the number of gates and consoles
PR_SET_PDEATHSIG = 1


class AlreadyServing(RuntimeError):
    """Another `linli serve` runs here, or the port is taken."""


def main(*, settings: env.Env) -> int:
    """Serve until SIGTERM or Ctrl-C; raises `AlreadyServing`."""
    lock = _hold(settings.home / "run" / f"port-{settings.port}.lock")
    _check_port(settings.host, settings.port)
    server = Granian(
        APPLICATION,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=1,
        workers_kill_timeout=KILL_TIMEOUT,
        backpressure=BACKPRESSURE,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        websockets=False,
        log_access=False,
    )
    server.serve(target_loader=_load)
    os.close(lock)
    return 0


def _hold(file: Path) -> int:
    # An orphan that shares the port would silently take half of the requests; the worker inherits this lock.
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise AlreadyServing(f"another `linli serve` of this home is running: {file}") from None
    return descriptor


def _check_port(host: str, port: int) -> None:
    # granian shares its port with whoever asks for it; this probe does not, so it fails when anybody listens.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            reason = f"{host}:{port} cannot be listened on ({problem.strerror}); choose another with LINLI_PORT"
            raise AlreadyServing(reason) from None


def _load(target: str) -> Callable[..., Any]:
    """Load the application inside the worker process, which must not outlive granian's own."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    # Before the application is imported: its modules name models, and models want their applications known.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "linli.server.settings")
    django.setup()
    module, name = target.split(":")
    application: Callable[..., Any] = getattr(import_module(module), name)
    return application
