"""The frozen views of bookings and stays, which are also the API's answers."""

from dataclasses import dataclass
from datetime import datetime


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
class StayPass:
    """The guest's pass in short."""

    id: str
    state: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StayReport:
    """Where the lodging report of a stay stands, its receipt, and when it is due."""

    state: str
    receipt: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StayView:
    """One guest's stay as the guest, the host and the desk see it; nothing here identifies the guest's document in full."""

    id: str
    booking_id: str
    unit_id: str
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
    registered_at: datetime
    checked_in_at: datetime | None
    checked_out_at: datetime | None
    decision: DecisionView
    access_pass: StayPass | None
    report: StayReport | None
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
    operator_id: str
    operator_name: str
    presumed_left: bool
    minor: bool
    relation: str
    # The grown-ups of a minor's booking, by person and document; of an adult's company nothing is told.
    company: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tonight:
    """The day's guests by how far they have come."""

    booked: int
    registered: int
    verified: int
    in_house: int
    left: int
    no_show: int


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
