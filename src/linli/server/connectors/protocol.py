"""What a platform must be able to do. One file under `platforms/` is one platform; everything else is shared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar, Protocol, runtime_checkable

from linli.server.connectors.rules import MessageKind, SubjectKind, Verdict


class FactsMissing(ValueError):
    """A fact that the platform asks for is not known; `field` is the platform's own name for it."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFacts:
    """Who somebody is, unsealed. Never logged: only masked parts would be in a repr, and it has none."""

    native_name: str = field(repr=False)
    latin_name: str | None = field(repr=False)
    sex: str = field(repr=False)
    birth_date: date | None = field(repr=False)
    nationality: str = field(repr=False)
    document_kind: str = field(repr=False)
    document_number: str = field(repr=False)
    second_surname: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StayFacts:
    """Everything a platform could be told about one stay; each platform takes what its whitelist names."""

    subject_kind: ClassVar[SubjectKind] = SubjectKind.STAY
    stay_id: str
    booking_id: str
    unit_mark: str
    unit_address: str
    room_label: str
    bed_label: str | None
    checked_in_at: datetime
    leave_at: datetime
    left_at: datetime | None
    presumed_left: bool
    minor: bool
    relation: str
    guest: PersonFacts
    company: tuple[PersonFacts, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitFacts:
    """A visitor's coming to a flat: whose guest, since when, until when at the latest."""

    subject_kind: ClassVar[SubjectKind] = SubjectKind.VISIT
    visit_id: str
    unit_mark: str
    room_label: str
    visitor_masked: str
    visitor: PersonFacts | None
    came_at: datetime
    leave_by: datetime
    left_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffFacts:
    """Somebody who works in let flats (从业人员): in which, as what, since when."""

    subject_kind: ClassVar[SubjectKind] = SubjectKind.STAFF
    staff_id: str
    unit_marks: tuple[str, ...]
    job: str
    since_date: date
    person: PersonFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFacts:
    """A let flat as it stands: its mark, address, size and operator."""

    subject_kind: ClassVar[SubjectKind] = SubjectKind.UNIT
    unit_id: str
    unit_mark: str
    label: str
    address_zh: str
    floor: int
    rooms: int
    beds: int
    operator_name: str
    operator_document: str = field(repr=False)
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentFacts:
    """Somebody who lives in the estate (实有人口): where, as what, since when."""

    subject_kind: ClassVar[SubjectKind] = SubjectKind.RESIDENT
    residency_id: str
    address_zh: str
    dwelling_code: str
    kind: str
    since_date: date
    person: PersonFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorFacts:
    """One access point: its code, names, place, which way it leads, and whether its box is heard of."""

    subject_kind: ClassVar[SubjectKind] = SubjectKind.DOOR
    gate_id: str
    code: str
    number: int
    name_zh: str
    name_en: str
    place: str
    direction: str
    online: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFacts:
    """One device at an access point, and whether it is heard of."""

    subject_kind: ClassVar[SubjectKind] = SubjectKind.DEVICE
    device_id: str
    gate_code: str
    number: int
    name: str
    make: str
    model: str
    online: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageFacts:
    """Somebody with a registered stay or residency went through a gate; `holder_kind` is `stay` or `resident`."""

    subject_kind: ClassVar[SubjectKind] = SubjectKind.PASSAGE
    event_id: str
    gate_code: str
    gate_number: int
    sequence: int
    happened_at: datetime
    direction: str
    method: str
    holder_kind: str
    holder_id: str
    person: PersonFacts


Facts = StayFacts | VisitFacts | StaffFacts | UnitFacts | ResidentFacts | DoorFacts | DeviceFacts | PassageFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What happened, and when: one message to each platform that wants to know. `gone`: the subject is no more."""

    kind: MessageKind
    happened_at: datetime
    why: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An operator's own account at a platform, unsealed for one exchange; its repr shows nothing."""

    id: str = field(repr=False)
    username: str = field(repr=False)
    secret: str = field(repr=False)
    party_code: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EstateFacts:
    """Which estate speaks; `fictional` estates alone may speak to platforms of other countries."""

    code: str
    division_code: str
    name_zh: str
    zone: str
    fictional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What leaves: an id that is used for this content alone, and the whitelisted fields.

    `takes_back` is the receipt of the message about the same subject that this one mends or withdraws.
    """

    message_id: str
    kind: MessageKind
    queued_at: datetime
    subject_id: str
    estate: EstateFacts
    fields: Mapping[str, str] = field(repr=False)
    ticket: str = ""
    takes_back: str = ""
    account: Account | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came back about one message, with the raw answer as evidence (sealed before it is stored).

    `ticket` is the platform's own number while it decides. `hit` (命中) goes to the police role alone and changes nothing else.
    """

    verdict: Verdict
    receipt: str = ""
    ticket: str = ""
    code: str = ""
    status: int | None = None
    seconds: float = 0.0
    raw: bytes = field(default=b"", repr=False)
    hit: bool = field(default=False, repr=False)
    dialect: str = ""
    field: str = ""


class Platform(Protocol):
    """One authority's platform."""

    @property
    def name(self) -> str:
        """Its key in our tables, such as `lodging`."""

    @property
    def recipient(self) -> str:
        """Its name in the purpose's recipients and in the disclosure ledger."""

    @property
    def together(self) -> int:
        """How many messages may leave in one exchange at most."""

    @property
    def own_accounts(self) -> bool:
        """Whether each operator speaks to it under an account of its own."""

    @property
    def fictional_only(self) -> bool:
        """Whether it is a platform of another country, to which only fictional data may leave (P-28)."""

    @property
    def allowed(self) -> Mapping[MessageKind, frozenset[str]]:
        """The fields that may leave, by kind of message; a kind that is not here is not wanted."""

    def purpose_of(self, kind: MessageKind) -> str:
        """The purpose under which this kind may leave; one that rests on consent also needs the person's standing consent."""

    def wants(self, kind: MessageKind) -> bool:
        """Whether it is to be told of this."""

    def render(self, *, occasion: Occasion, facts: Facts) -> Mapping[str, str]:
        """The fields of the message, or `FactsMissing`."""

    def send(self, *, messages: Sequence[Message]) -> Sequence[Told]:
        """Send them once, and say what came back about each, in their order. Never raises: what went wrong is a verdict."""

    def ask(self, *, message: Message) -> Told:
        """Ask what became of a message. Never raises."""


@runtime_checkable
class CountsNights(Protocol):
    """A platform that can say how many guests it has of a night."""

    def count_guests(self, *, night: date) -> Mapping[str, int] | None:
        """Guests by unit mark in its own books, or None when it cannot be reached."""
