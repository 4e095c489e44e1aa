"""What is so about bookings: what a link invites to, what an operator has let."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from linli.server.kernel import clock
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound
from linli.server.lettings import queries as lettings
from linli.server.places import queries as places
from linli.server.privacy import queries as privacy
from linli.server.stays.models import BedHold, Booking, HouseRules, Stay
from linli.server.stays.queries.views import (
    BookingView,
    FellowGuest,
    FreeBed,
    HouseRulesView,
    Invitation,
    InvitedBooking,
    InvitedRoom,
    NoticeView,
    PlaceName,
    UnitName,
)
from linli.server.stays.rules.states import OPEN_STAYS, StayState

PAGE = 50


def house_rules(*, estate_id: str, now: datetime) -> HouseRulesView:
    """This will return the house rules in force; an estate without any has not been opened: `NotFound`."""
    row = HouseRules.objects.filter(estate_id=estate_id, in_force_from__lte=now).order_by("-in_force_from").first()
    if row is None:
        raise NotFound
    return HouseRulesView(version=row.version, zh=tuple(row.zh), en=tuple(row.en))


def notice(*, estate_id: str) -> NoticeView:
    """This will return the privacy notice a guest must have seen."""
    purpose = privacy.get_purpose(estate_id=estate_id, code="lodging_registration")
    return NoticeView(version=purpose.notice_version, zh=purpose.notice_zh, en=purpose.notice_en)


def find_booking(*, estate_id: str, booking_id: str) -> Booking | None:
    """This will return the booking's row, for this domain's own actions."""
    return Booking.objects.filter(estate_id=estate_id, id=booking_id).first()


def get_invitation(*, actor: Actor, booking_id: str, now: datetime) -> Invitation:
    """This will return what a registration link opens; refuses with `NotFound` or `NotAllowed`."""
    row = find_booking(estate_id=actor.estate_id, booking_id=booking_id)
    if row is None:
        raise NotFound
    actor.require(Role.GUEST, scope=f"booking:{booking_id}")
    unit = lettings.get_unit(estate_id=row.estate_id, unit_id=row.unit_id)
    estate = places.get_estate(estate_id=row.estate_id)
    guests = list(Stay.objects.filter(booking=row).exclude(state=StayState.CANCELLED).order_by("registered_at"))
    held = set(BedHold.objects.filter(booking=row, released_at__isnull=True).values_list("bed_id", flat=True))
    return Invitation(
        estate=PlaceName(name_zh=estate.name_zh, name_en=estate.name_en),
        unit=UnitName(label=unit.code, address=unit.label_zh),
        booking=InvitedBooking(
            id=row.id,
            arrive_at=row.arrive_at,
            leave_at=row.leave_at,
            guests_expected=row.guests_expected,
            guests_registered=len(guests),
            state=row.state,
        ),
        rooms=tuple(
            _invited_room(room, held, guests) for room in unit.rooms if any(b.bed_id in held for b in room.beds)
        ),
        guests=tuple(FellowGuest(stay_id=g.id, name_masked=g.guest_masked, state=g.state) for g in guests),
        house_rules=house_rules(estate_id=row.estate_id, now=now),
        notice=notice(estate_id=row.estate_id),
    )


def _invited_room(room: lettings.LetRoomView, held: set[str], guests: list[Stay]) -> InvitedRoom:
    here = [guest for guest in guests if guest.room_id == room.room_id and guest.state in OPEN_STAYS]
    used = {guest.bed_id for guest in here}
    beds = tuple(
        FreeBed(id=bed.bed_id, label=bed.label, free=bed.bed_id not in used) for bed in room.beds if bed.bed_id in held
    )
    most = room.max_occupancy if room.mode == "room" else len(beds)
    return InvitedRoom(id=room.room_id, label=room.label, beds=beds, places_free=max(0, most - len(here)))


def booking_view(row: Booking, *, unit: lettings.UnitView | None = None) -> BookingView:
    """This will show a booking to its operator or the office; the unit is looked up unless it is at hand."""
    unit = unit or lettings.get_unit(estate_id=row.estate_id, unit_id=row.unit_id)
    return _views([row], {unit.id: unit})[0]


def _views(rows: Sequence[Booking], units: Mapping[str, lettings.UnitView]) -> tuple[BookingView, ...]:
    held: dict[str, list[str]] = {}
    holds = BedHold.objects.filter(booking__in=rows, released_at__isnull=True).order_by("bed_id")
    for booking_id, bed_id in holds.values_list("booking_id", "bed_id"):
        held.setdefault(booking_id, []).append(bed_id)
    registered = Stay.objects.filter(booking__in=rows).exclude(state=StayState.CANCELLED)
    counts = Counter(registered.values_list("booking_id", flat=True))
    return tuple(_view(row, units[row.unit_id], held.get(row.id, []), counts[row.id]) for row in rows)


def _view(row: Booking, unit: lettings.UnitView, held: Sequence[str], registered: int) -> BookingView:
    labels = {bed.bed_id: f"{room.label}-{bed.label}" for room in unit.rooms for bed in room.beds}
    return BookingView(
        id=row.id,
        unit_id=row.unit_id,
        unit_label=unit.label_zh,
        channel=row.channel,
        channel_ref=row.channel_ref,
        booker_masked=row.booker_masked,
        arrive_at=row.arrive_at,
        leave_at=row.leave_at,
        guests_expected=row.guests_expected,
        guests_registered=registered,
        beds=tuple(dict.fromkeys(labels[bed_id] for bed_id in held if bed_id in labels)),
        state=row.state,
    )


def list_bookings(*, actor: Actor, day: date | None, page: int) -> tuple[BookingView, ...]:
    """This will list bookings that touch a local day (or all), newest first, to the office or their operator."""
    rows = Booking.objects.filter(estate_id=actor.estate_id)
    if not actor.may(Role.OFFICE, Role.GUARD, Role.SYSTEM):
        actor.require_any(Role.OPERATOR)
        owned = [scope.removeprefix("operator:") for scope in actor.scopes(Role.OPERATOR)]
        rows = rows.filter(unit__operator_id__in=owned)
    if day is not None:
        start, end = clock.local_day(day, places.zone(estate_id=actor.estate_id))
        rows = rows.filter(arrive_at__lt=end, leave_at__gt=start)
    page = max(1, page)
    chosen = list(rows.order_by("-arrive_at", "-id")[(page - 1) * PAGE : page * PAGE])
    known = lettings.list_units_by_id(estate_id=actor.estate_id, unit_ids={row.unit_id for row in chosen})
    return _views(chosen, {unit.id: unit for unit in known})
