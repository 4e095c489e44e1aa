"""A journal forgets nothing, and a journal that was changed is found out."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linli.gate import journal

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def event(number=0, **changes):
    usual = {
        "at": NOW + timedelta(seconds=number),
        "clock": "ok",
        "method": "CODE",
        "direction": "in",
        "opened": True,
        "reason": "OK",
        "serial": number,
        "snapshot_version": 3,
        "note": "",
    }
    return journal.Event(**{**usual, **changes})


def chain(gate, count):
    head, lines = journal.Head(gate=gate), []
    for number in range(count):
        line, head = journal.append(head=head, event=event(number))
        lines.append(line)
    return lines, head


events = st.builds(
    journal.Event,
    at=st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(5000, 1, 1), timezones=st.just(UTC)),
    clock=st.sampled_from(("ok", "unsure")),
    method=st.sampled_from(("CODE", "EXIT", "GUARD")),
    direction=st.sampled_from(("in", "out")),
    opened=st.booleans(),
    reason=st.sampled_from(("OK", "NOT_ON_LIST")),
    serial=st.none() | st.integers(min_value=0, max_value=(1 << 64) - 1),
    snapshot_version=st.integers(min_value=0, max_value=10**17),
    note=st.text(max_size=120),
)


@given(events)
def test_an_event_is_read_back_as_it_was_written(written):
    line, head = journal.append(head=journal.Head(gate="G07"), event=written)
    read = journal.parse(line)
    assert (read.gate, read.sequence, read.hash) == ("G07", 1, head.hash)
    assert (read.event.at, read.event.serial, read.event.opened) == (written.at, written.serial, written.opened)
    assert not set("\t\n\r\\") & set(read.event.note)
    assert len(read.event.note) <= journal.NOTE_LENGTH


@given(st.integers(min_value=0, max_value=19), st.data())
@settings(deadline=None)
def test_any_changed_character_is_found(number, data):
    lines, _ = chain("G07", 20)
    line = lines[number]
    place = data.draw(st.integers(min_value=0, max_value=len(line) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda character: character != line[place]))
    lines[number] = line[:place] + other + line[place + 1 :]
    checked = journal.verify(lines)
    assert checked.broken
    assert lines[number] not in checked.good


@given(st.integers(min_value=0, max_value=18))
def test_a_dropped_line_is_a_gap(number):
    lines, _ = chain("G07", 20)
    del lines[number]
    assert journal.verify(lines).gaps == [journal.Gap(gate="G07", first=number + 1, last=number + 1)]


def test_a_line_rewritten_with_its_own_hash_breaks_the_chain_after_it():
    lines, _ = chain("G07", 3)
    forged, _ = journal.append(
        head=journal.Head(gate="G07", sequence=1, hash=journal.parse(lines[0]).hash), event=event(9, opened=False)
    )
    checked = journal.verify([lines[0], forged, lines[2]])
    assert checked.broken == [journal.Broken(gate="G07", sequence=3, why="chain")]


def test_a_line_that_contradicts_what_is_already_held_is_a_conflict():
    lines, head = chain("G07", 3)
    forged, _ = journal.append(
        head=journal.Head(gate="G07", sequence=2, hash=journal.parse(lines[1]).hash), event=event(9)
    )
    checked = journal.verify([forged], heads={"G07": head})
    assert [line.why for line in checked.broken] == ["conflict"]
    assert not checked.good


def test_lines_that_come_again_or_late_are_good():
    lines, head = chain("G07", 9)
    checked = journal.verify(lines[2:6], heads={"G07": head})
    assert checked.good == lines[2:6]
    assert checked.heads["G07"] == head
    assert not checked.gaps
    assert not checked.broken


def test_a_batch_carries_many_gates():
    first, first_head = chain("G01", 4)
    second, second_head = chain("G02", 4)
    mixed = [line for pair in zip(first, second, strict=True) for line in pair]
    checked = journal.verify(mixed)
    assert checked.good == mixed
    assert checked.heads == {"G01": first_head, "G02": second_head}


@given(st.lists(st.text(max_size=60), max_size=20))
def test_nonsense_is_refused_line_by_line(lines):
    checked = journal.verify(lines)
    assert not checked.good
    assert len(checked.broken) == len(lines)


@pytest.mark.parametrize("wrong", [{"clock": "fine"}, {"method": "a\tb"}, {"direction": "up"}, {"reason": ""}], ids=str)
def test_an_event_outside_the_form_is_not_written(wrong):
    with pytest.raises(journal.BadLine):
        journal.append(head=journal.Head(gate="G07"), event=event(**wrong))


def test_gaps_are_found_among_sequences():
    found = journal.find_gaps(gate="G07", sequences=[2, 3, 7, 3])
    assert found == [journal.Gap(gate="G07", first=1, last=1), journal.Gap(gate="G07", first=4, last=6)]


def test_sm3_is_the_national_standard():
    # GB/T 32905-2016, example 1.
    assert journal.sm3("abc") == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
