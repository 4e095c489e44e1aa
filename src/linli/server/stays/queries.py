"""What is so about bookings and stays: frozen views, which are also the API's answers."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q, QuerySet

from linli.server.kernel import clock
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound
from linli.server.lettings import queries as lettings
from linli.server.places import queries as places
from linli.server.privacy import queries as privacy
from linli.server.stays.models import BedHold, Booking, GuardianContact, HouseRules, Stay, StayPolicy
from linli.server.stays.rules.admission import DECIDING, Belongs, report_due_at
from linli.server.stays.rules.states import GONE, OPEN_STAYS, BookingState, Policy, ReportState, StayState, identity

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionView:
    """What the check-in table said: deciding row, result, duties, message."""

    row: int
    result: str
    duties: tuple[str, ...]
    message: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class PassState:
    """The guest's pass in short."""

    id: str
    state: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """Where the lodging report of a stay stands, its receipt, and when it is due."""

    state: str
    receipt: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StayView:
    """One guest's stay as the guest, the host and the desk see it; nothing here identifies the guest's document in full."""

    id: str
    booking_id: str
    state: str
    identity: str
    level: int
    name_masked: str
    document_masked: str
    unit: str
    room: str
    bed: str | None
    minor: bool
    belongs: str
    arrive_at: datetime
    leave_at: datetime
    checked_in_at: datetime | None
    checked_out_at: datetime | None
    decision: DecisionView
    access_pass: PassState | None
    report: ReportView | None
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StayRow:
    """One line of the arrivals table."""

    id: str
    booking_id: str
    unit_label: str
    room_label: str
    bed_label: str | None
    guest_masked: str
    kind: str
    minor: bool
    state: str
    level: int
    arrive_at: datetime
    leave_at: datetime
    checked_in_at: datetime | None
    report_state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StayPage:
    """A page of stays, 50 a page, and how many there are in all."""

    items: tuple[StayRow, ...]
    total: int
    page: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingView:
    """A booking as its operator sees it; the link is for the booker to pass on."""

    id: str
    unit_id: str
    unit_label: str
    channel: str
    channel_ref: str | None
    booker_masked: str
    arrive_at: datetime
    leave_at: datetime
    guests_expected: int
    guests_registered: int
    beds: tuple[str, ...]
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFacts:
    """What a platform may be told about a stay, apart from the guest's identity."""

    stay_id: str
    booking_id: str
    person_id: str
    document_id: str
    unit_id: str
    unit_code: str
    unit_mark: str
    address_zh: str
    room_label: str
    bed_label: str | None
    belongs: str
    checked_in_at: datetime | None
    checked_out_at: datetime | None
    leave_at: datetime
    operator_name: str
    presumed_left: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tonight:
    """The day's guests by how far they have come."""

    booked: int
    registered: int
    verified: int
    in_house: int
    left: int
    no_show: int


def policy(*, estate_id: str, now: datetime) -> Policy:
    """This will return the stay policy in force, or the house default when the estate has set none."""
    row = StayPolicy.objects.filter(estate_id=estate_id, in_force_from__lte=now).order_by("-in_force_from").first()
    if row is None:
        return Policy()
    return Policy(
        grace_before=timedelta(minutes=row.grace_before_minutes),
        grace_after=timedelta(minutes=row.grace_after_minutes),
        auto_close_after=timedelta(minutes=row.auto_close_after_minutes),
        no_show_after=timedelta(minutes=row.no_show_after_minutes),
        source=row.source,
    )


def stays() -> QuerySet[Stay]:
    """This will return stays with everything a view needs, in one statement."""
    return Stay.objects.select_related("document", "room", "bed", "access_pass")


def get_stay(*, actor: Actor, stay_id: str) -> StayView:
    """This will return one stay to whoever may see it; refuses with `NotFound` or `NotAllowed`."""
    row = stays().filter(estate_id=actor.estate_id, id=stay_id).first()
    if row is None:
        raise NotFound
    require_sight(actor, row)
    return view(row)


def require_sight(actor: Actor, row: Stay) -> None:
    """This will refuse whoever has no business with this stay: an operator sees only own guests, a guest only own stay."""
    staff = (Role.OFFICE, Role.GUARD, Role.POLICE, Role.PROPERTY, Role.COMMITTEE, Role.SYSTEM)
    if actor.may(*staff) or actor.may(Role.GUEST, scope=f"stay:{row.id}"):
        return
    unit = lettings.get_unit(estate_id=row.estate_id, unit_id=row.unit_id)
    actor.require(Role.OPERATOR, scope=f"operator:{unit.operator_id}")


def view(row: Stay, *, unit: lettings.UnitView | None = None) -> StayView:
    """This will show a stay; the unit is looked up unless it is at hand."""
    unit = unit or lettings.get_unit(estate_id=row.estate_id, unit_id=row.unit_id)
    rooms = {room.room_id: room for room in unit.rooms}
    room = rooms.get(row.room_id)
    beds = {bed.bed_id: bed.label for bed in room.beds} if room else {}
    return StayView(
        id=row.id,
        booking_id=row.booking_id,
        state=row.state,
        identity=identity(row.level),
        level=row.level,
        name_masked=row.guest_masked,
        document_masked=row.document.number_masked,
        unit=unit.label_zh,
        room=room.label if room else row.room.code,
        bed=beds.get(row.bed_id or ""),
        minor=row.minor,
        belongs=row.belongs,
        arrive_at=row.arrive_at,
        leave_at=row.leave_at,
        checked_in_at=row.checked_in_at,
        checked_out_at=row.checked_out_at,
        decision=_decision(row),
        access_pass=_pass(row),
        report=_report(row),
        next=_next(row),
    )


def _decision(row: Stay) -> DecisionView:
    zh, en = messages(row.decision_row, row.decision_result)
    message = Said(zh=zh, en=en)
    return DecisionView(row=row.decision_row, result=row.decision_result, duties=tuple(row.duties), message=message)


def _pass(row: Stay) -> PassState | None:
    held = row.access_pass
    return PassState(id=held.id, state=held.state, start=held.start, end=held.end) if held else None


def _report(row: Stay) -> ReportView | None:
    if row.report_state == ReportState.NONE or row.checked_in_at is None:
        return None
    due = report_due_at(Belongs(row.belongs), row.checked_in_at)
    return ReportView(state=row.report_state, receipt=row.receipt, due_at=due)


def _next(row: Stay) -> str:
    if row.state in (StayState.VERIFIED, StayState.IN_HOUSE):
        return "show_code"
    if row.state != StayState.REGISTERED:
        return "closed"
    return "register_document" if "complete_identity" in row.duties else "wait_for_host"


def messages(number: int, result: str) -> tuple[str, str]:
    """This will return the table's words for a decided row."""
    row = next((row for row in DECIDING if row.number == number and row.result == result), None)
    return (row.zh, row.en) if row else ("", "")


def list_stays(
    *, actor: Actor, day: date | None, state: str | None, unit_id: str | None, text: str | None, page: int
) -> StayPage:
    """This will list stays that touch a local day, newest arrival first, to whoever may see them."""
    rows = Stay.objects.filter(estate_id=actor.estate_id)
    if not actor.may(Role.OFFICE, Role.GUARD, Role.POLICE, Role.PROPERTY, Role.COMMITTEE, Role.SYSTEM):
        actor.require_any(Role.OPERATOR)
        owned = [scope.removeprefix("operator:") for scope in actor.scopes(Role.OPERATOR)]
        rows = rows.filter(unit__operator_id__in=owned)
    if day is not None:
        start, end = clock.local_day(day, places.zone(estate_id=actor.estate_id))
        rows = rows.filter(arrive_at__lt=end, leave_at__gt=start)
    if state:
        rows = rows.filter(state=state)
    if unit_id:
        rows = rows.filter(unit_id=unit_id)
    if text:
        rows = rows.filter(Q(guest_masked__icontains=text) | Q(unit__code__icontains=text))
    total = rows.count()
    page = max(1, page)
    chosen = rows.select_related("unit", "room", "bed").order_by("-arrive_at", "-id")[(page - 1) * PAGE : page * PAGE]
    return StayPage(items=tuple(_row(row) for row in chosen), total=total, page=page, size=PAGE)


def _row(row: Stay) -> StayRow:
    return StayRow(
        id=row.id,
        booking_id=row.booking_id,
        unit_label=row.unit.code,
        room_label=str(row.room.number),
        bed_label=str(row.bed.number) if row.bed else None,
        guest_masked=row.guest_masked,
        kind=row.belongs,
        minor=row.minor,
        state=row.state,
        level=row.level,
        arrive_at=row.arrive_at,
        leave_at=row.leave_at,
        checked_in_at=row.checked_in_at,
        report_state=row.report_state,
    )


def count_tonight(*, estate_id: str, day: date) -> Tonight:
    """This will count the guests of one local day by state; `booked` is how many were expected."""
    start, end = clock.local_day(day, places.zone(estate_id=estate_id))
    bookings = Booking.objects.filter(estate_id=estate_id, arrive_at__lt=end, leave_at__gt=start)
    expected = sum(bookings.exclude(state=BookingState.CANCELLED).values_list("guests_expected", flat=True))
    found = Stay.objects.filter(estate_id=estate_id, arrive_at__lt=end, leave_at__gt=start).values_list(
        "state", flat=True
    )
    states = Counter(found)
    return Tonight(
        booked=expected,
        registered=sum(states.values()) - states[StayState.CANCELLED],
        verified=states[StayState.VERIFIED] + states[StayState.IN_HOUSE] + sum(states[state] for state in GONE),
        in_house=states[StayState.IN_HOUSE],
        left=sum(states[state] for state in GONE),
        no_show=states[StayState.NO_SHOW],
    )


def count_reports(*, estate_id: str, day: date) -> dict[str, int]:
    """This will count the day's stays by the state of their lodging report."""
    start, end = clock.local_day(day, places.zone(estate_id=estate_id))
    rows = Stay.objects.filter(estate_id=estate_id, checked_in_at__isnull=False, arrive_at__lt=end, leave_at__gt=start)
    return dict(Counter(rows.values_list("report_state", flat=True)))


def booking_view(row: Booking, *, unit: lettings.UnitView | None = None) -> BookingView:
    """This will show a booking to its operator or the office; the unit is looked up unless it is at hand."""
    unit = unit or lettings.get_unit(estate_id=row.estate_id, unit_id=row.unit_id)
    labels = {bed.bed_id: f"{room.label}-{bed.label}" for room in unit.rooms for bed in room.beds}
    held = (
        BedHold.objects.filter(booking=row, released_at__isnull=True)
        .order_by("bed_id")
        .values_list("bed_id", flat=True)
    )
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
        guests_registered=Stay.objects.filter(booking=row).exclude(state=StayState.CANCELLED).count(),
        beds=tuple(labels[bed_id] for bed_id in held if bed_id in labels),
        state=row.state,
    )


def get_report_facts(*, estate_id: str, stay_id: str) -> ReportFacts:
    """This will return what a platform may be told about a stay; the guest's identity is asked of people."""
    row = Stay.objects.select_related("room", "bed").filter(estate_id=estate_id, id=stay_id).first()
    if row is None:
        raise NotFound
    unit = lettings.get_unit(estate_id=estate_id, unit_id=row.unit_id)
    return ReportFacts(
        stay_id=row.id,
        booking_id=row.booking_id,
        person_id=row.person_id,
        document_id=row.document_id,
        unit_id=unit.id,
        unit_code=unit.code,
        unit_mark=unit.mark_code or "",
        address_zh=unit.label_zh,
        room_label=str(row.room.number),
        bed_label=str(row.bed.number) if row.bed else None,
        belongs=row.belongs,
        checked_in_at=row.checked_in_at,
        checked_out_at=row.checked_out_at,
        leave_at=row.leave_at,
        operator_name=unit.operator_name,
        presumed_left=row.presumed_left,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseRulesView:
    """The house rules in force, line by line in both languages."""

    version: str
    zh: tuple[str, ...]
    en: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeView:
    """The privacy notice of lodging registration: version and text."""

    version: str
    zh: str
    en: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceName:
    """A name in both languages."""

    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitName:
    """A unit as an invitation names it."""

    label: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitedBooking:
    """The booking behind an invitation."""

    id: str
    arrive_at: datetime
    leave_at: datetime
    guests_expected: int
    guests_registered: int
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeBed:
    """A bed of the booking, and whether it is still free."""

    id: str
    label: str
    free: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitedRoom:
    """A room of the booking with its beds and how many places are left in it."""

    id: str
    label: str
    beds: tuple[FreeBed, ...]
    places_free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FellowGuest:
    """Somebody already registered under the same booking, masked."""

    stay_id: str
    name_masked: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """Everything the phone page shows behind a registration link."""

    estate: PlaceName
    unit: UnitName
    booking: InvitedBooking
    rooms: tuple[InvitedRoom, ...]
    guests: tuple[FellowGuest, ...]
    house_rules: HouseRulesView
    notice: NoticeView


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
    return tuple(booking_view(row) for row in rows.order_by("-arrive_at", "-id")[(page - 1) * PAGE : page * PAGE])


def count_silent(*, estate_id: str) -> int:
    """This will count stays of guests who came in and whose report is in no state but 'due': zero once the relay has run."""
    rows = Stay.objects.filter(estate_id=estate_id, checked_in_at__isnull=False)
    return rows.filter(report_state__in=[ReportState.NONE, ReportState.DUE]).count()


def count_double_bookings(*, estate_id: str) -> int:
    """This will count beds held twice at once; the exclusion constraint keeps it zero, this looks without trusting it."""
    pairs = BedHold.objects.filter(estate_id=estate_id, released_at__isnull=True).values_list("bed_id", "period")
    by_bed: dict[str, list[tuple[datetime, datetime]]] = {}
    for bed_id, period in pairs:
        by_bed.setdefault(bed_id, []).append((period.lower, period.upper))
    return sum(_overlaps(sorted(periods)) for periods in by_bed.values())


def _overlaps(periods: list[tuple[datetime, datetime]]) -> int:
    return sum(1 for before, after in zip(periods, periods[1:], strict=False) if after[0] < before[1])


def guardian_of(*, stay: Stay) -> GuardianContact | None:
    """This will return the guardian contact of a minor's stay."""
    return GuardianContact.objects.filter(stay=stay).first()
