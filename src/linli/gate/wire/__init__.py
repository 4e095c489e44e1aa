"""Every message between server and gate, versioned. A reader accepts this version and the one before it.

Deltas, receipts and journal receipts are JSON; a journal batch is the journal's own lines, one a row, ended by a line
feed. A reader ignores fields it does not know and raises BadMessage, never anything else, for what it cannot use.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from linli.gate.journal import Broken, Gap
from linli.gate.snapshot import Delta
from linli.gate.wire import envelope, fields, rows
from linli.gate.wire.envelope import READABLE, WIRE_VERSION, BadMessage
from linli.gate.wire.terminals import (
    Command,
    CommandKind,
    CommandOutcome,
    CommandReply,
    FaceSheet,
    Listing,
    PersonReport,
    PersonState,
    TerminalPlan,
    TerminalReport,
    decode_commands,
    decode_faces,
    decode_reply,
    decode_reports,
    decode_terminals,
    encode_commands,
    encode_faces,
    encode_reply,
    encode_reports,
    encode_terminals,
)

__all__ = [
    "JOURNAL_TYPE",
    "READABLE",
    "WIRE_VERSION",
    "BadMessage",
    "Command",
    "CommandKind",
    "CommandOutcome",
    "CommandReply",
    "FaceSheet",
    "JournalReceipt",
    "Listing",
    "PersonReport",
    "PersonState",
    "Receipt",
    "TerminalPlan",
    "TerminalReport",
    "decode_announcement",
    "decode_commands",
    "decode_delta",
    "decode_faces",
    "decode_journal",
    "decode_journal_receipt",
    "decode_receipt",
    "decode_reply",
    "decode_reports",
    "decode_terminals",
    "encode_announcement",
    "encode_commands",
    "encode_delta",
    "encode_faces",
    "encode_journal",
    "encode_journal_receipt",
    "encode_receipt",
    "encode_reply",
    "encode_reports",
    "encode_terminals",
]

JOURNAL_TYPE = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A box says: these gates now decide by this version of the list."""

    version: int
    gates: tuple[str, ...]
    applied_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalReceipt:
    """The server says: of each gate it holds lines up to here, these are missing, and these it could not believe.

    It names every gate of the box, also after an empty batch, so that a box with a lost disk learns where it stood.
    `hashes` are those of the lines named in `stored`: a box whose own line differs knows that its history was lost.
    """

    stored: Mapping[str, int]
    gaps: tuple[Gap, ...] = ()
    broken: tuple[Broken, ...] = ()
    hashes: Mapping[str, str] = field(default_factory=dict)


def encode_delta(delta: Delta) -> bytes:
    """Write a delta as compact JSON; its rows are arrays, see `rows`."""
    return envelope.dump(
        "delta",
        estate=delta.estate,
        since=delta.since,
        until=delta.until,
        made_at=fields.instant_words(delta.made_at),
        keys={str(number): base64.b64encode(raw).decode("ascii") for number, raw in delta.keys.items()},
        gates=[rows.rule_row(rule) for rule in delta.gates],
        passes=[rows.entry_row(entry) for entry in delta.passes],
        credentials=[rows.credential_row(one) for one in delta.credentials],
        hours=[rows.hours_row(table) for table in delta.hours],
        house=rows.house_row(delta.house) if delta.house else None,
    )


def decode_delta(raw: bytes | str) -> Delta:
    """Read a delta. Raises BadMessage."""
    return envelope.read(raw, "delta", _delta_from)


def encode_receipt(receipt: Receipt) -> bytes:
    """Write a receipt as JSON."""
    applied_at = fields.instant_words(receipt.applied_at)
    return envelope.dump("receipt", version=receipt.version, gates=list(receipt.gates), applied_at=applied_at)


def decode_receipt(raw: bytes | str) -> Receipt:
    """Read a receipt. Raises BadMessage."""
    return envelope.read(raw, "receipt", _receipt_from)


def encode_announcement(version: int) -> str:
    """Write the words of a wake-up call: which version there is to fetch."""
    return json.dumps({"version": version})


def decode_announcement(raw: str) -> int:
    """Read a wake-up call. Raises BadMessage."""
    try:
        return fields.count(json.loads(raw)["version"])
    except (ValueError, TypeError, KeyError, RecursionError) as problem:
        raise BadMessage(f"announcement: {type(problem).__name__}") from None


def encode_journal(lines: Iterable[str]) -> bytes:
    """Write a batch of journal lines."""
    return "".join(f"{line}\n" for line in lines).encode()


def decode_journal(raw: bytes) -> list[str]:
    """Split a batch into lines, for `journal.verify` to check. Raises BadMessage if it is no text."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise BadMessage("a journal batch is UTF-8 text") from None
    # Not splitlines(): it would also split at characters that a damaged line may hold.
    return [line for line in text.split("\n") if line]


def encode_journal_receipt(receipt: JournalReceipt) -> bytes:
    """Write a journal receipt as JSON."""
    return envelope.dump(
        "journal_receipt",
        stored=dict(receipt.stored),
        gaps=[[gap.gate, gap.first, gap.last] for gap in receipt.gaps],
        broken=[[line.gate, line.sequence, line.why] for line in receipt.broken],
        **({"hashes": dict(receipt.hashes)} if receipt.hashes else {}),
    )


def decode_journal_receipt(raw: bytes | str) -> JournalReceipt:
    """Read a journal receipt. Raises BadMessage."""
    return envelope.read(raw, "journal_receipt", _journal_receipt_from)


def _delta_from(message: dict[str, Any]) -> Delta:
    return Delta(
        estate=fields.text(message["estate"]),
        since=fields.count(message["since"]),
        until=fields.count(message["until"]),
        made_at=fields.instant(message["made_at"]),
        keys={fields.key_id(number): fields.key(raw) for number, raw in message.get("keys", {}).items()},
        gates=tuple(rows.rule_from(*row[:11]) for row in message["gates"]),
        passes=tuple(rows.entry_from(*row[:10]) for row in message["passes"]),
        credentials=tuple(rows.credential_from(*row[:5]) for row in message.get("credentials", ())),
        hours=tuple(rows.hours_from(*row[:4]) for row in message.get("hours", ())),
        house=rows.house_from(message["house"]) if message.get("house") else None,
    )


def _receipt_from(message: dict[str, Any]) -> Receipt:
    return Receipt(
        version=fields.count(message["version"]),
        gates=tuple(fields.gate_code(gate) for gate in message["gates"]),
        applied_at=fields.instant(message["applied_at"]),
    )


def _journal_receipt_from(message: dict[str, Any]) -> JournalReceipt:
    return JournalReceipt(
        stored={fields.gate_code(gate): fields.count(through) for gate, through in message["stored"].items()},
        gaps=tuple(
            Gap(gate=fields.gate_code(gate), first=fields.count(first), last=fields.count(last))
            for gate, first, last in message.get("gaps", ())
        ),
        broken=tuple(
            Broken(gate=fields.text(gate), sequence=fields.count(sequence), why=fields.text(why))
            for gate, sequence, why in message.get("broken", ())
        ),
        hashes={fields.gate_code(gate): fields.text(digest) for gate, digest in message.get("hashes", {}).items()},
    )
