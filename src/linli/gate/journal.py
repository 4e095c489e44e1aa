"""What a gate writes down: one hash-chained line an event, one chain a gate.

The line is canonical: what is hashed is what travels and what the server stores. Fields, separated by one TAB:

    v1 gate sequence at_us clock method direction opened reason serial snapshot_version note prev hash

`hash` is SM3 (GB/T 32905-2016) over the line up to and including `prev`; `prev` is the hash of the line before it, and
64 zeros where a chain starts. Sequences start at 1. No field can hold a TAB, a backslash or a line break.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.hashes import SM3, Hash

from linli.gate.passes import EPOCH

GENESIS = "0" * 64
NOTE_LENGTH = 80
FIELDS = (
    *("format", "gate", "sequence", "at_us", "clock", "method", "direction", "opened", "reason", "serial"),
    *("snapshot_version", "note", "prev", "hash"),
)

_NOTE_CHARACTERS = r"0-9A-Za-z\u3400-\u9fff.,:;_+()=@#/，。：；、（） -"
_LINE = re.compile(
    r"v1\t([A-Z][A-Z0-9-]{0,15})\t([1-9]\d{0,17})\t(\d{1,17})\t(ok|unsure)\t([A-Z]{1,16})\t(in|out)\t([01])"
    r"\t([A-Z_]{1,32})\t([0-9a-f]{16}|-)\t(\d{1,18})"
    rf"\t([{_NOTE_CHARACTERS}]{{1,{NOTE_LENGTH}}})\t([0-9a-f]{{64}})\t([0-9a-f]{{64}})",
    re.ASCII,
)
_FOREIGN = re.compile(rf"[^{_NOTE_CHARACTERS}]+")
_UNIX_EPOCH_US = int(EPOCH.timestamp()) * 1_000_000
_HASHED = -65  # without the last TAB and the hash
# Copied for each line: to set a new one up takes as long as to hash a line.
_EMPTY = Hash(SM3())


class BadLine(Exception):
    """That is not a line of a gate's journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a gate's chain stands: its last sequence and the hash of that line."""

    gate: str
    sequence: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened at a gate; `at` is the box's own time, `note` is empty or a few plain words."""

    at: datetime
    clock: str
    method: str
    direction: str
    opened: bool
    reason: str
    serial: int | None
    snapshot_version: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line as it was written, read back."""

    gate: str
    sequence: int
    event: Event
    prev: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Sequences, first to last, that have not arrived."""

    gate: str
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A line that was changed, and how one can tell: `form`, `hash`, `chain` or `conflict`."""

    gate: str
    sequence: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The lines that hold, in order, late and repeated ones too; the chains' heads after them; what is amiss."""

    good: list[str]
    heads: dict[str, Head]
    gaps: list[Gap]
    broken: list[Broken]


def append(*, head: Head, event: Event) -> tuple[str, Head]:
    """Write the next line of a chain. Raises BadLine for an event that does not fit the form."""
    serial = "-" if event.serial is None else f"{event.serial:016x}"
    body = (
        f"v1\t{head.gate}\t{head.sequence + 1}\t{_microseconds(event.at)}\t{event.clock}\t{event.method}"
        f"\t{event.direction}\t{event.opened:d}\t{event.reason}\t{serial}\t{event.snapshot_version}"
        f"\t{clean_note(event.note)}\t{head.hash}"
    )
    digest = sm3(body)
    line = f"{body}\t{digest}"
    if not _LINE.fullmatch(line):
        raise BadLine(line)
    return line, Head(gate=head.gate, sequence=head.sequence + 1, hash=digest)


def fields(line: str) -> tuple[str, ...] | None:
    """Split a line into its fields, without the format, if its form and its own hash hold; None if not."""
    match = _LINE.fullmatch(line)
    return match.groups() if match is not None and sm3(line[:_HASHED]) == match[13] else None


def parse(line: str) -> Line:
    """Read one line and check its own hash. Raises BadLine."""
    match = _LINE.fullmatch(line)
    if match is None or sm3(line[:_HASHED]) != match[13]:
        raise BadLine(line[:200])
    event = Event(
        at=EPOCH + timedelta(microseconds=int(match[3]) - _UNIX_EPOCH_US),
        clock=match[4],
        method=match[5],
        direction=match[6],
        opened=match[7] == "1",
        reason=match[8],
        serial=None if match[9] == "-" else int(match[9], 16),
        snapshot_version=int(match[10]),
        note="" if match[11] == "-" else match[11],
    )
    return Line(gate=match[1], sequence=int(match[2]), event=event, prev=match[12], hash=match[13])


def verify(lines: Iterable[str], *, heads: Mapping[str, Head] | None = None) -> Verification:
    """Check a batch of lines, of one gate or many, against the chains' known heads. Never raises.

    A line that comes late or again is good when its own hash holds; a gap is told once, a changed line is left out.
    """
    known = dict(heads or {})
    last: dict[str, tuple[int, str]] = {gate: (head.sequence, head.hash) for gate, head in known.items()}
    good: list[str] = []
    gaps: list[Gap] = []
    broken: list[Broken] = []
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            broken.append(_misshapen(line))
            continue
        gate, number, prev, digest = match.group(1, 2, 12, 13)
        sequence = int(number)
        top = known.get(gate) or Head(gate=gate)
        why = _fault(line, digest, sequence, prev, last.get(gate, (0, GENESIS)), top)
        if why:
            broken.append(Broken(gate=gate, sequence=sequence, why=why))
            continue
        if sequence > top.sequence:
            if sequence > top.sequence + 1:
                gaps.append(Gap(gate=gate, first=top.sequence + 1, last=sequence - 1))
            known[gate] = Head(gate=gate, sequence=sequence, hash=digest)
        last[gate] = (sequence, digest)
        good.append(line)
    return Verification(good=good, heads=known, gaps=gaps, broken=broken)


def find_gaps(*, gate: str, sequences: Iterable[int]) -> list[Gap]:
    """Find the sequences, counted from 1, that are missing from those given."""
    gaps = []
    expected = 1
    for sequence in sorted(set(sequences)):
        if sequence > expected:
            gaps.append(Gap(gate=gate, first=expected, last=sequence - 1))
        expected = max(expected, sequence + 1)
    return gaps


def clean_note(text: str) -> str:
    """Make a note safe for a line: a run of foreign characters becomes a space, at most 80 stay, "-" when none do."""
    return _FOREIGN.sub(" ", text).strip()[:NOTE_LENGTH].strip() or "-"


def sm3(text: str) -> str:
    """Hash a text with SM3 and give 64 hex digits."""
    digest = _EMPTY.copy()
    digest.update(text.encode())
    return digest.finalize().hex()


def _microseconds(at: datetime) -> int:
    # A box without a battery may wake up before 1970; the line keeps its form, and its clock field says "unsure".
    return max(0, _UNIX_EPOCH_US + (at - EPOCH) // timedelta(microseconds=1))


def _fault(line: str, digest: str, sequence: int, prev: str, last: tuple[int, str], top: Head) -> str | None:
    if sm3(line[:_HASHED]) != digest:
        return "hash"
    if sequence == last[0] + 1 and prev != last[1]:
        return "chain"
    if sequence == top.sequence + 1 and prev != top.hash:
        return "chain"
    if (sequence == top.sequence and digest != top.hash) or (sequence == last[0] and digest != last[1]):
        return "conflict"
    return None


def _misshapen(line: str) -> Broken:
    fields = line[:400].split("\t")
    number = fields[2] if len(fields) > 2 else ""
    sequence = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0
    return Broken(gate=clean_note(fields[1])[:16] if len(fields) > 1 else "-", sequence=sequence, why="form")
