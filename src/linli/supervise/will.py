"""End what a killed supervisor left behind: `python -m linli.supervise.will RUN`, told of the death by its input's end.

The kernel's own signal (see `linli.server.postgres.leash`) asks once, and a program that waits for a database which died
in the same moment need not hear it. Somebody has to stay who asks again and then insists.
"""

import fcntl
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

ASKED_SECONDS = 8.0
LOOK_SECONDS = 0.2


def main(run: Path) -> None:
    """Wait for the end of the input, then end every group that holds a lock in `run`: asked first, made to later."""
    sys.stdin.buffer.read()
    left = _held(run)
    _send(left, signal.SIGTERM)
    deadline = time.monotonic() + ASKED_SECONDS
    while time.monotonic() < deadline and left:
        time.sleep(LOOK_SECONDS)
        # By both, file and number: a lock taken anew belongs to the next supervisor's program.
        left &= _held(run)
    _send(left, signal.SIGKILL)


def _held(run: Path) -> set[tuple[str, int]]:
    found = set()
    for file in run.glob("*.lock"):
        with file.open("rb") as lock:
            if not lock.read(32).isdigit():
                # Not a program's: whoever takes that one asks only once, so it is not tried even for a moment.
                continue
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # While the lock is held, the number in its file is that group's and nobody else's.
                lock.seek(0)
                number = lock.read(32)
                if number.isdigit():
                    found.add((file.name, int(number)))
    return found


def _send(groups: set[tuple[str, int]], number: signal.Signals) -> None:
    for _, group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
