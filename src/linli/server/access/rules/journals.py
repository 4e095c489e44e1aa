"""What holds in a batch of journal lines, what is missing, and what cannot be believed.

`read_lines` looks at each line alone; `settle` fits one gate's lines to what has come in before. A line whose own hash fails is kept
apart. A line that holds but does not follow from its neighbour is stored, and the break is noted: one of the two was changed, and
nobody can say which.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from linli.gate import journal
from linli.gate.journal import GENESIS
from linli.server.kernel.errors import Refusal

LONGEST_LINE = 1_000
MOST_LINES = 20_000
MOST_BYTES = 8 * 2**20


class BatchTooLong(Refusal):
    """A batch is at most 20,000 lines and 8 MiB."""

    zh = "每批最多 20000 行、8 MiB。"
    status = 413


class Entry(NamedTuple):
    """One line that holds, as far as the server reads it before the database does."""

    sequence: int
    prev: str
    hash: str
    text: str
    at_us: int


class Span(NamedTuple):
    """Sequences, first to last."""

    first: int
    last: int


class Fault(NamedTuple):
    """What does not hold, how one can tell, and the line as it came."""

    gate: str
    sequence: int
    why: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A batch of one box: the lines that hold by themselves, by gate, in the order they came, and those that do not."""

    lines: Mapping[str, Sequence[Entry]]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What has come in of one gate: its highest line, the open gaps below it, and of lines the batch touches `prev` and `hash`."""

    sequence: int
    hash: str
    gaps: tuple[Span, ...] = ()
    stored: Mapping[int, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """One gate after a batch: the new lines to store, where its journal stands, what is missing now, and what does not fit."""

    new: tuple[Entry, ...]
    sequence: int
    hash: str
    gaps: tuple[Span, ...]
    faults: tuple[Fault, ...]


def split_batch(body: bytes) -> list[str]:
    """This will split a batch into its lines; refuses with `BatchTooLong`, else never raises."""
    if len(body) > MOST_BYTES:
        raise BatchTooLong
    # A damaged byte must cost its own line, not the batch.
    texts = [text for text in body.decode("utf-8", "surrogateescape").split("\n") if text]
    if len(texts) > MOST_LINES:
        raise BatchTooLong
    return texts


def read_lines(texts: Iterable[str], *, gates: Collection[str]) -> Reading:
    """This will check each line by itself, and that its gate is one of the box's; never raises."""
    fields_of = journal.fields
    lines: dict[str, list[Entry]] = {}
    faults = []
    for text in texts:
        fields = fields_of(text)
        if fields is None:
            faults.append(_unbelievable(text))
            continue
        gate, sequence, at_us, *_, prev, digest = fields
        entry = Entry(int(sequence), prev, digest, text, int(at_us))
        if gate in lines:
            lines[gate].append(entry)
        elif gate in gates:
            lines[gate] = [entry]
        else:
            faults.append(Fault(gate, entry.sequence, "foreign", text))
    return Reading(lines=lines, faults=tuple(faults))


def simply_goes_on(reading: Reading, heads: Mapping[str, tuple[int, str]]) -> bool:
    """This will say whether all lines hold and each gate's go on where its journal stands, as nearly always."""
    return not reading.faults and all(_follow(entries, *heads[gate]) for gate, entries in reading.lines.items())


def wanted(entries: Iterable[Entry], *, sequence: int) -> list[int]:
    """This will name the stored lines that must be looked at: those that may be repeated, and the neighbours of late ones."""
    late = {entry.sequence for entry in entries if entry.sequence <= sequence}
    beside = {place for number in late for place in (number - 1, number + 1) if 0 < place <= sequence}
    return sorted(late | beside)


def settle(*, gate: str, entries: Sequence[Entry], known: Known) -> Settled:
    """This will fit a gate's lines, whatever their order, to what has come in before; the result does not depend on the order."""
    if _follow(entries, known.sequence, known.hash):
        return Settled(
            new=tuple(entries), sequence=entries[-1].sequence, hash=entries[-1].hash, gaps=known.gaps, faults=()
        )
    fresh, conflicts = _fresh(gate, entries, known)
    if not fresh:
        return Settled(new=(), sequence=known.sequence, hash=known.hash, gaps=known.gaps, faults=tuple(conflicts))
    runs = _runs(fresh)
    top = fresh[-1]
    sequence, digest = (top.sequence, top.hash) if top.sequence > known.sequence else (known.sequence, known.hash)
    missing = (*known.gaps, Span(known.sequence + 1, sequence)) if sequence > known.sequence else known.gaps
    return Settled(
        new=tuple(fresh),
        sequence=sequence,
        hash=digest,
        gaps=_without(missing, runs),
        faults=(*conflicts, *_breaks(gate, fresh, known)),
    )


def _unbelievable(text: str) -> Fault:
    told = journal.verify([text]).broken[0]
    return Fault(told.gate, told.sequence, told.why, text)


def _follow(entries: Iterable[Entry], sequence: int, digest: str) -> bool:
    for entry in entries:
        sequence += 1
        if entry.sequence != sequence or entry.prev != digest:
            return False
        digest = entry.hash
    return True


def _fresh(gate: str, entries: Sequence[Entry], known: Known) -> tuple[list[Entry], list[Fault]]:
    """Leave out what came before: a repetition silently, another line in the same place as a conflict."""
    ordered = sorted(entries)
    fresh: list[Entry] = []
    conflicts = []
    for entry in ordered:
        twin = fresh[-1].hash if fresh and fresh[-1].sequence == entry.sequence else None
        if twin is None and entry.sequence <= known.sequence:
            twin = _hash_of(entry.sequence, known)
            if twin is None and not any(gap.first <= entry.sequence <= gap.last for gap in known.gaps):
                # Counted and forgotten after its ninety days: it must not come back as something new.
                continue
        if twin is None:
            fresh.append(entry)
        elif twin != entry.hash:
            conflicts.append(Fault(gate, entry.sequence, "conflict", entry.text))
    return fresh, conflicts


def _runs(fresh: Sequence[Entry]) -> list[Span]:
    if fresh[-1].sequence - fresh[0].sequence == len(fresh) - 1:
        return [Span(fresh[0].sequence, fresh[-1].sequence)]
    runs = []
    first = fresh[0].sequence
    for entry, following in pairwise(fresh):
        if following.sequence != entry.sequence + 1:
            runs.append(Span(first, entry.sequence))
            first = following.sequence
    return [*runs, Span(first, fresh[-1].sequence)]


def _without(missing: Iterable[Span], runs: Sequence[Span]) -> tuple[Span, ...]:
    left: list[Span] = []
    for gap in missing:
        first = gap.first
        for run in runs:
            if run.last < first or run.first > gap.last:
                continue
            if run.first > first:
                left.append(Span(first, run.first - 1))
            first = run.last + 1
        if first <= gap.last:
            left.append(Span(first, gap.last))
    return tuple(sorted(left))


def _breaks(gate: str, fresh: Sequence[Entry], known: Known) -> list[Fault]:
    """Name each new line that does not follow from the line before it, and each stored one that does not follow from a new one."""
    breaks = []
    sequence, digest = 0, GENESIS
    for entry in fresh:
        before = entry.sequence - 1
        if before == sequence:
            follows = entry.prev == digest
        else:
            expected = _hash_of(before, known)
            follows = expected is None or entry.prev == expected
        if not follows:
            breaks.append(Fault(gate, entry.sequence, "chain", entry.text))
        sequence, digest = entry.sequence, entry.hash
        if sequence < known.sequence:
            after = known.stored.get(sequence + 1)
            if after and after[0] != digest:
                breaks.append(Fault(gate, sequence + 1, "chain", ""))
    return breaks


def _hash_of(sequence: int, known: Known) -> str | None:
    if sequence == known.sequence:
        return known.hash
    stored = known.stored.get(sequence)
    return stored[1] if stored else None
