"""The facts of a subject as one flat list under our own names, the same whichever platform will be told."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from linli.server.connectors.protocol import Facts, Occasion, PersonFacts, StaffFacts, StayFacts, UnitFacts, VisitFacts
from linli.server.connectors.rules import SubjectKind

Value = str | int | bool | date | datetime | tuple[str, ...] | None

AT_HOME = frozenset({"CHN", "HKG", "MAC", "TWN"})
REGION_OF_CARD: Mapping[str, str] = MappingProxyType({"81": "HKG", "82": "MAC", "83": "TWN"})
REGION_OF_PERMIT: Mapping[str, str] = MappingProxyType({"H": "HKG", "M": "MAC"})


def flat_facts(*, occasion: Occasion, facts: Facts) -> Mapping[str, Value]:
    """This will list what is known; a fact that is not known is None or missing."""
    return {"happened_at": occasion.happened_at, "why": occasion.why, **OF_SUBJECT[facts.subject_kind](facts, occasion)}


def is_from_home(known: Mapping[str, Value]) -> bool:
    """This will say whether the person is written in Chinese: from the mainland, Hong Kong, Macao or Taiwan."""
    return known.get("region") in AT_HOME


def _of_stay(facts: StayFacts, occasion: Occasion) -> dict[str, Value]:
    return {
        "stay_id": facts.stay_id,
        "booking_id": facts.booking_id,
        "unit_mark": facts.unit_mark,
        "unit_address": facts.unit_address,
        "room": facts.room_label,
        "bed": facts.bed_label,
        "checked_in_at": facts.checked_in_at,
        "leave_at": facts.leave_at,
        "left_at": facts.left_at,
        "presumed_left": facts.presumed_left,
        "minor": facts.minor,
        "relation": facts.relation,
        **_of_person(facts.guest),
    }


def _of_visit(facts: VisitFacts, occasion: Occasion) -> dict[str, Value]:
    return {
        "visit_id": facts.visit_id,
        "unit_mark": facts.unit_mark,
        "room": facts.room_label,
        "visitor_masked": facts.visitor_masked,
        "came_at": facts.came_at,
        "leave_by": facts.leave_by,
        "left_at": facts.left_at,
        **(_of_person(facts.visitor) if facts.visitor else {}),
    }


def _of_staff(facts: StaffFacts, occasion: Occasion) -> dict[str, Value]:
    return {
        "staff_id": facts.staff_id,
        "unit_mark": facts.unit_marks[0] if facts.unit_marks else "",
        "unit_marks": facts.unit_marks,
        "job": facts.job,
        "since_date": facts.since_date,
        "gone": occasion.gone,
        **_of_person(facts.person),
    }


def _of_unit(facts: UnitFacts, occasion: Occasion) -> dict[str, Value]:
    return {
        "unit_id": facts.unit_id,
        "unit_mark": facts.unit_mark,
        "unit_label": facts.label,
        "unit_address": facts.address_zh,
        "floor": facts.floor,
        "rooms": facts.rooms,
        "beds": facts.beds,
        "operator_name": facts.operator_name,
        "operator_document": facts.operator_document,
        "unit_state": facts.state,
    }


OF_SUBJECT: Mapping[SubjectKind, Callable[[Any, Occasion], dict[str, Value]]] = MappingProxyType(
    {
        SubjectKind.STAY: _of_stay,
        SubjectKind.VISIT: _of_visit,
        SubjectKind.STAFF: _of_staff,
        SubjectKind.UNIT: _of_unit,
    }
)


def _of_person(person: PersonFacts) -> dict[str, Value]:
    return {
        "native_name": person.native_name,
        # Passports are read in Latin letters; whoever typed a foreign name typed it where the native one stands.
        "latin_name": person.latin_name or person.native_name,
        "second_surname": person.second_surname,
        "sex": person.sex,
        "birth_date": person.birth_date,
        "nationality": person.nationality,
        "region": _region(person.document_kind, person.document_number, person.nationality),
        "document_kind": person.document_kind,
        "document_number": person.document_number,
        "phone": person.phone,
    }


def _region(document_kind: str, number: str, nationality: str) -> str:
    # Permits and residence cards name the region in their number; what was typed as nationality is often CHN.
    if document_kind == "hk_macao_permit":
        return REGION_OF_PERMIT.get(number[:1], nationality)
    if document_kind == "hmt_residence_card":
        return REGION_OF_CARD.get(number[:2], nationality)
    return "TWN" if document_kind == "taiwan_permit" else nationality
