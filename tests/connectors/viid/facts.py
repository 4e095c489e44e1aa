"""Devices, passages and people of an estate, with nobody behind them, and messages about them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from linli.server.connectors.protocol import (
    DeviceFacts,
    DoorFacts,
    EstateFacts,
    Facts,
    Message,
    Occasion,
    PassageFacts,
    PersonFacts,
    Platform,
    ResidentFacts,
    StayFacts,
)
from linli.server.connectors.rules import MessageKind
from linli.server.connectors.viid.client import Link, Login
from linli.server.kernel import ids

ESTATE = EstateFacts(code="DF2", division_code="510108", name_zh="样例小区", zone="Asia/Shanghai", fictional=True)
AT = datetime(2026, 11, 24, 12, 15, tzinfo=UTC)
PERSON = PersonFacts(
    native_name="王甲子",
    latin_name=None,
    sex="male",
    birth_date=date(1990, 3, 7),
    nationality="CHN",
    document_kind="resident_id",
    document_number="510108199003070010",
)
STAY = StayFacts(
    stay_id="stay_01",
    booking_id="booking_01",
    unit_mark="DF2A00001",
    unit_address="东方新城二期3幢1单元",
    room_label="1",
    bed_label="2",
    checked_in_at=AT,
    leave_at=AT + timedelta(days=1),
    left_at=None,
    presumed_left=False,
    minor=False,
    relation="",
    guest=PERSON,
)
RESIDENT = ResidentFacts(
    residency_id="residency_01",
    address_zh="东方新城二期3幢1单元101",
    dwelling_code="DF2-3-1-1-101",
    kind="tenant",
    since_date=date(2026, 1, 1),
    person=PERSON,
)
DOOR = DoorFacts(
    gate_id="gate_7", code="G07", number=7, name_zh="西门", name_en="West gate", place="西门", direction="in"
)


def device(number: int = 7, *, online: bool = True) -> DeviceFacts:
    """A gate's device."""
    return DeviceFacts(
        device_id=f"device_{number}",
        gate_code=f"G{number:02}",
        number=number,
        name="西门人行闸机",
        make="SIM",
        model="GATE-1",
        online=online,
    )


def gate(number: int = 7) -> DoorFacts:
    """A gate."""
    return replace(DOOR, gate_id=f"G{number:02}", code=f"G{number:02}", number=number)


def passage(sequence: int = 1, *, gate: int = 7, holder: str = "stay_01", at: datetime = AT) -> PassageFacts:
    """Somebody with a stay who went in."""
    return PassageFacts(
        event_id=f"G{gate:02}:{sequence}",
        gate_code=f"G{gate:02}",
        gate_number=gate,
        sequence=sequence,
        happened_at=at,
        direction="in",
        method="FACE",
        holder_kind="stay",
        holder_id=holder,
        person=PERSON,
    )


KINDS: dict[type, MessageKind] = {
    DeviceFacts: MessageKind.DEVICE,
    DoorFacts: MessageKind.DOOR,
    PassageFacts: MessageKind.PASSAGE,
    ResidentFacts: MessageKind.RESIDENT,
    StayFacts: MessageKind.CHECK_IN,
}


def message(platform: Platform, facts: Facts, *, kind: MessageKind | None = None, gone: bool = False) -> Message:
    """A message that a platform wrote, with its whitelist held to."""
    kind = kind or KINDS[type(facts)]
    fields = platform.render(occasion=Occasion(kind=kind, happened_at=AT, gone=gone), facts=facts)
    assert set(fields) <= platform.allowed[kind]
    return Message(
        message_id=ids.new("rep"), kind=kind, queued_at=AT, subject_id="subject", estate=ESTATE, fields=fields
    )


def messages(platform: Platform, facts: Sequence[Facts]) -> list[Message]:
    """A message about each."""
    return [message(platform, one) for one in facts]


class Counted:
    """Numbers that are counted in memory, for a platform without a database."""

    def __init__(self) -> None:
        self.books: dict[str, dict[str, int]] = {}

    def __call__(self, book: str, subject_ids: Sequence[str]) -> Mapping[str, int]:
        """This will give each its number."""
        given = self.books.setdefault(book, {})
        for subject_id in subject_ids:
            given.setdefault(subject_id, len(given) + 1)
        return given


class Ticks:
    """A clock of seconds that goes when it is told to."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        """This will tell the seconds."""
        return self.at


def link(
    url: str, *, user: str, password: str, device_id: str, seconds: Callable[[], float] | None = None, wait: float = 5.0
) -> Link:
    """A link without luck."""
    login = Login(url=url, device_id=device_id, username=user, password=password)
    return Link(login=login, seconds=seconds or Ticks(), luck=lambda: 0.0, answer_seconds=wait)
