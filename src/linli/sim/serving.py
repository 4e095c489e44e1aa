"""Serve one simulated platform in this process, so that `kill -9` of it kills all of it."""

import asyncio
import fcntl
import signal
import socket
from pathlib import Path
from typing import IO

from granian.constants import Interfaces
from granian.server.embed import Server
from starlette.types import ASGIApp

STOPPING_SECONDS = 3.0
MOST_CONNECTIONS = 1024


class AddressTaken(RuntimeError):
    """Something else listens on this address already."""


class BooksInUse(RuntimeError):
    """Another process keeps these books."""


def lock_books(*, file: Path) -> IO[bytes]:
    """This will hold the books for this process alone while the returned file is open; raises BooksInUse."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = file.with_name(file.name + ".lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise BooksInUse(str(file)) from None
    return lock


def free_port(*, host: str) -> int:
    """This will name a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def serve(*, application: ASGIApp, host: str, port: int, name: str) -> None:
    """This will serve until SIGTERM or Ctrl-C, and say on standard output where; raises AddressTaken."""
    _check_address(host=host, port=port)
    asyncio.run(_serve(application=application, host=host, port=port, name=name))


def _check_address(*, host: str, port: int) -> None:
    # The server shares its port with whoever asks for it: an orphan would silently take half of the traffic.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise AddressTaken(f"{host}:{port}: {problem.strerror}") from None


async def _serve(*, application: ASGIApp, host: str, port: int, name: str) -> None:
    server = Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        websockets=False,
        backlog=MOST_CONNECTIONS,
        backpressure=MOST_CONNECTIONS,
        log_enabled=False,
    )
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    serving = asyncio.create_task(server.serve())
    await _answering(host=host, port=port)
    print(f"{name} listening on http://{host}:{port}", flush=True)
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    server.interrupt_signal = True
    server.main_loop_interrupt.set()
    # A request held by a timeout fault must not hold the process: the books are on disk, nothing else is lost.
    await asyncio.wait({serving}, timeout=STOPPING_SECONDS)


async def _answering(*, host: str, port: int) -> None:
    # Said only when it is true: whoever started this process sends the next line's request at once.
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
