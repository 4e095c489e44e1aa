"""Two threads, one bed; eight threads, one bed: one winner each time, never none, never two, and nobody in a deadlock."""

import threading
from datetime import timedelta

import pytest
from django.db import transaction

from linli.server.access import actions as access
from linli.server.kernel import locks
from linli.server.kernel.actors import Role
from linli.server.kernel.locks import Lock
from linli.server.kernel.periods import Period
from linli.server.lettings import actions as lettings
from linli.server.privacy import queries as privacy
from linli.server.stays import actions as stays
from linli.server.stays import queries
from linli.server.stays.actions import Wanted
from linli.server.stays.models import BedHold, Booking, Stay
from tests.races.running import collide, deadlocks, kinds
from tests.world import DAY, World

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)
ROUNDS, CLIENTS = 25, 8


def wanted(world: World, flat: str, bed_id: str, night: int) -> Wanted:
    start = world.now + night * DAY
    return Wanted(
        unit_id=world.units[flat].id,
        period=Period(start=start, end=start + DAY),
        guests_expected=1,
        bed_ids=[bed_id],
    )


def whole(world: World) -> bool:
    return (
        queries.count_double_bookings(estate_id=world.estate_id) == 0
        and privacy.verify_chain(estate_id=world.estate_id).whole
    )


def test_eight_clients_race_for_one_bed_and_one_wins_every_round(world: World) -> None:
    bed = world.units["dorm"].rooms[0].beds[0].bed_id
    before = deadlocks()
    for night in range(ROUNDS):
        asked = wanted(world, "dorm", bed, night)
        outcomes = collide(*[lambda a=asked: stays.book(actor=world.operator, wanted=a, now=world.now)] * CLIENTS)
        assert kinds(outcomes) == ["BedTaken"] * (CLIENTS - 1) + ["ok"]
    assert BedHold.objects.filter(bed_id=bed).count() == ROUNDS
    assert deadlocks() == before
    assert whole(world)


def test_four_beds_raced_for_by_eight_are_all_let_once(world: World) -> None:
    for night in range(5):
        period = Period(start=world.now + night * DAY, end=world.now + (night + 1) * DAY)
        asked = Wanted(unit_id=world.units["dorm"].id, period=period, guests_expected=1)
        outcomes = collide(*[lambda a=asked: stays.book(actor=world.operator, wanted=a, now=world.now)] * CLIENTS)
        assert kinds(outcomes) == ["NoFreeBed"] * 4 + ["ok"] * 4
    assert whole(world)


def test_overlapping_beds_in_any_order_never_deadlock(world: World) -> None:
    beds = [bed.bed_id for bed in world.units["dorm"].rooms[0].beds]
    before = deadlocks()
    for night in range(6):
        start = world.now + night * DAY
        asks = [
            Wanted(
                unit_id=world.units["dorm"].id,
                period=Period(start=start, end=start + DAY),
                guests_expected=1,
                bed_ids=chosen,
            )
            for chosen in (beds, beds[::-1], beds[2:] + beds[:2], [beds[1], beds[0]], [beds[3], beds[2]])
        ]
        outcomes = collide(*[lambda a=a: stays.book(actor=world.operator, wanted=a, now=world.now) for a in asks])
        assert "ok" in kinds(outcomes)
        assert set(kinds(outcomes)) <= {"ok", "BedTaken"}
    assert deadlocks() == before
    assert whole(world)


def test_one_order_told_by_two_feeds_at_once_is_booked_once(world: World) -> None:
    for number in range(5):
        period = Period(start=world.now + number * DAY, end=world.now + (number + 1) * DAY)
        asked = Wanted(
            unit_id=world.units["dorm"].id,
            period=period,
            guests_expected=1,
            channel="ctrip",
            channel_ref=f"A-{number}",
        )
        outcomes = collide(*[lambda a=asked: stays.book(actor=world.operator, wanted=a, now=world.now)] * 4)
        assert kinds(outcomes) == ["OrderKnown"] * 3 + ["ok"]


def test_one_person_registered_in_two_bookings_at_once_is_noticed(world: World) -> None:
    for number in range(6):
        start = world.now + number * DAY
        who = world.person()
        bookings = [world.book("dorm", start=start), world.book("other", start=start)]
        outcomes = collide(*[lambda b=b, w=who: world.register(b, w) for b in bookings])
        assert kinds(outcomes) == ["AlreadyStaying", "ok"]
    assert Stay.objects.count() == 6


def test_one_person_registered_twice_under_one_booking_at_once_is_there_once(world: World) -> None:
    booked, who = world.book("home", guests=2), world.person()
    outcomes = collide(*[lambda: world.register(booked, who)] * 3)
    assert kinds(outcomes) == ["AlreadyRegistered", "AlreadyRegistered", "ok"]


def test_six_guests_at_once_in_a_room_for_four_are_four(world: World) -> None:
    booked = world.book("dorm", guests=4)
    people = [world.person() for _ in range(6)]
    outcomes = collide(*[lambda w=w: world.register(booked, w) for w in people])
    assert kinds(outcomes) == ["RoomFull"] * 2 + ["ok"] * 4
    assert len(set(Stay.objects.values_list("bed_id", flat=True))) == 4


def test_check_out_against_extension_ends_closed_or_longer_never_both(world: World) -> None:
    before = deadlocks()
    for number in range(8):
        world.now += 2 * HOUR
        (stay,) = world.stay("dorm", state="IN_HOUSE")
        until = world.now + 3 * DAY
        outcomes = collide(
            lambda s=stay: stays.check_out(actor=world.guest(s), stay_id=s.id, now=world.now + HOUR),
            lambda s=stay, u=until: stays.extend_booking(
                actor=world.operator, booking_id=s.booking_id, leave_at=u, now=world.now + HOUR
            ),
        )
        assert kinds(outcomes) in (["ok", "ok"], ["BookingNotOpen", "ok"]), number
        seen = world.see(stay)
        assert (seen.state, seen.access_pass.state) == ("CHECKED_OUT", "revoked")
        held = BedHold.objects.get(booking_id=stay.booking_id)
        assert held.period.upper == world.now + HOUR
        assert Booking.objects.get(id=stay.booking_id).state == "CLOSED"
    assert deadlocks() == before
    assert whole(world)


def test_extension_against_the_next_booking_lets_one_of_them_have_the_bed(world: World) -> None:
    bed = world.units["dorm"].rooms[0].beds[0].bed_id
    for number in range(8):
        first = world.book("dorm", bed_ids=[bed], start=world.now + 10 * number * DAY)
        outcomes = collide(
            lambda f=first: stays.extend_booking(
                actor=world.operator,
                booking_id=f.booking.id,
                leave_at=f.booking.leave_at + DAY,
                now=world.now,
            ),
            lambda n=number: stays.book(
                actor=world.operator, wanted=wanted(world, "dorm", bed, 10 * n + 1), now=world.now
            ),
        )
        assert kinds(outcomes) == ["BedTaken", "ok"]
    assert whole(world)


def test_check_in_check_out_and_the_gates_word_at_once_tell_one_story(world: World) -> None:
    for _ in range(6):
        world.now += 3 * HOUR
        (stay,) = world.stay("dorm")
        collide(
            lambda s=stay: stays.check_in(actor=world.guard, stay_id=s.id, now=world.now + HOUR),
            lambda s=stay: stays.mark_arrival(
                estate_id=world.estate_id, stay_id=s.id, happened_at=world.now + HOUR, now=world.now + HOUR
            ),
            lambda s=stay: stays.check_out(actor=world.guest(s), stay_id=s.id, now=world.now + 2 * HOUR),
        )
        seen = world.see(stay)
        assert seen.state == "CHECKED_OUT"
        assert seen.access_pass.state == "revoked"
        assert seen.report.state == "DUE"
    assert whole(world)


def test_cancelling_against_registering_leaves_nobody_with_a_pass(world: World) -> None:
    for _ in range(6):
        booked, who = world.book("dorm"), world.person()
        outcomes = collide(
            lambda b=booked: stays.cancel_booking(
                actor=world.operator, booking_id=b.booking.id, reason="", now=world.now
            ),
            lambda b=booked, w=who: world.register(b, w),
        )
        assert kinds(outcomes) in (["ok", "ok"], ["BookingNotOpen", "ok"])
        assert not Stay.objects.filter(booking_id=booked.booking.id).exclude(state="CANCELLED").exists()


def test_suspension_against_check_outs_never_deadlocks_and_leaves_no_open_pass(world: World) -> None:
    before = deadlocks()
    unit_id = world.units["dorm"].id
    for _ in range(5):
        found = [world.stay("dorm", state="IN_HOUSE")[0] for _ in range(4)]
        outcomes = collide(
            lambda: stays.hold_passes_of_unit(estate_id=world.estate_id, unit_id=unit_id, at_once=True, now=world.now),
            *[
                lambda s=stay: stays.check_out(actor=world.guest(s), stay_id=s.id, now=world.now + HOUR)
                for stay in found[::-1]
            ],
        )
        assert kinds(outcomes) == ["ok"] * 5
        assert {world.see(stay).access_pass.state for stay in found} == {"revoked"}
        world.now += 2 * HOUR
    assert deadlocks() == before


def test_a_flat_suspended_while_guests_are_admitted_holds_every_pass(world: World) -> None:
    unit_id = world.units["dorm"].id
    for _ in range(4):
        waiting = [world.register(world.book("dorm")).stay for _ in range(3)]
        collide(
            lambda: lettings.suspend_unit(actor=world.office, unit_id=unit_id, reason="gas", now=world.now),
            *[lambda s=stay: stays.confirm_by_eye(actor=world.guard, stay_id=s.id, now=world.now) for stay in waiting],
        )
        world.relay()
        states = {world.see(s).access_pass.state for s in waiting if world.see(s).access_pass}
        assert states <= {"suspended"}
        lettings.resume_unit(actor=world.office, unit_id=unit_id, now=world.now)
        world.relay()
        for stay in waiting:
            stays.cancel_booking(actor=world.office, booking_id=stay.booking_id, reason="", now=world.now)


def test_a_flat_closed_while_a_booking_waits_for_its_beds_takes_nobody(world: World) -> None:
    unit = world.units["other"]
    beds = [bed.bed_id for room in unit.rooms for bed in room.beds]
    held, close_waits = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            locks.take_all(Lock.BED, beds)
            held.set()
            close_waits.wait(10)
            threading.Event().wait(0.3)

    def close() -> object:
        held.wait(10)
        threading.Timer(0.2, close_waits.set).start()
        return stays.close_unit(actor=world.office, unit_id=unit.id, reason="sold", now=world.now)

    def book() -> object:
        close_waits.wait(10)
        return world.book("other")

    _, closed, booked = collide(hold, close, book)
    assert (kinds([closed]), kinds([booked])) == (["ok"], ["UnitNotLetting"])
    assert Booking.objects.count() == 0


def test_a_cancelled_party_and_a_desk_that_revokes_its_passes_never_wait_crosswise(world: World) -> None:
    before, desk = deadlocks(), world.actor(Role.PROPERTY)
    for _ in range(4):
        party = world.stay("dorm", guests=4)
        outcomes = collide(
            lambda p=party: stays.cancel_booking(
                actor=world.office, booking_id=p[0].booking_id, reason="ill", now=world.now
            ),
            *[
                lambda s=stay: access.revoke_pass(
                    actor=desk, pass_id=s.access_pass.id, reason="lost phone", now=world.now
                )
                for stay in party[::-1]
            ],
        )
        assert kinds(outcomes) == ["ok"] * 5
        assert {world.see(stay).access_pass.state for stay in party} == {"revoked"}
    assert deadlocks() == before
