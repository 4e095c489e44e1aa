"""Three kinds of operators, each with the papers the law asks of it."""

from datetime import timedelta

import pytest

from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotAllowed, Refusal
from linli.server.lettings import actions, personal_data, queries, rules
from linli.server.lettings.actions import OperatorInput
from linli.server.lettings.models import Operator
from linli.server.people.models import Person, PersonUse
from tests.server.lettings.letting import BUSINESS_CODE, COMPANY_CODE, company, draft, natural
from tests.server.people.somebody import MISTYPED, card, wang
from tests.server.places.town import NOW, Town, build

pytestmark = pytest.mark.django_db


@pytest.fixture
def town() -> Town:
    return build()


def test_a_natural_person_goes_by_a_masked_name_and_a_pending_licence(town: Town) -> None:
    view = natural(town)
    assert (view.name, view.uscc, view.licence, view.phone_masked) == ("王**", None, "pending", "154****1111")
    assert PersonUse.objects.filter(person_id=view.person_id, purpose__code="operator_file", ended_at=None).exists()


def test_a_business_goes_by_its_registered_name_and_credit_code(town: Town) -> None:
    wanted = OperatorInput(
        kind="individual_business", name="成华区试验民宿", uscc=BUSINESS_CODE.lower(), person=wang(), document=card()
    )
    view = actions.register_operator(actor=town.hand, operator=wanted, now=NOW)
    assert (view.name, view.uscc) == ("成华区试验民宿", BUSINESS_CODE)
    assert queries.find_operator(estate_id=town.estate_id, uscc=BUSINESS_CODE) == view


@pytest.mark.parametrize(
    ("operator", "code", "field"),
    [
        (OperatorInput(kind="emperor"), "bad_field", "kind"),
        (OperatorInput(kind="natural"), "operator_incomplete", "person"),
        (OperatorInput(kind="natural", person=wang()), "operator_incomplete", "document"),
        (OperatorInput(kind="natural", person=wang(), document=card(), uscc=COMPANY_CODE), "operator_incomplete", "uscc"),
        (OperatorInput(kind="company", uscc=COMPANY_CODE), "operator_incomplete", "name"),
        (OperatorInput(kind="company", name="X"), "operator_incomplete", "uscc"),
        (OperatorInput(kind="company", name="某公司", uscc=BUSINESS_CODE), "uscc_of_other_kind", "uscc"),
        (OperatorInput(kind="individual_business", name="某店", uscc=COMPANY_CODE), "uscc_of_other_kind", "uscc"),
        (OperatorInput(kind="company", name="某公司", uscc="91510108MA6000002X"), "uscc_check_digit", "uscc"),
        (OperatorInput(kind="company", name="某公司", uscc="short"), "uscc_form", "uscc"),
        (OperatorInput(kind="company", name="\u202e", uscc=COMPANY_CODE), "name_unreadable", "name"),
        (OperatorInput(kind="natural", person=wang(), document=card(number=MISTYPED)),
         "document_check_digit", "document.number"),
        (OperatorInput(kind="natural", person=wang(), document=card(), phone="1"), "phone_form", "phone"),
        (OperatorInput(kind="natural", person=wang(), document=card(), licence="maybe"), "bad_field", "licence"),
    ],
)  # fmt: skip
def test_papers_that_do_not_fit_are_refused_and_nothing_is_written(
    town: Town, operator: OperatorInput, code: str, field: str
) -> None:
    with pytest.raises(Refusal) as refused:
        actions.register_operator(actor=town.hand, operator=operator, now=NOW)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert Operator.objects.count() == Person.objects.count() == 0


def test_nobody_registers_twice(town: Town) -> None:
    natural(town)
    company(town)
    for again in (natural, company):
        with pytest.raises(rules.OperatorKnown):
            again(town)
    assert Operator.objects.count() == 2
    assert Person.objects.count() == 1


def test_an_operator_stops_when_nothing_is_let_any_more(town: Town) -> None:
    view = natural(town)
    unit = draft(town, view)
    with pytest.raises(rules.OperatorStillLets):
        actions.close_operator(actor=town.hand, operator_id=view.id, reason="moves away", now=NOW)
    assert queries.get_operator(estate_id=town.estate_id, operator_id=view.id).closed_at is None
    actions.close_unit(actor=town.hand, unit_id=unit.id, reason="moves away", now=NOW)
    closed = actions.close_operator(actor=town.hand, operator_id=view.id, reason="moves away", now=NOW)
    assert closed.closed_at == NOW
    assert not PersonUse.objects.filter(person_id=view.person_id, ended_at=None).exists()
    with pytest.raises(rules.OperatorClosed):
        draft(town, view)
    assert natural(town).id != view.id


def test_a_closed_file_is_emptied_after_three_years(town: Town) -> None:
    view = natural(town)
    actions.close_operator(actor=town.hand, operator_id=view.id, reason="moves away", now=NOW)
    assert personal_data.export_operators(town.estate_id, str(view.person_id))[0]["phone"] == "+8615400001111"
    assert personal_data.erase_operators(NOW + timedelta(days=3 * 365)) == 0
    assert personal_data.erase_operators(NOW + timedelta(days=3 * 365 + 1)) == 1
    emptied = queries.get_operator(estate_id=town.estate_id, operator_id=view.id)
    assert (emptied.name, emptied.phone_masked) == ("", "")


def test_only_the_office_registers(town: Town) -> None:
    wanted = OperatorInput(kind="company", name="某公司", uscc=COMPANY_CODE)
    for role in (Role.GUARD, Role.POLICE, Role.OPERATOR, Role.COMMITTEE):
        with pytest.raises(NotAllowed):
            actions.register_operator(actor=town.actor(role), operator=wanted, now=NOW)
    assert Operator.objects.count() == 0
