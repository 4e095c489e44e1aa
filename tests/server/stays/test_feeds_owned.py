"""Whose calendars are followed, where they may lead, and who may turn them on and off."""

from datetime import timedelta
from typing import Any

import pytest

from linli.server.kernel import crypto
from linli.server.kernel.errors import NotAllowed, NotFound
from linli.server.stays import actions as stays
from linli.server.stays import queries
from linli.server.stays.actions import Subscription
from linli.server.stays.actions.feeds import AddressNotFollowed, AlreadyFollowed, FeedEnded, OwnCalendar
from linli.server.stays.models import FeedSource
from linli.server.stays.rules.beds import NotInThisUnit
from tests.feeds.following import booked, day, follow, read, tasks, two_orders
from tests.feeds.running import RunningChannel, order
from tests.world import DAY, Unchanged, World

pytestmark = pytest.mark.django_db


def test_an_address_is_sealed_and_shown_only_in_part(world: World, channel: RunningChannel) -> None:
    feed = follow(world, channel, url=channel.url + "?s=very-secret-key-of-the-channel-0123")
    row = FeedSource.objects.get(id=feed.id)
    assert b"very-secret" not in bytes(row.url)
    assert "very-secret" not in repr(feed)
    assert crypto.unseal(bytes(row.url), context="feed.url").endswith("0123")


@pytest.mark.parametrize(
    "url",
    ["http://10.0.0.8/a.ics", "http://169.254.169.254/", "http://[::1]/", "ftp://x.example/", "file:///etc/passwd"],
)
def test_an_address_near_us_is_not_followed(world: World, url: str) -> None:
    with Unchanged(), pytest.raises(AddressNotFollowed):
        asked = Subscription(unit_id=world.units["home"].id, url=url)
        stays.follow_calendar(actor=world.operator, wanted=asked, now=world.now)


def test_without_the_setting_a_simulator_is_near_us_too(world: World, channel: RunningChannel, settings: Any) -> None:
    follow(world, channel)
    settings.LINLI_NEARBY_FEEDS = frozenset()
    assert read(world) == "address_forbidden"
    assert channel.channel.fetched == 0


def test_a_calendar_of_ours_is_not_followed_by_us(world: World, settings: Any) -> None:
    asked = Subscription(unit_id=world.units["home"].id, url=f"{settings.LINLI_PUBLIC_URL}/api/calendars/x.ics")
    with Unchanged(), pytest.raises(OwnCalendar):
        stays.follow_calendar(actor=world.operator, wanted=asked, now=world.now)


def test_a_calendar_is_followed_once_for_a_place_and_a_room_must_be_in_it(
    world: World, channel: RunningChannel
) -> None:
    follow(world, channel)
    with Unchanged(), pytest.raises(AlreadyFollowed):
        follow(world, channel)
    with Unchanged(), pytest.raises(NotInThisUnit):
        follow(world, channel, room_id=world.units["dorm"].rooms[0].room_id)


def test_another_operator_reaches_no_calendar_and_no_task(world: World, channel: RunningChannel) -> None:
    world.book("home", start=world.now + 4 * DAY, nights=5, room_ids=[r.room_id for r in world.units["home"].rooms])
    channel.lets(order(1, day(world, 5), day(world, 7)))
    feed = follow(world, channel)
    read(world)
    (task,) = tasks("conflict")
    other = world.other_operator
    with Unchanged():
        for act in (stays.pause_feed, stays.resume_feed, stays.end_feed, stays.read_soon):
            with pytest.raises(NotAllowed):
                act(actor=other, feed_id=feed.id, now=world.now)
        with pytest.raises(NotAllowed):
            queries.get_feed(actor=other, feed_id=feed.id, now=world.now)
        with pytest.raises(NotAllowed):
            stays.answer_task(actor=other, task_id=task.id, choice="keep", note="", now=world.now)
        with pytest.raises(NotFound):
            stays.answer_task(actor=world.office, task_id="task_0", choice="keep", note="", now=world.now)
    assert queries.list_feeds(actor=other, unit_id=None, page=1, now=world.now).items == ()
    assert queries.list_tasks(actor=other, state="all", page=1).items == ()
    assert len(queries.list_tasks(actor=world.office, state="open", page=1).items) == 1


def test_a_paused_or_ended_calendar_is_not_read_and_a_reader_on_its_way_changes_nothing(
    world: World, channel: RunningChannel
) -> None:
    channel.lets(*two_orders(world))
    feed = follow(world, channel)
    (turn,) = stays.claim_due_feeds(most=9, now=world.now)
    stays.pause_feed(actor=world.operator, feed_id=feed.id, now=world.now)
    assert stays.read_followed(turn=turn, draw=0.5, now=world.now) == "late"
    assert stays.claim_due_feeds(most=9, now=world.now + DAY) == ()
    stays.resume_feed(actor=world.operator, feed_id=feed.id, now=world.now)
    assert read(world) == "good"
    stays.end_feed(actor=world.operator, feed_id=feed.id, now=world.now)
    assert stays.claim_due_feeds(most=9, now=world.now + DAY) == ()
    assert len(booked()) == 2
    with Unchanged(), pytest.raises(FeedEnded):
        stays.resume_feed(actor=world.operator, feed_id=feed.id, now=world.now)
    follow(world, channel)


def test_a_reader_that_died_gives_its_turn_back(world: World, channel: RunningChannel) -> None:
    follow(world, channel)
    (dead,) = stays.claim_due_feeds(most=9, now=world.now)
    assert stays.claim_due_feeds(most=9, now=world.now) == ()
    (turn,) = stays.claim_due_feeds(most=9, now=world.now + timedelta(minutes=6))
    assert turn.number == dead.number + 1
    assert stays.read_followed(turn=dead, draw=0.5, now=world.now) == "late"


def test_a_calendar_of_a_flat_that_stopped_letting_is_followed_no_longer(world: World, channel: RunningChannel) -> None:
    follow(world, channel)
    stays.close_unit(actor=world.office, unit_id=world.units["home"].id, reason="sold", now=world.now)
    assert read(world) == "ended"
    assert FeedSource.objects.get().state == "ENDED"
    assert channel.channel.fetched == 0
