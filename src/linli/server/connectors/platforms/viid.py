"""The view library (视图库, GA/T 1400): the catalogue of gates and devices (APEs), and passages as faces without a picture.

A passage leaves only where the link's settings say `faces = "on"`, and then only of people who have said yes to this recipient. No name
and no document number goes with it: the consent's notice names neither. `objects = "persons"` tells of a person instead of a face.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from django.db import DatabaseError

from linli.server.connectors.protocol import (
    DeviceFacts,
    DoorFacts,
    Facts,
    Message,
    Occasion,
    PassageFacts,
    Platform,
    Told,
)
from linli.server.connectors.rules import MessageKind, Verdict
from linli.server.connectors.viid import codes, ids, numbering, posting, shapes
from linli.server.connectors.viid.client import Link, login_of
from linli.server.connectors.viid.codes import Kind
from linli.server.connectors.viid.dialects import dialect_of
from linli.server.connectors.viid.numbering import NumbersTaken, numbers_of
from linli.server.connectors.viid.posting import Parcel

_DEVICE = frozenset({"ApeID", "Name", "Model", "Place", "IsOnline"})
ALLOWED: Mapping[MessageKind, frozenset[str]] = MappingProxyType(
    {
        MessageKind.DOOR: _DEVICE,
        MessageKind.DEVICE: _DEVICE,
        MessageKind.PASSAGE: frozenset({"DeviceID", "ShotTime", "Serial"}),
    }
)
PURPOSES: Mapping[MessageKind, str] = MappingProxyType(
    {
        MessageKind.DOOR: "view_library",
        MessageKind.DEVICE: "view_library",
        MessageKind.PASSAGE: "view_library_faces",
    }
)
GATE = "LINLI-GATE"  # the model of a gate's own box
Numbers = Callable[[str, Sequence[str]], Mapping[str, int]]
OBJECTS: Mapping[str, Kind] = MappingProxyType({"faces": codes.FACE, "persons": codes.PERSON})


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewLibraryPlatform:
    """One view library above us."""

    link: Link = field(repr=False)
    faces: bool = False
    objects: str = "faces"
    catalogue_verb: str = "POST"
    numbers: Numbers = field(default=numbers_of, repr=False)
    name: str = "viid"
    recipient: str = "view library (视图库)"
    together: int = posting.MOST_TOGETHER
    own_accounts: bool = False
    fictional_only: bool = False
    allowed: Mapping[MessageKind, frozenset[str]] = field(default_factory=lambda: ALLOWED, repr=False)

    def purpose_of(self, kind: MessageKind) -> str:
        """This will name the purpose: devices are nobody's data, a passage rests on the separate consent."""
        return PURPOSES.get(kind, "view_library")

    def wants(self, kind: MessageKind) -> bool:
        """This will say whether it is told: of gates and devices always, of passages only where faces are switched on."""
        return kind in self.allowed and (kind is not MessageKind.PASSAGE or self.faces)

    def render(self, *, occasion: Occasion, facts: Facts) -> Mapping[str, str]:
        """This will write the few fields of a device or of a passage."""
        if isinstance(facts, DoorFacts):
            return {
                "ApeID": numbering.gate_key(facts.code),
                "Name": facts.name_zh,
                "Model": GATE,
                "Place": facts.code,
                "IsOnline": _online(facts.online, occasion),
            }
        if isinstance(facts, DeviceFacts):
            return {
                "ApeID": numbering.device_key(facts.device_id),
                "Name": facts.name,
                "Model": f"{facts.make} {facts.model}".strip(),
                "Place": facts.gate_code,
                "IsOnline": _online(facts.online, occasion),
            }
        if isinstance(facts, PassageFacts):
            return {
                "DeviceID": numbering.gate_key(facts.gate_code),
                "ShotTime": ids.time_text(facts.happened_at),
                "Serial": str(facts.sequence % ids.SERIALS),
            }
        raise TypeError(type(facts).__name__)

    def send(self, *, messages: Sequence[Message]) -> Sequence[Told]:
        """This will send objects, at most a hundred a request; each comes back with its own verdict."""
        try:
            return posting.post(self.link, self._parcels(messages))
        except (DatabaseError, NumbersTaken):
            # Without our own books nothing has a number: nothing has left.
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
            wanted.setdefault(message.estate.code, []).append(_key(message))
        known = {code: self.numbers(numbering.things(code), keys) for code, keys in wanted.items()}
        return [self._parcel(message, known[message.estate.code][_key(message)]) for message in messages]

    def _parcel(self, message: Message, number: int) -> Parcel:
        area = message.estate.division_code[:6]
        device = ids.device_id(area=area, type=ids.CAMERA, serial=number)
        if message.kind is not MessageKind.PASSAGE:
            return self._device(message, device, area=area)
        kind = OBJECTS[self.objects]
        shape = shapes.face if kind is codes.FACE else shapes.person
        told = shape(device=device, at=ids.moment_of(message.fields["ShotTime"]), serial=int(message.fields["Serial"]))
        return Parcel(method="POST", kind=kind, number=str(told[kind.number]), object=told)

    def _device(self, message: Message, number: str, *, area: str) -> Parcel:
        fields = message.fields
        told = shapes.device(
            number=number,
            name=fields["Name"],
            model=fields["Model"],
            area=area,
            place=fields["Place"],
            library=self.link.login.device_id,
            online=fields["IsOnline"] == codes.ONLINE,
        )
        return Parcel(method=self.catalogue_verb, kind=codes.APE, number=number, object=told)


def make(settings: Mapping[str, str]) -> Platform:
    """This will link to the library that a table of the links file names: url, user, password, device_id, dialect, faces, objects.

    Raises `BadNumber`, `UnknownDialect` or `KeyError` for a table that cannot be used.
    """
    objects = settings.get("objects", "faces")
    return ViewLibraryPlatform(
        link=Link(login=login_of(settings), dialect=dialect_of(settings.get("dialect", "")), name="viid"),
        faces=settings.get("faces", "off") == "on",
        objects=objects if objects in OBJECTS else "faces",
        catalogue_verb="PUT" if settings.get("catalogue") == "put" else "POST",
    )


def _key(message: Message) -> str:
    return message.fields.get("DeviceID") or message.fields["ApeID"]


def _online(online: bool, occasion: Occasion) -> str:
    # The catalogue knows no goodbye: what is gone is never heard of again.
    return codes.ONLINE if online and not occasion.gone else codes.OFFLINE
