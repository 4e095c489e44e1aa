"""Visits to let flats: whose visitor came, when, and when they had left."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from linli.server.access import queries as access
from linli.server.access.queries import VisitUse
from linli.server.connectors.protocol import Occasion, PersonFacts, VisitFacts
from linli.server.connectors.rules import MessageKind
from linli.server.connectors.subjects.gathered import Gathered
from linli.server.kernel.errors import NotFound
from linli.server.lettings import queries as lettings
from linli.server.people import queries as people
from linli.server.places import queries as places
from linli.server.stays import queries as stays

TERMS = "visitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flat:
    """The let flat that a visitor came to."""

    mark: str
    room: str
    operator_id: str
    unit_label: str


def gather_visit(estate_id: str, visit_id: str) -> Gathered:
    """This will gather a visit to a let flat whose visitor has come; any other is nobody's business and is `NotFound`."""
    use = access.find_visit_use(estate_id=estate_id, visit_id=visit_id)
    flat = _flat(use, estate_id=estate_id) if use else None
    if use is None or flat is None:
        raise NotFound(field="visit_id")
    return Gathered(
        facts=VisitFacts(
            visit_id=use.visit_id,
            unit_mark=flat.mark,
            room_label=flat.room,
            visitor_masked=people.masked_name(use.name) if use.name else "",
            visitor=_visitor(use),
            came_at=use.came_at,
            leave_by=use.leave_by,
            left_at=use.left_at,
        ),
        subject_id=use.visit_id,
        terms=TERMS,
        # A visitor is nobody the estate keeps: the visit stands for them in the ledger, as it does on their pass.
        person_id=use.visit_id,
        operator_id=flat.operator_id,
        unit_label=flat.unit_label,
    )


def due_visits(*, estate_id: str, since: datetime, now: datetime) -> Iterable[tuple[str, Occasion]]:
    """This will list the visits to let flats that ended after an instant and until now, each with the occasion to tell of the going.

    The coming is told at the first entry (`PassFirstUsed`). A visit that was taken back is listed too: its end is the same instant as in
    `PassRevoked`, so that whoever tells both tells one; a stretch may be asked for twice.
    """
    for use in access.list_ended_visits(estate_id=estate_id, since=since, now=now):
        if _flat(use, estate_id=estate_id) is not None:
            yield use.visit_id, Occasion(kind=MessageKind.VISITOR_OUT, happened_at=use.ended_at)


def _flat(use: VisitUse, *, estate_id: str) -> Flat | None:
    if use.stay_id is not None:
        stay = stays.get_report_facts(estate_id=estate_id, stay_id=use.stay_id)
        return Flat(mark=stay.unit_mark, room=stay.room_label, operator_id=stay.operator_id, unit_label=stay.unit_code)
    return _flat_of_resident(use.host_id, estate_id=estate_id) if use.host_kind == "resident" else None


def _flat_of_resident(person_id: str, *, estate_id: str) -> Flat | None:
    # A resident may share a flat that is let by the room; a family's own flat is told to nobody.
    living = [
        one for one in people.list_residencies(estate_id=estate_id, person_id=person_id) if not one.moved_out_date
    ]
    if not living:
        return None
    door = places.get_dwelling(estate_id=estate_id, dwelling_id=living[0].dwelling_id).code
    unit = lettings.find_unit_by_door(estate_id=estate_id, door=door)
    if unit is None or unit.mark_code is None:
        return None
    return Flat(mark=unit.mark_code, room="", operator_id=unit.operator_id, unit_label=unit.code)


def _visitor(use: VisitUse) -> PersonFacts | None:
    if not use.name:
        return None
    # A visitor says a name and a number to be called at, and shows no document: the rest is not known.
    return PersonFacts(
        native_name=use.name,
        latin_name=None,
        sex="",
        birth_date=None,
        nationality="",
        document_kind="",
        document_number="",
        phone=use.phone,
    )
