"""What runs later: reactions to gates and lettings, the nightly closing, and reading the calendars of channels. Safe to run twice."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import structlog
from django.db import close_old_connections

from linli.server.access.events import PassFirstUsed
from linli.server.kernel import clock
from linli.server.lettings.events import UnitResumed, UnitSuspended
from linli.server.places import queries as places
from linli.server.stays import actions

# A calendar that hangs holds one reader for at most the time limit of a reading; the others go on.
READERS = 4
LOOK_SECONDS = 2.0
log = structlog.get_logger(__name__)


def mark_arrival(event: PassFirstUsed, now: datetime) -> None:
    """This will note a guest's arrival when the pass that first opened a gate belongs to a stay."""
    if event.origin_kind == "stay":
        actions.mark_arrival(estate_id=event.estate_id, stay_id=event.origin_id, happened_at=event.happened_at, now=now)


def hold_passes_of_unit(event: UnitSuspended, now: datetime) -> None:
    """This will suspend the passes that a suspended unit no longer carries."""
    actions.hold_passes_of_unit(estate_id=event.estate_id, unit_id=event.unit_id, at_once=event.at_once, now=now)


def release_passes_of_unit(event: UnitResumed, now: datetime) -> None:
    """This will give them back."""
    actions.release_passes_of_unit(estate_id=event.estate_id, unit_id=event.unit_id, now=now)


def close_overdue(*, now: datetime) -> int:
    """This will close overdue stays of every estate."""
    actions.forget_old_events(now=now)
    return sum(actions.close_overdue(estate_id=estate_id, now=now) for estate_id in places.estate_ids())


def follow_feeds(*, stop: threading.Event) -> None:
    """This will read calendars as they become due, until `stop` is set; a loop of its own, so that no timer waits for a slow site."""
    with ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="feeds") as readers:
        while not stop.is_set():
            try:
                read = read_due_feeds(readers=readers, now=clock.now())
            except Exception as problem:
                log.warning("feeds_wait", problem=type(problem).__name__)
                close_old_connections()
                read = 0
            if read == 0:
                stop.wait(LOOK_SECONDS)


def read_due_feeds(*, readers: ThreadPoolExecutor, now: datetime) -> int:
    """This will read the calendars that are due now, a few at once, and return how many there were."""
    turns = actions.claim_due_feeds(most=READERS, now=now)
    for finished in [readers.submit(_read, turn, now) for turn in turns]:
        finished.result()
    return len(turns)


def _read(turn: actions.Turn, now: datetime) -> None:
    try:
        actions.read_followed(turn=turn, draw=random.random(), now=now)
    except Exception as problem:
        # The lease runs out by itself; what was taken in of it stays, and is known when it is told again.
        log.warning("feed_not_read", feed=turn.feed_id, problem=type(problem).__name__)
    finally:
        close_old_connections()
