"""Calendars that the worker follows, from a simulated channel over HTTP, with every fault of the field: nothing is lost or guessed."""

from datetime import timedelta

import pytest

from linli.server.stays import actions as stays
from linli.server.stays import queries
from linli.server.stays.models import BedHold, Booking, FeedEntry, IntakeTask
from tests.feeds.following import FINE, HOUR, booked, day, follow, read, see, tasks, two_orders
from tests.feeds.running import RunningChannel, order
from tests.world import DAY, World

pytestmark = pytest.mark.django_db


def test_a_calendar_of_a_flat_let_whole_takes_the_whole_flat(world: World, channel: RunningChannel) -> None:
    channel.lets(*two_orders(world))
    feed = follow(world, channel)
    assert (read(world), len(booked())) == ("good", 2)
    assert booked()[0].holds.count() == 3
    seen = see(world, feed)
    assert (seen.health, seen.orders, seen.problem, seen.takes) == ("good", 2, "", "whole")
    assert seen.next_at is not None
    assert seen.next_at > seen.good_at


def test_a_calendar_of_a_room_takes_that_room_and_one_of_beds_a_bed_an_order(
    world: World, channel: RunningChannel
) -> None:
    channel.lets(order(1, day(world, 5), day(world, 7)))
    room = world.units["home"].rooms[1]
    follow(world, channel, room_id=room.room_id)
    read(world)
    assert set(BedHold.objects.values_list("room_id", flat=True)) == {room.room_id}
    channel.lets(*(order(number, day(world, 5), day(world, 7)) for number in range(10, 15)))
    world.now -= HOUR
    follow(world, channel, "dorm")
    read(world)
    assert Booking.objects.filter(unit_id=world.units["dorm"].id).count() == 4
    assert len(tasks("conflict")) == 1


@pytest.mark.parametrize(
    "fault", ["stamped_now", "thrice", "rolling_block", "bom", "bare_lf", "folded", "latin_header", "gzip", "redirect"]
)
def test_the_same_orders_in_another_dress_change_nothing(world: World, channel: RunningChannel, fault: str) -> None:
    channel.lets(*two_orders(world))
    follow(world, channel)
    read(world)
    before = [(row.id, row.state, row.arrive_at, row.leave_at) for row in Booking.objects.order_by("id")]
    channel.channel.fault = fault
    for _ in range(2):
        assert read(world) in FINE
    assert [(row.id, row.state, row.arrive_at, row.leave_at) for row in Booking.objects.order_by("id")] == before
    assert IntakeTask.objects.count() == 0
    assert BedHold.objects.filter(released_at__isnull=False).count() == 0


BAD = ["nothing", "cut_short", "page", "huge", "http_500", "http_404", "loop", "inward", "bomb", "broken", "empty"]


@pytest.mark.parametrize("fault", BAD)
def test_a_reading_that_is_not_whole_cancels_nothing_however_often(
    world: World, channel: RunningChannel, fault: str
) -> None:
    channel.lets(*two_orders(world))
    feed = follow(world, channel)
    read(world)
    channel.channel.fault = fault
    for failures in range(1, 4):
        assert read(world, later=timedelta(hours=13)) not in FINE
        seen = see(world, feed)
        assert (seen.failures, bool(seen.problem)) == (failures, True)
    assert len(booked()) == 2
    assert not FeedEntry.objects.filter(missed__gt=0).exists()
    assert (see(world, feed).health, len(tasks("feed_silent")), len(tasks("missing"))) == ("silent", 1, 0)
    channel.channel.fault = ""
    assert read(world) in FINE
    assert (see(world, feed).health, len(tasks("feed_silent"))) == ("good", 0)


def test_a_failing_calendar_is_asked_less_and_less_often(world: World, channel: RunningChannel) -> None:
    feed = follow(world, channel)
    channel.channel.fault = "http_500"
    waits = []
    for _ in range(6):
        read(world, later=timedelta(0))
        seen = see(world, feed)
        waits.append(seen.next_at - world.now)
        world.now = seen.next_at
    assert waits == sorted(waits)
    assert waits[-1] <= timedelta(hours=14)


def test_an_order_that_moves_takes_its_booking_along(world: World, channel: RunningChannel) -> None:
    channel.lets(order(1, day(world, 5), day(world, 7)))
    follow(world, channel)
    read(world)
    (before,) = booked()
    channel.lets(order(1, day(world, 6), day(world, 9)))
    read(world)
    (after,) = booked()
    assert after.id == before.id
    assert after.leave_at - before.leave_at == 2 * DAY
    assert queries.count_double_bookings(estate_id=world.estate_id) == 0


def test_an_order_that_moves_after_guests_registered_is_asked_about_once(world: World, channel: RunningChannel) -> None:
    channel.lets(order(1, day(world, 5), day(world, 7)))
    follow(world, channel)
    read(world)
    (before,) = booked()
    world.register(before.id)
    channel.lets(order(1, day(world, 6), day(world, 9)))
    for _ in range(4):
        read(world)
    (task,) = tasks("changed")
    assert (booked()[0].arrive_at, task.booking_id) == (before.arrive_at, before.id)
    answered = stays.answer_task(actor=world.operator, task_id=task.id, choice="keep", note="", now=world.now)
    assert answered.state == "closed"
    read(world)
    assert IntakeTask.objects.count() == 1


def test_a_cancelled_order_frees_its_beds_unless_guests_have_registered(world: World, channel: RunningChannel) -> None:
    one, two = two_orders(world)
    channel.lets(one, two)
    follow(world, channel)
    read(world)
    world.register(booked()[1].id)
    channel.channel.fault = "called_off"
    read(world)
    (kept,) = booked()
    (task,) = tasks("cancelled")
    assert task.booking_id == kept.id
    stays.answer_task(actor=world.operator, task_id=task.id, choice="cancel", note="told so", now=world.now)
    assert booked() == []


def test_a_stale_calendar_against_a_local_booking_is_one_task_and_both_are_kept(
    world: World, channel: RunningChannel
) -> None:
    every = [room.room_id for room in world.units["home"].rooms]
    local = world.book("home", start=world.now + 4 * DAY, nights=5, guests=3, room_ids=every)
    channel.lets(order(1, day(world, 5), day(world, 7)), order(2, day(world, 20), day(world, 21)))
    feed = follow(world, channel)
    for _ in range(4):
        assert read(world) == "good"
    (task,) = tasks("conflict")
    assert task.times == 4
    assert {row.id for row in booked()} > {local.booking.id}
    assert len(booked()) == 2
    seen = see(world, feed)
    assert (seen.open_tasks, [line.code for line in seen.lines]) == (1, ["bed_taken"])
    stays.cancel_booking(actor=world.operator, booking_id=local.booking.id, reason="", now=world.now)
    read(world)
    assert tasks("conflict") == []
    assert len(booked()) == 2
    assert queries.count_double_bookings(estate_id=world.estate_id) == 0


def test_an_order_that_is_no_longer_named_is_asked_about_after_several_good_readings(
    world: World, channel: RunningChannel
) -> None:
    one, two = two_orders(world)
    channel.lets(one, two)
    follow(world, channel)
    read(world)
    channel.lets(one)
    channel.channel.fault = "empty"
    read(world, later=3 * HOUR)
    channel.channel.fault = ""
    asked = []
    for _ in range(4):
        read(world)
        asked.append(len(tasks("missing")))
    assert asked == [0, 0, 1, 1]
    assert len(booked()) == 2
    channel.lets(one, two)
    read(world)
    assert tasks("missing") == []
    assert not FeedEntry.objects.filter(missed__gt=0).exists()


def test_a_calendar_full_of_blocks_alone_is_alive(world: World, channel: RunningChannel) -> None:
    channel.lets(order(1, day(world, 5), day(world, 7)))
    feed = follow(world, channel)
    read(world)
    channel.lets(fault="rolling_block")
    for _ in range(4):
        assert read(world) in FINE
    assert (see(world, feed).blocks, len(tasks("missing")), len(booked())) == (1, 1, 1)


def test_an_unchanged_calendar_is_not_sent_again(world: World, channel: RunningChannel) -> None:
    channel.lets(*two_orders(world))
    follow(world, channel)
    assert [read(world), read(world), read(world)] == ["good", "unchanged", "unchanged"]
    assert channel.channel.unchanged == 2


def test_lines_that_are_no_orders_are_shown_and_keep_what_they_name(world: World, channel: RunningChannel) -> None:
    channel.lets(*two_orders(world))
    feed = follow(world, channel)
    read(world)
    channel.channel.fault = "unknown_zone"
    for _ in range(5):
        read(world)
    assert [line.code for line in see(world, feed).lines] == ["unknown_zone"] * 2
    assert (len(booked()), len(tasks("missing"))) == (2, 0)


def test_an_order_a_flat_cannot_take_becomes_a_task(world: World, channel: RunningChannel) -> None:
    channel.lets(order(1, day(world, 5), day(world, 7), summary="Party (40 guests)"))
    follow(world, channel)
    read(world)
    (task,) = tasks("refused")
    assert task.code == "too_many_guests"
    assert b"Party" not in bytes(task.order or b"")
    stays.answer_task(actor=world.operator, task_id=task.id, choice="keep", note="", now=world.now)
    read(world)
    assert (IntakeTask.objects.count(), booked()) == (1, [])


def test_a_registration_link_stays_good_when_the_order_moves(world: World, channel: RunningChannel) -> None:
    channel.lets(order(1, day(world, 5), day(world, 7)))
    follow(world, channel)
    read(world)
    (before,) = booked()
    channel.lets(order(1, day(world, 5), day(world, 8)))
    read(world)
    assert world.register(before.id).stay.leave_at == booked()[0].leave_at


def test_following_the_channel_prolongs_a_stay_or_books_anew(world: World, channel: RunningChannel) -> None:
    channel.lets(order(1, day(world, 5), day(world, 7)))
    follow(world, channel)
    read(world)
    (before,) = booked()
    world.register(before.id)
    channel.lets(order(1, day(world, 5), day(world, 8)))
    read(world)
    (task,) = tasks("changed")
    stays.answer_task(actor=world.operator, task_id=task.id, choice="follow", note="", now=world.now)
    (longer,) = booked()
    assert (longer.id, longer.leave_at) == (before.id, before.leave_at + DAY)
    channel.lets(order(1, day(world, 15), day(world, 18)))
    read(world)
    (task,) = tasks("changed")
    stays.answer_task(actor=world.operator, task_id=task.id, choice="follow", note="", now=world.now)
    (moved,) = booked()
    assert moved.id != before.id
    assert moved.arrive_at == before.arrive_at + 10 * DAY
    assert read(world) in FINE
    assert [row.id for row in booked()] == [moved.id]


def test_the_estates_zone_decides_for_times_without_one(world: World, channel: RunningChannel) -> None:
    channel.lets(order(1, day(world, 5), day(world, 7)), fault="floating")
    follow(world, channel)
    read(world)
    assert (booked()[0].arrive_at.hour, booked()[0].leave_at.hour) == (6, 4)
