"""Residents move in as households and out one by one; what is kept on anybody ends in time."""

from datetime import date, timedelta

import pytest

from linli.documents.numbers import synthetic_resident_id
from linli.server.kernel.actors import Role
from linli.server.kernel.errors import BadField, NotAllowed, NotFound, Refusal
from linli.server.people import actions, personal_data, queries
from linli.server.people.actions import DocumentInput, HouseholdInput, ResidentInput
from linli.server.people.models import Document, Household, Person, PersonUse, Residency
from linli.server.privacy import queries as privacy
from tests.server.people.somebody import BIRTH, NUMBER, card, wang
from tests.server.places.town import NOW, SECOND, Town, build

pytestmark = pytest.mark.django_db
CHILD_BIRTH = date(2019, 5, 5)
CHILD = synthetic_resident_id("510108", CHILD_BIRTH, 2)


@pytest.fixture
def town() -> Town:
    return build()


def family(dwelling_id: str, *, relation: str = "02", moved_in: date = date(2020, 1, 1)) -> HouseholdInput:
    head = ResidentInput(person=wang(), document=card(), kind="registered", relation=relation)
    child = ResidentInput(
        person=wang(native_name="王小满", sex="female", birth_date=CHILD_BIRTH, phone=None),
        document=DocumentInput(kind="household_book", number=CHILD),
        kind="registered",
        relation="30",
    )
    return HouseholdInput(dwelling_id=dwelling_id, members=(head, child), moved_in_date=moved_in)


def test_a_family_moves_in_and_is_counted(town: Town) -> None:
    actions.move_in(actor=town.hand, households=[family(town.flat().id)], now=NOW)
    counts = queries.count_residents(estate_id=town.estate_id)
    assert (counts.households, counts.residents, dict(counts.by_kind)["registered"]) == (1, 2, 2)
    person = Person.objects.get(birth_date=BIRTH)
    residency = queries.list_residencies(estate_id=town.estate_id, person_id=person.id)[0]
    assert (residency.dwelling_id, residency.relation, residency.moved_out_date) == (town.flat().id, "02", None)


def test_a_household_that_cannot_be_is_refused_whole(town: Town) -> None:
    flat, other = town.flat().id, town.flat(SECOND).id
    for bad in (
        family(flat, relation="10"),
        family(flat, moved_in=date(2030, 1, 1)),
        HouseholdInput(dwelling_id=flat, members=(), moved_in_date=date(2020, 1, 1)),
        family("dwel_none"),
        HouseholdInput(
            dwelling_id=flat,
            members=(ResidentInput(person=wang(), document=card(number="1"), kind="registered", relation="01"),),
            moved_in_date=date(2020, 1, 1),
        ),
    ):
        with pytest.raises(Refusal):
            actions.move_in(actor=town.hand, households=[family(other), bad], now=NOW)
    assert Person.objects.count() == Household.objects.count() == Residency.objects.count() == 0


def test_a_resident_who_was_a_guest_stays_one_person(town: Town) -> None:
    guest = actions.identify_visitor(
        actor=town.hand, person=wang(), document=card(), purpose_code="lodging_registration", now=NOW
    )
    actions.move_in(actor=town.hand, households=[family(town.flat().id)], now=NOW)
    assert queries.list_residencies(estate_id=town.estate_id, person_id=guest.id)
    assert PersonUse.objects.filter(person_id=guest.id, purpose__code="residency", ended_at=None).count() == 1


def test_the_last_to_leave_dissolves_the_household(town: Town) -> None:
    actions.move_in(actor=town.hand, households=[family(town.flat().id)], now=NOW)
    first, last = Residency.objects.order_by("relation")
    with pytest.raises(BadField):
        actions.move_out(actor=town.hand, residency_id=first.id, moved_out_date=date(2019, 1, 1), now=NOW)
    actions.move_out(actor=town.hand, residency_id=first.id, moved_out_date=date(2026, 5, 1), now=NOW)
    assert queries.count_residents(estate_id=town.estate_id).households == 1
    actions.move_out(actor=town.hand, residency_id=last.id, moved_out_date=date(2026, 5, 2), now=NOW)
    counts = queries.count_residents(estate_id=town.estate_id)
    assert (counts.households, counts.residents) == (0, 0)
    with pytest.raises(NotFound):
        actions.move_out(actor=town.hand, residency_id=last.id, moved_out_date=date(2026, 5, 3), now=NOW)


def test_only_the_office_moves_people(town: Town) -> None:
    for role in (Role.GUARD, Role.POLICE, Role.OPERATOR):
        with pytest.raises(NotAllowed):
            actions.move_in(actor=town.actor(role), households=[family(town.flat().id)], now=NOW)
    assert Person.objects.count() == 0


def test_a_guest_is_forgotten_when_the_purpose_has_run_out_and_not_a_day_before(town: Town) -> None:
    view = actions.identify_visitor(
        actor=town.hand, person=wang(), document=card(), purpose_code="lodging_registration", now=NOW
    )
    days = privacy.get_purpose(estate_id=town.estate_id, code="lodging_registration").retention_days
    assert personal_data.erase_people(NOW + timedelta(days=days)) == 0
    assert personal_data.erase_people(NOW + timedelta(days=days, seconds=1)) == 1
    left = Person.objects.get(id=view.id)
    assert (bytes(left.native_name), left.name_masked, left.birth_date, left.phone) == (b"", "", None, None)
    assert bytes(Document.objects.get(person=left).number) == b""
    with pytest.raises(NotFound):
        queries.get_identity(estate_id=town.estate_id, person_id=view.id)
    assert personal_data.erase_people(NOW + timedelta(days=days, seconds=2)) == 0
    # The same guest comes again years later: a stranger, and nothing leads back.
    assert (
        actions.identify_visitor(
            actor=town.hand,
            person=wang(),
            document=card(),
            purpose_code="lodging_registration",
            now=NOW + timedelta(days=days, seconds=3),
        ).id
        != view.id
    )


def test_a_resident_is_kept_while_living_here_and_a_year_after(town: Town) -> None:
    actions.move_in(actor=town.hand, households=[family(town.flat().id)], now=NOW)
    assert personal_data.erase_people(NOW + timedelta(days=9000)) == 0
    moved_out = NOW + timedelta(days=9000)
    for row in Residency.objects.all():
        actions.move_out(actor=town.hand, residency_id=row.id, moved_out_date=moved_out.date(), now=moved_out)
    assert personal_data.erase_people(moved_out + timedelta(days=365)) == 0
    assert personal_data.erase_people(moved_out + timedelta(days=366)) == 2
    assert personal_data.erase_residencies(moved_out + timedelta(days=367)) == 2


def test_somebody_gets_everything_that_is_held_on_them(town: Town) -> None:
    actions.move_in(actor=town.hand, households=[family(town.flat().id)], now=NOW)
    person = Person.objects.get(birth_date=BIRTH)
    told = {
        holding.model: holding.export(town.estate_id, person.id)
        for holding in privacy.holdings()
        if holding.model.startswith("people.")
    }
    assert told["people.Person"][0]["native_name"] == "王甲子"
    assert told["people.Document"][0]["number"] == NUMBER
    assert told["people.Residency"][0]["dwelling"] == town.flat().code
    assert told["people.PersonUse"][0]["purpose"] == "residency"
    assert told["people.DocumentCheck"][0]["level"] == 1
    assert told["people.Account"] == []
