"""What leaves for the Spanish platform of each kind of guest: valid by the official schema, in the fewest fields, or not at all."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from linli import schemas
from linli.server.connectors.platforms.ses_hospedajes import papers
from linli.server.connectors.protocol import FactsMissing, PersonFacts, StayFacts
from linli.server.connectors.rules import MessageKind
from linli.sim.platforms.ses_rules import problem_of
from tests.connectors.guests import RESIDENT, facts
from tests.connectors.ses.guests import ADULT, ARRIVED, BABY, CHILD, ESTATE, SPANIARD, STAYS, occasion, platform, stay

OFFICIAL = etree.XMLSchema(etree.parse(schemas.ses_hospedajes() / "altaParteHospedaje.xsd"))
PLATFORM = platform()


def document(*rows: StayFacts) -> bytes:
    """The payload about these stays."""
    told = [
        papers.Part(reference=f"rep_{n}", fields=PLATFORM.render(occasion=occasion(), facts=row))
        for n, row in enumerate(rows)
    ]
    return papers.write_parts(establishment=rows[0].unit_mark, parts=told)


@pytest.mark.parametrize("kind", list(STAYS))
def test_every_kind_of_guest_is_valid_by_the_official_schema_and_by_its_prose(kind: str) -> None:
    tree = etree.fromstring(document(STAYS[kind]))
    OFFICIAL.assertValid(tree)
    (communication,) = tree.iter("comunicacion")
    assert problem_of(communication, now=ARRIVED) is None


def test_guests_of_every_kind_travel_in_one_valid_document() -> None:
    tree = etree.fromstring(document(*STAYS.values()))
    OFFICIAL.assertValid(tree)
    assert len(list(tree.iter("comunicacion"))) == len(STAYS)


def test_an_adult_is_written_so() -> None:
    assert PLATFORM.render(occasion=occasion(), facts=stay()) == {
        "codigoEstablecimiento": "DF2A00001",
        "fechaContrato": "2026-06-01",
        "fechaEntrada": "2026-06-01T15:04:00",
        "fechaSalida": "2026-06-02T04:04:00",
        "tipoPago": "OTRO",
        "nombre": "ANNA MARIA",
        "apellido1": "ERIKSSON",
        "tipoDocumento": "PAS",
        "numeroDocumento": "L898902C3",
        "fechaNacimiento": "1974-08-12",
        "nacionalidad": "SWE",
        "sexo": "M",
        "direccion": "东方新城二期3幢2单元502号",
        "nombreMunicipio": "Chengdu",
        "codigoPostal": "610000",
        "pais": "CHN",
        "telefono": "+46000000000",
    }


def test_a_couple_with_a_child_are_three_parts_and_only_the_childs_holds_an_adult_too() -> None:
    first, second, child = (STAYS[f"couple_with_child_{n}"] for n in ("first", "second", "third"))
    tree = etree.fromstring(document(first, second, child))
    people = [len(one.findall("persona")) for one in tree.iter("comunicacion")]
    assert people == [1, 1, 2]
    assert [one.findtext("contrato/numPersonas") for one in tree.iter("comunicacion")] == ["1", "1", "2"]
    assert tree.findtext(".//parentesco") == "HJ"


def test_a_minor_with_a_guardian_names_the_tie_and_is_reached_through_the_adult() -> None:
    told = PLATFORM.render(occasion=occasion(), facts=STAYS["minor_with_guardian"])
    assert (told["parentesco"], told["adulto_apellido1"], told["telefono"]) == ("TU", "TUTOR", ADULT.phone)


def test_a_minor_alone_is_not_told() -> None:
    with pytest.raises(FactsMissing) as missing:
        PLATFORM.render(occasion=occasion(), facts=stay(CHILD, BABY, minor=True))
    assert missing.value.field == "persona"


def test_the_holder_of_a_nif_needs_a_second_surname_and_nobody_else_does() -> None:
    told = PLATFORM.render(occasion=occasion(), facts=STAYS["spaniard_with_nif"])
    assert (told["tipoDocumento"], told["apellido1"], told["apellido2"]) == ("NIF", "Gómez Ñandú", "Ejemplo")
    with pytest.raises(FactsMissing) as missing:
        PLATFORM.render(occasion=occasion(), facts=stay(replace(SPANIARD, second_surname="")))
    assert missing.value.field == "apellido2"
    for kind in ("no_second_surname", "foreigner_with_nie", "passport"):
        assert "apellido2" not in PLATFORM.render(occasion=occasion(), facts=STAYS[kind])


MISSING = [
    ({"birth_date": None}, "fechaNacimiento"),
    ({"document_number": ""}, "numeroDocumento"),
    ({"document_number": "1" * 16}, "numeroDocumento"),
    ({"latin_name": "MONONYM"}, "nombre"),
    ({"latin_name": None, "native_name": "王甲子"}, "apellido1"),
    ({"latin_name": "A" * 51 + ", B"}, "apellido1"),
    ({"latin_name": "A, " + "B" * 51}, "nombre"),
    ({"nationality": "SE"}, "nacionalidad"),
    ({"phone": ""}, "telefono"),
    ({"phone": "1" * 21}, "telefono"),
]


@pytest.mark.parametrize(("changes", "field"), MISSING)
def test_what_the_schema_would_refuse_is_named_before_it_leaves(changes: dict[str, object], field: str) -> None:
    with pytest.raises(FactsMissing) as missing:
        PLATFORM.render(occasion=occasion(), facts=stay(replace(ADULT, **changes)))  # type: ignore[arg-type]
    assert missing.value.field == field


def test_a_unit_without_its_mark_or_with_one_too_long_is_not_told() -> None:
    for mark in ("", "DF2A0000123"):
        with pytest.raises(FactsMissing) as missing:
            PLATFORM.render(occasion=occasion(), facts=stay(unit_mark=mark))
        assert missing.value.field == "codigoEstablecimiento"


def test_a_resident_card_of_eighteen_digits_has_no_place_in_a_field_of_fifteen() -> None:
    with pytest.raises(FactsMissing) as missing:
        PLATFORM.render(occasion=occasion(), facts=facts(replace(RESIDENT, latin_name="WANG, JIAZI", phone="1")))
    assert missing.value.field == "numeroDocumento"


def test_who_left_no_phone_is_reached_through_the_lodging_when_it_has_an_address() -> None:
    told = platform(contact_email="casa@example.invalid").render(
        occasion=occasion(), facts=stay(replace(ADULT, phone=""))
    )
    assert (told.get("telefono"), told["correo"]) == (None, "casa@example.invalid")


def test_a_lodging_in_spain_names_its_municipality_by_code() -> None:
    told = platform(country="ESP", municipality_code="28079", postal_code="28001").render(
        occasion=occasion(), facts=stay()
    )
    assert (told["codigoMunicipio"], told["pais"], told.get("nombreMunicipio")) == ("28079", "ESP", None)


@pytest.mark.parametrize("kind", list(MessageKind))
def test_only_arrivals_corrections_and_withdrawals_are_wanted(kind: MessageKind) -> None:
    assert PLATFORM.wants(kind) is (kind in (MessageKind.CHECK_IN, MessageKind.AMEND, MessageKind.CANCEL))


@pytest.mark.parametrize("kind", [MessageKind.CHECK_IN, MessageKind.AMEND, MessageKind.CANCEL])
@pytest.mark.parametrize("row", list(STAYS))
def test_nothing_is_told_that_the_whitelist_does_not_name(kind: MessageKind, row: str) -> None:
    told = PLATFORM.render(occasion=occasion(kind), facts=STAYS[row])
    assert set(told) <= PLATFORM.allowed[kind]
    assert all(told.values())


def test_a_withdrawal_names_the_flat_and_nobody() -> None:
    told = PLATFORM.render(occasion=occasion(MessageKind.CANCEL), facts=stay())
    assert told == {"codigoEstablecimiento": "DF2A00001"}


def test_the_same_records_make_the_same_bytes() -> None:
    assert papers.packed(document(stay())) == papers.packed(document(stay()))


@given(
    name=st.text(max_size=70),
    number=st.text(max_size=20),
    phone=st.text(max_size=30),
    address=st.text(max_size=120),
    nights=st.integers(min_value=1, max_value=400),
)
def test_whatever_the_facts_are_what_leaves_is_valid_or_nothing_leaves(
    name: str, number: str, phone: str, address: str, nights: int
) -> None:
    guest: PersonFacts = replace(ADULT, latin_name=name, document_number=number, phone=phone)
    row = stay(guest, unit_address=address, leave_at=ARRIVED + timedelta(days=nights))
    try:
        told = PLATFORM.render(occasion=occasion(), facts=row)
    except FactsMissing:
        return
    written = papers.write_parts(establishment=row.unit_mark, parts=[papers.Part(reference="rep_1", fields=told)])
    OFFICIAL.assertValid(etree.fromstring(written))


def test_the_estate_of_these_tests_is_fictional() -> None:
    assert ESTATE.fictional
