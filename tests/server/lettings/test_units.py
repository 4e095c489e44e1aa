"""A unit walks its states by a table, one at a time; its history says who, why and when; one flat is let once."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotAllowed, NotFound, Refusal
from linli.server.kernel.models import OutboxEvent
from linli.server.lettings import actions, queries, rules
from linli.server.lettings.actions import RoomTerms
from linli.server.lettings.models import Unit, UnitChange
from linli.server.lettings.queries import UnitView
from linli.server.lettings.rules import UnitState
from linli.server.places import actions as places
from linli.server.privacy import queries as privacy
from tests.server.lettings.letting import company, draft, natural, owner, terms, walk
from tests.server.places.town import FIRST, NOW, SECOND, Town, build

pytestmark = pytest.mark.django_db


@pytest.fixture
def town() -> Town:
    return build()


def step(verb: str, actor: Actor, unit: UnitView) -> UnitView:
    act = getattr(actions, f"{verb}_unit")
    words = {"reason": "because"} if verb in ("suspend", "close") else {}
    view: UnitView = act(actor=actor, unit_id=unit.id, now=NOW, **words)
    return view


def trace(unit: UnitView) -> tuple[str, int, int]:
    row = Unit.objects.get(id=unit.id)
    return row.state, UnitChange.objects.filter(unit=row).count(), OutboxEvent.objects.count()


def test_the_whole_way_is_written_down(town: Town) -> None:
    unit = walk(town, draft(town, company(town)), "ACTIVE")
    later = NOW + timedelta(days=3)
    actions.suspend_unit(actor=town.actor(Role.OFFICE), unit_id=unit.id, reason="烟感缺失", at_once=True, now=later)
    actions.resume_unit(actor=town.actor(Role.OFFICE), unit_id=unit.id, note="已整改", now=later)
    actions.close_unit(actor=town.actor(Role.OFFICE), unit_id=unit.id, reason="sold", now=later)
    trail = queries.list_changes(estate_id=town.estate_id, unit_id=unit.id)
    assert [(past.verb, past.state) for past in trail] == [
        ("draft", "DRAFT"), ("submit", "SUBMITTED"), ("check", "CHECKED"), ("code", "CODED"), ("activate", "ACTIVE"),
        ("suspend", "SUSPENDED"), ("resume", "ACTIVE"), ("close", "CLOSED"),
    ]  # fmt: skip
    assert (trail[5].by, trail[5].note, trail[5].at) == ("acc_office", "烟感缺失", later)
    assert privacy.count_entries(estate_id=town.estate_id, verb="suspend_unit", subject=unit.id) == 1
    events = OutboxEvent.objects.filter(key=unit.id).order_by("id").values_list("type", "body")
    assert [kind for kind, _ in events] == [
        "lettings.UnitActivated", "lettings.UnitSuspended", "lettings.UnitResumed", "lettings.UnitClosed",
    ]  # fmt: skip
    assert events[1][1] == {"estate_id": town.estate_id, "unit_id": unit.id, "at_once": True}


@pytest.mark.parametrize("state", list(UnitState))
@pytest.mark.parametrize("verb", list(rules.STEPS))
def test_every_step_from_every_state_goes_where_the_table_says_or_is_refused(
    town: Town, state: UnitState, verb: str
) -> None:
    unit = walk(town, draft(town, company(town)), state)
    assert unit.state == state
    before = trace(unit)
    if state in rules.STEPS[verb].sources:
        assert step(verb, town.hand, unit).state == rules.STEPS[verb].target
    else:
        with pytest.raises(rules.StepImpossible) as refused:
            step(verb, town.hand, unit)
        assert refused.value.details == {"state": state}
        assert trace(unit) == before


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("verb", list(rules.STEPS))
def test_every_step_is_taken_by_those_the_table_names_only(town: Town, role: Role, verb: str) -> None:
    sources = rules.STEPS[verb].sources
    unit = walk(town, draft(town, company(town)), sources[0])
    before = trace(unit)
    actor = town.actor(role, "*" if role is not Role.OPERATOR else "operator:op_" + "0" * 26)
    if role in rules.STEPS[verb].roles:
        step(verb, actor, unit)
        assert trace(unit) != before
    else:
        with pytest.raises(NotAllowed):
            step(verb, actor, unit)
        assert trace(unit) == before


def test_an_operator_drafts_hands_in_and_closes_its_own_only(town: Town) -> None:
    mine, theirs = natural(town), company(town)
    me = owner(town, mine)
    flat = town.flat()
    with pytest.raises(NotAllowed):
        actions.draft_unit(actor=me, operator_id=theirs.id, dwelling_id=flat.id, rooms=terms(town), now=NOW)
    unit = actions.draft_unit(actor=me, operator_id=mine.id, dwelling_id=flat.id, rooms=terms(town), now=NOW)
    foreign = draft(town, theirs, SECOND)
    for verb in ("submit", "close"):
        with pytest.raises(NotAllowed):
            step(verb, me, foreign)
    step("submit", me, unit)
    with pytest.raises(NotAllowed):
        step("check", me, unit)
    assert step("close", me, unit).state == "CLOSED"
    assert trace(foreign) == ("DRAFT", 1, 1)


def test_suspending_and_closing_need_a_reason(town: Town) -> None:
    unit = walk(town, draft(town, company(town)), "ACTIVE")
    before = trace(unit)
    for reason in ("", "  ", "x"):
        with pytest.raises(rules.WhyNeeded):
            actions.suspend_unit(actor=town.hand, unit_id=unit.id, reason=reason, now=NOW)
        with pytest.raises(rules.WhyNeeded):
            actions.close_unit(actor=town.hand, unit_id=unit.id, reason=reason, now=NOW)
    assert trace(unit) == before


def test_a_flat_is_let_once_until_its_unit_is_closed_and_codes_are_never_used_again(town: Town) -> None:
    operator = company(town)
    first = walk(town, draft(town, operator), "ACTIVE")
    with pytest.raises(rules.DwellingLet):
        draft(town, operator)
    assert Unit.objects.count() == 1
    actions.close_unit(actor=town.hand, unit_id=first.id, reason="sold", now=NOW)
    second = walk(town, draft(town, operator), "CODED")
    assert (first.code, second.code) == (f"{FIRST}-W1", f"{FIRST}-W2")
    assert first.mark_code
    assert second.mark_code != first.mark_code


def test_a_mark_hangs_on_one_door_even_after_closing(town: Town) -> None:
    operator = company(town)
    first = walk(town, draft(town, operator), "CHECKED")
    actions.code_unit(actor=town.hand, unit_id=first.id, mark_code=" cd-0001 ", now=NOW)
    actions.close_unit(actor=town.hand, unit_id=first.id, reason="sold", now=NOW)
    second = walk(town, draft(town, operator, SECOND), "CHECKED")
    before = trace(second)
    with pytest.raises(rules.MarkTaken):
        actions.code_unit(actor=town.hand, unit_id=second.id, mark_code="CD-0001", now=NOW)
    for unreadable in ("x", "一房一码", "A" * 17, "A B C D"):
        with pytest.raises(rules.MarkUnreadable):
            actions.code_unit(actor=town.hand, unit_id=second.id, mark_code=unreadable, now=NOW)
    assert trace(second) == before


def test_rooms_hold_no_more_than_their_beds_allow(town: Town) -> None:
    operator, flat = company(town), town.flat()
    one, two, four = flat.rooms
    elsewhere = town.flat(SECOND).rooms[0]

    def attempt(*rooms: RoomTerms, most: int | None = None) -> UnitView:
        return actions.draft_unit(
            actor=town.hand, operator_id=operator.id, dwelling_id=flat.id, rooms=rooms, max_occupancy=most, now=NOW
        )

    def room(room_id: str, mode: str, most: int) -> RoomTerms:
        return RoomTerms(room_id=room_id, mode=mode, max_occupancy=most)

    for refusal, rooms in (
        (rules.NothingToLet, ()),
        (rules.RoomElsewhere, (room(elsewhere.id, "room", 1),)),
        (rules.RoomElsewhere, (room(one.id, "room", 1), room(one.id, "room", 1))),
        (rules.TooMany, (room(one.id, "room", 3),)),
        (rules.TooMany, (room(four.id, "bed", 5),)),
        (rules.TooMany, (room(one.id, "room", 0),)),
        (Refusal, (room(one.id, "hammock", 1),)),
    ):
        with pytest.raises(refusal):
            attempt(*rooms)
    with pytest.raises(rules.TooMany) as refused:
        attempt(room(two.id, "room", 4), room(one.id, "room", 1), most=6)
    assert refused.value.details == {"most": 5}
    assert Unit.objects.count() == 0
    unit = attempt(room(two.id, "room", 4), room(one.id, "room", 1))
    assert (unit.max_occupancy, [each.label for each in unit.rooms]) == (5, ["R1", "R2"])
    assert [bed.label for bed in unit.rooms[1].beds] == ["B1", "B2"]


def test_a_draft_may_be_changed_and_a_submitted_unit_not(town: Town) -> None:
    unit = draft(town, company(town))
    one = town.flat().rooms[0]
    changed = actions.redraft_unit(
        actor=town.hand, unit_id=unit.id, rooms=[RoomTerms(room_id=one.id, mode="room", max_occupancy=2)], now=NOW
    )
    assert (changed.max_occupancy, len(changed.rooms)) == (2, 1)
    step("submit", town.hand, unit)
    with pytest.raises(rules.StepImpossible):
        actions.redraft_unit(actor=town.hand, unit_id=unit.id, rooms=terms(town), now=NOW)
    assert queries.get_unit(estate_id=town.estate_id, unit_id=unit.id).max_occupancy == 2


def test_a_unit_shows_the_beds_that_are_still_there(town: Town) -> None:
    unit = draft(town, company(town))
    places.close_place(actor=town.hand, code=f"{FIRST}-R3-B4", reason="broken", now=NOW)
    assert len(queries.get_unit(estate_id=town.estate_id, unit_id=unit.id).rooms[2].beds) == 3


def test_a_unit_is_found_by_what_hangs_on_or_is_said_of_its_door(town: Town) -> None:
    unit = walk(town, draft(town, company(town)), "ACTIVE")
    places.name_place(actor=town.hand, code=FIRST, kind="listing", text="锦江边的家", now=NOW)
    for door in (FIRST, unit.code, str(unit.mark_code), "锦江边的家"):
        found = queries.find_unit_by_door(estate_id=town.estate_id, door=door)
        assert found is not None
        assert found.id == unit.id
    assert queries.find_unit_by_door(estate_id=town.estate_id, door=SECOND) is None
    actions.close_unit(actor=town.hand, unit_id=unit.id, reason="sold", now=NOW)
    assert queries.find_unit_by_door(estate_id=town.estate_id, door=FIRST) is None
    assert queries.find_unit(estate_id=town.estate_id, code=unit.code) is not None


def test_a_unit_costs_one_query_however_many_rooms_it_has(town: Town, django_assert_max_num_queries: object) -> None:
    unit = draft(town, company(town))
    with django_assert_max_num_queries(1):  # type: ignore[operator]
        queries.get_unit(estate_id=town.estate_id, unit_id=unit.id)


def test_counts_tell_what_is_let_now(town: Town) -> None:
    unit = walk(town, draft(town, company(town)), "ACTIVE")
    draft(town, natural(town), SECOND)
    counts = queries.count_lettings(estate_id=town.estate_id)
    assert (counts.operators, counts.units, counts.rooms, counts.beds) == (2, 1, 3, 7)
    step("suspend", town.hand, unit)
    assert queries.count_lettings(estate_id=town.estate_id).units == 0
    assert queries.count_lettings(estate_id=town.estate_id).beds == 0


@pytest.mark.parametrize("change", [{"state": "LET"}, {"state": "ACTIVE", "mark_code": None}, {"max_occupancy": 0}])
def test_the_database_itself_refuses_an_impossible_unit(town: Town, change: dict[str, object]) -> None:
    unit = draft(town, company(town))
    with pytest.raises(IntegrityError), transaction.atomic():
        Unit.objects.filter(id=unit.id).update(**change)


def test_another_estate_sees_no_unit_of_this_one(town: Town) -> None:
    unit = draft(town, company(town))
    other = build("OTH")
    with pytest.raises(NotFound):
        queries.get_unit(estate_id=other.estate_id, unit_id=unit.id)
    with pytest.raises(NotFound):
        actions.submit_unit(actor=other.hand, unit_id=unit.id, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_of_two_drafts_for_one_flat_at_once_one_wins_every_time() -> None:
    town = build()
    operators = [company(town), natural(town)]
    for _ in range(8):
        start = threading.Barrier(2)
        outcomes: list[str] = []

        def attempt(operator: int, start: threading.Barrier = start, outcomes: list[str] = outcomes) -> None:
            try:
                start.wait(5)
                outcomes.append(draft(town, operators[operator]).id)
            except rules.DwellingLet:
                outcomes.append("let")
            finally:
                connection.close()

        racers = [threading.Thread(target=attempt, args=(at,)) for at in range(2)]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join(20)
        assert sorted(outcome == "let" for outcome in outcomes) == [False, True]
        winner = next(outcome for outcome in outcomes if outcome != "let")
        actions.close_unit(actor=town.hand, unit_id=winner, reason="next round", now=NOW)
