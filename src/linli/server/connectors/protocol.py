"""What a platform must be able to do. One file under `platforms/` is one platform; everything else is shared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from linli.server.connectors.rules import MessageKind, Verdict


class FactsMissing(ValueError):
    """A fact that the platform asks for is not known; `field` is the platform's own name for it."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestFacts:
    """Who the guest is, unsealed. Never logged: only its masked parts would be in a repr, and it has none."""

    native_name: str = field(repr=False)
    latin_name: str | None = field(repr=False)
    sex: str = field(repr=False)
    birth_date: date | None = field(repr=False)
    nationality: str = field(repr=False)
    document_kind: str = field(repr=False)
    document_number: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StayFacts:
    """Everything a platform could be told about one stay; each platform takes what its whitelist names."""

    stay_id: str
    unit_mark: str
    room_label: str
    bed_label: str | None
    checked_in_at: datetime
    leave_at: datetime
    presumed_left: bool
    guest: GuestFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What happened, and when: one message to each platform that wants to know."""

    kind: MessageKind
    happened_at: datetime
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What leaves: an id that is used for this content alone, and the whitelisted fields."""

    message_id: str
    kind: MessageKind
    queued_at: datetime
    fields: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came back from one exchange, with the raw answer as evidence (sealed before it is stored)."""

    verdict: Verdict
    receipt: str = ""
    code: str = ""
    field: str = ""
    status: int | None = None
    seconds: float = 0.0
    raw: bytes = b""


class Platform(Protocol):
    """One authority's platform."""

    @property
    def name(self) -> str:
        """Its key in our tables, such as `lodging`."""

    @property
    def recipient(self) -> str:
        """Its name in the purpose's recipients and in the disclosure ledger."""

    @property
    def purpose_code(self) -> str:
        """The purpose under which anything may leave to it."""

    @property
    def allowed(self) -> Mapping[MessageKind, frozenset[str]]:
        """The fields that may leave, by kind of message; a kind that is not here is not wanted."""

    def wants(self, kind: MessageKind) -> bool:
        """Whether it is to be told of this."""

    def render(self, *, occasion: Occasion, facts: StayFacts) -> Mapping[str, str]:
        """The fields of the message, or `FactsMissing`."""

    def send(self, *, message: Message) -> Told:
        """Send it once. Never raises: what went wrong is a verdict."""

    def ask(self, *, message_id: str) -> Told:
        """Ask what became of a message. Never raises."""
