"""One order as a channel tells it: booked once, followed where that is safe, and everything else put to the operator as a question.

Two tellings of one order queue at its lock. What is refused leaves nothing behind but the question.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from linli.server.kernel import ids, locks
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotAllowed, NotFound, Refusal
from linli.server.kernel.locks import Lock
from linli.server.kernel.periods import Period
from linli.server.lettings import queries as lettings
from linli.server.stays.actions import intake_tasks, letting
from linli.server.stays.actions.intake_tasks import About
from linli.server.stays.models import Booking, FeedEntry, Stay
from linli.server.stays.rules.feeds import FeedOrder
from linli.server.stays.rules.intake import TaskKind
from linli.server.stays.rules.states import OPEN_STAYS, BookingState

CONFLICTS = ("bed_taken", "no_free_bed", "try_again")
# Tried anew whenever it is told: beds may have become free, a flat may let again.
OPEN_ENDS = ("conflict", "refused")
GONE = "gone"
WHOLE, PLACES = "whole", "places"
SAID = {
    "booked": ("已登记", "booked"),
    "unchanged": ("无变化", "unchanged"),
    "changed": ("订单变更，已更新", "changed; the booking follows"),
    "cancelled": ("订单取消，床位已释放", "cancelled; the beds are free again"),
    "not_booked": ("订单已取消，未登记", "cancelled before it was booked"),
    "past": ("已过期", "already over"),
    "stale": ("早于已知的情况，已忽略", "older than what is known; ignored"),
    "question": ("客人已登记，订单有变，请确认", "guests have registered and the order changed; please decide"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Whence:
    """Where an order came from and which beds it may take; `operator_id` is whose hook told it, `told_at` when."""

    feed: str
    unit_id: str | None = None
    room_id: str | None = None
    takes: str = PLACES
    source_id: str | None = None
    operator_id: str | None = None
    told_at: datetime | None = None

    @property
    def unattended(self) -> bool:
        """Nobody sees the answer line by line, so a refusal must be asked about too."""
        return self.source_id is not None or self.operator_id is not None

    def scope(self, entry: FeedOrder, operator_id: str) -> str:
        """This will say whose references these are: a calendar's own, or the operator's at the channel."""
        if self.source_id is not None:
            return f"source:{self.source_id}"
        if entry.unit is None:
            return f"calendar:{self.feed}:{self.unit_id}"
        return f"orders:{operator_id}:{entry.channel}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of an order, in a word, a code and both languages."""

    outcome: str
    code: str
    zh: str
    en: str
    field: str = ""
    booking_id: str | None = None
    task_id: str | None = None


def said(outcome: str, *, words: str = "", booking_id: str | None = None, task_id: str | None = None) -> Taken:
    """This will tell an outcome in its words."""
    zh, en = SAID[words or outcome]
    return Taken(outcome=outcome, code=outcome, zh=zh, en=en, booking_id=booking_id, task_id=task_id)


def take_in(*, actor: Actor, entry: FeedOrder, whence: Whence, now: datetime) -> Taken:
    """This will do with an order what is safe; never raises a refusal: what cannot be done is told, and asked about."""
    try:
        with transaction.atomic():
            return book_or_follow(actor=actor, entry=entry, whence=whence, now=now)
    except Refusal as refusal:
        return _refused(actor, entry, whence, refusal, now=now)


def book_or_follow(*, actor: Actor, entry: FeedOrder, whence: Whence, now: datetime) -> Taken:
    """This will do the same inside the caller's transaction, and raise the refusal."""
    unit = unit_for(actor, entry, whence)
    scope = whence.scope(entry, unit.operator_id)
    locks.take(Lock.FEED, f"{actor.estate_id}:{scope}:{entry.ref}")
    known = find_entry(actor.estate_id, scope, entry.ref)
    settled = is_settled(entry, unit, known, whence, now=now)
    if settled is not None:
        if settled.outcome == "unchanged" and known is not None:
            _seen_again(known, now=now)
        return settled
    about = About(
        estate_id=actor.estate_id,
        operator_id=unit.operator_id,
        scope=scope,
        feed=whence.feed,
        ref=entry.ref,
        unit_id=unit.id,
        source_id=whence.source_id,
    )
    taken = _done(actor, entry, unit, open_booking_of(actor.estate_id, entry, unit, known), whence, about, now=now)
    _remember(about, entry, known, taken, whence, now=now)
    if taken.outcome != "question":
        intake_tasks.settle(estate_id=actor.estate_id, scope=scope, ref=entry.ref, now=now)
    return taken


def _seen_again(known: FeedEntry, *, now: datetime) -> None:
    FeedEntry.objects.filter(id=known.id).update(seen_at=now, missed=0, first_missed_at=None)
    if known.missed:
        intake_tasks.settle(
            estate_id=known.estate_id, scope=known.scope, ref=known.ref, kinds=(TaskKind.MISSING,), now=now
        )


def unit_for(actor: Actor, entry: FeedOrder, whence: Whence) -> lettings.UnitView:
    """This will find the flat an order is for, or refuse with `NotFound` or `NotAllowed`."""
    if entry.unit is None and whence.unit_id is None:
        raise NotFound(field="unit")
    if entry.unit is None and whence.unit_id is not None:
        unit = lettings.get_unit(estate_id=actor.estate_id, unit_id=whence.unit_id)
    else:
        found = lettings.find_unit_by_door(estate_id=actor.estate_id, door=entry.unit or "")
        if found is None:
            raise NotFound(field="unit")
        unit = found
    if not actor.may(Role.OFFICE) and not actor.may(Role.OPERATOR, scope=f"operator:{unit.operator_id}"):
        raise NotAllowed(field="unit")
    return unit


def find_entry(estate_id: str, scope: str, ref: str) -> FeedEntry | None:
    """This will find an order as last told."""
    return FeedEntry.objects.select_related("booking").filter(estate_id=estate_id, scope=scope, ref=ref).first()


def open_booking_of(
    estate_id: str, entry: FeedOrder, unit: lettings.UnitView, known: FeedEntry | None
) -> Booking | None:
    """This will find the open booking of an order; one made by hand under the same order number counts."""
    if known is not None:
        return known.booking if known.booking is not None and known.booking.state == BookingState.BOOKED else None
    if entry.unit is None:
        return None
    return Booking.objects.filter(
        estate_id=estate_id,
        channel=entry.channel,
        channel_ref=entry.ref,
        state=BookingState.BOOKED,
        unit__operator_id=unit.operator_id,
    ).first()


def is_settled(
    entry: FeedOrder, unit: lettings.UnitView, known: FeedEntry | None, whence: Whence, *, now: datetime
) -> Taken | None:
    """This will say that there is nothing to do with an order, and why; None when there is."""
    if known is not None and whence.told_at and known.told_at and whence.told_at < known.told_at:
        return said("stale", booking_id=known.booking_id)
    same = known is not None and known.digest == entry.digest and known.unit_id == unit.id
    if known is not None and same and known.outcome not in (*OPEN_ENDS, GONE):
        return said("unchanged", booking_id=known.booking_id)
    if known is not None and known.booking is not None and known.booking.state in ENDED:
        return said("past", booking_id=known.booking_id)
    return said("past") if entry.leave_at <= now else None


ENDED = (BookingState.CLOSED, BookingState.NO_SHOW)


def _done(
    actor: Actor,
    entry: FeedOrder,
    unit: lettings.UnitView,
    booking: Booking | None,
    whence: Whence,
    about: About,
    *,
    now: datetime,
) -> Taken:
    if booking is None:
        if entry.cancelled:
            return said("cancelled", words="not_booked")
        wanted = wanted_of(entry, unit, whence)
        return said("booked", booking_id=letting.book(actor=actor, wanted=wanted, now=now).booking.id)
    if not entry.cancelled and is_same(entry, unit, booking):
        return said("unchanged", booking_id=booking.id)
    if Stay.objects.filter(booking=booking, state__in=OPEN_STAYS).exists():
        # A feed may be stale, so a person decides.
        kind = TaskKind.CANCELLED if entry.cancelled else TaskKind.CHANGED
        task_id = intake_tasks.ask(about=about, kind=kind, content=entry.digest, booking=booking, order=entry, now=now)
        return said("question", booking_id=booking.id, task_id=task_id)
    if entry.cancelled:
        letting.cancel_booking(actor=actor, booking_id=booking.id, reason=f"feed {about.feed}", now=now)
        return said("cancelled", booking_id=booking.id)
    letting.change_booking(actor=actor, booking_id=booking.id, wanted=wanted_of(entry, unit, whence), now=now)
    return said("changed", booking_id=booking.id)


def is_same(entry: FeedOrder, unit: lettings.UnitView, booking: Booking) -> bool:
    """This will say whether a booking already is what an order asks for."""
    asked = (unit.id, entry.arrive_at, entry.leave_at, entry.guests)
    return asked == (booking.unit_id, booking.arrive_at, booking.leave_at, booking.guests_expected)


def wanted_of(entry: FeedOrder, unit: lettings.UnitView, whence: Whence) -> letting.Wanted:
    """This will say what to book: a calendar of a whole flat takes every room, one of a room only what is in it."""
    whole = whence.room_id is None and whence.takes == WHOLE
    return letting.Wanted(
        unit_id=unit.id,
        period=Period(start=entry.arrive_at, end=entry.leave_at),
        guests_expected=entry.guests,
        channel=entry.channel,
        booker_name=entry.booker_name,
        booker_phone=entry.booker_phone,
        room_ids=[room.room_id for room in unit.rooms] if whole else (),
        among=(whence.room_id,) if whence.room_id is not None else (),
    )


def _remember(
    about: About, entry: FeedOrder, known: FeedEntry | None, taken: Taken, whence: Whence, *, now: datetime
) -> None:
    facts = {
        "unit_id": about.unit_id,
        "digest": entry.digest,
        "booking_id": taken.booking_id,
        "outcome": taken.outcome,
        "missed": 0,
        "first_missed_at": None,
        "told_at": whence.told_at or (known.told_at if known is not None else None),
        "seen_at": now,
    }
    if known is not None:
        FeedEntry.objects.filter(id=known.id).update(**facts)
        return
    FeedEntry.objects.create(
        id=ids.new("feed"), estate_id=about.estate_id, scope=about.scope, feed=about.feed, ref=entry.ref, **facts
    )


def _refused(actor: Actor, entry: FeedOrder, whence: Whence, refusal: Refusal, *, now: datetime) -> Taken:
    told = refusal.message()
    conflict = refusal.code in CONFLICTS
    outcome = "conflict" if conflict else "problem"
    task_id = None
    if conflict or whence.unattended:
        with transaction.atomic():
            task_id = _asked_about(actor, entry, whence, refusal, conflict=conflict, now=now)
    return Taken(
        outcome=outcome,
        code=refusal.code,
        zh=told["zh"],
        en=told["en"],
        field=refusal.field or "",
        task_id=task_id,
    )


def _asked_about(
    actor: Actor, entry: FeedOrder, whence: Whence, refusal: Refusal, *, conflict: bool, now: datetime
) -> str | None:
    try:
        unit = unit_for(actor, entry, whence)
    except Refusal:
        unit = None
    operator_id = unit.operator_id if unit is not None else whence.operator_id
    if operator_id is None:
        return None
    scope = whence.scope(entry, operator_id)
    locks.take(Lock.FEED, f"{actor.estate_id}:{scope}:{entry.ref}")
    known = find_entry(actor.estate_id, scope, entry.ref)
    about = About(
        estate_id=actor.estate_id,
        operator_id=operator_id,
        scope=scope,
        feed=whence.feed,
        ref=entry.ref,
        unit_id=unit.id if unit is not None else None,
        source_id=whence.source_id,
    )
    # A pair that met at this order's lock: the other one may have booked it while we were refused.
    if known is not None and known.digest == entry.digest and known.outcome not in OPEN_ENDS:
        return None
    _keep_open(about, entry, known, "conflict" if conflict else "refused", now=now)
    return intake_tasks.ask(
        about=about,
        kind=TaskKind.CONFLICT if conflict else TaskKind.REFUSED,
        content=entry.digest,
        code=refusal.code,
        booking=known.booking if known is not None else None,
        order=entry,
        now=now,
    )


def _keep_open(about: About, entry: FeedOrder, known: FeedEntry | None, outcome: str, *, now: datetime) -> None:
    if known is not None:
        # The digest stays that of what is booked: what could not be done is tried again.
        FeedEntry.objects.filter(id=known.id).update(outcome=outcome, seen_at=now, missed=0, first_missed_at=None)
    elif about.unit_id is not None:
        FeedEntry.objects.create(
            id=ids.new("feed"),
            estate_id=about.estate_id,
            unit_id=about.unit_id,
            scope=about.scope,
            feed=about.feed,
            ref=entry.ref,
            digest=entry.digest,
            outcome=outcome,
            seen_at=now,
        )
