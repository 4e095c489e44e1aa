"""Who is in the house: arriving (late, even after leaving), moving, leaving, and what happens when nobody saw it."""

from datetime import timedelta

import pytest

from linli.server.kernel import clock
from linli.server.kernel.errors import NotAllowed, NotFound
from linli.server.kernel.models import OutboxEvent
from linli.server.lettings import actions as lettings
from linli.server.privacy import actions as privacy
from linli.server.stays import actions as stays
from linli.server.stays import queries
from linli.server.stays.actions.presence import GuestsStillThere
from linli.server.stays.models import BedHold, Booking, Stay
from linli.server.stays.queries import StayView
from linli.server.stays.rules.beds import BedTaken, NotInThisUnit, RoomFull
from linli.server.stays.rules.states import StayNotThere
from tests.world import DAY, Unchanged, World

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def events(stay: StayView) -> list[str]:
    rows = OutboxEvent.objects.filter(key=stay.id).order_by("id")
    return [kind.removeprefix("stays.") for kind in rows.values_list("type", flat=True) if kind.startswith("stays.")]


def beds(world: World, flat: str = "dorm") -> list[str]:
    return [bed.bed_id for bed in world.units[flat].rooms[0].beds]


def move(world: World, stay: StayView, bed_id: str, *, after: timedelta = HOUR) -> StayView:
    room = world.units["dorm"].rooms[0].room_id
    return stays.move_guest(actor=world.operator, stay_id=stay.id, room_id=room, bed_id=bed_id, now=world.now + after)


def holds(stay: StayView) -> dict[str, tuple[float, float]]:
    rows = BedHold.objects.filter(booking_id=stay.booking_id, released_at__isnull=True)
    start = stay.arrive_at
    hours = {r.bed_id: ((r.period.lower - start) / HOUR, (r.period.upper - start) / HOUR) for r in rows}
    return hours


def test_a_guest_enters_and_the_report_is_due_at_once(world: World) -> None:
    (stay,) = world.stay(state="IN_HOUSE")
    assert (stay.state, stay.report.state, stay.checked_in_at) == ("IN_HOUSE", "DUE", world.now)
    assert events(stay) == ["GuestCheckedIn"]
    assert queries.count_silent(estate_id=world.estate_id) == 1


def test_the_gates_word_of_a_first_entry_checks_the_guest_in(world: World) -> None:
    (stay,) = world.stay()
    for _ in range(2):
        stays.mark_arrival(
            estate_id=world.estate_id, stay_id=stay.id, happened_at=world.now + HOUR, now=world.now + 2 * HOUR
        )
    seen = world.see(stay)
    assert (seen.state, seen.checked_in_at) == ("IN_HOUSE", world.now + HOUR)
    assert events(stay) == ["GuestCheckedIn"]


def test_a_late_word_from_an_offline_gate_mends_the_arrival(world: World) -> None:
    (stay,) = world.stay()
    stays.check_in(actor=world.guard, stay_id=stay.id, now=world.now + 3 * HOUR)
    stays.mark_arrival(
        estate_id=world.estate_id, stay_id=stay.id, happened_at=world.now + HOUR, now=world.now + 4 * HOUR
    )
    assert world.see(stay).checked_in_at == world.now + HOUR
    assert events(stay) == ["GuestCheckedIn", "RegistrationAmended"]


def test_a_word_that_comes_after_check_out_mends_the_arrival_and_lets_nobody_back_in(world: World) -> None:
    (stay,) = world.stay()
    stays.check_in(actor=world.guard, stay_id=stay.id, now=world.now + 3 * HOUR)
    stays.check_out(actor=world.guest(stay), stay_id=stay.id, now=world.now + 5 * HOUR)
    stays.mark_arrival(
        estate_id=world.estate_id, stay_id=stay.id, happened_at=world.now + HOUR, now=world.now + 6 * HOUR
    )
    seen = world.see(stay)
    assert (seen.state, seen.access_pass.state, seen.checked_in_at) == ("CHECKED_OUT", "revoked", world.now + HOUR)
    assert events(stay) == ["GuestCheckedIn", "GuestCheckedOut", "RegistrationAmended"]


def test_nobody_enters_before_identity_is_sure_nor_twice(world: World) -> None:
    stay = world.register(world.book()).stay
    with Unchanged(), pytest.raises(StayNotThere):
        stays.check_in(actor=world.guard, stay_id=stay.id, now=world.now)
    (inside,) = world.stay("dorm", state="IN_HOUSE")
    with Unchanged(), pytest.raises(StayNotThere):
        stays.check_in(actor=world.guard, stay_id=inside.id, now=world.now)


def test_check_out_withdraws_the_pass_and_closes_the_booking(world: World) -> None:
    (stay,) = world.stay(state="IN_HOUSE")
    seen = stays.check_out(actor=world.guest(stay), stay_id=stay.id, now=world.now + HOUR)
    assert (seen.state, seen.next) == ("CHECKED_OUT", "closed")
    assert world.see(stay).access_pass.state == "revoked"
    assert Booking.objects.get(id=stay.booking_id).state == "CLOSED"
    world.book("home", start=world.now + HOUR, room_ids=[world.units["home"].rooms[1].room_id])


def test_an_early_leave_frees_the_bed_from_that_moment(world: World) -> None:
    bed = beds(world)[0]
    (stay,) = world.stay("dorm", state="IN_HOUSE", nights=5, bed_ids=[bed])
    stays.check_out(actor=world.operator, stay_id=stay.id, now=world.now + 30 * HOUR)
    with pytest.raises(BedTaken):
        world.book("dorm", bed_ids=[bed], start=world.now + 29 * HOUR)
    world.book("dorm", bed_ids=[bed], start=world.now + 30 * HOUR)


def test_a_verified_guest_whom_no_gate_saw_is_checked_in_by_check_out(world: World) -> None:
    (stay,) = world.stay()
    stays.check_out(actor=world.guest(stay), stay_id=stay.id, now=world.now + HOUR)
    assert world.see(stay).checked_in_at == world.now
    assert events(stay) == ["GuestCheckedIn", "GuestCheckedOut"]


def test_nobody_checks_out_twice_or_before_being_let_in(world: World) -> None:
    (stay,) = world.stay(state="IN_HOUSE")
    stays.check_out(actor=world.guest(stay), stay_id=stay.id, now=world.now)
    with Unchanged(), pytest.raises(StayNotThere):
        stays.check_out(actor=world.guest(stay), stay_id=stay.id, now=world.now)
    waiting = world.register(world.book("dorm")).stay
    with Unchanged(), pytest.raises(StayNotThere):
        stays.check_out(actor=world.guard, stay_id=waiting.id, now=world.now)


def test_a_guest_checks_out_only_their_own_stay(world: World) -> None:
    first, second = world.stay("home", guests=2, state="IN_HOUSE")
    for nobody in (world.guest(first), world.link(second.booking_id), world.other_operator):
        with Unchanged(), pytest.raises(NotAllowed):
            stays.check_out(actor=nobody, stay_id=second.id, now=world.now)
    with Unchanged(), pytest.raises(NotFound):
        stays.check_out(actor=world.guard, stay_id="stay_0", now=world.now)


def test_the_booking_stays_open_while_another_guest_is_there(world: World) -> None:
    first, second = world.stay("home", guests=2, state="IN_HOUSE")
    stays.check_out(actor=world.guest(first), stay_id=first.id, now=world.now + HOUR)
    assert Booking.objects.get(id=first.booking_id).state == "BOOKED"
    stays.check_out(actor=world.guest(second), stay_id=second.id, now=world.now + HOUR)
    assert Booking.objects.get(id=first.booking_id).state == "CLOSED"


def test_a_guest_moves_to_another_bed_and_the_old_one_is_free_again(world: World) -> None:
    one, two = beds(world)[:2]
    (stay,) = world.stay("dorm", state="IN_HOUSE", bed_ids=[one])
    seen = move(world, stay, two)
    assert Stay.objects.get(id=stay.id).bed_id == two
    assert seen.bed != stay.bed
    assert events(stay) == ["GuestCheckedIn", "GuestMoved"]
    assert holds(stay) == {one: (0, 1), two: (1, 24)}
    world.book("dorm", bed_ids=[one], start=world.now + HOUR)


def test_a_guest_does_not_move_into_somebody_elses_bed_or_flat(world: World) -> None:
    one, two = beds(world)[:2]
    (stay,) = world.stay("dorm", state="IN_HOUSE", bed_ids=[one])
    world.book("dorm", bed_ids=[two])
    with Unchanged(), pytest.raises(BedTaken):
        move(world, stay, two)
    with Unchanged(), pytest.raises(NotInThisUnit):
        move(world, stay, beds(world, "home")[0])
    with Unchanged(), pytest.raises(NotAllowed):
        stays.move_guest(
            actor=world.other_operator,
            stay_id=stay.id,
            room_id=world.units["dorm"].rooms[0].room_id,
            bed_id=None,
            now=world.now,
        )


def test_two_guests_of_a_booking_do_not_move_into_one_bed(world: World) -> None:
    one, two = beds(world)[:2]
    first, second = world.stay("dorm", guests=2, state="IN_HOUSE", bed_ids=[one, two])
    with Unchanged(), pytest.raises(RoomFull):
        move(world, first, Stay.objects.get(id=second.id).bed_id)


def test_after_a_move_check_out_works_although_the_old_bed_is_let_again(world: World) -> None:
    one, two = beds(world)[:2]
    (stay,) = world.stay("dorm", state="IN_HOUSE", bed_ids=[one])
    move(world, stay, two)
    world.book("dorm", bed_ids=[one], start=world.now + HOUR)
    stays.check_out(actor=world.guest(stay), stay_id=stay.id, now=world.now + 3 * HOUR)
    assert holds(stay) == {one: (0, 1), two: (1, 3)}
    assert queries.count_double_bookings(estate_id=world.estate_id) == 0


def test_after_a_move_an_extension_lengthens_only_the_bed_slept_in(world: World) -> None:
    one, two = beds(world)[:2]
    (stay,) = world.stay("dorm", state="IN_HOUSE", bed_ids=[one])
    move(world, stay, two)
    world.book("dorm", bed_ids=[one], start=world.now + HOUR, nights=3)
    stays.extend_booking(
        actor=world.operator, booking_id=stay.booking_id, leave_at=world.now + 2 * DAY, now=world.now + 2 * HOUR
    )
    assert holds(stay) == {one: (0, 1), two: (1, 48)}


def test_moving_back_takes_the_old_bed_anew(world: World) -> None:
    one, two = beds(world)[:2]
    (stay,) = world.stay("dorm", state="IN_HOUSE", bed_ids=[one])
    move(world, stay, two)
    move(world, stay, one, after=2 * HOUR)
    with Unchanged(), pytest.raises(BedTaken):
        world.book("dorm", bed_ids=[one], start=world.now + 3 * HOUR)
    world.book("dorm", bed_ids=[two], start=world.now + 3 * HOUR)
    assert queries.count_double_bookings(estate_id=world.estate_id) == 0


def test_a_move_back_into_a_bed_let_meanwhile_is_refused(world: World) -> None:
    one, two = beds(world)[:2]
    (stay,) = world.stay("dorm", state="IN_HOUSE", bed_ids=[one])
    move(world, stay, two)
    world.book("dorm", bed_ids=[one], start=world.now + HOUR)
    with Unchanged(), pytest.raises(BedTaken):
        move(world, stay, one, after=2 * HOUR)


def test_a_room_taken_whole_is_given_back_whole_when_its_only_guest_moves(world: World) -> None:
    large, small = world.units["home"].rooms
    (stay,) = world.stay("home", state="IN_HOUSE", room_ids=[large.room_id])
    stays.move_guest(actor=world.operator, stay_id=stay.id, room_id=small.room_id, bed_id=None, now=world.now + HOUR)
    world.book("home", guests=2, room_ids=[large.room_id], start=world.now + HOUR)
    with Unchanged(), pytest.raises(BedTaken):
        world.book("home", room_ids=[small.room_id], start=world.now + HOUR)


def test_a_room_taken_whole_stays_taken_while_a_guest_is_still_to_come(world: World) -> None:
    large, small = world.units["home"].rooms
    booked = world.book("home", guests=3)
    first = world.register(booked, room_id=large.room_id).stay
    stays.move_guest(actor=world.operator, stay_id=first.id, room_id=small.room_id, bed_id=None, now=world.now)
    assert world.register(booked, room_id=large.room_id).stay.state == "REGISTERED"


def test_nobody_checks_out_of_a_night_that_has_not_begun(world: World) -> None:
    (stay,) = world.stay(start=world.now + 3 * DAY)
    with Unchanged(), pytest.raises(StayNotThere):
        stays.check_out(actor=world.guest(stay), stay_id=stay.id, now=world.now + DAY)


@pytest.mark.parametrize("wrong", [timedelta(days=-20_000), timedelta(days=20_000)])
def test_a_gate_whose_clock_is_wrong_does_not_move_the_arrival_out_of_the_stay(world: World, wrong: timedelta) -> None:
    (stay,) = world.stay()
    stays.mark_arrival(estate_id=world.estate_id, stay_id=stay.id, happened_at=world.now + wrong, now=world.now + HOUR)
    assert world.now <= world.see(stay).checked_in_at <= world.now + HOUR


def test_a_stay_nobody_ended_is_closed_and_flagged_as_presumed(world: World) -> None:
    (stay,) = world.stay(state="IN_HOUSE")
    leave = stay.leave_at
    assert stays.close_overdue(estate_id=world.estate_id, now=leave + 11 * HOUR) == 0
    assert stays.close_overdue(estate_id=world.estate_id, now=leave + 13 * HOUR) == 1
    row = Stay.objects.get(id=stay.id)
    assert (row.state, row.presumed_left, row.checked_out_at) == ("AUTO_CLOSED", True, leave)
    assert OutboxEvent.objects.get(type="stays.GuestCheckedOut", key=stay.id).body["presumed"] is True
    assert world.see(stay).access_pass.state == "revoked"
    assert stays.close_overdue(estate_id=world.estate_id, now=leave + 14 * HOUR) == 0


def test_a_booking_nobody_took_up_becomes_a_no_show(world: World) -> None:
    (stay,) = world.stay()
    empty = world.book("dorm")
    assert stays.close_overdue(estate_id=world.estate_id, now=stay.leave_at + 13 * HOUR) == 2
    assert world.see(stay).state == "NO_SHOW"
    assert Booking.objects.get(id=empty.booking.id).state == "NO_SHOW"


def test_of_a_booking_some_of_whose_guests_came_the_others_are_no_shows(world: World) -> None:
    first, second = world.stay("home", guests=2)
    stays.check_in(actor=world.guard, stay_id=first.id, now=world.now)
    stays.check_out(actor=world.guest(first), stay_id=first.id, now=world.now + HOUR)
    stays.close_overdue(estate_id=world.estate_id, now=second.leave_at + 13 * HOUR)
    seen = world.see(second)
    assert (seen.state, seen.access_pass.state) == ("NO_SHOW", "revoked")
    assert Booking.objects.get(id=first.booking_id).state == "CLOSED"


def test_suspension_holds_the_passes_of_those_who_have_not_come_yet(world: World) -> None:
    (inside,) = world.stay("dorm", state="IN_HOUSE", bed_ids=beds(world)[:1])
    (coming,) = world.stay("dorm", bed_ids=beds(world)[1:2])
    (elsewhere,) = world.stay("other")
    unit_id = world.units["dorm"].id
    lettings.suspend_unit(actor=world.office, unit_id=unit_id, reason="water", now=world.now)
    world.relay()
    assert [world.see(s).access_pass.state for s in (inside, coming, elsewhere)] == ["active", "suspended", "active"]
    lettings.resume_unit(actor=world.office, unit_id=unit_id, now=world.now)
    world.relay()
    assert [world.see(s).access_pass.state for s in (inside, coming)] == ["active", "active"]


def test_danger_holds_the_passes_of_everybody_at_once(world: World) -> None:
    (inside,) = world.stay("dorm", state="IN_HOUSE")
    unit_id = world.units["dorm"].id
    lettings.suspend_unit(actor=world.office, unit_id=unit_id, reason="gas", at_once=True, now=world.now)
    world.relay()
    assert world.see(inside).access_pass.state == "suspended"


def test_a_flat_is_closed_only_when_nobody_is_booked_or_staying(world: World) -> None:
    (stay,) = world.stay(state="IN_HOUSE")
    unit_id = world.units["home"].id
    with Unchanged(), pytest.raises(GuestsStillThere):
        stays.close_unit(actor=world.office, unit_id=unit_id, reason="sold", now=world.now)
    stays.check_out(actor=world.guard, stay_id=stay.id, now=world.now)
    closed = stays.close_unit(actor=world.office, unit_id=unit_id, reason="sold", now=world.now)
    assert closed.state == "CLOSED"


def test_a_receipt_is_noted_only_by_the_estates_own_hand(world: World) -> None:
    (stay,) = world.stay(state="IN_HOUSE")
    with Unchanged(), pytest.raises(NotAllowed):
        stays.note_reports(actor=world.operator, standing={stay.id: ("ACCEPTED", "R")})
    stays.note_reports(actor=world.hand, standing={stay.id: ("ACCEPTED", "R-1")})
    assert (world.see(stay).report.state, world.see(stay).report.receipt) == ("ACCEPTED", "R-1")
    assert queries.count_silent(estate_id=world.estate_id) == 0


def test_what_is_past_its_three_years_goes_and_what_is_not_stays(world: World) -> None:
    (old,) = world.stay(state="IN_HOUSE", booker_name="张伟")
    stays.check_out(actor=world.guard, stay_id=old.id, now=world.now + HOUR)
    privacy.enforce_retention(now=world.now + 1000 * DAY)
    assert Stay.objects.filter(id=old.id).exists()
    privacy.enforce_retention(now=world.now + 1200 * DAY)
    assert not Stay.objects.filter(id=old.id).exists()
    assert Booking.objects.get(id=old.booking_id).booker_name is None


def test_the_figures_of_tonight_count_guests_not_bookings(world: World) -> None:
    world.book("dorm", guests=2)
    world.stay("home", guests=2, state="IN_HOUSE")
    tonight = queries.count_tonight(estate_id=world.estate_id, day=clock.local_date(world.now, "Asia/Shanghai"))
    assert (tonight.booked, tonight.registered, tonight.verified, tonight.in_house) == (4, 2, 2, 2)
