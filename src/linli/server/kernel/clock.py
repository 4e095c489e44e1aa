"""The one place where the server looks at a clock.

Everything below the interface takes `now` as an argument. During a simulated day the clock may be moved: the file named by
`LINLI_CLOCK_FILE` holds an offset in seconds that is added to the real time.
"""

import contextlib
import os
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from linli.server.kernel.errors import BadField

REREAD_SECONDS = 0.05
FIRST_YEAR, LAST_YEAR = 1900, 2200
_lock = threading.Lock()
_offset = 0.0
_read_at = -1.0


def now() -> datetime:
    """This will return the present instant, aware, in UTC."""
    return datetime.fromtimestamp(time.time() + _simulated_offset(), tz=UTC)


def _simulated_offset() -> float:
    global _offset, _read_at
    name = os.environ.get("LINLI_CLOCK_FILE")
    if not name:
        return 0.0
    ticks = time.monotonic()
    if ticks - _read_at > REREAD_SECONDS:
        with _lock:
            # Half-written or absent: keep the last known offset rather than jump back to the real day.
            with contextlib.suppress(OSError, ValueError):
                _offset = float(Path(name).read_text(encoding="ascii").strip() or 0)
            _read_at = ticks
    return _offset


def local_date(instant: datetime, zone: str) -> date:
    """This will return the calendar day of an instant in the estate's zone."""
    return instant.astimezone(ZoneInfo(zone)).date()


def local_day(day: date, zone: str) -> tuple[datetime, datetime]:
    """This will return the half-open pair of UTC instants that bound one local calendar day; refuses with `BadField`.

    The first and the last days of the calendar have no neighbour in UTC.
    """
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise BadField(field="date")
    start = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    following = day + timedelta(days=1)
    end = datetime(following.year, following.month, following.day, tzinfo=ZoneInfo(zone))
    return start.astimezone(UTC), end.astimezone(UTC)
