"""Whoever lives here has a pass, whoever moved out has none, and a child's becomes a resident's; the register decides."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from linli.documents.numbers import synthetic_resident_id
from linli.gate.decision import Kind, Reason
from linli.gate.snapshot import PassState
from linli.server.access import actions, queries, rules
from linli.server.access.actions import ResidentPasses
from linli.server.access.models import Credential, Pass
from linli.server.access.rules import LivesNot, ResidentHasPass, WayNotForHolder
from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotAllowed
from linli.server.kernel.outbox import OutboxEvent
from linli.server.kernel.periods import Period
from linli.server.people import actions as people
from linli.server.people import queries as registered
from linli.server.people.actions import DocumentInput, HouseholdInput, ResidentInput
from linli.server.people.queries import LivingView
from linli.server.privacy import queries as privacy
from tests.server.access.estate import NOON, Doors, found
from tests.server.people.somebody import card, wang
from tests.world import Unchanged

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SMALL, TALL = date(2019, 5, 5), date(2012, 6, 20)  # on NOON's day 7 and 13 years old
NOTHING = ResidentPasses(granted=0, renewed=0, grown=0, withdrawn=0)


@pytest.fixture
def doors(db: None) -> Doors:
    return found()


def member(born: date, sequence: int) -> ResidentInput:
    number = synthetic_resident_id("510108", born, sequence)
    person = wang(native_name="王小满", sex="female", birth_date=born, phone=None)
    return ResidentInput(
        person=person, document=DocumentInput(kind="household_book", number=number), kind="registered", relation="30"
    )


def move_in(doors: Doors, *, flat: int = 0, moved_in: date = date(2020, 1, 1)) -> dict[str, LivingView]:
    """A man with two children, one of them nearly fourteen; by the year of birth."""
    head = ResidentInput(person=wang(), document=card(), kind="registered", relation="02")
    family = HouseholdInput(
        dwelling_id=doors.flats[flat], members=(head, member(SMALL, 2), member(TALL, 4)), moved_in_date=moved_in
    )
    people.move_in(actor=doors.keeper, households=[family], now=NOON)
    living = registered.list_living(estate_id=doors.estate_id, today=NOON.date())
    return {"father": one_born(living, 1990), "small": one_born(living, 2019), "tall": one_born(living, 2012)}


def one_born(living: tuple[LivingView, ...], year: int) -> LivingView:
    return next(one for one in living if one.birth_date is not None and one.birth_date.year == year)


def look(doors: Doors, now: object = NOON) -> ResidentPasses:
    return actions.keep_resident_passes(actor=doors.keeper, now=now)  # type: ignore[arg-type]


def held(who: LivingView) -> Pass:
    return Pass.objects.exclude(state="revoked").get(origin_kind="residency", origin_id=who.id)


def test_whoever_moves_in_has_a_pass_to_the_own_doors_and_a_second_look_changes_nothing(doors: Doors) -> None:
    family = move_in(doors)
    assert look(doors) == replace(NOTHING, granted=3)
    with Unchanged():
        assert look(doors, NOON + HOUR) == NOTHING
    father = queries.get_pass(estate_id=doors.estate_id, pass_id=held(family["father"]).id)
    opened = {gate: doors.present(father, gate).reason for gate in ("G01", "G05", "G07", "G08")}
    assert opened == {"G01": Reason.OK, "G05": Reason.OK, "G07": Reason.OK, "G08": Reason.WRONG_DOOR}
    assert (father.end - father.start) == timedelta(days=365)
    assert {held(one).holder_kind for one in (family["small"], family["tall"])} == {"child"}
    assert held(family["father"]).holder_kind == "resident"
    assert privacy.verify_chain(estate_id=doors.estate_id).whole


def test_whoever_moved_out_is_shut_out_at_the_next_look_with_all_that_proved_the_pass(doors: Doors) -> None:
    family = move_in(doors)
    look(doors)
    father = queries.get_pass(estate_id=doors.estate_id, pass_id=held(family["father"]).id)
    actions.issue_card(actor=doors.actor(Role.GUARD), pass_id=father.id, number="04A1B2C3", now=NOON)
    people.move_out(actor=doors.keeper, residency_id=family["father"].id, moved_out_date=NOON.date(), now=NOON + HOUR)
    assert look(doors, NOON + HOUR) == replace(NOTHING, withdrawn=1)
    gone = Pass.objects.get(id=father.id)
    assert (gone.state, gone.reason) == (PassState.REVOKED, "moved out")
    assert not Credential.objects.filter(bearer=gone, live=True).exists()
    assert OutboxEvent.objects.filter(type="access.PassRevoked").count() == 1
    assert held(family["small"]).state == PassState.ACTIVE
    with Unchanged():
        assert look(doors, NOON + 2 * HOUR) == NOTHING


def test_a_child_of_fourteen_has_a_residents_pass_and_keeps_number_and_card(doors: Doors) -> None:
    family = move_in(doors)
    look(doors)
    before = held(family["tall"])
    actions.issue_card(actor=doors.actor(Role.GUARD), pass_id=before.id, number="04A1B2C3", now=NOON)
    birthday = NOON.replace(day=20)
    assert look(doors, birthday - DAY) == NOTHING
    assert look(doors, birthday) == replace(NOTHING, grown=1)
    after = held(family["tall"])
    assert (after.id, after.number, after.holder_kind) == (before.id, before.number, "resident")
    assert after.version > before.version
    assert Credential.objects.filter(bearer=after, live=True).count() == 1
    known = doors.whole_list(now=birthday)
    assert next(one for one in known.passes.values() if one.serial == after.serial).holder == "resident"


def test_a_child_gets_in_by_card_and_code_and_never_by_face_or_pin(doors: Doors) -> None:
    family = move_in(doors)
    look(doors)
    guard, child = doors.actor(Role.GUARD), held(family["small"])
    actions.issue_card(actor=guard, pass_id=child.id, number="04A1B2C3", now=NOON)
    with Unchanged(), pytest.raises(WayNotForHolder):
        actions.issue_pin(actor=guard, pass_id=child.id, now=NOON)
    with Unchanged(), pytest.raises(WayNotForHolder):
        actions.issue_face_credential(actor=doors.keeper, pass_id=child.id, template_id="face_1", now=NOON)
    assert Kind.FACE not in rules.default_terms(holder_kind="child").ways


def test_a_residents_pass_is_lengthened_a_month_before_its_year_is_over(doors: Doors) -> None:
    family = move_in(doors)
    look(doors)
    first = held(family["father"])
    assert look(doors, first.end - 31 * DAY).renewed == 0
    later = look(doors, first.end - 29 * DAY)
    assert later == replace(NOTHING, renewed=3)
    assert held(family["father"]).end == first.end - 29 * DAY + timedelta(days=365)
    assert look(doors, first.end - 29 * DAY) == NOTHING


def test_a_pass_that_ran_out_while_nobody_looked_opens_again(doors: Doors) -> None:
    family = move_in(doors)
    look(doors)
    end = held(family["father"]).end
    actions.unlist_ended_passes(actor=doors.keeper, now=end + 3 * DAY)
    assert look(doors, end + 4 * DAY).renewed == 3
    again = held(family["father"])
    assert (again.unlisted_at, again.end > end) == (None, True)


def test_what_the_desk_took_back_stays_taken_back_until_the_desk_gives_it_anew(doors: Doors) -> None:
    father = move_in(doors)["father"]
    look(doors)
    lost, office = held(father), doors.actor(Role.OFFICE)
    with Unchanged(), pytest.raises(ResidentHasPass):
        actions.grant_resident_pass(actor=office, residency_id=father.id, now=NOON)
    actions.revoke_pass(actor=office, pass_id=lost.id, reason="lost phone", now=NOON)
    assert look(doors, NOON + HOUR) == NOTHING
    again = actions.grant_resident_pass(actor=office, residency_id=father.id, now=NOON + HOUR)
    assert (again.id != lost.id, again.holder_kind, again.groups) == (True, "resident", tuple(lost.groups))
    assert doors.present(again, "G07", now=NOON + HOUR).reason is Reason.OK
    assert look(doors, NOON + HOUR) == NOTHING


def test_nobody_is_given_a_residents_pass_who_does_not_live_here_or_by_whoever_may_not(doors: Doors) -> None:
    family = move_in(doors)
    people.move_out(actor=doors.keeper, residency_id=family["father"].id, moved_out_date=NOON.date(), now=NOON)
    for residency in (family["father"].id, "resi_none"):
        with Unchanged(), pytest.raises(LivesNot):
            actions.grant_resident_pass(actor=doors.actor(Role.OFFICE), residency_id=residency, now=NOON)
    for role in (Role.GUARD, Role.POLICE, Role.OPERATOR, Role.AUDITOR):
        with Unchanged(), pytest.raises(NotAllowed):
            actions.grant_resident_pass(actor=doors.actor(role), residency_id=family["small"].id, now=NOON)
        with Unchanged(), pytest.raises(NotAllowed):
            actions.keep_resident_passes(actor=doors.actor(role), now=NOON)


def test_whoever_lives_in_two_flats_has_a_pass_to_each(doors: Doors) -> None:
    move_in(doors)
    people.move_in(
        actor=doors.keeper,
        households=[
            HouseholdInput(
                dwelling_id=doors.flats[1],
                members=(ResidentInput(person=wang(), document=card(), kind="registered", relation="01"),),
                moved_in_date=date(2024, 1, 1),
            )
        ],
        now=NOON,
    )
    assert look(doors).granted == 4
    father = registered.list_living(estate_id=doors.estate_id, today=NOON.date(), dwelling_id=doors.flats[1])[0]
    groups = Pass.objects.filter(holder_id=father.person_id).order_by("groups").values_list("groups", flat=True)
    assert list(groups) == [[1, 2, 3], [1, 2, 4]]


def test_the_estates_own_terms_say_how_long_and_where(doors: Doors) -> None:
    family = move_in(doors)
    shorter = replace(
        rules.default_terms(holder_kind="resident"),
        doors=(rules.DoorKind.ESTATE, rules.DoorKind.ENTRANCE),
        review=20 * DAY,
        source="resolution 7 of 2026",
    )
    actions.change_terms(actor=doors.actor(Role.ESTATE_ADMIN), terms=shorter, in_force_from=NOON, now=NOON)
    look(doors)
    father = held(family["father"])
    assert (father.groups, father.end - father.start) == ([1, 3], 20 * DAY)
    # A short pass is lengthened at half its time, and not anew at every look.
    assert look(doors, NOON + 9 * DAY).renewed == 0
    assert look(doors, NOON + 11 * DAY).renewed == 1
    assert look(doors, NOON + 11 * DAY + HOUR) == NOTHING


def test_a_flats_lock_is_part_of_a_residents_pass_from_the_start(doors: Doors) -> None:
    actions.fit_lock(actor=doors.keeper, dwelling_id=doors.flats[0], code="L0101", now=NOON)
    family = move_in(doors)
    look(doors)
    lock = next(one.number for one in queries.list_door_groups(estate_id=doors.estate_id) if one.dwelling_id)
    assert {lock in held(one).groups for one in family.values()} == {True}


def test_a_resident_who_moved_out_has_no_visitors_left_and_one_who_lost_a_phone_keeps_them(doors: Doors) -> None:
    father = move_in(doors)["father"]
    look(doors)
    asked = Period(start=NOON, end=NOON + 2 * HOUR)
    desk = doors.actor(Role.GUARD)
    visit = actions.invite_visitor(actor=desk, host_id=father.person_id, period=asked, now=NOON).visit
    lost = held(father)
    actions.revoke_pass(actor=desk, pass_id=lost.id, reason="lost phone", now=NOON)
    assert actions.end_visits_of_host(estate_id=doors.estate_id, pass_id=lost.id, now=NOON) == 0
    people.move_out(actor=doors.keeper, residency_id=father.id, moved_out_date=NOON.date(), now=NOON)
    assert actions.end_visits_of_host(estate_id=doors.estate_id, pass_id=lost.id, now=NOON) == 1
    assert queries.get_visit(actor=desk, visit_id=visit.id, now=NOON).state == "WITHDRAWN"


def test_the_desk_sees_who_lives_in_a_flat_masked_and_with_what_pass(doors: Doors) -> None:
    family = move_in(doors)
    look(doors)
    rows = queries.list_resident_passes(estate_id=doors.estate_id, dwelling_id=doors.flats[0], now=NOON)
    assert {row.residency_id for row in rows} == {one.id for one in family.values()}
    assert all("*" in row.name_masked and row.granted is not None for row in rows)
    actions.revoke_pass(actor=doors.actor(Role.GUARD), pass_id=held(family["father"]).id, reason="lost", now=NOON)
    shown = queries.list_resident_passes(estate_id=doors.estate_id, dwelling_id=doors.flats[0], now=NOON)
    assert [row.granted for row in shown if row.residency_id == family["father"].id] == [None]
