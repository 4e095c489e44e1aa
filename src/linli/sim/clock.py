"""What time it is on the other side: the real clock, plus the offset of a simulated day."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

RE_READ_SECONDS = 0.05

Clock = Callable[[], datetime]


class SimulatedClock:
    """This will tell the time in UTC, shifted by the seconds in a file, which is read at most every 50 ms."""

    def __init__(self, *, file: Path | None) -> None:
        """Take the file that holds the offset, or None for the plain real clock."""
        self._file = file
        self._offset = timedelta()
        self._read_at = float("-inf")

    def __call__(self) -> datetime:
        """Tell the time."""
        if self._file is not None and time.monotonic() - self._read_at >= RE_READ_SECONDS:
            self._offset = _offset_in(file=self._file, otherwise=self._offset)
            self._read_at = time.monotonic()
        return datetime.now(UTC) + self._offset


def clock_from_environment() -> SimulatedClock:
    """This will give the clock that LINLI_CLOCK_FILE names, or the real one when it is unset."""
    name = os.environ.get("LINLI_CLOCK_FILE", "")
    return SimulatedClock(file=Path(name) if name else None)


def _offset_in(*, file: Path, otherwise: timedelta) -> timedelta:
    # A file caught half-written must not throw the platform back to another day: the last good offset stays.
    try:
        return timedelta(seconds=float(file.read_text(encoding="ascii").strip()))
    except (OSError, ValueError, OverflowError):
        return otherwise
