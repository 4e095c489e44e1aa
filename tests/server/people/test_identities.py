"""A person is found by a document or written down once; what is written is sealed, and what contradicts is refused."""

import threading
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from linli.documents.numbers import synthetic_resident_id
from linli.server.kernel import ids
from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotAllowed, NotFound, Refusal
from linli.server.people import actions, queries, rules
from linli.server.people.actions import DocumentInput, PersonInput
from linli.server.people.models import Document, DocumentCheck, Person
from linli.server.people.queries import PersonView
from linli.server.privacy import queries as privacy
from linli.server.privacy.queries import NoPurpose
from tests.server.people.somebody import BIRTH, MISTYPED, NUMBER, anna, card, passport, wang
from tests.server.places.town import NOW, Town, build

pytestmark = pytest.mark.django_db


@pytest.fixture
def town() -> Town:
    return build()


def identify(town: Town, person: PersonInput, document: DocumentInput) -> PersonView:
    return actions.identify_visitor(
        actor=town.hand, person=person, document=document, purpose_code="lodging_registration", now=NOW
    )


def rows() -> tuple[int, int, int]:
    return Person.objects.count(), Document.objects.count(), DocumentCheck.objects.count()


def test_a_visitor_is_written_down_masked_and_found_again(town: Town) -> None:
    first = identify(town, wang(), card())
    assert first.name_masked == "王**"
    assert first.document_masked == "510" + "*" * 11 + NUMBER[-4:]
    assert first.phone_masked == "154****1111"
    assert (first.belongs, first.nationality, first.document_level) == ("mainland", "CHN", 1)
    again = identify(town, wang(), card(number=NUMBER.lower()))
    assert (again.id, again.document_id) == (first.id, first.document_id)
    assert rows() == (1, 1, 1)


def test_nothing_that_identifies_stands_in_the_database_in_clear(town: Town) -> None:
    identify(town, wang(latin_name="WANG JIAZI"), card())
    with connection.cursor() as cursor:
        for table in ("people_person", "people_document", "people_documentcheck", "privacy_auditentry"):
            cursor.execute(f"SELECT t::text FROM {table} t")
            text = "".join(row[0] for row in cursor.fetchall())
            for secret in (NUMBER, "甲子", "JIAZI", "15400001111"):
                assert secret not in text
                assert secret.encode().hex() not in text


def test_the_platform_gets_the_person_opened(town: Town) -> None:
    view = identify(town, wang(latin_name="WANG JIAZI"), card())
    opened = queries.get_identity(estate_id=town.estate_id, person_id=view.id)
    assert (opened.native_name, opened.latin_name) == ("王甲子", "WANG JIAZI")
    assert (opened.document_number, opened.document_code, opened.phone) == (NUMBER, "111", "+8615400001111")
    assert NUMBER not in repr(opened)
    assert "王甲子" not in repr(opened)


def test_one_citizen_number_is_one_person_whichever_card_is_shown(town: Town) -> None:
    first = identify(town, wang(), card())
    other = identify(town, wang(), card(kind="temporary_id"))
    assert other.id == first.id
    assert other.document_id != first.document_id
    assert other.document_kind == "temporary_id"
    assert rows() == (1, 2, 2)


def test_the_same_number_from_two_countries_is_two_people(town: Town) -> None:
    one = identify(town, anna(nationality="FRA"), passport(number="12AB34567", issuing_country="FRA", mrz=None))
    other = identify(town, anna(nationality="ESP"), passport(number="12AB34567", issuing_country="ESP", mrz=None))
    assert one.id != other.id
    assert one.belongs == "foreign"


def test_a_specimen_passport_is_read_with_its_zone_and_its_expiry_kept(town: Town) -> None:
    view = identify(town, anna(), passport())
    assert (view.belongs, view.document_level) == ("foreign", 1)
    assert view.document_valid_until == date(2012, 4, 15)
    assert view.name_masked == "E*** A*** M***"


@pytest.mark.parametrize(
    ("person", "document", "field"),
    [
        (wang(native_name="李乙丑"), card(), "native_name"),
        (wang(nationality="CHN", sex="unspecified"), card(), "sex"),
    ],
)
def test_facts_that_contradict_a_known_document_are_refused_and_change_nothing(
    town: Town, person: PersonInput, document: DocumentInput, field: str
) -> None:
    known = identify(town, wang(), card())
    before = rows()
    with pytest.raises(rules.DocumentContradicts) as refused:
        identify(town, person, document)
    assert refused.value.field == field
    assert rows() == before
    assert queries.get_person(estate_id=town.estate_id, person_id=known.id) == known


@pytest.mark.parametrize(
    ("person", "document", "code", "field"),
    [
        (wang(), card(number=MISTYPED), "document_check_digit", "document.number"),
        (wang(), card(number="110101199013450011"), "document_check_digit", "document.number"),
        (wang(birth_date=date(1991, 3, 7)), card(), "document_birth_date_disagrees", "birth_date"),
        (wang(sex="female"), card(), "document_sex_disagrees", "sex"),
        (wang(nationality="FRA"), card(), "nationality_disagrees", "nationality"),
        (wang(nationality="中国"), card(), "country_unknown", "nationality"),
        (wang(phone="12345"), card(), "phone_form", "phone"),
        (wang(), card(kind="library_card"), "document_kind_unknown", "document.type"),
        (wang(), card(number=""), "document_number_missing", "document.number"),
        (wang(), card(number="9" * 5000), "document_number_length", "document.number"),
        (anna(birth_date=None), passport(mrz=None), "birth_date_missing", "birth_date"),
        (anna(birth_date=date(2030, 1, 1)), passport(), "birth_date_impossible", "birth_date"),
        (anna(birth_date=date(1974, 8, 13)), passport(), "zone_contradicts", "birth_date"),
        (anna(), passport(number="L898902C4"), "zone_contradicts", "document.number"),
        (anna(), passport(mrz="no zone at all"), "mrz_not_found", "document.mrz"),
        (anna(nationality="CHN"), passport(), "nationality_disagrees", "nationality"),
        (wang(), card(kind="police_certificate", number="川公2026字0001", issued_by="派", valid_until=None),
         "police_certificate_incomplete", "document.issuing_station"),
    ],
)  # fmt: skip
def test_a_wrong_paper_is_refused_with_a_code_and_a_field_and_nothing_is_written(
    town: Town, person: PersonInput, document: DocumentInput, code: str, field: str
) -> None:
    before = rows()
    with pytest.raises(Refusal) as refused:
        identify(town, person, document)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert NUMBER not in str(refused.value.problem())
    assert rows() == before


@pytest.mark.parametrize(
    ("kind", "number", "nationality", "belongs"),
    [
        ("hk_macao_permit", "H12345678", "HKG", "hmt"),
        ("taiwan_permit", "12345678", "TWN", "hmt"),
        ("hmt_residence_card", "810000198506150039", "CHN", "hmt"),
        ("foreign_permanent_residence", "911840198808080055", "USA", "foreign"),
        ("prc_passport", "E12345678", "CHN", "mainland"),
        ("police_certificate", "川公2026字0001", "CHN", "mainland"),
        ("police_certificate", "川公2026字0002", "FRA", "foreign"),
    ],
)
def test_the_document_says_whose_reporting_duty_applies(
    town: Town, kind: str, number: str, nationality: str, belongs: str
) -> None:
    births = {"810000198506150039": date(1985, 6, 15), "911840198808080055": date(1988, 8, 8)}
    person = wang(nationality=nationality, birth_date=births.get(number, BIRTH))
    assert identify(town, person, DocumentInput(kind=kind, number=number)).belongs == belongs


def test_a_renewed_card_keeps_its_person_and_gets_the_later_day(town: Town) -> None:
    first = identify(town, wang(), card())
    renewed = identify(town, wang(phone="15400002222"), card(valid_until=date(2046, 1, 1)))
    assert renewed.id == first.id
    assert (renewed.document_valid_until, renewed.phone_masked) == (date(2046, 1, 1), "154****2222")


def test_without_a_declared_purpose_nobody_is_written_down() -> None:
    town = build("NOP", purposes=False)
    with pytest.raises(NoPurpose):
        identify(town, wang(), card())
    assert rows() == (0, 0, 0)


def test_the_database_itself_refuses_a_person_without_a_purpose(town: Town) -> None:
    def write(purpose: str | None) -> None:
        Person.objects.create(
            id=ids.new("per"),
            estate_id=town.estate_id,
            purpose_id=purpose,
            native_name=b"x",
            name_masked="x",
            sex="male",
            nationality="CHN",
            belongs="mainland",
            known_since=NOW,
            last_seen_at=NOW,
        )
        connection.check_constraints()

    for purpose in (None, "purpose_that_is_not_there"):
        with pytest.raises(IntegrityError), transaction.atomic():
            write(purpose)
    assert rows() == (0, 0, 0)


def test_who_may_not_receive_people_may_not_identify_them(town: Town) -> None:
    for role in (Role.GUEST, Role.AUDITOR, Role.BOX, Role.OPERATOR):
        with pytest.raises(NotAllowed):
            actions.identify_visitor(
                actor=town.actor(role),
                person=wang(),
                document=card(),
                purpose_code="lodging_registration",
                now=NOW,
            )
    assert rows() == (0, 0, 0)


def test_a_wrong_first_typing_is_mended_by_the_office_with_a_reason(town: Town) -> None:
    view = identify(town, wang(native_name="王甲仔"), card())
    office = town.actor(Role.OFFICE)
    with pytest.raises(Refusal, match="say why"):
        actions.correct_person(actor=office, person_id=view.id, person=wang(), document=card(), reason=" ", now=NOW)
    actions.correct_person(
        actor=office, person_id=view.id, person=wang(), document=card(), reason="compared with the card", now=NOW
    )
    assert identify(town, wang(), card()).id == view.id
    assert queries.get_identity(estate_id=town.estate_id, person_id=view.id).native_name == "王甲子"
    assert privacy.count_entries(estate_id=town.estate_id, verb="correct_person", subject=view.id) == 1


def test_a_phone_finds_its_people(town: Town) -> None:
    view = identify(town, wang(), card())
    found = queries.find_person_by_phone(estate_id=town.estate_id, phone="+86 154 0000 1111")
    assert [person.id for person in found] == [view.id]
    assert queries.find_person_by_phone(estate_id=town.estate_id, phone="15400009999") == ()


def test_another_estate_knows_nobody_of_this_one(town: Town) -> None:
    view = identify(town, wang(), card())
    other = build("OTH")
    with pytest.raises(NotFound):
        queries.get_person(estate_id=other.estate_id, person_id=view.id)
    with pytest.raises(NotFound):
        queries.get_identity(estate_id=other.estate_id, person_id=view.id)
    assert identify(other, wang(), card()).id != view.id


@pytest.mark.django_db(transaction=True)
def test_twins_at_two_desks_write_one_person() -> None:
    town = build()
    for attempt in range(10):
        number = synthetic_resident_id("510104", BIRTH + timedelta(days=attempt), 3)
        person = wang(birth_date=BIRTH + timedelta(days=attempt))
        start = threading.Barrier(2)
        found: list[str] = []

        def register(
            person: PersonInput = person,
            number: str = number,
            start: threading.Barrier = start,
            found: list[str] = found,
        ) -> None:
            try:
                start.wait(5)
                found.append(identify(town, person, card(number=number)).id)
            finally:
                connection.close()

        desks = [threading.Thread(target=register) for _ in range(2)]
        for desk in desks:
            desk.start()
        for desk in desks:
            desk.join(20)
        assert len(found) == 2
        assert len(set(found)) == 1
    assert Person.objects.count() == 10
