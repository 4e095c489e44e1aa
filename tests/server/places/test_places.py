"""The tree to the bed: codes are given once, a closed place keeps its own, another name means one place."""

import pytest
from django.db import DatabaseError, transaction

from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotAllowed, NotFound
from linli.server.places import actions, queries, rules
from linli.server.places.actions import BuildingPlan, DwellingPlan, EntrancePlan
from linli.server.places.models import Bed, Dwelling, Room
from tests.server.places.town import FIRST, NOW, SECOND, Town, build, plan

pytestmark = pytest.mark.django_db


@pytest.fixture
def town() -> Town:
    return build()


def test_every_place_has_a_code_that_says_where_it_is(town: Town) -> None:
    flat = town.flat()
    assert (flat.label_zh, flat.label_en) == ("1幢1单元0101", "Building 1, entrance 1, 0101")
    assert [room.code for room in flat.rooms] == [f"{FIRST}-R1", f"{FIRST}-R2", f"{FIRST}-R3"]
    assert [bed.code for bed in flat.rooms[1].beds] == [f"{FIRST}-R2-B1", f"{FIRST}-R2-B2"]
    assert [bed.label for bed in flat.rooms[2].beds] == ["B1", "B2", "B3", "B4"]


def test_laying_out_twice_builds_nothing_twice(town: Town) -> None:
    before = queries.count_places(estate_id=town.estate_id)
    again = actions.lay_out(actor=town.hand, buildings=[plan()], now=NOW)
    assert (again.buildings, again.dwellings, again.beds) == (0, 0, 0)
    assert queries.count_places(estate_id=town.estate_id) == before


def test_two_estates_may_have_the_same_building_numbers() -> None:
    one, other = build("AAA"), build("BBB")
    assert queries.count_places(estate_id=one.estate_id) == queries.count_places(estate_id=other.estate_id)
    with pytest.raises(NotFound):
        queries.get_dwelling(estate_id=one.estate_id, dwelling_id=other.flat("BBB-01-1-0101").id)


def test_a_closed_room_keeps_its_code_and_the_next_one_gets_a_new_number(town: Town) -> None:
    actions.close_place(actor=town.hand, code=f"{FIRST}-R3", reason="partition removed", now=NOW)
    assert [room.label for room in town.flat().rooms] == ["R1", "R2"]
    flat = actions.add_rooms(actor=town.hand, dwelling_id=town.flat().id, beds=(1,), now=NOW)
    assert [room.label for room in flat.rooms] == ["R1", "R2", "R4"]
    assert Room.objects.filter(code=f"{FIRST}-R3", closed_at__isnull=False).exists()


def test_closing_a_flat_closes_everything_in_it_and_nothing_beside_it(town: Town) -> None:
    actions.close_place(actor=town.hand, code=FIRST, reason="sold", now=NOW)
    assert not town.flat().open
    assert town.flat().rooms == ()
    assert town.flat(SECOND).open
    assert len(town.flat(SECOND).rooms) == 1


def test_a_plan_that_cannot_be_is_refused_and_nothing_is_built(town: Town) -> None:
    before = queries.count_places(estate_id=town.estate_id)
    twice = EntrancePlan(number=1, dwellings=(DwellingPlan(floor=1, door="0101"), DwellingPlan(floor=1, door="0101")))
    for bad in (
        BuildingPlan(number=0, floors=3, entrances=()),
        BuildingPlan(number=2, floors=3, entrances=(twice,)),
        BuildingPlan(
            number=2,
            floors=3,
            entrances=(EntrancePlan(number=1, dwellings=(DwellingPlan(floor=9, door="0901"),)),),
        ),
        BuildingPlan(
            number=2,
            floors=3,
            entrances=(EntrancePlan(number=1, dwellings=(DwellingPlan(floor=1, door="一零一"),)),),
        ),
    ):
        with pytest.raises(rules.PlanImpossible):
            actions.lay_out(actor=town.hand, buildings=[plan(), bad], now=NOW)
    assert queries.count_places(estate_id=town.estate_id) == before


@pytest.mark.parametrize("model", [Dwelling, Room, Bed])
def test_the_database_itself_refuses_another_code_and_a_deletion(
    town: Town, model: type[Dwelling] | type[Room] | type[Bed]
) -> None:
    rows = model.objects.filter(estate_id=town.estate_id)
    with pytest.raises(DatabaseError, match="a code stays with its place"), transaction.atomic():
        rows.filter(id=rows.first().id).update(code="TST-X")  # type: ignore[union-attr]
    with pytest.raises(DatabaseError, match="closed, never deleted"), transaction.atomic():
        Bed.objects.filter(estate_id=town.estate_id)[:1].get().delete()


def test_another_name_means_one_place_until_it_is_dropped(town: Town) -> None:
    named = actions.name_place(actor=town.hand, code=FIRST, kind="listing", text="锦江边的家", now=NOW)
    again = actions.name_place(actor=town.hand, code=FIRST, kind="listing", text="锦江边的家", now=NOW)
    assert again.id == named.id
    with pytest.raises(rules.AliasTaken):
        actions.name_place(actor=town.hand, code=SECOND, kind="listing", text="锦江边的家", now=NOW)
    assert queries.find_by_alias(estate_id=town.estate_id, kind="listing", text="锦江边的家") == FIRST
    actions.drop_name(actor=town.hand, alias_id=named.id, now=NOW)
    actions.name_place(actor=town.hand, code=SECOND, kind="listing", text="锦江边的家", now=NOW)
    assert queries.find_by_alias(estate_id=town.estate_id, kind="listing", text="锦江边的家") == SECOND


def test_only_the_office_changes_places(town: Town) -> None:
    before = queries.count_places(estate_id=town.estate_id)
    for role in (Role.GUARD, Role.OPERATOR, Role.POLICE, Role.GUEST):
        with pytest.raises(NotAllowed):
            actions.add_rooms(actor=town.actor(role), dwelling_id=town.flat().id, beds=(1,), now=NOW)
        with pytest.raises(NotAllowed):
            actions.close_place(actor=town.actor(role), code=FIRST, reason="no", now=NOW)
    assert queries.count_places(estate_id=town.estate_id) == before


def test_founding_a_code_twice_returns_the_first_estate(town: Town) -> None:
    again = actions.found_estate(
        actor=town.hand,
        code="TST",
        name_zh="别的",
        name_en="Other",
        zone="UTC",
        division_code="510000",
        now=NOW,
    )
    assert (again.id, again.name_zh, again.zone) == (town.estate_id, "试验小区", "Asia/Shanghai")
    with pytest.raises(rules.EstateCodeUnreadable):
        actions.found_estate(actor=town.hand, code="a b", name_zh="", name_en="", zone="UTC", division_code="", now=NOW)


def test_entrances_and_pages_of_flats_are_listed_in_order(town: Town) -> None:
    entrances = queries.list_entrances(estate_id=town.estate_id)
    assert [(entrance.code, entrance.dwellings) for entrance in entrances] == [("TST-01-1", 4), ("TST-01-2", 4)]
    page = queries.list_dwellings(estate_id=town.estate_id, entrance_id=entrances[1].id)
    assert page.total == 4
    assert page.items[0].code == "TST-01-2-0101"
    assert queries.list_dwellings(estate_id=town.estate_id, text="0202").total == 2
