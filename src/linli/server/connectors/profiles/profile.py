"""A mapping profile: which of our facts go to a platform under which of its names, and how the fields of a message are written by it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from zoneinfo import ZoneInfo

from linli.server.connectors.profiles.facts import Value, is_from_home
from linli.server.connectors.profiles.formats import CODED, FORMATS
from linli.server.connectors.protocol import FactsMissing
from linli.server.connectors.rules import MessageKind

HOME, ABROAD = "home", "abroad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One field of a message: the platform's name for it, the fact and its format, or a fixed text.

    `of` limits it to people from `home` or from `abroad`. `otherwise` stands in for a fact that is not known. What is longer than
    `longest` is cut if `cut` says so, and else not sent: half a number is worse than none.
    """

    name: str
    fact: str = ""
    format: str = ""
    fixed: str = ""
    required: bool = False
    longest: int
    cut: bool = False
    of: str = ""
    otherwise: str = ""
    codes: Mapping[str, str] = field(default_factory=dict)
    legal_basis: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one region's platform asks for, as data with a version, a source and the day from which it holds."""

    name: str
    version: str
    source: str
    effective_date: date
    zone: ZoneInfo
    messages: Mapping[MessageKind, tuple[Row, ...]] = field(repr=False)

    @property
    def edition(self) -> str:
        """Its name and version, as they are kept with every exchange."""
        return f"{self.name} {self.version}"

    @property
    def allowed(self) -> Mapping[MessageKind, frozenset[str]]:
        """The fields that may leave, by kind of message."""
        return MappingProxyType({kind: frozenset(row.name for row in rows) for kind, rows in self.messages.items()})

    def write(self, kind: MessageKind, known: Mapping[str, Value]) -> Mapping[str, str]:
        """This will write the fields of one message; raises `FactsMissing` for a required one that is not known or does not fit."""
        told: dict[str, str] = {}
        for row in self.messages[kind]:
            if row.of and is_from_home(known) is not (row.of == HOME):
                continue
            text = self._text(row, known)
            if text:
                told[row.name] = text
            elif row.required:
                raise FactsMissing(row.name)
        return told

    def _text(self, row: Row, known: Mapping[str, Value]) -> str:
        if row.fixed:
            return row.fixed
        value = known.get(row.fact)
        text = self._written(row, value) if value not in (None, "", ()) else ""
        text = text or row.otherwise
        if len(text) <= row.longest:
            return text
        if not row.cut:
            raise FactsMissing(row.name)
        return text[: row.longest].rstrip(" -'")

    def _written(self, row: Row, value: Value) -> str:
        if row.format == CODED:
            return row.codes.get(str(value), "")
        return FORMATS[row.format].write(value, self.zone)
