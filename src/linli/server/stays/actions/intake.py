"""Files of orders that a person brings: looked at first, then taken in, line by line; one bad line spoils no other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import Refusal
from linli.server.kernel.files import TEXT_BYTES, FileTooBig
from linli.server.kernel.periods import Period
from linli.server.lettings import queries as lettings
from linli.server.places import queries as places
from linli.server.privacy import actions as privacy
from linli.server.stays.actions import intake_orders, letting
from linli.server.stays.actions.feeds import require_unit
from linli.server.stays.actions.intake_absences import note_absences
from linli.server.stays.actions.intake_orders import CONFLICTS, Taken, Whence, said
from linli.server.stays.actions.intake_tasks import About
from linli.server.stays.models import Booking, Stay
from linli.server.stays.rules.feeds import HARMLESS, FeedOrder, FeedProblem, occupied, read_feed
from linli.server.stays.rules.states import OPEN_STAYS

OF_NOTE = ("problem", "conflict", "question")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRow:
    """What became of one line: booked, unchanged, changed, cancelled, past, block, conflict, question or problem, and why."""

    line: int
    ref: str
    outcome: str
    booking_id: str | None
    code: str
    zh: str
    en: str
    field: str = ""
    task_id: str | None = None
    arrive_at: datetime | None = None
    leave_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedResult:
    """A feed line by line; orders the feed no longer names are listed as questions, never cancelled by silence."""

    rows: tuple[FeedRow, ...]
    booked: int
    problems: int


@dataclass(slots=True, kw_only=True)
class _Imagined:
    """The beds that lines further up would have taken."""

    beds: list[tuple[str, Period]] = field(default_factory=list)

    def taken(self, period: Period) -> list[str]:
        """This will name the beds taken in a period."""
        return [bed_id for bed_id, other in self.beds if other.meets(period)]


def import_feed(*, actor: Actor, content: bytes, feed: str, unit_id: str | None, now: datetime) -> FeedResult:
    """This will take in a file: a calendar of one unit, or an order list or workbook that names its units."""
    found = _read(actor, content, unit_id)
    whence = Whence(feed=feed, unit_id=unit_id)
    rows = [
        row_of(entry, intake_orders.take_in(actor=actor, entry=entry, whence=whence, now=now))
        if isinstance(entry, FeedOrder)
        else problem_row(entry)
        for entry in found
    ]
    with transaction.atomic():
        rows += _missing(actor, found, whence, now=now)
        if any(row.outcome != "problem" for row in rows):
            privacy.record(actor=actor, verb="import_feed", subject=unit_id or "", reason=feed, now=now)
    return result_of(rows)


def preview_feed(*, actor: Actor, content: bytes, feed: str, unit_id: str | None, now: datetime) -> FeedResult:
    """This will say what would become of each line if the file were taken in now, and change nothing."""
    found = _read(actor, content, unit_id)
    whence = Whence(feed=feed, unit_id=unit_id)
    imagined = _Imagined()
    return result_of(
        row_of(entry, _judged(actor, entry, whence, imagined, now=now))
        if isinstance(entry, FeedOrder)
        else problem_row(entry)
        for entry in found
    )


def _read(actor: Actor, content: bytes, unit_id: str | None) -> list[FeedOrder | FeedProblem]:
    if not actor.may(Role.OFFICE):
        actor.require_any(Role.OPERATOR)
    if unit_id is not None:
        require_unit(actor, unit_id)
    if len(content) > TEXT_BYTES:
        raise FileTooBig(field="file", limit_mb=TEXT_BYTES // 1024 // 1024)
    own = occupied.own_ending(actor.estate_id)
    return read_feed(content, zone=places.zone(estate_id=actor.estate_id), own=own)


def result_of(rows: Iterable[FeedRow]) -> FeedResult:
    """This will sum the lines up."""
    told = tuple(rows)
    return FeedResult(
        rows=told,
        booked=sum(1 for row in told if row.outcome == "booked"),
        problems=sum(1 for row in told if row.outcome in OF_NOTE),
    )


def row_of(entry: FeedOrder, taken: Taken) -> FeedRow:
    """This will tell what became of an order as a line."""
    return FeedRow(
        line=entry.line,
        ref=entry.ref,
        outcome=taken.outcome,
        booking_id=taken.booking_id,
        code=taken.code,
        zh=taken.zh,
        en=taken.en,
        field=taken.field,
        task_id=taken.task_id,
        arrive_at=entry.arrive_at,
        leave_at=entry.leave_at,
    )


def problem_row(entry: FeedProblem) -> FeedRow:
    """This will tell a line that is no order; a host's own block, and our own calendar come back, are no problems."""
    return FeedRow(
        line=entry.line,
        ref=entry.ref,
        outcome="block" if entry.code in HARMLESS else "problem",
        booking_id=None,
        code=entry.code,
        zh=entry.zh,
        en=entry.en,
        field=entry.field,
    )


def _missing(actor: Actor, found: Sequence[FeedOrder | FeedProblem], whence: Whence, *, now: datetime) -> list[FeedRow]:
    # An empty file is a fault of the feed, not the end of every booking; an order list is a part, not the whole.
    calendar = next((entry for entry in found if isinstance(entry, FeedOrder) and entry.unit is None), None)
    if calendar is None or whence.unit_id is None:
        return []
    try:
        unit = intake_orders.unit_for(actor, calendar, whence)
    except Refusal:
        return []
    about = About(
        estate_id=actor.estate_id,
        operator_id=unit.operator_id,
        scope=whence.scope(calendar, unit.operator_id),
        feed=whence.feed,
        ref="",
        unit_id=unit.id,
    )
    return [
        FeedRow(
            line=0,
            ref=absence.ref,
            outcome="question",
            booking_id=absence.booking_id,
            code="missing",
            zh="订单已多次未出现在日历中，是否取消？",
            en="the feed has repeatedly not named this order; cancel it?",
            task_id=absence.task_id,
        )
        for absence in note_absences(about=about, named={entry.ref for entry in found}, now=now)
    ]


def _judged(actor: Actor, entry: FeedOrder, whence: Whence, imagined: _Imagined, *, now: datetime) -> Taken:
    try:
        unit = intake_orders.unit_for(actor, entry, whence)
        known = intake_orders.find_entry(actor.estate_id, whence.scope(entry, unit.operator_id), entry.ref)
        settled = intake_orders.is_settled(entry, unit, known, whence, now=now)
        if settled is not None:
            return settled
        booking = intake_orders.open_booking_of(actor.estate_id, entry, unit, known)
        return _would_be(entry, unit, booking, whence, imagined, now=now)
    except Refusal as refusal:
        told = refusal.message()
        outcome = "conflict" if refusal.code in CONFLICTS else "problem"
        return Taken(outcome=outcome, code=refusal.code, zh=told["zh"], en=told["en"], field=refusal.field or "")


def _would_be(
    entry: FeedOrder,
    unit: lettings.UnitView,
    booking: Booking | None,
    whence: Whence,
    imagined: _Imagined,
    *,
    now: datetime,
) -> Taken:
    if booking is None and entry.cancelled:
        return said("cancelled", words="not_booked")
    if booking is not None:
        if not entry.cancelled and intake_orders.is_same(entry, unit, booking):
            return said("unchanged", booking_id=booking.id)
        if Stay.objects.filter(booking=booking, state__in=OPEN_STAYS).exists():
            return said("question", booking_id=booking.id)
        if entry.cancelled:
            return said("cancelled", booking_id=booking.id)
    wanted = intake_orders.wanted_of(entry, unit, whence)
    beds = letting.beds_for(
        unit=unit,
        wanted=wanted,
        without=booking.id if booking is not None else None,
        also=imagined.taken(wanted.period),
        now=now,
    )
    imagined.beds += [(bed_id, wanted.period) for bed_id in beds]
    return said("changed", booking_id=booking.id) if booking is not None else said("booked")
