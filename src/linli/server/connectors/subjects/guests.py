"""Guests: a stay with whoever sleeps there, and the passages of people who have a roof here."""

from linli.server.access import queries as access
from linli.server.access.queries import ToldPassage
from linli.server.connectors.protocol import FactsMissing, PassageFacts, StayFacts
from linli.server.connectors.subjects.gathered import Gathered, person
from linli.server.connectors.subjects.living import number_in
from linli.server.kernel.errors import NotFound
from linli.server.stays import queries as stays

# Whose passages may be told of at all: who sleeps here. Couriers, visitors and staff have no registered residency or stay.
HOLDERS_WITH_A_ROOF = ("stay", "residency")


def gather_stay(estate_id: str, subject_id: str) -> Gathered:
    """This will gather a stay; raises `FactsMissing` for one whose guest has not come, or was erased."""
    row = stays.get_report_facts(estate_id=estate_id, stay_id=subject_id)
    if row.checked_in_at is None:
        raise FactsMissing("rzsj")
    return Gathered(
        facts=StayFacts(
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
        ),
        subject_id=row.stay_id,
        terms=row.belongs,
        person_id=row.person_id,
        operator_id=row.operator_id,
        unit_label=row.unit_code,
    )


def passage(row: ToldPassage, *, estate_id: str) -> Gathered:
    """This will tell of one passage by its holder; raises `FactsMissing` when they have been erased."""
    subject_id = f"{row.gate}:{row.sequence}"
    return Gathered(
        facts=PassageFacts(
            event_id=subject_id,
            gate_code=row.gate,
            gate_number=number_in(row.gate),
            sequence=row.sequence,
            happened_at=row.happened_at,
            direction=row.direction,
            method=row.method,
            holder_kind="stay" if row.origin_kind == "stay" else "resident",
            holder_id=row.origin_id,
            person=person(estate_id=estate_id, person_id=row.holder_id),
        ),
        subject_id=subject_id,
        terms="view",
        person_id=row.holder_id,
    )


def gather_passage(estate_id: str, subject_id: str) -> Gathered:
    """This will gather one passage by its gate and line; raises `NotFound`."""
    gate, _, line = subject_id.rpartition(":")
    sequence = int(line)
    found = access.list_told_passages(
        estate_id=estate_id, gate=gate, after=sequence - 1, up_to=sequence, origins=HOLDERS_WITH_A_ROOF
    )
    if not found:
        raise NotFound
    return passage(found[0], estate_id=estate_id)
