"""Of each person only the newest wish counts, whatever the device does meanwhile; nonsense from a device is survived."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linli.edge.drivers.isapi import events
from linli.edge.drivers.ttlock import records
from linli.edge.drivers.wishes import Wishes
from tests.edge.conftest import until
from tests.edge.terminals.bench_isapi import IsapiBench
from tests.edge.terminals.bench_ttlock import TtlockBench
from tests.edge.terminals.heard import person


def numbers(batch):
    return [(wish.number, wish.person is not None) for wish in batch]


def test_departures_are_taken_before_arrivals_and_the_newest_wish_alone():
    wishes = Wishes()
    wishes.put([person(1), person(2), person(3)])
    wishes.drop([2])
    wishes.drop([4])
    wishes.put([person(4)])
    assert numbers(wishes.take(coming=9, leaving=9)) == [(2, False)]
    assert numbers(wishes.take(coming=2, leaving=9)) == [(1, True), (3, True)]
    assert numbers(wishes.take(coming=2, leaving=9)) == [(4, True)]
    assert wishes.take(coming=2, leaving=9) == []


def test_a_wish_that_came_to_nothing_does_not_displace_a_newer_one():
    wishes = Wishes()
    wishes.put([person(1), person(2)])
    batch = wishes.take(coming=9, leaving=9)
    wishes.drop([1])
    wishes.keep(batch)
    assert numbers(wishes.take(coming=9, leaving=9)) == [(1, False)]
    assert numbers(wishes.take(coming=9, leaving=9)) == [(2, True)]


def test_the_list_is_read_only_when_nothing_is_wanted_any_more():
    wishes = Wishes()
    wishes.read_back()
    wishes.put([person(1)])
    assert not wishes.take_reading()
    wishes.take(coming=1, leaving=1)
    assert wishes.take_reading()
    assert not wishes.take_reading()


@pytest.mark.parametrize("make", [IsapiBench, TtlockBench])
@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_in_between_the_device_ends_with_what_is_wanted(make, seed):
    dice, bench, wanted = random.Random(seed), make(), {}
    try:
        for _ in range(60):
            number = dice.randint(1, 8)
            deed = dice.random()
            if deed < 0.45:
                one = bench.person(number, serial=dice.randint(1, 5))
                wanted[number] = one.checksum
                bench.terminal.put([one])
            elif deed < 0.75:
                wanted.pop(number, None)
                bench.terminal.drop([number])
            elif deed < 0.85:
                bench.network(up=dice.random() < 0.5)
            elif deed < 0.95 and make is IsapiBench:
                bench.sim.busy = dice.randint(0, 2)
            elif make is TtlockBench:
                bench.sim.lost_answers = dice.randint(0, 2)
            else:
                bench.terminal.read_back()
        bench.network(up=True)
        until(lambda: bench.told.listings[-1:] == [wanted] or bench.terminal.read_back())
        assert bench.known() == set(wanted)
        assert {number: bench.told.taken[number] for number in wanted} == wanted
    finally:
        bench.close()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = (
    "serialNo",
    "major",
    "minor",
    "time",
    "employeeNoString",
    "cardNo",
    "currTemperature",
    "netUser",
    "cardReaderNo",
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), JSON), JSON, JSON)
def test_any_event_of_a_terminal_is_read_or_refused(words, at, extra):
    for read in (
        lambda: events.remembered({"serialNo": 1, "major": 5, "minor": 1, "time": at, **words}, zone_minutes=480),
        lambda: events.remembered(extra, zone_minutes=480),
        lambda: events.pushed(
            {"eventType": "AccessControllerEvent", "dateTime": at, "AccessControllerEvent": extra}, zone_minutes=480
        ),
        lambda: events.pushed({"event_log": extra}, zone_minutes=480),
    ):
        try:
            event = read()
        except events.NotAnEvent:
            continue
        if event is not None:
            event.passage(exit_readers=frozenset({2}))
            event.alarms()


LOCK_NAMES = ("lockDate", "serverDate", "recordType", "success", "username", "keyboardPwd", "electricQuantity")


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(LOCK_NAMES), JSON))
def test_any_record_of_a_lock_is_read_or_refused(words):
    for row in (words, {**words, "lockDate": 1_760_000_000_000, "recordType": 4}):
        try:
            record = records.record_from(row)
        except records.NotARecord:
            continue
        record.passage(lambda pin: None)
        assert record.name
