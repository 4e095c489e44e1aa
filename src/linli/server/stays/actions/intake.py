"""Booking feeds: each order booked once, changed orders followed where that is safe, everything else put to the operator as a question."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from linli.server.kernel import ids
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotAllowed, NotFound, Refusal
from linli.server.kernel.files import TEXT_BYTES, FileTooBig
from linli.server.kernel.periods import Period
from linli.server.lettings import queries as lettings
from linli.server.places import queries as places
from linli.server.privacy import actions as privacy
from linli.server.stays.actions import letting
from linli.server.stays.models import FeedEntry, Stay
from linli.server.stays.rules.feeds import FeedOrder, FeedProblem, read_feed
from linli.server.stays.rules.states import OPEN_STAYS, BookingState

MISSED_MEANS_ASK = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRow:
    """What became of one line: booked, unchanged, changed, cancelled, block, conflict, question or problem, and why."""

    line: int
    ref: str
    outcome: str
    booking_id: str | None
    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedResult:
    """A feed line by line; orders the feed no longer names are listed as questions, never cancelled by silence."""

    rows: tuple[FeedRow, ...]
    booked: int
    problems: int


def import_feed(*, actor: Actor, content: bytes, feed: str, unit_id: str | None, now: datetime) -> FeedResult:
    """This will take in a feed: iCal for one unit, or a CSV order list that names its units. One bad line spoils no other."""
    if not actor.may(Role.OFFICE):
        actor.require_any(Role.OPERATOR)
    if len(content) > TEXT_BYTES:
        raise FileTooBig(field="file", limit_mb=TEXT_BYTES // 1024 // 1024)
    found = read_feed(content, zone=places.zone(estate_id=actor.estate_id))
    rows = [_row_of(actor, entry, feed=feed, unit_id=unit_id, now=now) for entry in found]
    # An empty fetch is a fault of the feed, not the end of every booking.
    if unit_id is not None and any(isinstance(entry, FeedOrder) for entry in found):
        rows += _missing(actor, found, feed=feed, unit_id=unit_id, now=now)
    return FeedResult(
        rows=tuple(rows),
        booked=sum(1 for row in rows if row.outcome == "booked"),
        problems=sum(1 for row in rows if row.outcome in ("problem", "conflict", "question")),
    )


def _row_of(actor: Actor, entry: FeedOrder | FeedProblem, *, feed: str, unit_id: str | None, now: datetime) -> FeedRow:
    if isinstance(entry, FeedProblem):
        outcome = "block" if entry.code == "block" else "problem"
        return FeedRow(
            line=entry.line, ref=entry.ref, outcome=outcome, booking_id=None, code=entry.code, zh=entry.zh, en=entry.en
        )
    try:
        with transaction.atomic():
            unit = _unit(actor, entry, unit_id)
            outcome, booking_id, said = _take_in(actor, entry, unit, feed=feed, now=now)
    except Refusal as refusal:
        told = refusal.message()
        outcome = "conflict" if refusal.code in ("bed_taken", "no_free_bed") else "problem"
        return _told(entry, outcome, None, refusal.code, told["zh"], told["en"])
    return _told(entry, outcome, booking_id, outcome, *said)


def _told(entry: FeedOrder, outcome: str, booking_id: str | None, code: str, zh: str, en: str) -> FeedRow:
    return FeedRow(line=entry.line, ref=entry.ref, outcome=outcome, booking_id=booking_id, code=code, zh=zh, en=en)


def _unit(actor: Actor, entry: FeedOrder, unit_id: str | None) -> lettings.UnitView:
    if entry.unit is None and unit_id is None:
        raise NotFound(field="unit")
    if entry.unit is None and unit_id is not None:
        unit = lettings.get_unit(estate_id=actor.estate_id, unit_id=unit_id)
    else:
        found = lettings.find_unit_by_door(estate_id=actor.estate_id, door=entry.unit or "")
        if found is None:
            raise NotFound(field="unit")
        unit = found
    if not actor.may(Role.OFFICE) and not actor.may(Role.OPERATOR, scope=f"operator:{unit.operator_id}"):
        raise NotAllowed(field="unit")
    return unit


def _take_in(
    actor: Actor, entry: FeedOrder, unit: lettings.UnitView, *, feed: str, now: datetime
) -> tuple[str, str | None, tuple[str, str]]:
    known = (
        FeedEntry.objects.select_for_update()
        .filter(estate_id=actor.estate_id, unit_id=unit.id, feed=feed, ref=entry.ref)
        .first()
    )
    if known is not None and known.digest == entry.digest:
        FeedEntry.objects.filter(id=known.id).update(seen_at=now, missed=0)
        return "unchanged", known.booking_id, ("无变化", "unchanged")
    if entry.leave_at <= now:
        return "past", None, ("已过期", "already over")
    if known is not None and known.booking is not None and known.booking.state == BookingState.BOOKED:
        outcome, said = _follow(actor, entry, known, now=now)
        booking_id: str | None = known.booking_id
        if outcome == "rebooked":
            booking_id = _booked(actor, entry, unit, feed=feed, now=now)
            outcome = "changed"
    elif entry.cancelled:
        outcome, booking_id, said = "cancelled", None, ("订单已取消，未登记", "cancelled before it was booked")
    else:
        booking_id = _booked(actor, entry, unit, feed=feed, now=now)
        outcome, said = "booked", ("已登记", "booked")
    _remember(actor, entry, unit, known, feed=feed, booking_id=booking_id, outcome=outcome, now=now)
    return outcome, booking_id, said


def _booked(actor: Actor, entry: FeedOrder, unit: lettings.UnitView, *, feed: str, now: datetime) -> str:
    wanted = letting.Wanted(
        unit_id=unit.id,
        period=Period(start=entry.arrive_at, end=entry.leave_at),
        guests_expected=entry.guests,
        channel=entry.channel,
        booker_name=entry.booker_name,
        booker_phone=entry.booker_phone,
    )
    return letting.book(actor=actor, wanted=wanted, now=now).booking.id


def _follow(actor: Actor, entry: FeedOrder, known: FeedEntry, *, now: datetime) -> tuple[str, tuple[str, str]]:
    booking_id = str(known.booking_id)
    if Stay.objects.filter(booking_id=booking_id, state__in=OPEN_STAYS).exists():
        # Guests have registered: a feed may be stale, so a person decides.
        return "question", (
            "客人已登记，订单有变，请确认",
            "guests have registered and the order changed; please decide",
        )
    letting.cancel_booking(actor=actor, booking_id=booking_id, reason=f"feed {known.feed}", now=now)
    if entry.cancelled:
        return "cancelled", ("订单取消，床位已释放", "cancelled; the beds are free again")
    return "rebooked", ("订单变更，已更新", "changed; booked anew")


def _remember(
    actor: Actor,
    entry: FeedOrder,
    unit: lettings.UnitView,
    known: FeedEntry | None,
    *,
    feed: str,
    booking_id: str | None,
    outcome: str,
    now: datetime,
) -> None:
    facts = {"digest": entry.digest, "booking_id": booking_id, "outcome": outcome, "missed": 0, "seen_at": now}
    if known is not None:
        FeedEntry.objects.filter(id=known.id).update(**facts)
        return
    FeedEntry.objects.create(
        id=ids.new("feed"), estate_id=actor.estate_id, unit_id=unit.id, feed=feed, ref=entry.ref, **facts
    )


def _missing(
    actor: Actor, found: Sequence[FeedOrder | FeedProblem], *, feed: str, unit_id: str, now: datetime
) -> list[FeedRow]:
    named = [entry.ref for entry in found]
    gone = FeedEntry.objects.filter(
        estate_id=actor.estate_id,
        unit_id=unit_id,
        feed=feed,
        booking__state=BookingState.BOOKED,
        booking__arrive_at__gt=now,
    ).exclude(ref__in=named)
    rows = []
    with transaction.atomic():
        for entry in gone.select_for_update(of=("self",)):
            entry.missed += 1
            entry.save(update_fields=["missed"])
            if entry.missed >= MISSED_MEANS_ASK:
                zh, en = (
                    "订单连续三次未出现在日历中，是否取消？",
                    "the feed has not named this order three times running; cancel it?",
                )
                rows.append(
                    FeedRow(
                        line=0,
                        ref=entry.ref,
                        outcome="question",
                        booking_id=entry.booking_id,
                        code="missing",
                        zh=zh,
                        en=en,
                    )
                )
        privacy.record(actor=actor, verb="import_feed", subject=unit_id, reason=feed, now=now)
    return rows
