"""The community platform (社采平台): who lives and sleeps here, the doors, their devices, and the passages of those people alone.

The transport is the view library's; the objects follow one public sample of a provincial interface, in the fewest fields. Ethnicity,
religion, politics, education, marital status and photographs are not in it. Passages (PassRecords) and the codes of RegistrationType
and DataStatus are our own assumption: no public text tells of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from django.db import DatabaseError

from linli.documents.kinds import find_kind
from linli.server.connectors.protocol import (
    DeviceFacts,
    DoorFacts,
    Facts,
    FactsMissing,
    Message,
    Occasion,
    PassageFacts,
    PersonFacts,
    Platform,
    ResidentFacts,
    StayFacts,
    Told,
)
from linli.server.connectors.rules import MessageKind, Verdict
from linli.server.connectors.viid import codes, ids, posting
from linli.server.connectors.viid.client import Link, login_of
from linli.server.connectors.viid.codes import Kind
from linli.server.connectors.viid.dialects import Json, dialect_of
from linli.server.connectors.viid.numbering import NumbersTaken, device_key, gate_key, numbers_of, things
from linli.server.connectors.viid.posting import Parcel

DOOR_TYPE, PASS = "126", "99"
SEXES: Mapping[str, str] = MappingProxyType({"male": "1", "female": "2", "unspecified": "9"})  # GB/T 2261.1
LIVES_HERE, SLEEPS_HERE = "1", "2"  # RegistrationType
STANDS, GONE = "1", "3"  # DataStatus, counted as ExecuteOperation is
DIRECTIONS: Mapping[str, str] = MappingProxyType({"in": "1", "out": "2"})
METHODS: Mapping[str, str] = MappingProxyType({"FACE": "1", "CARD": "2", "CODE": "3", "PIN": "4", "IDCARD": "5"})
OTHER_METHOD = "9"

_PERSON = frozenset(
    {"PersonID", "IDType", "IDNumber", "Name", "GenderCode", "Birthday", "RegistrationType", "ResidenceAddress"}
    | {"DataStatus", "DataUpdateTime"}
)
_DOOR = frozenset({"DoorID", "Name", "Direction"})
_DEVICE = frozenset({"DeviceID", "Name", "Address", "Manufacturer", "DeviceVersion", "DeviceNo"})
_PASSAGE = frozenset({"PassRecordID", "DoorID", "PersonID", "PassTime", "InOut", "PassType"})
PEOPLE = frozenset(
    {
        MessageKind.RESIDENT,
        MessageKind.CHECK_IN,
        MessageKind.AMEND,
        MessageKind.ROOM_CHANGE,
        MessageKind.CHECK_OUT,
        MessageKind.CANCEL,
    }
)
LEAVING = frozenset({MessageKind.CHECK_OUT, MessageKind.CANCEL})
ALLOWED: Mapping[MessageKind, frozenset[str]] = MappingProxyType(
    {
        **dict.fromkeys(PEOPLE, _PERSON),
        MessageKind.DOOR: _DOOR,
        MessageKind.DEVICE: _DEVICE,
        MessageKind.PASSAGE: _PASSAGE,
    }
)
KINDS: Mapping[MessageKind, Kind] = MappingProxyType(
    {
        **dict.fromkeys(PEOPLE, codes.PERSON_INFO),
        MessageKind.DOOR: codes.DOOR_INFO,
        MessageKind.DEVICE: codes.DOOR_DEVICE,
        MessageKind.PASSAGE: codes.PASS_RECORD,
    }
)
# Which fields hold a name of ours that becomes twenty digits on its way out: counted in which book, and of which type.
NUMBERED: Mapping[str, tuple[Callable[[str], str], str]] = MappingProxyType(
    {"PersonID": (str, ids.PERSON), "DoorID": (things, DOOR_TYPE), "DeviceID": (things, ids.DOOR)}
)
Numbers = Callable[[str, Sequence[str]], Mapping[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityPlatform:
    """One community platform, which numbers people, doors and devices with twenty digits."""

    link: Link = field(repr=False)
    community_id: str = ""
    numbers: Numbers = field(default=numbers_of, repr=False)
    name: str = "community"
    recipient: str = "community platform (社采平台)"
    together: int = posting.MOST_TOGETHER
    own_accounts: bool = False
    fictional_only: bool = False
    allowed: Mapping[MessageKind, frozenset[str]] = field(default_factory=lambda: ALLOWED, repr=False)

    def purpose_of(self, kind: MessageKind) -> str:
        """This will name the community's duty to know who lives and sleeps here."""
        return "community_registration"

    def wants(self, kind: MessageKind) -> bool:
        """This will say whether it is told of this."""
        return kind in self.allowed

    def render(self, *, occasion: Occasion, facts: Facts) -> Mapping[str, str]:
        """This will write the fewest fields; raises `FactsMissing`."""
        fields = RENDERERS[type(facts)](occasion, facts)
        return {name: text for name, text in fields.items() if text}

    def send(self, *, messages: Sequence[Message]) -> Sequence[Told]:
        """This will send objects, at most a hundred a request; each comes back with its own verdict."""
        try:
            return posting.post(self.link, self._parcels(messages))
        except (DatabaseError, NumbersTaken):
            # Without our own books nobody has a number: nothing has left.
            return [Told(verdict=Verdict.UNREACHABLE, code="no_numbers")] * len(messages)

    def ask(self, *, message: Message) -> Told:
        """This will look whether an object has arrived."""
        try:
            return posting.ask(self.link, self._parcels([message])[0])
        except (DatabaseError, NumbersTaken):
            return Told(verdict=Verdict.UNREACHABLE, code="no_numbers")

    def _parcels(self, messages: Sequence[Message]) -> list[Parcel]:
        wanted: dict[str, list[str]] = {}
        for message in messages:
            for name, (book, _) in NUMBERED.items():
                if name in message.fields:
                    wanted.setdefault(book(message.estate.code), []).append(message.fields[name])
        known = {book: self.numbers(book, keys) for book, keys in wanted.items()}
        return [self._parcel(message, known) for message in messages]

    def _parcel(self, message: Message, known: Mapping[str, Mapping[str, int]]) -> Parcel:
        kind, area = KINDS[message.kind], message.estate.division_code[:6]
        told: Json = dict(message.fields)
        for name, (book, type) in NUMBERED.items():
            if name in told:
                serial = known[book(message.estate.code)][told[name]]
                told[name] = ids.device_id(area=area, type=type, serial=serial)
        if kind is codes.PASS_RECORD:
            at, serial = ids.moment_of(told["PassTime"]), int(told["PassRecordID"])
            told["PassRecordID"] = ids.source_id(device=told["DoorID"], at=at, serial=serial, kind=PASS)
        told["CommunityID"] = self.community_id or ids.device_id(area=area, type=ids.COMMUNITY, serial=1)
        return Parcel(method="POST", kind=kind, number=str(told[kind.number]), object=told)


def make(settings: Mapping[str, str]) -> Platform:
    """This will link to the platform that a table of the links file names: url, user, password, device_id, community_id, dialect.

    Raises `BadNumber`, `UnknownDialect` or `KeyError` for a table that cannot be used.
    """
    community = settings.get("community_id", "")
    if community and ids.device_of(community).type != ids.COMMUNITY:
        raise ids.BadNumber("community_id")
    link = Link(login=login_of(settings), dialect=dialect_of(settings.get("dialect", "")), name="community")
    return CommunityPlatform(link=link, community_id=community)


def _guest(occasion: Occasion, facts: StayFacts) -> dict[str, str]:
    gone = occasion.gone or occasion.kind in LEAVING
    return {
        "PersonID": facts.stay_id,
        **_person(facts.guest),
        "RegistrationType": SLEEPS_HERE,
        "ResidenceAddress": f"{facts.unit_address} {facts.unit_mark}".strip(),
        **_status(occasion.happened_at, gone=gone),
    }


def _resident(occasion: Occasion, facts: ResidentFacts) -> dict[str, str]:
    return {
        "PersonID": facts.residency_id,
        **_person(facts.person),
        "RegistrationType": LIVES_HERE,
        "ResidenceAddress": facts.address_zh,
        **_status(occasion.happened_at, gone=occasion.gone),
    }


def _person(person: PersonFacts) -> dict[str, str]:
    kind = find_kind(person.document_kind)
    if kind is None:
        raise FactsMissing("IDType")
    return {
        "IDType": kind.code,
        "IDNumber": _present(person.document_number, field="IDNumber"),
        "Name": _present(person.native_name or person.latin_name or "", field="Name"),
        "GenderCode": SEXES.get(person.sex, "0"),
        "Birthday": f"{person.birth_date:%Y%m%d}" if person.birth_date else "",
    }


def _status(at: datetime, *, gone: bool) -> dict[str, str]:
    return {"DataStatus": GONE if gone else STANDS, "DataUpdateTime": ids.time_text(at)}


def _door(occasion: Occasion, facts: DoorFacts) -> dict[str, str]:
    return {"DoorID": gate_key(facts.code), "Name": facts.name_zh, "Direction": DIRECTIONS.get(facts.direction, "")}


def _device(occasion: Occasion, facts: DeviceFacts) -> dict[str, str]:
    return {
        "DeviceID": device_key(facts.device_id),
        "Name": facts.name,
        "Address": facts.gate_code,
        "Manufacturer": facts.make,
        "DeviceVersion": facts.model,
        "DeviceNo": str(facts.number),
    }


def _passage(occasion: Occasion, facts: PassageFacts) -> dict[str, str]:
    return {
        "PassRecordID": str(facts.sequence % ids.SERIALS),
        "DoorID": gate_key(facts.gate_code),
        "PersonID": _present(facts.holder_id, field="PersonID"),
        "PassTime": ids.time_text(facts.happened_at),
        "InOut": DIRECTIONS.get(facts.direction, ""),
        "PassType": METHODS.get(facts.method, OTHER_METHOD),
    }


RENDERERS: Mapping[type, Callable[..., dict[str, str]]] = MappingProxyType(
    {
        StayFacts: _guest,
        ResidentFacts: _resident,
        DoorFacts: _door,
        DeviceFacts: _device,
        PassageFacts: _passage,
    }
)


def _present(text: str, *, field: str) -> str:
    if not text:
        raise FactsMissing(field)
    return text
