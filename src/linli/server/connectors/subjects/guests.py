"""Guests: a stay with whoever sleeps there, and the passages of people who have a roof here."""

from collections.abc import Sequence

from linli.server.access import queries as access
from linli.server.access.queries import ToldPassage
from linli.server.connectors.protocol import FactsMissing, PassageFacts, PersonFacts, StayFacts
from linli.server.connectors.subjects.gathered import Gathered, person, persons
from linli.server.connectors.subjects.living import number_in
from linli.server.kernel.errors import NotFound
from linli.server.stays import queries as stays
from linli.server.stays.queries import ReportFacts

# Whose passages may be told of at all: who sleeps here. Couriers, visitors and staff have no registered residency or stay.
HOLDERS_WITH_A_ROOF = ("stay", "residency")


def gather_stay(estate_id: str, subject_id: str) -> Gathered:
    """This will gather a stay; raises `FactsMissing` for one whose guest has not come, or was erased."""
    row = stays.get_report_facts(estate_id=estate_id, stay_id=subject_id)
    return Gathered(
        facts=stay_facts(row, estate_id=estate_id),
        subject_id=row.stay_id,
        terms=row.belongs,
        person_id=row.person_id,
        operator_id=row.operator_id,
        unit_label=row.unit_code,
    )


def stay_facts(row: ReportFacts, *, estate_id: str) -> StayFacts:
    """This will unseal whose stay it is; raises `FactsMissing` for one whose guest has not come, or was erased."""
    if row.checked_in_at is None:
        raise FactsMissing("rzsj")
    return StayFacts(
        stay_id=row.stay_id,
        booking_id=row.booking_id,
        unit_mark=row.unit_mark,
        unit_address=row.address_zh,
        room_label=row.room_label,
        bed_label=row.bed_label,
        checked_in_at=row.checked_in_at,
        leave_at=row.leave_at,
        left_at=row.checked_out_at,
        presumed_left=row.presumed_left,
        minor=row.minor,
        relation=row.relation,
        guest=person(estate_id=estate_id, person_id=row.person_id, document_id=row.document_id),
        company=tuple(
            person(estate_id=estate_id, person_id=person_id, document_id=document_id)
            for person_id, document_id in row.company
        ),
    )


def passages(rows: Sequence[ToldPassage], *, estate_id: str) -> tuple[Gathered, ...]:
    """This will tell of passages by their holders; those of people who have been erased are left out."""
    known = persons(estate_id=estate_id, person_ids={row.holder_id for row in rows})
    return tuple(_passage(row, known[row.holder_id]) for row in rows if row.holder_id in known)


def _passage(row: ToldPassage, holder: PersonFacts) -> Gathered:
    subject_id = f"{row.gate}:{row.sequence}"
    facts = PassageFacts(
        event_id=subject_id,
        gate_code=row.gate,
        gate_number=number_in(row.gate),
        sequence=row.sequence,
        happened_at=row.happened_at,
        direction=row.direction,
        method=row.method,
        holder_kind="stay" if row.origin_kind == "stay" else "resident",
        holder_id=row.origin_id,
        person=holder,
    )
    return Gathered(facts=facts, subject_id=subject_id, terms="view", person_id=row.holder_id)


def gather_passage(estate_id: str, subject_id: str) -> Gathered:
    """This will gather one passage by its gate and line; raises `NotFound`, or `FactsMissing` when its holder has been erased."""
    gate, _, line = subject_id.rpartition(":")
    sequence = int(line)
    found = access.list_told_passages(
        estate_id=estate_id, gate=gate, after=sequence - 1, up_to=sequence, origins=HOLDERS_WITH_A_ROOF
    )
    if not found:
        raise NotFound
    gathered = passages(found, estate_id=estate_id)
    if not gathered:
        raise FactsMissing("zjhm")
    return gathered[0]
