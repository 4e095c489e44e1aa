"""What runs later: events become reports, couriers deliver them, deadlines are watched. All of it is safe to run twice."""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

import structlog
from django.db import connection

from linli.server.access.events import PassFirstUsed, PassRevoked
from linli.server.connectors import actions, subjects
from linli.server.connectors.actions.standing import tell_console
from linli.server.connectors.delivery import Courier
from linli.server.connectors.platforms import linked
from linli.server.connectors.protocol import Occasion
from linli.server.connectors.rules import MessageKind
from linli.server.kernel import clock
from linli.server.kernel.actors import system
from linli.server.stays.events import (
    GuestCheckedIn,
    GuestCheckedOut,
    GuestMoved,
    RegistrationAmended,
    StayCancelled,
    StayExtended,
)

VISITS = "visit"
VISITS_BACK = timedelta(days=2)
LOOK_SECONDS = 0.5
CONSOLE_SECONDS = 1.0
SHOWN = timedelta(hours=24)
log = structlog.get_logger(__name__)

StayEvent = GuestCheckedIn | RegistrationAmended | GuestMoved | StayExtended | GuestCheckedOut | StayCancelled

OCCASIONS: Mapping[type, tuple[MessageKind, str]] = MappingProxyType(
    {
        GuestCheckedIn: (MessageKind.CHECK_IN, "checked_in_at"),
        RegistrationAmended: (MessageKind.AMEND, "amended_at"),
        GuestMoved: (MessageKind.ROOM_CHANGE, "moved_at"),
        StayExtended: (MessageKind.EXTEND, "extended_at"),
        GuestCheckedOut: (MessageKind.CHECK_OUT, "checked_out_at"),
        StayCancelled: (MessageKind.CANCEL, "cancelled_at"),
    }
)


def queue_report(event: StayEvent, now: datetime) -> None:
    """This will queue what an event obliges us to report, in the relay's transaction, once however often it runs."""
    kind, when = OCCASIONS[type(event)]
    occasion = Occasion(kind=kind, happened_at=getattr(event, when))
    actions.queue_reports(
        actor=system(event.estate_id), occasion=occasion, stay_id=event.stay_id, platforms=linked(), now=now
    )


def queue_visitor(event: PassFirstUsed | PassRevoked, now: datetime) -> None:
    """This will queue the coming of a visitor at their first entry, and their going when their pass ends by hand."""
    if event.origin_kind != VISITS:
        return
    came = isinstance(event, PassFirstUsed)
    kind = MessageKind.VISITOR_IN if came else MessageKind.VISITOR_OUT
    happened_at = event.happened_at if isinstance(event, PassFirstUsed) else event.revoked_at
    occasion = Occasion(kind=kind, happened_at=happened_at)
    _queue_visit(event.origin_id, occasion=occasion, estate_id=event.estate_id, now=now)


def queue_ended_visits(*, estate_id: str, now: datetime) -> int:
    """This will queue the going of visitors whose pass has simply ended, looking back two days; told twice is told once."""
    ended = subjects.due_visits(estate_id=estate_id, since=now - VISITS_BACK, now=now)
    return sum(_queue_visit(visit_id, occasion=going, estate_id=estate_id, now=now) for visit_id, going in ended)


def _queue_visit(visit_id: str, *, occasion: Occasion, estate_id: str, now: datetime) -> int:
    return sum(
        actions.queue_visit(platform=platform, occasion=occasion, visit_id=visit_id, estate_id=estate_id, now=now)
        for platform in linked().values()
        if platform.wants(occasion.kind)
    )


def queue_standing(*, estate_id: str, now: datetime) -> int:
    """This will queue what has changed among flats, staff, residents, doors and devices."""
    return actions.queue_catalogue(estate_id=estate_id, platforms=linked(), now=now)


def queue_passages(*, estate_id: str, now: datetime) -> int:
    """This will queue the passages that came in since the last look, for the platforms that may know of them."""
    return actions.queue_passages(estate_id=estate_id, platforms=linked(), now=now)


def deliver(*, stop: threading.Event, wait: Callable[[float], object]) -> None:
    """This will run a courier for each platform until `stop` is set, and look whenever `wait(seconds)` returns."""
    changes = Changes()
    couriers = [Courier(platform=platform, changed=changes.note) for platform in linked().values()]
    threads = [
        threading.Thread(target=courier.run, kwargs={"stop": stop}, name=f"courier-{number}")
        for number, courier in enumerate(couriers)
    ]
    for thread in threads:
        thread.start()
    try:
        while not stop.is_set():
            wait(LOOK_SECONDS)
            for courier in couriers:
                courier.ring()
            changes.tell()
    finally:
        stop.set()
        for courier in couriers:
            courier.ring()
        for thread in threads:
            thread.join()
        connection.close()


def watch_deadlines(*, now: datetime) -> None:
    """This will flag reports past their alarm or their deadline, and say so in the log: nothing is late in silence."""
    alarmed, breached = actions.mark_overdue(now=now)
    if alarmed or breached:
        log.warning("reports_overdue", alarmed=alarmed, breached=breached)


class Changes:
    """The estates whose reports have changed; the console hears of each at most once a second."""

    def __init__(self) -> None:
        """Start with nothing to tell."""
        self._estates: set[str] = set()
        self._lock = threading.Lock()
        self._told_at = float("-inf")

    def note(self, estate_id: str) -> None:
        """This will remember that an estate's reports have changed."""
        with self._lock:
            self._estates.add(estate_id)

    def tell(self) -> None:
        """This will tell the console the counts of those estates, unless it has just been told."""
        if time.monotonic() - self._told_at < CONSOLE_SECONDS:
            return
        with self._lock:
            estates, self._estates = self._estates, set()
        if not estates:
            return
        self._told_at = time.monotonic()
        try:
            for estate_id in estates:
                tell_console(estate_id=estate_id, since=clock.now() - SHOWN)
        except Exception as problem:
            # The console shows the counts again when it next asks; a report never waits for it.
            log.warning("console_not_told", problem=type(problem).__name__)
            connection.close()
