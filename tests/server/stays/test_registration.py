"""Guests register: what they must give, what is refused and leaves nothing behind, minors and their guardians."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from linli.server.kernel.errors import NotAllowed, NotFound, Refusal
from linli.server.lettings import actions as lettings
from linli.server.people.actions import DocumentInput
from linli.server.people.models import Person
from linli.server.people.rules import DocumentContradicts, DocumentRefused
from linli.server.stays import actions as stays
from linli.server.stays import queries
from linli.server.stays.actions.letting import UnitNotLetting
from linli.server.stays.actions.registration import (
    AlreadyRegistered,
    AlreadyStaying,
    GuardianNeeded,
    NoIdentity,
    RulesChanged,
)
from linli.server.stays.models import GuardianContact, Stay
from linli.server.stays.rules.beds import RoomFull
from linli.server.stays.rules.states import BookingNotOpen
from tests.world import Unchanged, World, guardian

pytestmark = pytest.mark.django_db


def test_a_typed_document_alone_holds_the_guest_until_identity_is_surer(world: World) -> None:
    stay = world.register(world.book()).stay
    assert (stay.state, stay.level, stay.decision.row, stay.decision.result) == ("REGISTERED", 1, 2, "hold")
    assert stay.access_pass is None
    assert stay.next == "register_document"
    assert "complete_identity" in stay.decision.duties


def test_what_a_view_shows_of_a_guest_is_masked(world: World) -> None:
    who = world.person()
    stay = world.register(world.book(), who).stay
    assert who.native_name not in str(stay)
    assert who.document_number not in str(stay)
    assert stay.name_masked.startswith(who.native_name[0])


def test_two_guests_of_a_booking_get_a_bed_each(world: World) -> None:
    first, second = world.stay("home", guests=2, state="REGISTERED")
    assert first.room == second.room
    assert first.bed != second.bed


def test_a_third_guest_in_a_room_for_two_is_refused(world: World) -> None:
    booked = world.book("home", guests=2)
    world.register(booked)
    world.register(booked)
    with Unchanged(), pytest.raises(RoomFull) as refused:
        world.register(booked)
    assert refused.value.details["row"] == 15


def test_a_guest_chooses_a_bed_and_nobody_else_gets_it(world: World) -> None:
    beds = [bed.bed_id for bed in world.units["dorm"].rooms[0].beds][:2]
    booked = world.book("dorm", guests=2, bed_ids=beds)
    assert Stay.objects.get(id=world.register(booked, bed_id=beds[1]).stay.id).bed_id == beds[1]
    with Unchanged(), pytest.raises(RoomFull):
        world.register(booked, bed_id=beds[1])
    assert Stay.objects.get(id=world.register(booked).stay.id).bed_id == beds[0]


def test_nobody_stays_without_identity(world: World) -> None:
    booked = world.book()
    with Unchanged(), pytest.raises(NoIdentity) as refused:
        world.register(booked, document=None)
    assert "police station" in refused.value.message()["en"]


@pytest.mark.parametrize(
    "number",
    ["510108199003070011", "510108209003070010", "51010819900307", "", "１", "510108199002300017", "x" * 64],
)
def test_a_number_that_cannot_be_is_refused(world: World, number: str) -> None:
    booked = world.book()
    with Unchanged(), pytest.raises(DocumentRefused):
        world.register(booked, document=DocumentInput(kind="resident_id", number=number))


def test_an_unknown_kind_of_document_is_refused(world: World) -> None:
    booked = world.book()
    with Unchanged(), pytest.raises(Refusal):
        world.register(booked, document=DocumentInput(kind="library_card", number="A1234567"))


def test_a_birth_date_that_contradicts_the_number_is_refused(world: World) -> None:
    booked, who = world.book(), world.person()
    form = world.form(who)
    changed = replace(form, person=replace(form.person, birth_date=who.birth_date + timedelta(days=1)))
    with Unchanged(), pytest.raises(Refusal):
        stays.register_guest(
            actor=world.link(booked.booking.id), booking_id=booked.booking.id, form=changed, now=world.now
        )


@pytest.mark.parametrize("born", [date(2090, 1, 1), date(1, 1, 1), date(9999, 12, 31)])
def test_a_birth_date_in_the_future_or_beyond_reason_is_refused(world: World, born: date) -> None:
    booked, who = world.book(), world.person("foreign")
    form = world.form(who)
    document = DocumentInput(kind="foreign_passport", number="P1234567", issuing_country="USA")
    changed = replace(form, person=replace(form.person, birth_date=born, nationality="USA"), document=document)
    with Unchanged(), pytest.raises(Refusal):
        stays.register_guest(
            actor=world.link(booked.booking.id), booking_id=booked.booking.id, form=changed, now=world.now
        )


def test_a_known_document_with_another_name_is_refused(world: World) -> None:
    who = world.person()
    world.register(world.book("dorm"), who)
    booked = world.book("other")
    with Unchanged(), pytest.raises(DocumentContradicts):
        world.register(booked, replace(who, native_name="欧阳甲子", surname="OUYANG"))


def test_the_same_guest_is_found_again_not_written_twice(world: World) -> None:
    who = world.person()
    (first,) = [world.register(world.book("dorm"), who).stay]
    stays.cancel_booking(actor=world.office, booking_id=first.booking_id, reason="", now=world.now)
    before = Person.objects.count()
    world.register(world.book("dorm"), who)
    assert Person.objects.count() == before


def test_a_guest_registers_once_under_a_booking(world: World) -> None:
    booked, who = world.book("home", guests=2), world.person()
    world.register(booked, who)
    with Unchanged(), pytest.raises(AlreadyRegistered):
        world.register(booked, who)


def test_the_same_document_in_two_stays_at_once_needs_a_reason(world: World) -> None:
    who = world.person()
    world.register(world.book("dorm"), who)
    booked = world.book("other")
    with Unchanged(), pytest.raises(AlreadyStaying) as refused:
        world.register(booked, who)
    assert refused.value.details["row"] == 17
    with Unchanged(), pytest.raises(AlreadyStaying):
        world.register(booked, who, overlap_reason="   ")
    stay = world.register(booked, who, overlap_reason="moved to the other flat").stay
    assert "overlap_case" in stay.decision.duties


def test_the_same_document_the_night_after_is_no_overlap(world: World) -> None:
    who = world.person()
    world.register(world.book("dorm"), who)
    later = world.book("dorm", start=world.now + timedelta(days=1))
    assert world.register(later, who).stay.state == "REGISTERED"


def test_old_house_rules_or_an_old_notice_must_be_read_again(world: World) -> None:
    booked = world.book()
    for name in ("house_rules_version", "notice_version"):
        with Unchanged(), pytest.raises(RulesChanged) as refused:
            world.register(booked, **{name: "2019-1"})
        assert refused.value.field == name


def test_new_house_rules_hold_from_the_moment_they_are_published(world: World) -> None:
    booked = world.book()
    stays.publish_house_rules(actor=world.office, version="2026-2", zh=["新"], en=["New"], now=world.now)
    with Unchanged(), pytest.raises(RulesChanged):
        world.register(booked)
    assert world.register(booked, house_rules_version="2026-2").stay.state == "REGISTERED"


def test_a_link_of_another_booking_does_not_register_here(world: World) -> None:
    booked, other = world.book(), world.book("other")
    with Unchanged(), pytest.raises(NotAllowed):
        stays.register_guest(
            actor=world.link(other.booking.id),
            booking_id=booked.booking.id,
            form=world.form(world.person()),
            now=world.now,
        )


def test_a_withdrawn_link_does_not_register(world: World) -> None:
    booked = world.book()
    with Unchanged(), pytest.raises(NotAllowed):
        stays.register_guest(
            actor=world.link(booked.booking.id, version=7),
            booking_id=booked.booking.id,
            form=world.form(world.person()),
            now=world.now,
        )


def test_another_flats_operator_registers_nobody_here(world: World) -> None:
    booked = world.book()
    with Unchanged(), pytest.raises(NotAllowed):
        stays.register_guest(
            actor=world.other_operator, booking_id=booked.booking.id, form=world.form(world.person()), now=world.now
        )


def test_host_and_guard_register_a_guest_without_a_phone(world: World) -> None:
    booked = world.book("home", guests=2)
    for actor in (world.guard, world.operator):
        form = world.form(world.person())
        made = stays.register_guest(actor=actor, booking_id=booked.booking.id, form=form, now=world.now)
        assert made.stay.state == "REGISTERED"


def test_a_cancelled_or_unknown_booking_takes_nobody(world: World) -> None:
    booked = world.book()
    stays.cancel_booking(actor=world.office, booking_id=booked.booking.id, reason="", now=world.now)
    with Unchanged(), pytest.raises(BookingNotOpen):
        world.register(booked)
    with Unchanged(), pytest.raises(NotFound):
        world.register("book_00000000000000000000000000")


def test_a_flat_that_was_suspended_after_booking_takes_nobody(world: World) -> None:
    booked = world.book()
    lettings.suspend_unit(actor=world.office, unit_id=world.units["home"].id, reason="gas", now=world.now)
    with Unchanged(), pytest.raises(UnitNotLetting):
        world.register(booked)


def test_a_foreigner_has_twenty_four_hours_from_the_actual_arrival(world: World) -> None:
    booked = world.book()
    stay = world.register(booked, world.person("foreign")).stay
    assert (stay.belongs, "report_foreign_24h" in stay.decision.duties) == ("foreign", True)
    stays.confirm_by_eye(actor=world.guard, stay_id=stay.id, now=world.now)
    arrived = world.now + timedelta(hours=5)
    stays.check_in(actor=world.guard, stay_id=stay.id, now=arrived)
    assert world.see(stay).report.due_at == arrived + timedelta(hours=24)


def test_guests_from_hong_kong_macao_and_taiwan_have_their_own_duty(world: World) -> None:
    for kind in ("hong_kong", "macao", "taiwan"):
        stay = world.register(world.book("dorm"), world.person(kind)).stay
        assert stay.belongs == "hmt"
        assert "report_hmt_24h" in stay.decision.duties


def test_an_expired_card_waits_for_a_valid_one_and_an_eye_check_ends_the_wait(world: World) -> None:
    who = replace(world.person(), valid_until=world.now.date() - timedelta(days=2))
    stay = world.register(world.book(), who).stay
    assert (stay.decision.row, stay.decision.result) == (19, "hold")
    assert world.see(stay).access_pass is None
    seen = stays.confirm_by_eye(actor=world.guard, stay_id=stay.id, now=world.now)
    assert seen.state == "VERIFIED"


def test_an_expired_passport_is_registered_and_its_holder_told(world: World) -> None:
    who = replace(world.person("foreign"), valid_until=world.now.date() - timedelta(days=2), mrz=())
    stay = world.register(world.book(), who).stay
    seen = stays.confirm_by_eye(actor=world.guard, stay_id=stay.id, now=world.now)
    assert (seen.state, seen.decision.row) == ("VERIFIED", 13)
    assert "exit_entry_notice" in seen.decision.duties


def test_a_doubtful_passport_needs_two_pairs_of_eyes(world: World) -> None:
    who = world.person("foreign")
    upper, lower = who.mrz
    digit = str((int(lower[9]) + 1) % 10)
    stay = world.register(world.book(), replace(who, mrz=(upper, lower[:9] + digit + lower[10:]))).stay
    assert (stay.decision.row, stay.decision.result) == (12, "hold")
    once = stays.confirm_by_eye(actor=world.guard, stay_id=stay.id, now=world.now)
    again = stays.confirm_by_eye(actor=world.guard, stay_id=stay.id, now=world.now)
    assert [once.state, again.state] == ["REGISTERED", "REGISTERED"]
    both = stays.confirm_by_eye(actor=world.operator, stay_id=stay.id, now=world.now)
    assert (both.state, both.decision.row) == ("VERIFIED", 12)
    assert "amend_document" in both.decision.duties


def test_a_minor_without_a_guardians_word_is_asked_for_it(world: World) -> None:
    booked = world.book()
    with Unchanged(), pytest.raises(GuardianNeeded):
        world.register(booked, world.minor(16))


def test_at_seventeen_alone_the_guardian_is_called_first(world: World) -> None:
    stay = world.register(world.book(), world.minor(17), guardian=guardian()).stay
    assert (stay.minor, stay.decision.row, stay.decision.result) == (True, 7, "hold")
    stays.confirm_by_eye(actor=world.guard, stay_id=stay.id, now=world.now)
    assert world.see(stay).state == "REGISTERED"
    unreached = stays.record_guardian_call(actor=world.guard, stay_id=stay.id, answer="unreachable", now=world.now)
    assert (unreached.decision.row, unreached.state) == (8, "REGISTERED")
    assert "contact_police" in unreached.decision.duties
    reached = stays.record_guardian_call(actor=world.operator, stay_id=stay.id, answer="confirmed", now=world.now)
    assert (reached.decision.row, reached.state) == (7, "VERIFIED")
    assert {"minor_record", "patrol_note"} <= set(reached.decision.duties)


def test_a_child_alone_never_gets_a_pass(world: World) -> None:
    stay = world.register(world.book(), world.minor(13), guardian=guardian()).stay
    assert stay.decision.row == 20
    stays.confirm_by_eye(actor=world.guard, stay_id=stay.id, now=world.now)
    for answer in ("refused", "confirmed"):
        seen = stays.record_guardian_call(actor=world.guard, stay_id=stay.id, answer=answer, now=world.now)
        assert (seen.state, seen.access_pass) == ("REGISTERED", None)
    assert "no_face_enrolment" in seen.decision.duties


def test_a_child_with_its_guardian_is_welcome(world: World) -> None:
    booked = world.book("home", guests=2)
    parent = world.register(booked).stay
    child = world.register(booked, world.minor(8), guardian=guardian(stay_id=parent.id)).stay
    seen = stays.confirm_by_eye(actor=world.guard, stay_id=child.id, now=world.now)
    assert (seen.state, seen.decision.row) == ("VERIFIED", 6)


def test_a_child_with_another_adult_waits_for_the_guardians_word(world: World) -> None:
    booked = world.book("home", guests=2)
    world.register(booked)
    child = world.register(booked, world.minor(12), guardian=guardian()).stay
    assert (child.decision.row, child.decision.result) == (9, "hold")
    stays.confirm_by_eye(actor=world.guard, stay_id=child.id, now=world.now)
    seen = stays.record_guardian_call(actor=world.guard, stay_id=child.id, answer="confirmed", now=world.now)
    assert (seen.state, seen.decision.row) == ("VERIFIED", 9)


def test_a_stay_of_another_booking_is_no_guardian(world: World) -> None:
    (stranger,) = world.stay("dorm")
    child = world.register(world.book(), world.minor(9), guardian=guardian(stay_id=stranger.id)).stay
    assert child.decision.row == 20


def test_a_guardian_is_sealed_and_the_guests_word_is_not_a_call(world: World) -> None:
    stay = world.register(world.book(), world.minor(17), guardian=guardian()).stay
    row = GuardianContact.objects.get(stay_id=stay.id)
    assert (row.name_masked, row.answer) == ("王**", "not_asked")
    assert b"13800138000" not in bytes(row.phone)
    for nobody in (world.guest(stay), world.other_operator):
        with Unchanged(), pytest.raises(NotAllowed):
            stays.record_guardian_call(actor=nobody, stay_id=stay.id, answer="confirmed", now=world.now)


def test_an_adult_has_no_guardian_to_call(world: World) -> None:
    stay = world.register(world.book()).stay
    with Unchanged(), pytest.raises(NotFound):
        stays.record_guardian_call(actor=world.guard, stay_id=stay.id, answer="confirmed", now=world.now)


def test_the_invitation_shows_the_room_and_nobody_in_full(world: World) -> None:
    booked, who = world.book("home", guests=2), world.person()
    world.register(booked, who)
    shown = queries.get_invitation(actor=world.link(booked.booking.id), booking_id=booked.booking.id, now=world.now)
    assert [room.places_free for room in shown.rooms] == [1]
    assert who.native_name not in str(shown)
    with pytest.raises(NotAllowed):
        queries.get_invitation(actor=world.other_operator, booking_id=booked.booking.id, now=world.now)
