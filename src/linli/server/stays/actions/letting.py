"""Bookings: made, extended, cancelled, not taken up. The bed's lock is taken first, the rule explains, the constraint decides."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import IntegrityError, transaction
from django.db.models import DateTimeField, F, Func, QuerySet, Value
from psycopg.types.range import TimestamptzRange

from linli.server.access import actions as access
from linli.server.access.queries import Origin
from linli.server.kernel import crypto, ids, locks, outbox, tickets
from linli.server.kernel.actors import Actor, Role, system
from linli.server.kernel.errors import NotFound, Refusal
from linli.server.kernel.locks import Lock
from linli.server.kernel.periods import Period
from linli.server.lettings import queries as lettings
from linli.server.people import queries as people
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries as privacy_queries
from linli.server.stays import queries
from linli.server.stays.events import StayCancelled, StayExtended
from linli.server.stays.models import BedHold, Booking, Stay
from linli.server.stays.queries import BookingView
from linli.server.stays.rules import beds as bed_rules
from linli.server.stays.rules.beds import BedTaken
from linli.server.stays.rules.states import (
    OPEN_STAYS,
    BookingNotOpen,
    BookingState,
    GuestsInHouse,
    ReportState,
    StayState,
)

EXCLUSION = "bed_is_let_once_at_a_time"


class UnitNotLetting(Refusal):
    """This flat is not letting at present."""

    zh = "该房源暂停接待。"


class OrderKnown(Refusal):
    """This order has already been booked."""

    zh = "该订单已登记。"


class GuestsRegistered(Refusal):
    """Guests have registered for this booking; ask them before its dates change."""

    zh = "客人已登记，更改日期前请与客人确认。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A booking as it is asked for; without rooms or beds the first free ones are taken, of the rooms `among` if it names any."""

    unit_id: str
    period: Period
    guests_expected: int
    channel: str = "operator"
    channel_ref: str | None = None
    booker_name: str = ""
    booker_phone: str = ""
    room_ids: Sequence[str] = ()
    bed_ids: Sequence[str] = ()
    among: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """A new booking, and the token of its registration link."""

    booking: BookingView
    registration_token: str


def book(*, actor: Actor, wanted: Wanted, now: datetime) -> Booked:
    """This will let beds of one unit for a period and invite the guests.

    Raises `NotAllowed`, `UnitNotLetting`, `PeriodImpossible`, `BedTaken`, `NoFreeBed`, `TooManyGuests`, `OrderKnown` and the like.
    """
    unit = lettings.get_unit(estate_id=actor.estate_id, unit_id=wanted.unit_id)
    if not actor.may(Role.OFFICE, Role.SYSTEM):
        actor.require(Role.OPERATOR, scope=f"operator:{unit.operator_id}")
    if unit.state != "ACTIVE":
        raise UnitNotLetting(field="unit_id")
    bed_rules.check_period(wanted.period, now=now)
    purpose = privacy_queries.get_purpose(estate_id=actor.estate_id, code="lodging_registration")
    with transaction.atomic():
        locks.take_all(Lock.BED, [bed.bed_id for room in unit.rooms for bed in room.beds])
        _check_new_order(actor, wanted)
        holds = _chosen(unit, wanted, _taken(unit, wanted.period))
        row = Booking.objects.create(
            id=ids.new("book"),
            estate_id=actor.estate_id,
            unit_id=unit.id,
            purpose_id=purpose.id,
            channel=wanted.channel,
            channel_ref=wanted.channel_ref,
            **_booker(wanted),
            arrive_at=wanted.period.start,
            leave_at=wanted.period.end,
            guests_expected=wanted.guests_expected,
            booked_by=actor.id,
            booked_at=now,
        )
        # The flat was looked at before its beds were locked: somebody may have closed it while we waited.
        if not Booking.objects.filter(id=row.id, unit__state="ACTIVE").exists():
            raise UnitNotLetting(field="unit_id")
        _hold(row, holds, wanted.period)
        privacy.record(actor=actor, verb="book", subject=row.id, now=now)
    return Booked(booking=queries.booking_view(row, unit=unit), registration_token=registration_token(row, now=now))


def _chosen(unit: lettings.UnitView, wanted: Wanted, taken: Collection[str]) -> tuple[bed_rules.Hold, ...]:
    return bed_rules.chosen_holds(
        [room for room in unit.rooms if not wanted.among or room.room_id in wanted.among],
        room_ids=wanted.room_ids,
        bed_ids=wanted.bed_ids,
        taken=taken,
        guests=wanted.guests_expected,
    )


def beds_for(
    *, unit: lettings.UnitView, wanted: Wanted, without: str | None = None, also: Collection[str] = (), now: datetime
) -> tuple[str, ...]:
    """This will name the beds a booking would get if it were made now, or refuse as `book` would; nothing is changed.

    The booking `without` counts as gone, the beds `also` as taken.
    """
    if unit.state != "ACTIVE":
        raise UnitNotLetting(field="unit_id")
    bed_rules.check_period(wanted.period, now=now)
    taken = _taken(unit, wanted.period, without=without) | set(also)
    return tuple(hold.bed_id for hold in _chosen(unit, wanted, taken))


def change_booking(*, actor: Actor, booking_id: str, wanted: Wanted, now: datetime) -> BookingView:
    """This will move a booking to other dates or beds, its link staying good; refuses as `book` does, or with `GuestsRegistered`."""
    unit = lettings.get_unit(estate_id=actor.estate_id, unit_id=wanted.unit_id)
    if unit.state != "ACTIVE":
        raise UnitNotLetting(field="unit_id")
    bed_rules.check_period(wanted.period, now=now)
    with transaction.atomic():
        locks.take_all(Lock.BED, [bed.bed_id for room in unit.rooms for bed in room.beds])
        row = open_booking(actor=actor, booking_id=booking_id)
        require_letting(actor, row)
        if Stay.objects.filter(booking=row, state__in=OPEN_STAYS).exists():
            raise GuestsRegistered
        BedHold.objects.filter(booking=row, released_at__isnull=True).update(released_at=now)
        holds = _chosen(unit, wanted, _taken(unit, wanted.period))
        row.unit_id = unit.id
        row.arrive_at, row.leave_at = wanted.period.start, wanted.period.end
        row.guests_expected = wanted.guests_expected
        told = _booker(wanted)
        row.booker_name, row.booker_phone, row.booker_masked = (
            told[name] for name in ("booker_name", "booker_phone", "booker_masked")
        )
        row.save()
        if not Booking.objects.filter(id=row.id, unit__state="ACTIVE").exists():
            raise UnitNotLetting(field="unit_id")
        _hold(row, holds, wanted.period)
        privacy.record(actor=actor, verb="change_booking", subject=row.id, now=now)
    return queries.booking_view(row, unit=unit)


def registration_token(row: Booking, *, now: datetime) -> str:
    """This will sign the link that lets guests register under a booking."""
    return tickets.issue("registration", {"id": row.id, "estate_id": row.estate_id, "n": row.link_version}, now=now)


def show_link(*, actor: Actor, booking_id: str, now: datetime) -> str:
    """This will sign a booking's link again, for whoever lost it; refuses with `NotFound` or `NotAllowed`."""
    row = queries.find_booking(estate_id=actor.estate_id, booking_id=booking_id)
    if row is None:
        raise NotFound
    if not actor.may(Role.GUARD):
        require_letting(actor, row)
    return registration_token(row, now=now)


def _check_new_order(actor: Actor, wanted: Wanted) -> None:
    known = Booking.objects.filter(estate_id=actor.estate_id, channel=wanted.channel, channel_ref=wanted.channel_ref)
    if wanted.channel_ref is not None and known.exists():
        raise OrderKnown(field="channel_ref")


def _taken(unit: lettings.UnitView, period: Period, *, without: str | None = None) -> frozenset[str]:
    bed_ids = [bed.bed_id for room in unit.rooms for bed in room.beds]
    holds = BedHold.objects.filter(bed_id__in=bed_ids, released_at__isnull=True, period__overlap=_range(period))
    if without is not None:
        holds = holds.exclude(booking_id=without)
    return frozenset(holds.values_list("bed_id", flat=True))


def _range(period: Period) -> TimestamptzRange:
    return TimestamptzRange(period.start, period.end, "[)")


def _booker(wanted: Wanted) -> dict[str, Any]:
    name, phone = wanted.booker_name.strip(), wanted.booker_phone.strip()
    return {
        "booker_name": crypto.seal(name, context="booking.booker_name") if name else None,
        "booker_phone": crypto.seal(phone, context="booking.booker_phone") if phone else None,
        "booker_masked": people.masked_name(name) if name else "",
    }


def _hold(row: Booking, holds: Sequence[bed_rules.Hold], period: Period) -> None:
    try:
        with transaction.atomic():
            BedHold.objects.bulk_create(
                BedHold(
                    id=ids.new("hold"),
                    estate_id=row.estate_id,
                    booking=row,
                    room_id=hold.room_id,
                    bed_id=hold.bed_id,
                    period=_range(period),
                )
                for hold in holds
            )
    except IntegrityError as problem:
        raise _explained(problem) from problem


def _explained(problem: IntegrityError) -> Exception:
    # The lock and the look make this all but impossible; should they ever fail, the database still says no.
    return BedTaken() if EXCLUSION in str(problem) else problem


def open_booking(*, actor: Actor, booking_id: str, states: Sequence[str] = (BookingState.BOOKED,)) -> Booking:
    """This will lock a booking's row for this transaction, or refuse with `NotFound` or `BookingNotOpen`."""
    row = Booking.objects.select_for_update().filter(estate_id=actor.estate_id, id=booking_id).first()
    if row is None:
        raise NotFound
    if row.state not in states:
        raise BookingNotOpen
    return row


def require_letting(actor: Actor, row: Booking | Stay) -> None:
    """This will refuse whoever is neither the office nor the operator of the booking's unit."""
    if actor.may(Role.OFFICE, Role.SYSTEM):
        return
    unit = lettings.get_unit(estate_id=row.estate_id, unit_id=row.unit_id)
    actor.require(Role.OPERATOR, scope=f"operator:{unit.operator_id}")


def cancel_booking(*, actor: Actor, booking_id: str, reason: str, now: datetime) -> BookingView:
    """This will free the beds, end every pass at once and close the booking; refuses with `GuestsInHouse`."""
    return _give_up(
        actor, booking_id, StayState.CANCELLED, BookingState.CANCELLED, verb="cancel_booking", reason=reason, now=now
    )


def mark_no_show(*, actor: Actor, booking_id: str, now: datetime) -> BookingView:
    """This will close a booking whose guests never came; refuses with `GuestsInHouse`."""
    return _give_up(actor, booking_id, StayState.NO_SHOW, BookingState.NO_SHOW, verb="mark_no_show", reason="", now=now)


def close_booking(*, actor: Actor, booking_id: str, now: datetime) -> BookingView:
    """This will close a booking some of whose guests came and left; those who registered and never came are no-shows."""
    return _give_up(actor, booking_id, StayState.NO_SHOW, BookingState.CLOSED, verb="close_booking", reason="", now=now)


def _give_up(
    actor: Actor, booking_id: str, stay_state: StayState, state: BookingState, *, verb: str, reason: str, now: datetime
) -> BookingView:
    with transaction.atomic():
        row = open_booking(actor=actor, booking_id=booking_id)
        require_letting(actor, row)
        open_stays = list(Stay.objects.select_for_update().filter(booking=row, state__in=OPEN_STAYS).order_by("id"))
        if any(stay.state == StayState.IN_HOUSE for stay in open_stays):
            raise GuestsInHouse
        for stay in open_stays:
            _end_unused(stay, stay_state, now=now)
        release(row, state=state, now=now)
        privacy.record(actor=actor, verb=verb, subject=row.id, reason=reason, now=now)
    return queries.booking_view(row)


def _end_unused(stay: Stay, state: StayState, *, now: datetime) -> None:
    stay.state = state
    stay.save(update_fields=["state"])
    access.revoke_passes(actor=system(stay.estate_id), origin=Origin(kind="stay", id=stay.id), reason=state, now=now)
    if stay.report_state != ReportState.NONE:
        event = StayCancelled(estate_id=stay.estate_id, stay_id=stay.id, cancelled_at=now)
        outbox.publish(event, estate_id=stay.estate_id, key=stay.id, now=now)


def release(row: Booking, *, state: BookingState, now: datetime) -> None:
    """This will free what a booking still holds from now on; beds already slept in stay as history."""
    held = BedHold.objects.filter(booking=row, released_at__isnull=True)
    if state in (BookingState.CANCELLED, BookingState.NO_SHOW):
        held.update(released_at=now)
    else:
        let_go(held, now=now)
    row.state = state
    row.closed_at = now
    row.save(update_fields=["state", "closed_at"])


def let_go(held: QuerySet[BedHold], *, now: datetime) -> None:
    """This will end these holds now: one that has not begun is released, one under way ends, one that is over stays as it was."""
    held.filter(period__startswith__gte=now).update(released_at=now)
    under_way = held.filter(period__startswith__lt=now, period__endswith__gt=now)
    under_way.update(period=_span(F("period__startswith"), now))


def _span(start: F, end: datetime) -> Func:
    # Each hold keeps its own beginning: after a move, beds of one booking were taken at different times.
    return Func(
        start,
        Value(end, output_field=DateTimeField()),
        Value("[)"),
        function="tstzrange",
        output_field=DateTimeRangeField(),
    )


def extend_booking(*, actor: Actor, booking_id: str, leave_at: datetime, now: datetime) -> BookingView:
    """This will let the same beds until later, for everybody who is still there; refuses with `BedTaken` or `PeriodImpossible`."""
    with transaction.atomic():
        known = queries.find_booking(estate_id=actor.estate_id, booking_id=booking_id)
        if known is None:
            raise NotFound
        unit = lettings.get_unit(estate_id=actor.estate_id, unit_id=known.unit_id)
        locks.take_all(Lock.BED, [bed.bed_id for room in unit.rooms for bed in room.beds])
        row = open_booking(actor=actor, booking_id=booking_id)
        require_letting(actor, row)
        longer = Period(start=row.leave_at, end=leave_at)
        bed_rules.check_period(Period(start=row.arrive_at, end=leave_at), now=now)
        # Beds that a guest has moved out of were given back; only those held to the end go on.
        held = BedHold.objects.filter(booking=row, released_at__isnull=True, period__endswith__gte=row.leave_at)
        _check_free(row, tuple(held.values_list("bed_id", flat=True)), longer)
        try:
            with transaction.atomic():
                held.update(period=_span(F("period__startswith"), leave_at))
        except IntegrityError as problem:
            raise _explained(problem) from problem
        row.leave_at = leave_at
        row.save(update_fields=["leave_at"])
        for stay in Stay.objects.select_for_update().filter(booking=row, state__in=OPEN_STAYS).order_by("id"):
            _prolong(stay, leave_at, now=now)
        privacy.record(actor=actor, verb="extend_booking", subject=row.id, now=now)
    return queries.booking_view(row)


def _check_free(row: Booking, bed_ids: Sequence[str], period: Period) -> None:
    others = BedHold.objects.filter(bed_id__in=bed_ids, released_at__isnull=True, period__overlap=_range(period))
    if others.exclude(booking=row).exists():
        raise BedTaken(field="leave_at")


def _prolong(stay: Stay, leave_at: datetime, *, now: datetime) -> None:
    stay.leave_at = leave_at
    stay.save(update_fields=["leave_at"])
    if stay.access_pass_id:
        terms = queries.policy(estate_id=stay.estate_id, now=now)
        period = Period(start=stay.arrive_at, end=leave_at).widened(before=terms.grace_before, after=terms.grace_after)
        access.amend_pass(actor=system(stay.estate_id), pass_id=stay.access_pass_id, period=period, now=now)
    if stay.state == StayState.IN_HOUSE:
        event = StayExtended(estate_id=stay.estate_id, stay_id=stay.id, leave_at=leave_at, extended_at=now)
        outbox.publish(event, estate_id=stay.estate_id, key=stay.id, now=now)
