"""A courier that kills itself at a given step, again and again: reads steps from standard input, answers each with how it ended.

A step is `before N` or `after N` (the N-th SQL statement of one delivery), `before-send` or `after-send`. Run as
`python -m tests.server.connectors.dying URL TOKEN`, with the environment of the server whose reports it delivers.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django


def main(url: str, token: str) -> None:
    """Fork one courier for every line, before any connection is open, so that each begins afresh."""
    # The log goes to standard output too: what is said to the test keeps a channel of its own.
    say = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    django.setup()
    print("ready", file=say, flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _deliver(line.strip(), url=url, token=token)
        _, status = os.waitpid(child, 0)
        print("killed" if os.WIFSIGNALED(status) else "lived", file=say, flush=True)


def _deliver(step: str, *, url: str, token: str) -> None:
    # Imported here: models may be loaded only after Django is set up, and this module is also its own script.
    from django.db import connection  # noqa: PLC0415

    from linli.server.connectors.delivery import Courier  # noqa: PLC0415
    from linli.server.connectors.platforms.lodging import at  # noqa: PLC0415

    platform: Any = _Dying(at(url=url, token=token), step=step)
    with connection.execute_wrapper(_counter(step)):
        Courier(platform=platform).deliver_one()
    connection.close()
    os._exit(0)


def _counter(step: str) -> Callable[..., Any]:
    when, _, number = step.partition(" ")
    seen = 0

    def wrapper(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal seen
        seen += 1
        if when == "before" and seen == int(number):
            _die()
        result = execute(sql, params, many, context)
        if when == "after" and seen == int(number):
            _die()
        return result

    return wrapper


class _Dying:
    """The real platform, whose messenger may die at the door."""

    def __init__(self, platform: Any, *, step: str) -> None:
        self._platform = platform
        self._step = step

    def __getattr__(self, name: str) -> Any:
        return getattr(self._platform, name)

    def send(self, *, messages: Any) -> Any:
        """Send, or die before or after."""
        if self._step == "before-send":
            _die()
        told = self._platform.send(messages=messages)
        if self._step == "after-send":
            _die()
        return told


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
