"""What every make must do, whatever it speaks: one suite, run against each driver and its simulated device."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from linli.edge.doors import DoorFailed
from linli.gate.hours import Slot
from tests.edge.conftest import until

NOW = datetime.now(UTC).replace(microsecond=0)


def put(bench, *people):
    bench.terminal.put(people)
    until(lambda: all(bench.told.taken.get(person.number) == person.checksum for person in people))


def read_back(bench):
    before = len(bench.told.listings)
    bench.terminal.read_back()
    until(lambda: len(bench.told.listings) > before)
    return bench.told.listings[-1]


def test_a_person_put_is_told_put_and_can_open_there(bench):
    person = bench.person(1)
    assert not bench.show(person)
    put(bench, person)
    assert bench.known() == {1}
    assert bench.show(person)
    assert bench.told.failures == []


def test_an_update_replaces_what_the_device_knew(bench):
    old = bench.person(1)
    new = replace(old, card="77000001", pin="777001", end=old.end + timedelta(days=1))
    put(bench, old)
    put(bench, new)
    assert bench.known() == {1}
    assert bench.show(new)
    assert not bench.show(old)
    assert read_back(bench) == {1: new.checksum}


def test_the_newest_wish_for_a_person_wins(bench):
    bench.network(up=False)
    versions = [bench.person(1, end=NOW + timedelta(days=day)) for day in (1, 2, 3)]
    for version in versions:
        bench.terminal.put([version])
    bench.network(up=True)
    until(lambda: bench.told.taken.get(1) == versions[-1].checksum)
    assert read_back(bench) == {1: versions[-1].checksum}


def test_a_drop_is_told_and_the_person_opens_no_more(bench):
    staying, leaving = bench.person(1), bench.person(2)
    put(bench, staying, leaving)
    bench.terminal.drop([2])
    until(lambda: bench.told.gone == [2])
    assert bench.known() == {1}
    assert not bench.show(leaving)
    assert bench.show(staying)


def test_dropping_whom_the_device_never_knew_is_success(bench):
    put(bench, bench.person(1))
    bench.terminal.drop([4711])
    until(lambda: bench.told.gone == [4711])
    assert bench.known() == {1}


def test_who_is_dropped_and_put_again_is_there(bench):
    person = bench.person(1)
    put(bench, person)
    bench.terminal.drop([1])
    bench.terminal.put([person])
    until(lambda: bench.told.taken.get(1) == person.checksum and bench.told.gone in ([], [1]))
    assert read_back(bench) == {1: person.checksum}
    assert bench.show(person)


def test_the_list_read_back_is_what_was_put(bench):
    assert read_back(bench) == {}
    people = [bench.person(number) for number in range(1, 31)]
    bench.terminal.put(people)
    assert read_back(bench) == {person.number: person.checksum for person in people}


def test_who_was_changed_behind_our_back_shows_in_the_list(bench):
    one, two = bench.person(1), bench.person(2)
    put(bench, one, two)
    bench.meddle(2)
    listing = read_back(bench)
    assert listing[1] == one.checksum
    assert listing[2] != two.checksum
    put(bench, two)
    assert read_back(bench) == {1: one.checksum, 2: two.checksum}


def test_while_the_device_is_away_nothing_is_told_done_and_later_all_comes_right(bench):
    leaving, staying = bench.person(1), bench.person(2)
    put(bench, leaving, staying)
    bench.network(up=False)
    until(lambda: not bench.terminal.health().well)
    coming = bench.person(3)
    changed = bench.person(2, end=NOW + timedelta(days=9))
    bench.terminal.drop([1])
    bench.terminal.put([coming, changed])
    bench.terminal.read_back()
    assert bench.show(leaving), "the device decides alone by what it knows"
    assert bench.told.gone == []
    assert bench.told.taken == {1: leaving.checksum, 2: staying.checksum}
    bench.network(up=True)
    wanted = {2: changed.checksum, 3: coming.checksum}
    until(lambda: bench.told.gone == [1] and bench.told.taken == wanted)
    assert read_back(bench) == wanted
    assert [bench.show(person) for person in (leaving, changed, coming)] == [False, True, True]


def test_passages_are_told_once_though_sent_late_twice_and_in_no_order(bench):
    known, stranger = bench.person(1), bench.person(2)
    put(bench, known)
    bench.unruly()
    bench.network(up=False)
    before = datetime.now(UTC).replace(microsecond=0)
    shown = [bench.show(known if turn % 3 else stranger) for turn in range(20)]
    after = datetime.now(UTC)
    bench.network(up=True)
    until(lambda: len(bench.told.passages) >= len(shown))
    read_back(bench)
    told = bench.told.triples()
    assert len(told) == 20
    assert sum(opened for _, _, opened in told) == sum(shown)
    assert all(before <= at <= after for at, _, _ in told)
    assert {number for _, number, opened in told if opened} == {1}


def test_a_passage_that_could_not_be_written_down_is_told_again(bench):
    person = bench.person(1)
    put(bench, person)
    bench.told.refuse_passages = 2
    assert bench.show(person)
    until(lambda: len(bench.told.passages) == 1)
    assert bench.told.told_passages >= 3


def test_before_the_start_nobody_opens_and_the_list_is_not_short_of_them(bench):
    soon = bench.person(1, start=NOW + timedelta(hours=5), end=NOW + timedelta(hours=29))
    bench.terminal.put([soon])
    assert read_back(bench) == {1: soon.checksum}
    assert not bench.show(soon)


def test_after_the_end_nobody_opens(bench):
    over = bench.person(1, start=NOW - timedelta(hours=30), end=NOW - timedelta(hours=5))
    put(bench, over)
    assert not bench.show(over)


def test_outside_the_hours_nobody_opens(bench):
    if not bench.knows_hours:
        pytest.skip("this make knows no hours")
    weekdays = {(NOW + timedelta(days=away)).weekday() for away in (2, 3)}
    closed = bench.person(1, hours=tuple(Slot(weekday=day, start=0, end=1440) for day in weekdays))
    always = bench.person(2, hours=tuple(Slot(weekday=day, start=0, end=1440) for day in range(7)))
    put(bench, closed, always)
    assert not bench.show(closed)
    assert bench.show(always)
    assert read_back(bench) == {1: closed.checksum, 2: always.checksum}


def test_a_pass_for_two_uses_opens_twice(bench):
    if not bench.knows_uses:
        pytest.skip("this make does not count")
    person = bench.person(1, uses=2)
    put(bench, person)
    assert [bench.show(person) for _ in range(3)] == [True, True, False]
    assert read_back(bench) == {1: person.checksum}


def test_the_devices_clock_is_told(bench):
    if not bench.tells_clock:
        pytest.skip("this make does not tell the time")
    bench.network(up=False)
    until(lambda: not bench.terminal.health().well)
    bench.told.clocks.clear()
    bench.set_clock(offset_s=95)
    bench.network(up=True)
    until(lambda: bench.told.clocks)
    ahead = (bench.told.clocks[0] - datetime.now(UTC)).total_seconds()
    assert 85 < ahead < 105


def test_the_door_opens_on_demand(bench):
    until(lambda: bench.told.heard)
    bench.terminal.open(seconds=5)
    until(lambda: bench.opened() == 1)
    assert bench.told.passages == {}, "the agent has written its own opening down"


def test_the_door_is_held_open_and_released(bench):
    if not bench.holds_open:
        pytest.skip("this make cannot be held open")
    until(lambda: bench.told.heard)
    bench.terminal.open(seconds=None)
    until(bench.held)
    bench.terminal.release()
    until(lambda: not bench.held())


def test_the_door_fails_when_the_device_is_away_and_does_not_open_later(bench):
    until(lambda: bench.terminal.health().well)
    bench.network(up=False)
    with pytest.raises(DoorFailed):
        bench.terminal.open(seconds=5)
    with pytest.raises(DoorFailed):
        bench.terminal.release()
    bench.network(up=True)
    put(bench, bench.person(1))
    read_back(bench)
    assert bench.opened() == 0


def test_health_says_whether_the_device_answers(bench):
    until(lambda: bench.terminal.health().well)
    bench.network(up=False)
    until(lambda: not bench.terminal.health().well)
    assert bench.terminal.health().words
    bench.network(up=True)
    until(lambda: bench.terminal.health().well)


def test_stopping_leaves_the_device_as_it_is(bench):
    person = bench.person(1)
    put(bench, person)
    bench.terminal.stop()
    heard = bench.told.heard
    assert bench.known() == {1}
    assert bench.show(person)
    assert bench.told.heard == heard
