"""A flat is booked: beds, whole rooms, too many, by whom; and how bookings end."""

from datetime import UTC, datetime, timedelta

import pytest

from linli.server.kernel.actors import Role, system
from linli.server.kernel.errors import NotAllowed, NotFound
from linli.server.kernel.periods import Period, PeriodUpsideDown
from linli.server.lettings import actions as lettings
from linli.server.privacy import queries as privacy
from linli.server.stays import actions as stays
from linli.server.stays import queries
from linli.server.stays.actions import Wanted
from linli.server.stays.actions.letting import OrderKnown, UnitNotLetting
from linli.server.stays.models import BedHold, Booking
from linli.server.stays.rules.beds import BedTaken, NoFreeBed, NotInThisUnit, TooManyGuests, WholeRoomOnly
from linli.server.stays.rules.states import BookingNotOpen, GuestsInHouse
from tests.world import DAY, Unchanged, World

pytestmark = pytest.mark.django_db


def beds_of(world: World, flat: str, room: int = 0) -> list[str]:
    return [bed.bed_id for bed in world.units[flat].rooms[room].beds]


def test_a_whole_room_is_let_with_all_its_beds(world: World) -> None:
    booked = world.book("home", guests=2)
    assert len(booked.booking.beds) == 2
    assert booked.booking.state == "BOOKED"
    assert booked.registration_token


def test_beds_are_let_one_by_one_until_none_is_left(world: World) -> None:
    taken = [world.book("dorm").booking.beds for _ in range(4)]
    assert len({bed for beds in taken for bed in beds}) == 4
    with Unchanged(), pytest.raises(NoFreeBed):
        world.book("dorm")


def test_a_named_bed_is_let_once_at_a_time(world: World) -> None:
    bed = beds_of(world, "dorm")[2]
    world.book("dorm", bed_ids=[bed])
    with Unchanged(), pytest.raises(BedTaken):
        world.book("dorm", bed_ids=[bed], start=world.now + timedelta(hours=23))
    assert queries.count_double_bookings(estate_id=world.estate_id) == 0


def test_who_leaves_at_noon_does_not_meet_who_comes_at_noon(world: World) -> None:
    bed = beds_of(world, "dorm")[0]
    world.book("dorm", bed_ids=[bed])
    world.book("dorm", bed_ids=[bed], start=world.now + DAY)


def test_a_room_let_whole_is_not_let_by_the_bed(world: World) -> None:
    with Unchanged(), pytest.raises(WholeRoomOnly):
        world.book("home", bed_ids=[beds_of(world, "home")[0]])


def test_a_whole_room_is_not_let_while_one_of_its_beds_is_taken(world: World) -> None:
    world.book("home", room_ids=[world.units["home"].rooms[0].room_id])
    with Unchanged(), pytest.raises(BedTaken):
        world.book("home", room_ids=[world.units["home"].rooms[0].room_id])


def test_more_guests_than_the_room_sleeps_are_refused(world: World) -> None:
    with Unchanged(), pytest.raises(TooManyGuests) as refused:
        world.book("home", guests=3, room_ids=[world.units["home"].rooms[0].room_id])
    assert refused.value.details["at_most"] == 2
    with Unchanged(), pytest.raises(NoFreeBed):
        world.book("home", guests=4)


def test_a_bed_of_another_flat_is_not_in_this_one(world: World) -> None:
    with Unchanged(), pytest.raises(NotInThisUnit):
        world.book("dorm", bed_ids=[beds_of(world, "home")[0]])


def test_only_the_flats_own_operator_and_the_office_let_it(world: World) -> None:
    wanted = Wanted(
        unit_id=world.units["home"].id, period=Period(start=world.now, end=world.now + DAY), guests_expected=1
    )
    for stranger in (world.other_operator, world.guard, world.actor(Role.POLICE)):
        with Unchanged(), pytest.raises(NotAllowed):
            stays.book(actor=stranger, wanted=wanted, now=world.now)
    assert stays.book(actor=world.operator, wanted=wanted, now=world.now).booking.state == "BOOKED"


def test_another_estate_knows_nothing_of_this_flat(world: World) -> None:

    wanted = Wanted(
        unit_id=world.units["home"].id, period=Period(start=world.now, end=world.now + DAY), guests_expected=1
    )
    with Unchanged(), pytest.raises(NotFound):
        stays.book(actor=system("est_elsewhere"), wanted=wanted, now=world.now)


def test_an_order_is_booked_once(world: World) -> None:
    world.book("dorm", channel="ctrip", channel_ref="A-1")
    with Unchanged(), pytest.raises(OrderKnown):
        world.book("dorm", channel="ctrip", channel_ref="A-1")
    world.book("dorm", channel="meituan", channel_ref="A-1")


def test_a_suspended_flat_takes_no_booking(world: World) -> None:
    lettings.suspend_unit(actor=world.office, unit_id=world.units["home"].id, reason="fire door", now=world.now)
    with Unchanged(), pytest.raises(UnitNotLetting):
        world.book("home")


def test_a_booking_does_not_end_before_it_begins(world: World) -> None:
    with Unchanged(), pytest.raises(PeriodUpsideDown):
        world.book("home", nights=0)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (timedelta(days=-3), timedelta(days=-2)),
        (timedelta(0), timedelta(days=800)),
        (timedelta(days=4000), timedelta(days=4001)),
    ],
)
def test_a_booking_that_is_over_too_long_or_too_far_ahead_is_refused(
    world: World, start: timedelta, end: timedelta
) -> None:
    period = Period(start=world.now + start, end=world.now + end)
    wanted = Wanted(unit_id=world.units["home"].id, period=period, guests_expected=1)
    with Unchanged(), pytest.raises(stays.PeriodImpossible):
        stays.book(actor=world.office, wanted=wanted, now=world.now)


def test_nobody_extends_to_the_end_of_time(world: World) -> None:
    booked = world.book("home")
    with Unchanged(), pytest.raises(stays.PeriodImpossible):
        stays.extend_booking(
            actor=world.office,
            booking_id=booked.booking.id,
            leave_at=datetime(9999, 12, 31, 23, 59, tzinfo=UTC),
            now=world.now,
        )


def test_every_booking_stands_in_the_audit_chain(world: World) -> None:
    booked = world.book("home")
    assert privacy.count_entries(estate_id=world.estate_id, verb="book", subject=booked.booking.id) == 1


def test_the_booker_is_sealed_and_shown_masked(world: World) -> None:
    booked = world.book("home", booker_name="张伟", booker_phone="13800138000")
    row = Booking.objects.get(id=booked.booking.id)
    assert row.booker_masked == "张*"
    assert "张伟".encode() not in bytes(row.booker_name)
    assert b"13800138000" not in bytes(row.booker_phone)


def test_a_cancelled_booking_frees_its_beds_and_ends_its_passes(world: World) -> None:
    (stay,) = world.stay("dorm", bed_ids=[beds_of(world, "dorm")[0]])
    stays.cancel_booking(actor=world.operator, booking_id=stay.booking_id, reason="ill", now=world.now)
    seen = world.see(stay)
    assert (seen.state, seen.access_pass.state) == ("CANCELLED", "revoked")
    world.book("dorm", bed_ids=[beds_of(world, "dorm")[0]])


def test_a_booking_with_guests_in_the_house_is_not_cancelled(world: World) -> None:
    (stay,) = world.stay(state="IN_HOUSE")
    for give_up in (stays.cancel_booking, stays.mark_no_show):
        reason = {"reason": "x"} if give_up is stays.cancel_booking else {}
        with Unchanged(), pytest.raises(GuestsInHouse):
            give_up(actor=world.office, booking_id=stay.booking_id, now=world.now, **reason)


def test_a_cancelled_booking_is_not_cancelled_again_nor_extended(world: World) -> None:
    booked = world.book("home")
    stays.cancel_booking(actor=world.office, booking_id=booked.booking.id, reason="", now=world.now)
    with Unchanged(), pytest.raises(BookingNotOpen):
        stays.cancel_booking(actor=world.office, booking_id=booked.booking.id, reason="", now=world.now)
    with Unchanged(), pytest.raises(BookingNotOpen):
        stays.extend_booking(
            actor=world.office, booking_id=booked.booking.id, leave_at=world.now + 3 * DAY, now=world.now
        )


def test_another_operator_neither_cancels_nor_extends_nor_sees_the_link(world: World) -> None:
    booked = world.book("home")
    with Unchanged(), pytest.raises(NotAllowed):
        stays.cancel_booking(actor=world.other_operator, booking_id=booked.booking.id, reason="", now=world.now)
    with Unchanged(), pytest.raises(NotAllowed):
        stays.extend_booking(
            actor=world.other_operator, booking_id=booked.booking.id, leave_at=world.now + 3 * DAY, now=world.now
        )
    with Unchanged(), pytest.raises(NotAllowed):
        stays.show_link(actor=world.other_operator, booking_id=booked.booking.id, now=world.now)


def test_a_no_show_is_closed_and_its_pass_ends(world: World) -> None:
    (stay,) = world.stay()
    stays.mark_no_show(actor=world.operator, booking_id=stay.booking_id, now=world.now + timedelta(hours=25))
    seen = world.see(stay)
    assert (seen.state, seen.access_pass.state) == ("NO_SHOW", "revoked")
    assert not BedHold.objects.filter(booking_id=stay.booking_id, released_at__isnull=True).exists()


def test_an_extension_lengthens_the_hold_the_stay_and_the_pass(world: World) -> None:
    (stay,) = world.stay(state="IN_HOUSE")
    until = world.now + 3 * DAY
    stays.extend_booking(actor=world.operator, booking_id=stay.booking_id, leave_at=until, now=world.now)
    seen = world.see(stay)
    assert seen.leave_at == until
    assert seen.access_pass.end == until + timedelta(hours=2)
    assert {hold.period.upper for hold in BedHold.objects.filter(booking_id=stay.booking_id)} == {until}


def test_an_extension_into_the_next_guests_night_is_refused(world: World) -> None:
    bed = beds_of(world, "dorm")[0]
    first = world.book("dorm", bed_ids=[bed])
    world.book("dorm", bed_ids=[bed], start=world.now + DAY)
    with Unchanged(), pytest.raises(BedTaken):
        stays.extend_booking(
            actor=world.office, booking_id=first.booking.id, leave_at=world.now + 2 * DAY, now=world.now
        )


def test_an_operator_lists_only_own_bookings(world: World) -> None:
    mine, theirs = world.book("home"), world.book("other")
    listed = queries.list_bookings(actor=world.operator, day=None, page=1)
    assert [view.id for view in listed] == [mine.booking.id]
    assert {view.id for view in queries.list_bookings(actor=world.office, day=None, page=1)} == {
        mine.booking.id,
        theirs.booking.id,
    }
