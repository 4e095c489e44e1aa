"""Who is in the house: arriving, moving, leaving, and what happens when nobody saw it."""

import contextlib
from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, connection, transaction
from psycopg.types.range import TimestamptzRange

from linli.server.access import actions as access
from linli.server.access.queries import Origin
from linli.server.kernel import ids, locks, outbox
from linli.server.kernel.actors import Actor, Role, system
from linli.server.kernel.errors import NotAllowed, NotFound, Refusal
from linli.server.kernel.locks import Lock
from linli.server.lettings import actions as letting_actions
from linli.server.lettings import queries as lettings
from linli.server.privacy import actions as privacy
from linli.server.stays import queries
from linli.server.stays.actions import letting
from linli.server.stays.actions.registration import locked_stay
from linli.server.stays.events import GuestCheckedIn, GuestCheckedOut, GuestMoved, RegistrationAmended
from linli.server.stays.models import BedHold, Booking, Stay
from linli.server.stays.queries import StayView
from linli.server.stays.rules.beds import BedTaken, NotInThisUnit, RoomFull
from linli.server.stays.rules.states import (
    GONE,
    OPEN_STAYS,
    BookingNotOpen,
    BookingState,
    GuestsInHouse,
    ReportState,
    StayNotThere,
    StayState,
    check_step,
)


class GuestsStillThere(Refusal):
    """Guests are still booked or staying in this flat; it can be closed when they have left."""

    zh = "该房源仍有在住或已预订的客人，退房后方可关闭。"


def mark_arrival(*, estate_id: str, stay_id: str, happened_at: datetime, now: datetime) -> None:
    """This will note a guest's first entry; it may come late from a gate that was offline, even after check-out."""
    with transaction.atomic():
        stay = locked_stay(actor=system(estate_id), stay_id=stay_id)
        if stay.arrived_at is not None:
            return
        # No pass opens before it is granted, and nothing has happened yet that will: a gate's clock that says so is wrong.
        happened_at = min(max(happened_at, stay.registered_at), now)
        stay.arrived_at = happened_at
        if stay.state == StayState.VERIFIED:
            _enter(stay, at=happened_at, now=now)
        elif stay.state in (StayState.IN_HOUSE, *GONE) and stay.checked_in_at and happened_at < stay.checked_in_at:
            # Check-in had been noted by hand or presumed: the gate knows better, and the report is mended.
            stay.checked_in_at = happened_at
            stay.save(update_fields=["arrived_at", "checked_in_at"])
            event = RegistrationAmended(estate_id=estate_id, stay_id=stay.id, amended_at=now)
            outbox.publish(event, estate_id=estate_id, key=stay.id, now=now)
        else:
            stay.save(update_fields=["arrived_at"])


def check_in(*, actor: Actor, stay_id: str, now: datetime) -> StayView:
    """This will note by hand that a verified guest has arrived; refuses with `StayNotThere`."""
    with transaction.atomic():
        stay = locked_stay(actor=actor, stay_id=stay_id)
        if not actor.may(Role.GUARD):
            letting.require_letting(actor, stay)
        _enter(stay, at=now, now=now)
        privacy.record(actor=actor, verb="check_in", subject=stay.id, now=now)
    return queries.view(stay)


def _enter(stay: Stay, *, at: datetime, now: datetime) -> None:
    stay.state = check_step(stay.state, "check_in")
    stay.checked_in_at = at
    stay.report_state = ReportState.DUE
    stay.save(update_fields=["state", "checked_in_at", "arrived_at", "report_state"])
    event = GuestCheckedIn(estate_id=stay.estate_id, stay_id=stay.id, checked_in_at=at)
    outbox.publish(event, estate_id=stay.estate_id, key=stay.id, now=now)


def check_out(*, actor: Actor, stay_id: str, now: datetime) -> StayView:
    """This will end a stay and close every door to it at once; refuses with `StayNotThere`.

    A guest whom no gate has reported yet (it may be offline) is checked in first, so that no night goes unreported.
    """
    with transaction.atomic():
        stay = locked_stay(actor=actor, stay_id=stay_id)
        _require_leaver(actor, stay)
        check_step(stay.state, "check_out")
        if stay.state == StayState.VERIFIED:
            _check_begun(stay, now=now)
            _enter(stay, at=min(max(stay.arrive_at, stay.registered_at), now), now=now)
        _leave(stay, StayState.CHECKED_OUT, at=now, now=now)
        privacy.record(actor=actor, verb="check_out", subject=stay.id, now=now)
    return queries.view(stay)


def _check_begun(stay: Stay, *, now: datetime) -> None:
    # Before the pass begins nobody can have come in: a night that was not slept must not be reported. Cancel the booking instead.
    if now < stay.arrive_at - queries.policy(estate_id=stay.estate_id, now=now).grace_before:
        raise StayNotThere(state=stay.state)


def _require_leaver(actor: Actor, stay: Stay) -> None:
    if not actor.may(Role.GUEST, scope=f"stay:{stay.id}") and not actor.may(Role.GUARD):
        letting.require_letting(actor, stay)


def _leave(stay: Stay, state: StayState, *, at: datetime, now: datetime) -> None:
    stay.state = state
    stay.checked_out_at = at
    stay.presumed_left = state == StayState.AUTO_CLOSED
    stay.save(update_fields=["state", "checked_out_at", "presumed_left"])
    access.revoke_passes(actor=system(stay.estate_id), origin=Origin(kind="stay", id=stay.id), reason=state, now=now)
    event = GuestCheckedOut(estate_id=stay.estate_id, stay_id=stay.id, checked_out_at=at, presumed=stay.presumed_left)
    outbox.publish(event, estate_id=stay.estate_id, key=stay.id, now=now)
    _close_when_empty(stay, now=now)


def _close_when_empty(stay: Stay, *, now: datetime) -> None:
    booking = Booking.objects.get(id=stay.booking_id)
    if Stay.objects.filter(booking=booking, state__in=OPEN_STAYS).exists():
        return
    registered = Stay.objects.filter(booking=booking).exclude(state=StayState.CANCELLED).count()
    if booking.state == BookingState.BOOKED and (registered >= booking.guests_expected or now >= booking.leave_at):
        letting.release(booking, state=BookingState.CLOSED, now=now)


def move_guest(*, actor: Actor, stay_id: str, room_id: str, bed_id: str | None, now: datetime) -> StayView:
    """This will give a guest another room or bed of the same flat; refuses with `BedTaken`, `RoomFull` or `NotInThisUnit`."""
    with transaction.atomic():
        unit_id = Stay.objects.filter(estate_id=actor.estate_id, id=stay_id).values_list("unit_id", flat=True).first()
        if unit_id is None:
            raise NotFound
        unit = lettings.get_unit(estate_id=actor.estate_id, unit_id=unit_id)
        locks.take_all(Lock.BED, [bed.bed_id for room in unit.rooms for bed in room.beds])
        stay = locked_stay(actor=actor, stay_id=stay_id)
        letting.require_letting(actor, stay)
        check_step(stay.state, "move")
        room = next((room for room in unit.rooms if room.room_id == room_id), None)
        if room is None or (bed_id is not None and bed_id not in {bed.bed_id for bed in room.beds}):
            raise NotInThisUnit(field="bed_id" if room else "room_id")
        _hold_bed(stay, room, bed_id, now=now)
        if stay.state == StayState.IN_HOUSE:
            event = GuestMoved(estate_id=stay.estate_id, stay_id=stay.id, moved_at=now)
            outbox.publish(event, estate_id=stay.estate_id, key=stay.id, now=now)
        privacy.record(actor=actor, verb="move_guest", subject=stay.id, now=now)
    return queries.view(stay)


def _hold_bed(stay: Stay, room: lettings.LetRoomView, bed_id: str | None, *, now: datetime) -> None:
    fellows = Stay.objects.filter(booking=stay.booking, state__in=OPEN_STAYS, room_id=room.room_id).exclude(id=stay.id)
    used = set(fellows.values_list("bed_id", flat=True))
    most = room.max_occupancy if room.mode == "room" else len(room.beds)
    free = [bed.bed_id for bed in room.beds if bed.bed_id not in used and bed_id in (None, bed.bed_id)]
    if len(fellows) >= most or not free:
        raise RoomFull(field="room_id")
    wanted = [bed.bed_id for bed in room.beds] if room.mode == "room" else free[:1]
    # A bed held to the end is already ours; one left by an earlier move was given back and must be taken anew.
    held = BedHold.objects.filter(booking=stay.booking, released_at__isnull=True, period__endswith__gte=stay.leave_at)
    mine = set(held.values_list("bed_id", flat=True))
    start = max(now, stay.arrive_at)
    try:
        with transaction.atomic():
            BedHold.objects.bulk_create(
                BedHold(
                    id=ids.new("hold"),
                    estate_id=stay.estate_id,
                    booking=stay.booking,
                    room_id=room.room_id,
                    bed_id=bed,
                    period=TimestamptzRange(start, stay.leave_at, "[)"),
                )
                for bed in wanted
                if bed not in mine
            )
    except IntegrityError as problem:
        raise BedTaken(field="bed_id") from problem
    left_bed, left_room = stay.bed_id, stay.room_id
    stay.room_id, stay.bed_id = room.room_id, free[0]
    stay.save(update_fields=["room", "bed"])
    _let_go(stay, left_bed, now=now)
    if left_room != stay.room_id:
        _let_go_of_room(stay, left_room, now=now)


def _let_go(stay: Stay, bed_id: str | None, *, now: datetime) -> None:
    still = Stay.objects.filter(booking=stay.booking, state__in=OPEN_STAYS, bed_id=bed_id).exists()
    held = BedHold.objects.filter(booking=stay.booking, bed_id=bed_id, released_at__isnull=True)
    if bed_id is None or still:
        return
    letting.let_go(held, now=now)


def _let_go_of_room(stay: Stay, room_id: str, *, now: datetime) -> None:
    # Once everybody is registered and nobody sleeps there, a room taken whole is given back whole.
    there = Stay.objects.filter(booking=stay.booking, state__in=OPEN_STAYS)
    if there.filter(room_id=room_id).exists() or there.count() < stay.booking.guests_expected:
        return
    letting.let_go(BedHold.objects.filter(booking=stay.booking, room_id=room_id, released_at__isnull=True), now=now)


def close_overdue(*, estate_id: str, now: datetime) -> int:
    """This will close stays that nobody checked out, flagged as presumed (推定退房), and note those who never came."""
    terms = queries.policy(estate_id=estate_id, now=now)
    overdue = Stay.objects.filter(
        estate_id=estate_id, state=StayState.IN_HOUSE, leave_at__lt=now - terms.auto_close_after
    )
    closed = 0
    for stay_id in list(overdue.order_by("id").values_list("id", flat=True)):
        with transaction.atomic():
            stay = locked_stay(actor=system(estate_id), stay_id=stay_id)
            if stay.state == StayState.IN_HOUSE:
                _leave(stay, StayState.AUTO_CLOSED, at=stay.leave_at, now=now)
                privacy.record(actor=system(estate_id), verb="presume_left", subject=stay.id, now=now)
                closed += 1
    return closed + _close_unused(estate_id, now=now)


def _close_unused(estate_id: str, *, now: datetime) -> int:
    # Those who never came, and bookings whose last guest left before everybody expected had registered.
    terms = queries.policy(estate_id=estate_id, now=now)
    due = Booking.objects.filter(
        estate_id=estate_id, state=BookingState.BOOKED, leave_at__lt=now - terms.auto_close_after
    )
    closed = 0
    for booking_id in list(due.order_by("id").values_list("id", flat=True)):
        # Somebody may close it, or a late word of a gate bring a guest in, while we look: then there is nothing to do.
        with contextlib.suppress(BookingNotOpen, GuestsInHouse):
            end = letting.close_booking if _somebody_came(booking_id) else letting.mark_no_show
            end(actor=system(estate_id), booking_id=booking_id, now=now)
            closed += 1
    return closed


def _somebody_came(booking_id: str) -> bool:
    return Stay.objects.filter(booking_id=booking_id, state__in=GONE).exists()


def hold_passes_of_unit(*, estate_id: str, unit_id: str, at_once: bool, now: datetime) -> int:
    """This will suspend the passes of guests who have not yet arrived in a suspended flat; `at_once`, those in the house too.

    Nobody is locked out of a bed by a letter: guests in the house keep their pass unless the suspension says danger.
    """
    return _toggle(estate_id, unit_id, hold=True, everybody=at_once, now=now)


def release_passes_of_unit(*, estate_id: str, unit_id: str, now: datetime) -> int:
    """This will give the passes back when a flat lets again."""
    return _toggle(estate_id, unit_id, hold=False, everybody=True, now=now)


def _toggle(estate_id: str, unit_id: str, *, hold: bool, everybody: bool, now: datetime) -> int:
    states = (StayState.VERIFIED, StayState.IN_HOUSE) if everybody else (StayState.VERIFIED,)
    with transaction.atomic():
        # Every booking first: whoever is just being admitted or checked out holds one of them, and nobody is missed or crossed.
        open_bookings = Booking.objects.select_for_update().filter(
            estate_id=estate_id, unit_id=unit_id, state=BookingState.BOOKED
        )
        list(open_bookings.order_by("id").values_list("id", flat=True))
        found = Stay.objects.filter(estate_id=estate_id, unit_id=unit_id, state__in=states).order_by("id")
        stay_ids = list(found.values_list("id", flat=True))
        for stay_id in stay_ids:
            origin = Origin(kind="stay", id=stay_id)
            if hold:
                access.suspend_passes(actor=system(estate_id), origin=origin, reason="the flat is suspended", now=now)
            else:
                access.resume_passes(actor=system(estate_id), origin=origin, now=now)
    return len(stay_ids)


def close_unit(*, actor: Actor, unit_id: str, reason: str, now: datetime) -> lettings.UnitView:
    """This will end the letting of a flat for good; refuses with `GuestsStillThere` while anybody is booked or staying."""
    unit = lettings.get_unit(estate_id=actor.estate_id, unit_id=unit_id)
    # Asked first: whether guests are there is nobody's business who may not close the flat.
    if "close" not in letting_actions.allowed_verbs(actor=actor, operator_id=unit.operator_id):
        raise NotAllowed
    with transaction.atomic():
        locks.take_all(Lock.BED, [bed.bed_id for room in unit.rooms for bed in room.beds])
        booked = Booking.objects.filter(estate_id=actor.estate_id, unit_id=unit_id, state=BookingState.BOOKED)
        if booked.exists() or Stay.objects.filter(unit_id=unit_id, state__in=OPEN_STAYS).exists():
            raise GuestsStillThere
        return letting_actions.close_unit(actor=actor, unit_id=unit_id, reason=reason, now=now)


def note_reports(*, actor: Actor, standing: Mapping[str, tuple[str, str]]) -> None:
    """This will write where the lodging reports of stays stand, a state and a receipt for each id; called by the connectors in the
    transaction that changed it.
    """
    actor.require(Role.SYSTEM)
    states = [ReportState(state).value for state, _ in standing.values()]
    receipts = [receipt[:80] for _, receipt in standing.values()]
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [list(standing), states, receipts, actor.estate_id])


# One statement for the many that are told together; in the order of their ids, as whoever else locks several does.
_NOTE = """
    WITH held AS (
        SELECT s.id, told.state, told.receipt FROM stays_stay s
        JOIN unnest(%s::varchar[], %s::varchar[], %s::varchar[]) AS told (id, state, receipt) ON told.id = s.id
        WHERE s.estate_id = %s ORDER BY s.id FOR UPDATE OF s
    )
    UPDATE stays_stay s SET report_state = held.state, receipt = held.receipt FROM held WHERE s.id = held.id
"""
