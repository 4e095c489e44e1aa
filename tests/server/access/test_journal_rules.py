import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linli.gate.journal import GENESIS
from linli.server.access import rules
from linli.server.access.rules import BatchTooLong, Entry, Known, Reading, Settled, Span
from tests.server.access.estate import Gate, batch

GATES = frozenset({"G01", "G02"})


def read_batch(body: bytes, *, gates: frozenset[str]) -> Reading:
    return rules.read_lines(rules.split_batch(body), gates=gates)


def _entries(count: int) -> list[Entry]:
    gate = Gate("G01")
    gate.write(count)
    return list(read_batch(batch(gate.lines), gates=GATES).lines["G01"])


ENTRIES = _entries(30)


class Memory:
    """What the database would hold of one gate."""

    def __init__(self) -> None:
        self.sequence, self.hash = 0, GENESIS
        self.gaps: tuple[Span, ...] = ()
        self.stored: dict[int, Entry] = {}

    def take(self, entries: Sequence[Entry]) -> Settled:
        places = rules.wanted(entries, sequence=self.sequence)
        stored = {at: (self.stored[at].prev, self.stored[at].hash) for at in places if at in self.stored}
        known = Known(sequence=self.sequence, hash=self.hash, gaps=self.gaps, stored=stored)
        settled = rules.settle(gate="G01", entries=entries, known=known)
        self.sequence, self.hash, self.gaps = settled.sequence, settled.hash, settled.gaps
        self.stored.update({entry.sequence: entry for entry in settled.new})
        return settled


@settings(max_examples=200)
@given(st.lists(st.lists(st.integers(0, 29), min_size=1, max_size=12), max_size=12))
def test_batches_in_any_order_repeated_or_late_come_to_what_arrived_and_its_gaps(batches: list[list[int]]) -> None:
    memory, arrived = Memory(), set()
    for places in batches:
        before = len(memory.stored)
        settled = memory.take([ENTRIES[place] for place in places])
        arrived |= {place + 1 for place in places}
        assert settled.faults == ()
        assert len(settled.new) == len(memory.stored) - before
    assert set(memory.stored) == arrived
    assert memory.sequence == max(arrived, default=0)
    missing = {at for gap in memory.gaps for at in range(gap.first, gap.last + 1)}
    assert missing == set(range(1, memory.sequence + 1)) - arrived
    assert all(one.last + 1 < two.first for one, two in zip(memory.gaps, memory.gaps[1:], strict=False))


@settings(max_examples=100)
@given(st.lists(st.integers(0, 29), min_size=1, unique=True), st.randoms(use_true_random=False))
def test_how_lines_are_cut_into_batches_does_not_matter(places: list[int], chance: random.Random) -> None:
    whole, pieces = Memory(), Memory()
    whole.take([ENTRIES[place] for place in places])
    rest = list(places)
    while rest:
        cut = chance.randint(1, len(rest))
        pieces.take([ENTRIES[place] for place in rest[:cut]])
        rest = rest[cut:]
    assert (whole.sequence, whole.hash, whole.gaps, whole.stored) == (
        pieces.sequence,
        pieces.hash,
        pieces.gaps,
        pieces.stored,
    )


@settings(max_examples=200)
@given(st.lists(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")), max_size=8))
def test_no_rubbish_raises_and_none_is_lost(texts: list[str]) -> None:
    body = "\n".join(texts).encode("utf-8", "surrogatepass")
    reading = read_batch(body, gates=GATES)
    lines = [line for line in body.split(b"\n") if line]
    assert reading.lines == {}
    assert [fault.line.encode("utf-8", "surrogateescape") for fault in reading.faults] == lines


def test_another_history_of_the_same_numbers_is_a_conflict_in_one_batch_too() -> None:
    one, two = Gate("G01"), Gate("G01")
    one.write(3)
    two.write(3, reason="EXPIRED", opened=False)
    entries = read_batch(batch(one.lines, two.lines), gates=GATES).lines["G01"]
    settled = rules.settle(gate="G01", entries=entries, known=Known(sequence=0, hash=GENESIS))
    assert len(settled.new) == 3
    assert [(fault.sequence, fault.why) for fault in settled.faults if fault.why == "conflict"] == [
        (1, "conflict"),
        (2, "conflict"),
        (3, "conflict"),
    ]


def test_a_batch_has_a_bound() -> None:
    with pytest.raises(BatchTooLong):
        read_batch(b"x\n" * (rules.MOST_LINES + 1), gates=GATES)
    with pytest.raises(BatchTooLong):
        read_batch(b"x" * (rules.MOST_BYTES + 1), gates=GATES)
