"""Calendars that go out: by a link that cannot be guessed and can be revoked, the same until something changes, and no word about guests."""

from datetime import date, timedelta

import pytest
from django.test import Client

from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotAllowed
from linli.server.stays import actions as stays
from linli.server.stays import queries
from linli.server.stays.models import Booking, CalendarBlock, IntakeTask
from linli.server.stays.queries import CalendarLinkView
from linli.server.stays.rules.beds import NotInThisUnit
from linli.server.stays.rules.feeds import FeedProblem, occupied, read_feed
from tests.world import DAY, Unchanged, World, body_of

pytestmark = pytest.mark.django_db
CHANNEL = Client(raise_request_exception=False)


def link(world: World, flat: str = "home", room: int | None = None) -> CalendarLinkView:
    unit = world.units[flat]
    room_id = unit.rooms[room].room_id if room is not None else None
    return stays.make_calendar(actor=world.operator, unit_id=unit.id, room_id=room_id, name="airbnb", now=world.now)


def told(calendar: CalendarLinkView) -> bytes:
    answer = CHANNEL.get(calendar.path)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    return answer.content


def line(content: bytes, name: str) -> list[str]:
    return [text.partition(":")[2] for text in content.decode().split("\r\n") if text.startswith(name)]


def arriving(world: World, days: int, hour: int = 6):
    return (world.now + days * DAY).replace(hour=hour, minute=0, second=0)


def test_a_flat_tells_its_nights_and_nothing_about_its_guests(world: World) -> None:
    calendar = link(world)
    assert b"BEGIN:VEVENT" not in told(calendar)
    booked = world.book("home", start=arriving(world, 3), nights=2, booker_name="林小邻", booker_phone="13700005678")
    who = world.register(booked).stay
    content = told(calendar)
    assert (len(line(content, "UID")), line(content, "SUMMARY")) == (1, ["Not available 已占用"])
    begins, ends = (date.fromisoformat(line(content, name)[0]) for name in ("DTSTART", "DTEND"))
    assert ends - begins == 2 * DAY
    for secret in ("林", "137000", booked.booking.id, who.id, who.name_masked):
        assert secret.encode() not in content


def test_each_room_has_its_own_nights_and_a_dormitory_is_full_when_every_bed_is(world: World) -> None:
    flat, first, second, dorm = link(world), link(world, room=0), link(world, room=1), link(world, "dorm")
    world.book("home", start=arriving(world, 3), room_ids=[world.units["home"].rooms[0].room_id])
    world.book("dorm", start=arriving(world, 3), guests=3)
    assert [len(line(told(each), "UID")) for each in (flat, first, second, dorm)] == [1, 1, 0, 0]
    world.book("dorm", start=arriving(world, 3), guests=1)
    assert len(line(told(dorm), "UID")) == 1


def test_unchanged_it_is_the_same_to_the_byte_and_is_not_sent_twice(world: World) -> None:
    calendar = link(world)
    world.book("home", start=arriving(world, 3), nights=2)
    answer = CHANNEL.get(calendar.path)
    with Unchanged():
        again = CHANNEL.get(calendar.path)
        known = CHANNEL.get(calendar.path, headers={"If-None-Match": answer["ETag"]})
    assert again.content == answer.content
    assert (known.status_code, known.content, known["ETag"]) == (304, b"", answer["ETag"])


def test_a_longer_stay_keeps_its_name_and_counts_its_change(world: World) -> None:
    calendar = link(world)
    booked = world.book("home", start=arriving(world, 3), nights=2)
    before = told(calendar)
    leave_at = booked.booking.leave_at + 2 * DAY
    stays.extend_booking(actor=world.operator, booking_id=booked.booking.id, leave_at=leave_at, now=world.now)
    after = told(calendar)
    assert line(after, "UID") == line(before, "UID")
    assert (line(before, "SEQUENCE"), line(after, "SEQUENCE")) == (["0"], ["1"])
    assert line(after, "DTEND") > line(before, "DTEND")
    stays.cancel_booking(actor=world.operator, booking_id=booked.booking.id, reason="", now=world.now)
    assert line(told(calendar), "UID") == []
    assert CalendarBlock.objects.count() == 0


def test_a_revoked_a_forged_or_anothers_link_opens_nothing(world: World) -> None:
    one, two = link(world), link(world)
    stays.revoke_calendar(actor=world.operator, calendar_id=one.id, now=world.now)
    with Unchanged():
        for path in (one.path, two.path.replace(".ics", "x.ics"), "/api/calendars/nobody.gave.this.ics"):
            answer = CHANNEL.get(path)
            assert (answer.status_code, answer["Content-Type"].split(";")[0]) == (401, "application/problem+json")
    assert told(two)
    assert [each.id for each in queries.list_calendars(actor=world.operator, unit_id=None, now=world.now)] == [two.id]


def test_links_are_made_and_revoked_by_whoever_lets_the_flat(world: World) -> None:
    calendar, unit = link(world), world.units["home"]
    with Unchanged():
        with pytest.raises(NotAllowed):
            stays.revoke_calendar(actor=world.other_operator, calendar_id=calendar.id, now=world.now)
        with pytest.raises(NotAllowed):
            stays.make_calendar(actor=world.other_operator, unit_id=unit.id, room_id=None, name="", now=world.now)
        with pytest.raises(NotInThisUnit):
            stays.make_calendar(actor=world.operator, unit_id=unit.id, room_id="room_0", name="", now=world.now)
    assert queries.list_calendars(actor=world.other_operator, unit_id=None, now=world.now) == ()


def test_our_own_calendar_come_back_books_nothing_and_asks_nothing(world: World) -> None:
    calendar = link(world)
    for start in (3, 9, 20):
        world.book("home", start=arriving(world, start), nights=2)
    content = told(calendar)
    desk, before = world.signed_in(Role.OFFICE), Booking.objects.count()
    found = stays.import_feed(
        actor=world.operator, content=content, feed="back", unit_id=world.units["home"].id, now=world.now
    )
    assert [(row.outcome, row.code) for row in found.rows] == [("block", "own_calendar")] * 3
    assert (Booking.objects.count(), IntakeTask.objects.count()) == (before, 0)
    assert desk.get("/api/calendars").status_code == 200
    own = occupied.own_ending(world.estate_id)
    elsewhere = read_feed(content, zone="Asia/Shanghai", own=own + ".other")
    assert [entry.code for entry in elsewhere if isinstance(entry, FeedProblem)] == ["block"] * 3


def test_what_is_over_is_not_told_and_a_block_under_way_does_not_change_from_day_to_day(world: World) -> None:
    calendar = link(world)
    world.book("home", start=arriving(world, 1), nights=4)
    reader = queries.find_calendar_reader(ticket=calendar.path.removeprefix("/api/calendars/")[:-4], now=world.now)
    bodies = {
        stays.publish_calendar(actor=reader, calendar_id=calendar.id, now=world.now + timedelta(hours=hours)).body
        for hours in range(0, 96, 12)
    }
    assert len(bodies) == 1
    over = stays.publish_calendar(actor=reader, calendar_id=calendar.id, now=world.now + 9 * DAY)
    assert b"VEVENT" not in over.body


def test_the_api_makes_lists_and_revokes_links(world: World) -> None:
    desk = world.signed_in(Role.OPERATOR, scope=f"operator:{world.operator_id}")
    wanted = {"unit_id": world.units["home"].id, "name": "booking.com"}
    made = desk.post("/api/calendars", wanted, content_type="application/json")
    assert made.status_code == 201
    assert [each["path"] for each in body_of(desk.get("/api/calendars"))] == [body_of(made)["path"]]
    assert desk.post(f"/api/calendars/{body_of(made)['id']}/revoke").status_code == 200
    assert body_of(desk.get("/api/calendars")) == []
