"""Lots: which messages travel together, and the ticket by which each finds its place in one again.

A ticket names the platform's lot number, the place in it, what the lot does, how often the platform has shown nothing of it, and whose
ticket it is: a message that was mended since must not be answered with the fate of its forerunner.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from linli.server.connectors.platforms.ses_hospedajes.papers import Part, write_annulments, write_parts
from linli.server.connectors.protocol import Message
from linli.server.connectors.rules import MessageKind

NEW, ANNUL = "A", "B"
SCHEMAS: Mapping[str, str] = {NEW: "altaParteHospedaje.xsd", ANNUL: "anularComunicacion.xsd"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Messages of one account that leave in one envelope; new parts also have one establishment in common."""

    operation: str
    establishment: str
    messages: tuple[Message, ...] = field(repr=False)

    def document(self) -> bytes:
        """This will write the lot's payload."""
        if self.operation == ANNUL:
            return write_annulments(message.takes_back for message in self.messages)
        parts = [Part(reference=message.message_id, fields=message.fields) for message in self.messages]
        return write_parts(establishment=self.establishment, parts=parts)

    def halves(self) -> tuple["Lot", "Lot"]:
        """This will part the lot in two, to find which record makes the platform refuse the whole."""
        middle = len(self.messages) // 2
        return replace(self, messages=self.messages[:middle]), replace(self, messages=self.messages[middle:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Where a message lies at the platform while it decides."""

    lote: str
    place: int
    operation: str
    misses: int = 0

    def written(self, message: Message) -> str:
        """This will write the ticket so that it can be kept with the message."""
        return f"{self.lote}/{self.place}/{self.operation}/{self.misses}/{_mark(message)}"

    def missed(self) -> "Ticket":
        """This will count that the platform showed nothing of the lot."""
        return replace(self, misses=self.misses + 1)


def ticket_of(message: Message) -> Ticket | None:
    """This will read a message's ticket, or None when it has none, or one that is not its own."""
    parts = message.ticket.split("/")
    if len(parts) != 5 or parts[4] != _mark(message):
        return None
    return Ticket(lote=parts[0], place=int(parts[1]), operation=parts[2], misses=int(parts[3]))


def first_operation(message: Message) -> str:
    """This will say what a message does first: withdraw what it takes back, or tell something new."""
    withdraws = message.kind is MessageKind.CANCEL or message.takes_back
    return ANNUL if withdraws else NEW


def lots_of(messages: Sequence[Message], *, together: int) -> Iterator[Lot]:
    """This will put messages together that may travel in one lot, in their order, at most so many in one."""
    groups: dict[tuple[str, str], list[Message]] = {}
    for message in messages:
        operation = first_operation(message)
        establishment = message.fields.get("codigoEstablecimiento", "") if operation == NEW else ""
        groups.setdefault((operation, establishment), []).append(message)
    for (operation, establishment), group in groups.items():
        for start in range(0, len(group), together):
            chosen = tuple(group[start : start + together])
            yield Lot(operation=operation, establishment=establishment, messages=chosen)


def _mark(message: Message) -> str:
    return f"{zlib.crc32(message.message_id.encode()):08x}"
