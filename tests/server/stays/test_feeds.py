"""Booking feeds, from the files under examples: each order once, changes followed where safe, one bad line spoiling no other."""

from datetime import timedelta
from pathlib import Path

import pytest

from linli.server.kernel.errors import NotAllowed
from linli.server.kernel.files import FileTooBig
from linli.server.places import actions as places
from linli.server.stays import actions as stays
from linli.server.stays import queries
from linli.server.stays.models import Booking, IntakeTask
from tests.world import DAY, Unchanged, World

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
FEEDS = Path(__file__).parents[3] / "examples" / "feeds"


def take(world: World, name: str, *, flat: str | None = None, content: bytes | None = None, actor=None):
    return stays.import_feed(
        actor=actor or world.office,
        content=content if content is not None else (FEEDS / name).read_bytes(),
        feed="sample",
        unit_id=world.units[flat].id if flat else None,
        now=world.now,
    )


def doors(world: World) -> None:
    for text, flat in {"07-2-1203": "home", "03-1-0502": "dorm", "11-3-1801": "mixed"}.items():
        places.name_place(
            actor=world.office, code=world.units[flat].dwelling_code, kind="listing", text=text, now=world.now
        )


def test_a_calendar_is_booked_order_by_order(world: World) -> None:
    found = take(world, "booking-feed.ics", flat="home")
    assert sorted(row.outcome for row in found.rows) == ["block", "booked", "booked", "booked", "booked", "cancelled"]
    assert (found.booked, found.problems) == (4, 0)


def test_the_same_calendar_again_changes_no_booking(world: World) -> None:
    take(world, "booking-feed.ics", flat="home")
    before = set(Booking.objects.values_list("id", "state"))
    again = take(world, "booking-feed.ics", flat="home")
    assert again.booked == 0
    assert set(Booking.objects.values_list("id", "state")) == before


def test_a_calendar_with_faults_names_each_fault_and_books_the_rest(world: World) -> None:
    found = take(world, "booking-feed-with-faults.ics", flat="home")
    assert (found.booked, found.problems) == (1, 4)
    assert all(row.zh and row.en for row in found.rows)


@pytest.mark.parametrize(("name", "booked"), [("order-list.csv", 5), ("order-list-gb18030.csv", 3)])
def test_an_order_list_names_its_own_flats(world: World, name: str, booked: int) -> None:
    doors(world)
    found = take(world, name)
    assert (found.booked, found.problems) == (booked, 0)
    assert queries.count_double_bookings(estate_id=world.estate_id) == 0


def test_an_order_list_with_faults_books_what_is_sound(world: World) -> None:
    doors(world)
    found = take(world, "order-list-with-faults.csv")
    assert found.booked >= 1
    assert {row.outcome for row in found.rows} <= {"booked", "problem"}
    assert found.booked + found.problems == 6
    assert not Booking.objects.filter(booker_masked__startswith="=").exists()


def test_an_operators_list_does_not_reach_another_operators_flat(world: World) -> None:
    places.name_place(
        actor=world.office, code=world.units["other"].dwelling_code, kind="listing", text="07-2-1203", now=world.now
    )
    found = take(world, "order-list.csv", actor=world.operator)
    assert found.booked == 0
    assert Booking.objects.count() == 0


def test_an_order_on_a_taken_bed_is_a_conflict_and_is_told(world: World) -> None:
    everything = [room.room_id for room in world.units["home"].rooms]
    first = take(world, "booking-feed.ics", flat="home")
    order = Booking.objects.get(id=next(row.booking_id for row in first.rows if row.booking_id))
    stays.cancel_booking(actor=world.office, booking_id=order.id, reason="", now=world.now)
    Booking.objects.exclude(id=order.id)
    for view in queries.list_bookings(actor=world.office, day=None, page=1):
        if view.state == "BOOKED":
            stays.cancel_booking(actor=world.office, booking_id=view.id, reason="", now=world.now)
    world.book("home", start=order.arrive_at, nights=60, guests=3, room_ids=everything)
    calendar = (FEEDS / "booking-feed.ics").read_text().replace("@feed.example", "@other.example")
    found = take(world, "", flat="home", content=calendar.encode())
    assert {row.outcome for row in found.rows} >= {"conflict"}
    assert found.booked == 0


def test_a_changed_order_with_registered_guests_is_a_question(world: World) -> None:
    take(world, "booking-feed.ics", flat="home")
    booking = Booking.objects.order_by("arrive_at").first()
    world.register(booking.id)
    text = (FEEDS / "booking-feed.ics").read_text().replace("DTEND;VALUE=DATE:20310503", "DTEND;VALUE=DATE:20310502")
    found = take(world, "", flat="home", content=text.encode())
    assert [row.outcome for row in found.rows if row.booking_id == booking.id] == ["question"]
    assert Booking.objects.get(id=booking.id).state == "BOOKED"


def test_a_changed_order_without_guests_moves_its_booking_and_keeps_the_link_good(world: World) -> None:
    take(world, "booking-feed.ics", flat="home")
    first = Booking.objects.order_by("arrive_at").first()
    text = (FEEDS / "booking-feed.ics").read_text().replace("DTEND;VALUE=DATE:20310503", "DTEND;VALUE=DATE:20310502")
    found = take(world, "", flat="home", content=text.encode())
    assert "changed" in {row.outcome for row in found.rows}
    moved = Booking.objects.get(id=first.id)
    assert (moved.state, moved.arrive_at, moved.leave_at) == ("BOOKED", first.arrive_at, first.leave_at - DAY)
    assert {hold.period.upper for hold in moved.holds.filter(released_at__isnull=True)} == {moved.leave_at}
    assert world.register(moved.id).stay.leave_at == moved.leave_at


def test_an_order_missing_from_several_readings_over_time_is_asked_about_never_cancelled(world: World) -> None:
    take(world, "booking-feed.ics", flat="home")
    events = (FEEDS / "booking-feed.ics").read_text().split("BEGIN:VEVENT")
    text = "BEGIN:VEVENT".join([events[0], *events[2:]])
    asked = []
    for _ in range(4):
        found = take(world, "", flat="home", content=text.encode())
        asked.append(sum(row.code == "missing" for row in found.rows))
        world.now += HOUR
    assert asked == [0, 0, 1, 1]
    assert Booking.objects.filter(state="BOOKED").count() == 4
    assert IntakeTask.objects.filter(kind="missing").count() == 1


def test_three_readings_within_a_minute_prove_no_absence(world: World) -> None:
    take(world, "booking-feed.ics", flat="home")
    events = (FEEDS / "booking-feed.ics").read_text().split("BEGIN:VEVENT")
    text = "BEGIN:VEVENT".join([events[0], *events[2:]])
    outcomes = [take(world, "", flat="home", content=text.encode()) for _ in range(5)]
    assert not any(row.code == "missing" for found in outcomes for row in found.rows)


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 64, b"\x89PNG\r\n\x1a\n", b"BEGIN:VCALENDAR\r\nEND:", b"a,b\n1,2\n", b"\xff\xfe" * 40]
)
def test_a_file_that_is_no_feed_is_a_problem_and_books_nothing(world: World, content: bytes) -> None:
    found = take(world, "", flat="home", content=content)
    assert found.booked == 0
    assert Booking.objects.count() == 0


def test_a_feed_beyond_two_megabytes_is_refused(world: World) -> None:
    with Unchanged(), pytest.raises(FileTooBig):
        take(world, "", flat="home", content=b"x" * (2 * 1024 * 1024 + 1))


def test_a_guard_imports_no_feed(world: World) -> None:
    with Unchanged(), pytest.raises(NotAllowed):
        take(world, "booking-feed.ics", flat="home", actor=world.guard)
