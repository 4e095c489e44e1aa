"""What is known of a subject when a message about it is written: the facts, whose data they are, and who answers for it.

People's data is unsealed here (`gathered.py`, `visits.py`) and nowhere else in this package.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from linli.server.connectors.rules import SubjectKind
from linli.server.connectors.subjects.gathered import Gathered, person
from linli.server.connectors.subjects.guests import (
    HOLDERS_WITH_A_ROOF,
    gather_passage,
    gather_stay,
    passages,
    stay_facts,
)
from linli.server.connectors.subjects.letting import gather_staff, gather_unit, list_staff, list_units
from linli.server.connectors.subjects.living import (
    gather_device,
    gather_door,
    gather_resident,
    list_devices,
    list_doors,
    list_residents,
)
from linli.server.connectors.subjects.living import number_in as gate_number
from linli.server.connectors.subjects.visits import due_visits, gather_visit

__all__ = [
    "HOLDERS_WITH_A_ROOF",
    "Gathered",
    "due_visits",
    "gate_number",
    "gather",
    "list_standing",
    "passages",
    "person",
    "stay_facts",
]

GATHERERS: Mapping[SubjectKind, Callable[[str, str], Gathered]] = MappingProxyType(
    {
        SubjectKind.STAY: gather_stay,
        SubjectKind.VISIT: gather_visit,
        SubjectKind.STAFF: gather_staff,
        SubjectKind.UNIT: gather_unit,
        SubjectKind.RESIDENT: gather_resident,
        SubjectKind.DOOR: gather_door,
        SubjectKind.DEVICE: gather_device,
        SubjectKind.PASSAGE: gather_passage,
    }
)
STANDING: Mapping[SubjectKind, Callable[[str], Iterable[Gathered]]] = MappingProxyType(
    {
        SubjectKind.STAFF: list_staff,
        SubjectKind.UNIT: list_units,
        SubjectKind.RESIDENT: list_residents,
        SubjectKind.DOOR: list_doors,
        SubjectKind.DEVICE: list_devices,
    }
)


def gather(*, estate_id: str, subject_kind: SubjectKind, subject_id: str) -> Gathered:
    """This will gather what is known now; raises `FactsMissing`, or `NotFound` when the subject does not exist."""
    return GATHERERS[subject_kind](estate_id, subject_id)


def list_standing(*, estate_id: str, subject_kind: SubjectKind) -> Iterable[Gathered]:
    """This will list every standing subject of a kind, those that have gone among them."""
    return STANDING[subject_kind](estate_id) if subject_kind in STANDING else ()
