"""When a feed is asked again, when its silence is told, and when an order it no longer names becomes a question."""

from datetime import datetime, timedelta

EVERY = timedelta(minutes=30)
SHORTEST, LONGEST = timedelta(minutes=10), timedelta(hours=24)
LATEST = timedelta(hours=12)
SPREAD = 0.2
SILENT_AFTER = timedelta(hours=24)
# One fetch that lacks an order proves nothing: only several good ones, over time.
MISSED_MEANS_ASK = 3
MISSED_FOR = timedelta(hours=2)


def next_look(*, every: timedelta, failures: int, draw: float, now: datetime) -> datetime:
    """This will return when to ask again: later after each failure, and never at the same moment as all others (`draw` in 0..1)."""
    wait = every if failures == 0 else min(every * 2 ** min(failures, 6), max(LATEST, every))
    return now + wait * (1 - SPREAD / 2 + SPREAD * draw)


def is_gone(*, missed: int, first_missed_at: datetime | None, now: datetime) -> bool:
    """This will say whether an order has been absent often and long enough to ask about it."""
    return missed >= MISSED_MEANS_ASK and first_missed_at is not None and now - first_missed_at >= MISSED_FOR


def is_silent(*, failing_since: datetime | None, now: datetime) -> bool:
    """This will say whether a feed has failed for so long that its operator must hear of it."""
    return failing_since is not None and now - failing_since >= SILENT_AFTER
