"""The nights we tell to channels: stable, silent about guests, and known again when they come back."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linli.server.kernel.periods import Period
from linli.server.stays.rules.feeds import FeedOrder, occupied, read_feed, timing
from linli.server.stays.rules.feeds.occupied import Block, Room

ZONE = ZoneInfo("Asia/Shanghai")
TODAY, NOW = date(2031, 5, 1), datetime(2031, 5, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)
OWN = occupied.own_ending("est_01ABC")
NIGHTS = st.sets(st.integers(-30, 60).map(lambda n: TODAY + n * DAY), max_size=40)


def local(day: int, hour: int) -> datetime:
    return datetime(2031, 5, day, hour, tzinfo=ZONE)


def namer():
    numbers = count()
    return lambda: f"{next(numbers)}{OWN}"


def first(nights: set[date]) -> list[Block]:
    return occupied.restamped([], occupied.runs(nights, today=TODAY), today=TODAY, now=NOW, new_uid=namer())


@pytest.mark.parametrize(
    ("start", "end", "nights"),
    [
        (local(2, 14), local(4, 12), [2, 3]),
        (local(2, 1), local(2, 12), [1]),
        (local(2, 10), local(2, 13), [2]),
        (local(2, 20), local(3, 2), [2]),
        (local(2, 14), local(4, 5), [2, 3]),
        (local(2, 23), local(3, 1), [2]),
    ],
)
def test_a_stay_occupies_its_nights_and_an_hour_by_day_the_night_of_that_day(
    start: datetime, end: datetime, nights: list[int]
) -> None:
    assert [night.day for night in occupied.nights(Period(start=start, end=end), zone=ZONE)] == nights


def test_a_whole_room_is_full_with_one_bed_held_and_a_dormitory_with_all() -> None:
    held = {"a1": {TODAY}, "b1": {TODAY, TODAY + DAY}, "b2": {TODAY + DAY}}
    whole = Room(room_id="a", by_the_bed=False, bed_ids=["a1", "a2"])
    dorm = Room(room_id="b", by_the_bed=True, bed_ids=["b1", "b2"])
    assert occupied.full_nights([whole], held) == {TODAY}
    assert occupied.full_nights([dorm], held) == {TODAY + DAY}
    assert occupied.full_nights([whole, dorm], held) == set()
    other = Room(room_id="c", by_the_bed=False, bed_ids=["c1"])
    assert occupied.full_nights([whole, other], held) == {TODAY}
    assert occupied.full_nights([], held) == set()


@given(nights=NIGHTS)
def test_a_calendar_in_which_nothing_changed_is_the_same_to_the_byte_whenever_it_is_asked_for(
    nights: set[date],
) -> None:
    blocks = first(nights)
    later = occupied.restamped(
        blocks,
        occupied.runs(nights, today=TODAY),
        today=TODAY,
        now=NOW + timedelta(hours=5),
        new_uid=lambda: pytest.fail("no new block"),
    )
    assert occupied.written(later) == occupied.written(blocks)


@given(before=NIGHTS, after=NIGHTS)
def test_a_change_is_told_by_sequence_and_stamp_and_a_name_is_never_given_twice(
    before: set[date], after: set[date]
) -> None:
    old = {block.uid: block for block in first(before)}
    later = NOW + timedelta(hours=5)
    runs = occupied.runs(after, today=TODAY)
    uids = (f"new-{number}{OWN}" for number in count())
    new = occupied.restamped(list(old.values()), runs, today=TODAY, now=later, new_uid=lambda: next(uids))
    assert len({block.uid for block in new}) == len(new)
    assert [block.ends_date for block in new] == [end for _, end in runs]
    for block in new:
        known = old.get(block.uid)
        if known is None:
            assert (block.sequence, block.stamped_at) == (0, later)
        elif known != block:
            assert (block.sequence, block.stamped_at) == (known.sequence + 1, later)


def test_a_block_under_way_does_not_change_because_a_day_went_by() -> None:
    nights = {TODAY + n * DAY for n in range(6)}
    blocks = first(nights)
    tomorrow = TODAY + DAY
    left = occupied.runs({night for night in nights if night > TODAY}, today=tomorrow)
    again = occupied.restamped(blocks, left, today=tomorrow, now=NOW + DAY, new_uid=namer())
    assert again == blocks


@given(nights=NIGHTS)
def test_what_we_publish_comes_back_as_nothing_to_us_and_as_blocks_to_others(nights: set[date]) -> None:
    blocks = first(nights)
    content = occupied.written(blocks)
    ours = read_feed(content, zone="Asia/Shanghai", own=OWN)
    theirs = read_feed(content, zone="Asia/Shanghai", own="@est-of-others.linli")
    assert [entry.code for entry in ours] == ["own_calendar"] * len(blocks)
    assert [entry.code for entry in theirs] == ["block"] * len(blocks)
    assert not any(isinstance(entry, FeedOrder) for entry in [*ours, *theirs])


@given(nights=NIGHTS)
def test_the_nights_published_are_the_nights_held(nights: set[date]) -> None:
    told = {b.begins_date + n * DAY for b in first(nights) for n in range((b.ends_date - b.begins_date).days)}
    assert {night for night in told if night >= TODAY} == {night for night in nights if night >= TODAY}


@given(failures=st.integers(0, 500), draw=st.floats(0, 1), minutes=st.integers(10, 1440))
def test_a_feed_is_asked_later_after_each_failure_but_never_given_up(failures: int, draw: float, minutes: int) -> None:
    every = timedelta(minutes=minutes)
    wait = timing.next_look(every=every, failures=failures, draw=draw, now=NOW) - NOW
    assert every * 0.9 <= wait <= max(timing.LATEST, every) * 1.1


def test_feeds_that_began_together_do_not_ask_together() -> None:
    waits = {timing.next_look(every=timing.EVERY, failures=0, draw=n / 10, now=NOW) for n in range(11)}
    assert len(waits) == 11


@pytest.mark.parametrize(("missed", "hours", "gone"), [(2, 9, False), (3, 1, False), (3, 2, True), (9, 0, False)])
def test_an_absence_counts_only_when_it_is_repeated_and_lasts(missed: int, hours: int, gone: bool) -> None:
    assert timing.is_gone(missed=missed, first_missed_at=NOW - timedelta(hours=hours), now=NOW) is gone
