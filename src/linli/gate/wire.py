"""Every message between server and gate, versioned. A reader accepts this version and the one before it.

Deltas, receipts and journal receipts are JSON; a journal batch is the journal's own lines, one a row, ended by a line
feed. A reader ignores fields it does not know and raises BadMessage, never anything else, for what it cannot use.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from linli.gate.journal import Broken, Gap
from linli.gate.snapshot import Delta, FailMode, GateRule, PassEntry, PassState

WIRE_VERSION = 1
READABLE = frozenset({WIRE_VERSION, WIRE_VERSION - 1})
JOURNAL_TYPE = "text/plain; charset=utf-8"

T = TypeVar("T")
_GATE = re.compile(r"[A-Z][A-Z0-9-]{0,15}", re.ASCII)
_LARGEST = (1 << 63) - 1


class BadMessage(Exception):
    """That message is not in a form this side can read."""


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
    """Write a delta as compact JSON; entries are arrays, in the order `_entry_from` reads them."""
    return _dump(
        "delta",
        estate=delta.estate,
        since=delta.since,
        until=delta.until,
        made_at=_instant(delta.made_at),
        keys={str(number): base64.b64encode(raw).decode("ascii") for number, raw in delta.keys.items()},
        gates=[
            [rule.gate, rule.version, sorted(rule.groups), rule.fail_mode.value, rule.max_age_s, rule.strike_s]
            for rule in delta.gates
        ],
        passes=[
            [
                f"{entry.serial:016x}",
                entry.version,
                list(entry.groups),
                int(entry.start.timestamp()),
                int(entry.end.timestamp()),
                entry.holder,
                entry.state.value,
                int(entry.static),
            ]
            for entry in delta.passes
        ],
    )


def decode_delta(raw: bytes | str) -> Delta:
    """Read a delta. Raises BadMessage."""
    return _read(raw, "delta", _delta_from)


def encode_receipt(receipt: Receipt) -> bytes:
    """Write a receipt as JSON."""
    applied_at = _instant(receipt.applied_at)
    return _dump("receipt", version=receipt.version, gates=list(receipt.gates), applied_at=applied_at)


def decode_receipt(raw: bytes | str) -> Receipt:
    """Read a receipt. Raises BadMessage."""
    return _read(raw, "receipt", _receipt_from)


def encode_announcement(version: int) -> str:
    """Write the words of a wake-up call: which version there is to fetch."""
    return json.dumps({"version": version})


def decode_announcement(raw: str) -> int:
    """Read a wake-up call. Raises BadMessage."""
    try:
        return _count(json.loads(raw)["version"])
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
    return _dump(
        "journal_receipt",
        stored=dict(receipt.stored),
        gaps=[[gap.gate, gap.first, gap.last] for gap in receipt.gaps],
        broken=[[line.gate, line.sequence, line.why] for line in receipt.broken],
        **({"hashes": dict(receipt.hashes)} if receipt.hashes else {}),
    )


def decode_journal_receipt(raw: bytes | str) -> JournalReceipt:
    """Read a journal receipt. Raises BadMessage."""
    return _read(raw, "journal_receipt", _journal_receipt_from)


def _dump(kind: str, **fields: object) -> bytes:
    return json.dumps({"wire": WIRE_VERSION, "kind": kind, **fields}, separators=(",", ":")).encode()


def _read(raw: bytes | str, kind: str, build: Callable[[dict[str, Any]], T]) -> T:
    try:
        message = json.loads(raw)
        if not isinstance(message, dict) or message.get("kind") != kind:
            raise BadMessage(f"that is not a {kind}")
        if message.get("wire") not in READABLE:
            raise BadMessage(f"wire version {message.get('wire')!r} is not readable here")
        return build(message)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError, AttributeError) as problem:
        raise BadMessage(f"{kind}: {type(problem).__name__}: {problem}"[:300]) from None


def _delta_from(message: dict[str, Any]) -> Delta:
    return Delta(
        estate=_text(message["estate"]),
        since=_count(message["since"]),
        until=_count(message["until"]),
        made_at=_instant_from(message["made_at"]),
        keys={_key_id(number): _key(raw) for number, raw in message.get("keys", {}).items()},
        gates=tuple(_rule_from(*row[:6]) for row in message["gates"]),
        passes=tuple(_entry_from(*row[:8]) for row in message["passes"]),
    )


# The last fields of a row have defaults: the version before may lack them.
def _rule_from(
    gate: Any, version: Any, groups: Any, fail_mode: Any = "listed", max_age_s: Any = 86_400, strike_s: Any = 5
) -> GateRule:
    return GateRule(
        gate=_gate(gate),
        version=_count(version),
        groups=frozenset(_count(group) for group in groups),
        fail_mode=FailMode(fail_mode),
        max_age_s=_count(max_age_s),
        strike_s=_count(strike_s),
    )


def _entry_from(
    serial: Any, version: Any, groups: Any, start: Any, end: Any, holder: Any, state: Any, static: Any = 0
) -> PassEntry:
    if not isinstance(serial, str) or len(serial) != 16:
        raise ValueError("a serial is 16 hex digits")
    return PassEntry(
        serial=int(serial, 16),
        version=_count(version),
        groups=tuple(_count(group) for group in groups),
        start=datetime.fromtimestamp(_count(start), UTC),
        end=datetime.fromtimestamp(_count(end), UTC),
        holder=_text(holder),
        state=PassState(state),
        static=bool(static),
    )


def _receipt_from(message: dict[str, Any]) -> Receipt:
    return Receipt(
        version=_count(message["version"]),
        gates=tuple(_gate(gate) for gate in message["gates"]),
        applied_at=_instant_from(message["applied_at"]),
    )


def _journal_receipt_from(message: dict[str, Any]) -> JournalReceipt:
    return JournalReceipt(
        stored={_gate(gate): _count(through) for gate, through in message["stored"].items()},
        gaps=tuple(
            Gap(gate=_gate(gate), first=_count(first), last=_count(last))
            for gate, first, last in message.get("gaps", ())
        ),
        broken=tuple(
            Broken(gate=_text(gate), sequence=_count(sequence), why=_text(why))
            for gate, sequence, why in message.get("broken", ())
        ),
        hashes={_gate(gate): _text(digest) for gate, digest in message.get("hashes", {}).items()},
    )


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _instant_from(text: Any) -> datetime:
    at = datetime.fromisoformat(_text(text))
    if at.tzinfo is None:
        raise ValueError("an instant names its zone")
    return at.astimezone(UTC)


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise ValueError("a count is a whole number, not negative")
    return value


def _text(value: Any) -> str:
    if type(value) is not str or len(value) > 200:
        raise ValueError("a text is at most 200 characters")
    return value


def _gate(value: Any) -> str:
    if not _GATE.fullmatch(_text(value)):
        raise ValueError("a gate's code is capital letters, digits and hyphens")
    return str(value)


def _key_id(value: Any) -> int:
    number = int(value)
    if not 0 <= number < 16:
        raise ValueError("a key id is 0 to 15")
    return number


def _key(value: Any) -> bytes:
    try:
        raw = base64.b64decode(_text(value), validate=True)
    except binascii.Error:
        raise ValueError("a key is base64") from None
    if len(raw) != 32:
        raise ValueError("a key is 32 bytes")
    return raw
