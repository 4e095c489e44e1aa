"""Take in a whole estate's operators and units in a few statements: for a first filling from the office's own lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from linli.server.kernel import ids
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound
from linli.server.lettings import rules
from linli.server.lettings.actions.operators import OperatorInput, check_operator, operator_row
from linli.server.lettings.actions.units import let_room, note
from linli.server.lettings.models import LetRoom, Operator, Unit, UnitChange
from linli.server.lettings.rules import RoomTerms, UnitState
from linli.server.people import actions as people
from linli.server.people.actions import Enrolment
from linli.server.places import queries as places
from linli.server.places.queries import DwellingView
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries as purposes

BATCH = 1000
REASON = "taken over from the office's list"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitDraft:
    """A unit that is let already: whose it is, where, and how its rooms are let, in the order of their numbers."""

    operator_id: str
    dwelling_code: str
    modes: tuple[str, ...]


def register_operators(*, actor: Actor, operators: Sequence[OperatorInput], now: datetime) -> tuple[str, ...]:
    """This will register many operators, all or none, and return their ids in the order given."""
    actor.require(Role.SYSTEM, Role.ESTATE_ADMIN)
    codes = [check_operator(operator) for operator in operators]
    purpose = purposes.get_purpose(estate_id=actor.estate_id, code="operator_file")
    with transaction.atomic():
        entries = [
            Enrolment(person=operator.person, document=operator.document)
            for operator in operators
            if operator.person is not None and operator.document is not None
        ]
        taken = iter(people.enrol(actor=actor, people=entries, purpose_code="operator_file", now=now))
        rows = []
        for operator, uscc in zip(operators, codes, strict=True):
            view = next(taken) if operator.person is not None else None
            person = (view.id, view.name_masked) if view else (None, "")
            rows.append(
                operator_row(
                    operator, estate_id=actor.estate_id, purpose_id=purpose.id, person=person, uscc=uscc, now=now
                )
            )
        Operator.objects.bulk_create(rows, batch_size=BATCH)
        privacy.record(actor=actor, verb="register_operators", subject=f"{len(rows)} operators", now=now)
    return tuple(row.id for row in rows)


def let_units(*, actor: Actor, units: Sequence[UnitDraft], now: datetime) -> int:
    """This will write units that are let already, checked, marked and active, all or none, and return how many.

    The same rules hold as for one; the history says that they were taken over. No event is published: nobody waits for them.
    """
    actor.require(Role.SYSTEM, Role.ESTATE_ADMIN)
    codes = [unit.dwelling_code for unit in units]
    dwellings = {view.code: view for view in places.list_dwellings_by_code(estate_id=actor.estate_id, codes=codes)}
    if len(dwellings) != len(units):
        raise NotFound(field="dwelling_code")
    rows: list[Unit] = []
    rooms: list[LetRoom] = []
    history: list[UnitChange] = []
    for unit in units:
        dwelling = dwellings[unit.dwelling_code]
        terms = _terms(dwelling, unit.modes)
        rules.check_rooms(terms, beds={room.id: len(room.beds) for room in dwelling.rooms})
        row = _row(actor, unit, dwelling, terms, now)
        rows.append(row)
        rooms.extend(let_room(row, each) for each in terms)
        history.append(note(row, verb="take_over", before="", actor=actor, reason=REASON, now=now))
    with transaction.atomic():
        Unit.objects.bulk_create(rows, batch_size=BATCH)
        LetRoom.objects.bulk_create(rooms, batch_size=BATCH)
        UnitChange.objects.bulk_create(history, batch_size=BATCH)
        privacy.record(actor=actor, verb="let_units", subject=f"{len(rows)} units", reason=REASON, now=now)
    return len(rows)


def _terms(dwelling: DwellingView, modes: Sequence[str]) -> tuple[RoomTerms, ...]:
    return tuple(
        RoomTerms(room_id=room.id, mode=mode, max_occupancy=len(room.beds))
        for room, mode in zip(dwelling.rooms, modes, strict=True)
    )


def _row(actor: Actor, unit: UnitDraft, dwelling: DwellingView, terms: Sequence[RoomTerms], now: datetime) -> Unit:
    code = rules.unit_code(dwelling.code, 0)
    return Unit(
        id=ids.new("unit"),
        estate_id=actor.estate_id,
        operator_id=unit.operator_id,
        dwelling_id=dwelling.id,
        code=code,
        state=UnitState.ACTIVE,
        max_occupancy=rules.check_occupancy(None, terms),
        mark_code=rules.draw_mark(code),
        drafted_at=now,
        changed_at=now,
    )
