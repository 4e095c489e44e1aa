"""Two tellings of one order at once: a calendar read twice, a hook that sends twice, a list beside a hook. Booked once, asked once."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from linli.server.stays import actions as stays
from linli.server.stays import queries
from linli.server.stays.actions import HookOrder, Subscription
from linli.server.stays.models import Booking, FeedEntry, FeedSource, HookEvent, IntakeTask
from linli.sim.feeds.calendar import calendar
from tests.feeds.running import RunningChannel, order, running
from tests.races.running import collide, deadlocks, kinds
from tests.world import DAY, World

pytestmark = pytest.mark.django_db(transaction=True)
READERS = 4


@pytest.fixture
def channel(settings: Any) -> Iterator[RunningChannel]:
    settings.LINLI_NEARBY_FEEDS = frozenset({"127.0.0.1"})
    with running() as served:
        yield served


def orders(world: World, count: int) -> list:
    start = world.now.date()
    return [order(number, start + (2 * number + 3) * DAY, start + (2 * number + 4) * DAY) for number in range(count)]


def booked_once(world: World, count: int) -> None:
    assert Booking.objects.filter(state="BOOKED").count() == count
    assert FeedEntry.objects.count() == count
    assert queries.count_double_bookings(estate_id=world.estate_id) == 0


def test_one_calendar_taken_in_by_four_at_once_is_booked_once(world: World) -> None:
    content, before = calendar(orders(world, 4), now=world.now), deadlocks()
    unit_id = world.units["dorm"].id
    outcomes = collide(
        *[lambda: stays.import_feed(actor=world.operator, content=content, feed="x", unit_id=unit_id, now=world.now)]
        * READERS
    )
    assert kinds(outcomes) == ["ok"] * READERS
    told = sorted(row.outcome for outcome in outcomes for row in outcome.rows)
    assert told == ["booked"] * 4 + ["unchanged"] * 4 * (READERS - 1)
    booked_once(world, 4)
    assert deadlocks() == before


def test_one_followed_calendar_read_by_four_workers_at_once_is_booked_once(
    world: World, channel: RunningChannel
) -> None:
    channel.lets(*orders(world, 3))
    asked = Subscription(unit_id=world.units["home"].id, url=channel.url)
    feed = stays.follow_calendar(actor=world.operator, wanted=asked, now=world.now)

    def look() -> list[str]:
        turns = stays.claim_due_feeds(most=9, now=world.now)
        return [stays.read_followed(turn=turn, draw=0.5, now=world.now) for turn in turns]

    outcomes = collide(*[look] * READERS)
    assert sorted(map(str, outcomes)) == ["['good']"] + ["[]"] * (READERS - 1)
    booked_once(world, 3)
    assert FeedSource.objects.get(id=feed.id).lease_until is None


def test_should_leases_fail_altogether_four_readers_of_one_turn_still_book_once(
    world: World, channel: RunningChannel
) -> None:
    channel.lets(*orders(world, 3))
    asked = Subscription(unit_id=world.units["dorm"].id, url=channel.url)
    stays.follow_calendar(actor=world.operator, wanted=asked, now=world.now)
    (turn,) = stays.claim_due_feeds(most=9, now=world.now)
    outcomes = collide(*[lambda: stays.read_followed(turn=turn, draw=0.5, now=world.now)] * READERS)
    assert set(kinds(outcomes)) == {"ok"}
    assert "good" in outcomes
    booked_once(world, 3)


def test_one_conflict_met_by_four_at_once_is_one_task(world: World) -> None:
    every = [room.room_id for room in world.units["home"].rooms]
    world.book("home", start=world.now, nights=60, guests=3, room_ids=every)
    content = calendar(orders(world, 2), now=world.now)
    unit_id = world.units["home"].id
    outcomes = collide(
        *[lambda: stays.import_feed(actor=world.operator, content=content, feed="x", unit_id=unit_id, now=world.now)]
        * READERS
    )
    assert kinds(outcomes) == ["ok"] * READERS
    assert IntakeTask.objects.count() == 2
    assert {row.times for row in IntakeTask.objects.all()} == {READERS}
    assert Booking.objects.count() == 1


def test_one_event_sent_by_four_at_once_happens_once(world: World) -> None:
    hook = stays.make_hook(actor=world.operator, operator_id=world.operator_id, channel="ctrip", now=world.now)
    told = HookOrder(
        event_id="evt-1",
        kind="order.created",
        occurred_at=world.now,
        ref="T-1",
        unit=world.units["home"].dwelling_code,
        arrive_at=world.now + 3 * DAY,
        leave_at=world.now + 4 * DAY,
    )
    hook_id = hook.hook.id
    outcomes = collide(
        *[lambda: stays.take_hook_order(actor=world.operator, hook_id=hook_id, event=told, now=world.now)] * READERS
    )
    assert kinds(outcomes) == ["ok"] * READERS
    assert sorted(outcome.repeated for outcome in outcomes) == [False] + [True] * (READERS - 1)
    booked_once(world, 1)
    assert HookEvent.objects.count() == 1


def test_feeds_and_hosts_that_race_for_one_flat_never_double_it(world: World) -> None:
    every = [room.room_id for room in world.units["home"].rooms]
    before = deadlocks()
    for night in range(4):
        start = world.now + timedelta(days=10 * night + 3)
        day = start.date()
        contents = [calendar([order(number, day, day + DAY, summary="3 guests")], now=world.now) for number in (1, 2)]
        acts = [
            lambda c=content, n=name, d=night: stays.import_feed(
                actor=world.operator, content=c, feed=f"{n}-{d}", unit_id=world.units["home"].id, now=world.now
            )
            for name, content in zip("ab", contents, strict=True)
        ]
        collide(*acts, lambda s=start: world.book("home", start=s.replace(hour=6), guests=3, room_ids=every))
    assert queries.count_double_bookings(estate_id=world.estate_id) == 0
    assert Booking.objects.filter(state="BOOKED").count() == 4
    assert IntakeTask.objects.filter(kind="conflict").count() >= 4
    assert deadlocks() == before
