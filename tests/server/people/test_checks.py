"""Checks of a document earn what their method can earn, name nobody, and a number is opened only for a reason that is kept."""

import pytest

from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotAllowed, NotFound
from linli.server.people import actions, queries, rules
from linli.server.people.models import DocumentCheck
from linli.server.people.queries import PersonView
from linli.server.privacy import queries as privacy
from tests.server.people.somebody import NUMBER, card, wang
from tests.server.places.town import NOW, Town, build

pytestmark = pytest.mark.django_db


@pytest.fixture
def town() -> Town:
    return build()


@pytest.fixture
def guest(town: Town) -> PersonView:
    return actions.identify_visitor(
        actor=town.hand, person=wang(), document=card(), purpose_code="lodging_registration", now=NOW
    )


@pytest.mark.parametrize(("method", "highest"), [("typed", 1), ("ocr", 2), ("mrz", 2), ("reader", 3), ("eye", 4)])
def test_a_method_earns_no_more_than_it_can(town: Town, guest: PersonView, method: str, highest: int) -> None:
    assert guest.document_id
    before = DocumentCheck.objects.count()
    for level in (highest + 1, -1, 5):
        with pytest.raises(rules.LevelNotEarned):
            actions.record_check(
                actor=town.hand, document_id=guest.document_id, level=level, method=method, evidence={}, now=NOW
            )
    assert DocumentCheck.objects.count() == before
    actions.record_check(
        actor=town.hand, document_id=guest.document_id, level=highest, method=method, evidence={"by": "acc_1"}, now=NOW
    )
    assert queries.get_person(estate_id=town.estate_id, person_id=guest.id).document_level == max(highest, 1)


@pytest.mark.parametrize(
    "evidence",
    [
        {"number": NUMBER},
        {"matched": ["number", NUMBER]},
        {"note": f"seen {NUMBER}"},
        {"name": "王甲子"},
        {"nested": {"deep": [{"name": "王甲子"}]}},
        {"story": "a sentence with spaces"},
        {"long": ["x"] * 500},
    ],
)
def test_evidence_that_names_somebody_is_refused(town: Town, guest: PersonView, evidence: dict[str, object]) -> None:
    assert guest.document_id
    before = DocumentCheck.objects.count()
    with pytest.raises(rules.EvidenceNamesSomebody):
        actions.record_check(
            actor=town.hand, document_id=guest.document_id, level=2, method="ocr", evidence=evidence, now=NOW
        )
    assert DocumentCheck.objects.count() == before


def test_a_guest_does_not_vouch_for_the_own_document(town: Town, guest: PersonView) -> None:
    assert guest.document_id
    guest_actor = town.actor(Role.GUEST, f"stay:{guest.id}")
    for method, level in (("eye", 4), ("reader", 3), ("certificate", 2)):
        with pytest.raises(NotAllowed):
            actions.record_check(
                actor=guest_actor, document_id=guest.document_id, level=level, method=method, evidence={}, now=NOW
            )
    with pytest.raises(NotFound):
        actions.record_check(actor=town.hand, document_id="doc_none", level=1, method="typed", evidence={}, now=NOW)
    assert [check.method for check in queries.list_checks(estate_id=town.estate_id, document_id=guest.document_id)] == [
        "typed"
    ]


def test_an_opened_number_stands_in_the_audit_chain(town: Town, guest: PersonView) -> None:
    police = town.actor(Role.POLICE)
    number = actions.reveal_document(actor=police, person_id=guest.id, reason="case 2026-17", now=NOW)
    assert number == NUMBER
    assert privacy.count_entries(estate_id=town.estate_id, verb="reveal_document", subject=guest.id) == 1
    assert privacy.verify_chain(estate_id=town.estate_id).whole


def test_no_right_or_no_reason_opens_nothing(town: Town, guest: PersonView) -> None:
    for role in (Role.GUARD, Role.OPERATOR, Role.COMMITTEE, Role.PROPERTY, Role.GUEST):
        with pytest.raises(NotAllowed):
            actions.reveal_document(actor=town.actor(role), person_id=guest.id, reason="curious", now=NOW)
    for reason in ("", "  ", "x"):
        with pytest.raises(rules.ReasonNeeded):
            actions.reveal_document(actor=town.actor(Role.POLICE), person_id=guest.id, reason=reason, now=NOW)
    assert privacy.count_entries(estate_id=town.estate_id, verb="reveal_document", subject=guest.id) == 0
