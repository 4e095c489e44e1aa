"""How peers differ in saying the same. Two families, and whatever lies between them, each with a name of a few letters.

`strict` is what most implementations agree on, and what we say unless a peer's row names another. `loose` serialises its own classes:
every trait at once. Between them `mixed-` and the letters of the traits, such as `mixed-CE`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from linli.server.connectors.viid import ids
from linli.server.connectors.viid.codes import CONTENT_TYPE, PLAIN_TYPE, Kind

Json = dict[str, Any]


class Trait(StrEnum):
    """One way in which a peer differs from the strict form."""

    LISTS = "L"  # a request's list is FaceObjectList, a notification's FaceListObject
    CODES = "C"  # StatusCode is a number
    SMALL = "S"  # the fields of objects begin with a small letter
    EPOCH = "E"  # LocalTime is in milliseconds since 1970
    ANSWERS = "A"  # the list of answers is ResponseStatusList
    REGISTER = "R"  # Register is told without /System
    IMAGES = "I"  # SubImageList is a plain list
    PLAIN = "P"  # Content-Type is application/json


class UnknownDialect(ValueError):
    """There is no such dialect."""


EVERY = frozenset(Trait)
MIXED = "mixed-"
# Orders and registrations are spelt alike in both families; what is seen and the devices are not.
SPELT_SMALL = frozenset(
    {"Face", "Person", "APE", "APEStatus", "Image", "PersonInfo", "DoorInfo", "DoorDevice", "PassRecord"}
)
TURNED: Mapping[str, str] = MappingProxyType(
    {"FaceObjectList": "FaceListObject", "PersonObjectList": "PersonListObject"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One way of saying things."""

    traits: frozenset[Trait] = frozenset()

    @property
    def name(self) -> str:
        """This will name it in at most fourteen letters."""
        return name_of(noticed=self.traits, shown=EVERY)

    @property
    def content_type(self) -> str:
        """This will name the type of a body."""
        return f"{PLAIN_TYPE if Trait.PLAIN in self.traits else CONTENT_TYPE};charset=UTF-8"

    def listed(self, kind: Kind, objects: Iterable[Json]) -> Json:
        """This will wrap objects as a request does."""
        name = kind.turned if Trait.LISTS in self.traits else kind.listed
        return {name: {kind.one: [self.spelt(kind, one) for one in objects]}}

    def notified(self, kind: Kind, objects: Iterable[Json]) -> Json:
        """This will wrap objects as they lie within a notification."""
        name = TURNED.get(kind.notified, kind.notified) if Trait.LISTS in self.traits else kind.notified
        return {name: {kind.one: [self.spelt(kind, one) for one in objects]}}

    def spelt(self, kind: Kind, one: Json) -> Json:
        """This will spell the fields of one object."""
        small = Trait.SMALL in self.traits and kind.word in SPELT_SMALL
        return {_small(name) if small else name: self._value(name, value, small) for name, value in one.items()}

    def url(self, path: str) -> str:
        """This will tell the address that was asked."""
        return path.replace("/System/Register", "/Register") if Trait.REGISTER in self.traits else path

    def code(self, status: int) -> int | str:
        """This will tell a status."""
        return int(status) if Trait.CODES in self.traits else str(int(status))

    def statuses(self, rows: list[Json]) -> Json:
        """This will wrap what became of several things."""
        name = "ResponseStatusList" if Trait.ANSWERS in self.traits else "ResponseStatusListObject"
        return {name: {"ResponseStatusObject": rows}}

    def time(self, moment: datetime) -> str | int:
        """This will tell the time of day."""
        return int(moment.timestamp()) * 1000 if Trait.EPOCH in self.traits else ids.time_text(moment)

    def _value(self, name: str, value: Any, small: bool) -> Any:
        if name != "SubImageList" or not isinstance(value, dict):
            return value
        images = [
            {_small(key) if small else key: each for key, each in image.items()}
            for image in value.get("SubImageInfoObject", [])
        ]
        return images if Trait.IMAGES in self.traits else {"SubImageInfoObject": images}


STRICT = Dialect()
LOOSE = Dialect(traits=EVERY)


def dialect_of(name: str) -> Dialect:
    """This will read the name of a dialect; none is strict; raises `UnknownDialect`."""
    if name in ("", "strict"):
        return STRICT
    if name == "loose":
        return LOOSE
    letters = name.removeprefix(MIXED)
    if letters == name or not set(letters) <= {trait.value for trait in Trait}:
        raise UnknownDialect(name[:30])
    return Dialect(traits=frozenset(Trait(letter) for letter in letters))


def name_of(*, noticed: frozenset[Trait], shown: frozenset[Trait]) -> str:
    """This will name what was noticed, measured by what a message had occasion to show: an answer alone shows no lists."""
    if not noticed:
        return "strict"
    if noticed >= shown:
        return "loose"
    return MIXED + "".join(trait.value for trait in Trait if trait in noticed)


def _small(name: str) -> str:
    return name[:1].lower() + name[1:]
