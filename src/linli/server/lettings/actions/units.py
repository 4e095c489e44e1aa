"""Draft a unit and take it through its states; every step is in its history."""

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from linli.server.kernel import ids, outbox
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotAllowed, NotFound
from linli.server.lettings import events, queries, rules
from linli.server.lettings.actions.operators import open_operator
from linli.server.lettings.models import LetRoom, Unit, UnitChange
from linli.server.lettings.queries import UnitView
from linli.server.lettings.rules import RoomTerms, UnitState
from linli.server.places import queries as places
from linli.server.privacy import actions as privacy


def draft_unit(
    *,
    actor: Actor,
    operator_id: str,
    dwelling_id: str,
    rooms: Sequence[RoomTerms],
    max_occupancy: int | None = None,
    now: datetime,
) -> UnitView:
    """This will draft a unit in a flat that is not let yet, for the office or the operator.

    Raises `OperatorClosed`, `DwellingLet`, `NothingToLet`, `RoomElsewhere` or `TooMany`.
    """
    require_own(actor, operator_id)
    with transaction.atomic():
        operator = open_operator(actor, operator_id)
        dwelling = places.get_dwelling(estate_id=actor.estate_id, dwelling_id=dwelling_id)
        if not dwelling.open:
            raise NotFound(field="dwelling_id")
        rules.check_rooms(rooms, beds={room.id: len(room.beds) for room in dwelling.rooms})
        occupancy = rules.check_occupancy(max_occupancy, rooms)
        row = Unit(
            id=ids.new("unit"),
            estate_id=actor.estate_id,
            operator=operator,
            dwelling_id=dwelling.id,
            code=rules.unit_code(dwelling.code, _earlier(actor.estate_id, dwelling.id)),
            state=UnitState.DRAFT,
            max_occupancy=occupancy,
            drafted_at=now,
            changed_at=now,
        )
        _insert(row)
        LetRoom.objects.bulk_create(let_room(row, terms) for terms in rooms)
        note(row, verb="draft", before="", actor=actor, reason="", now=now).save(force_insert=True)
        privacy.record(actor=actor, verb="draft_unit", subject=row.id, now=now)
    return queries.get_unit(estate_id=actor.estate_id, unit_id=row.id)


def redraft_unit(
    *, actor: Actor, unit_id: str, rooms: Sequence[RoomTerms], max_occupancy: int | None = None, now: datetime
) -> UnitView:
    """This will change which rooms a draft lets, and how; refuses with `StepImpossible` once it was submitted."""
    with transaction.atomic():
        row = _locked(actor, unit_id)
        require_own(actor, row.operator_id)
        if row.state != UnitState.DRAFT:
            raise rules.StepImpossible(field="state", state=row.state)
        dwelling = places.get_dwelling(estate_id=actor.estate_id, dwelling_id=row.dwelling_id)
        rules.check_rooms(rooms, beds={room.id: len(room.beds) for room in dwelling.rooms})
        row.max_occupancy = rules.check_occupancy(max_occupancy, rooms)
        row.changed_at = now
        row.save(update_fields=["max_occupancy", "changed_at"])
        row.rooms.all().delete()
        LetRoom.objects.bulk_create(let_room(row, terms) for terms in rooms)
        note(row, verb="redraft", before=row.state, actor=actor, reason="", now=now).save(force_insert=True)
        privacy.record(actor=actor, verb="redraft_unit", subject=row.id, now=now)
    return queries.get_unit(estate_id=actor.estate_id, unit_id=unit_id)


def submit_unit(*, actor: Actor, unit_id: str, note: str = "", now: datetime) -> UnitView:
    """This will hand a draft in for checking. Like every step: refuses with `StepImpossible` from a state it does not fit."""
    return _step(actor=actor, unit_id=unit_id, verb="submit", reason=note, now=now)


def check_unit(*, actor: Actor, unit_id: str, note: str = "", now: datetime) -> UnitView:
    """This will note that somebody was there and found the unit as it was submitted."""
    return _step(actor=actor, unit_id=unit_id, verb="check", reason=note, now=now)


def code_unit(*, actor: Actor, unit_id: str, mark_code: str | None = None, note: str = "", now: datetime) -> UnitView:
    """This will give the unit its mark (一房一码), the one named or a fresh one; refuses with `MarkTaken`."""
    mark = rules.check_mark(mark_code) if mark_code else None
    return _step(actor=actor, unit_id=unit_id, verb="code", reason=note, mark=mark, now=now)


def activate_unit(*, actor: Actor, unit_id: str, note: str = "", now: datetime) -> UnitView:
    """This will let the unit take bookings."""
    return _step(actor=actor, unit_id=unit_id, verb="activate", reason=note, now=now)


def suspend_unit(*, actor: Actor, unit_id: str, reason: str, at_once: bool = False, now: datetime) -> UnitView:
    """This will stop new stays; with `at_once`, the passes of those inside stop opening too. Refuses with `WhyNeeded`."""
    return _step(actor=actor, unit_id=unit_id, verb="suspend", reason=reason, at_once=at_once, now=now)


def resume_unit(*, actor: Actor, unit_id: str, note: str = "", now: datetime) -> UnitView:
    """This will let a suspended unit take stays again."""
    return _step(actor=actor, unit_id=unit_id, verb="resume", reason=note, now=now)


def close_unit(*, actor: Actor, unit_id: str, reason: str, now: datetime) -> UnitView:
    """This will close a unit for good; its code and its mark are never used again. Refuses with `WhyNeeded`.

    That nobody stays there any more is checked by `stays.actions.close_unit`, which calls this.
    """
    return _step(actor=actor, unit_id=unit_id, verb="close", reason=reason, now=now)


def allowed_verbs(*, actor: Actor, operator_id: str) -> tuple[str, ...]:
    """This will name the steps an actor may take with a unit of that operator, whatever its state."""
    owner = actor.may(Role.OPERATOR, scope=f"operator:{operator_id}")
    return tuple(verb for verb, step in rules.STEPS.items() if actor.may(*step.roles) or (step.owner and owner))


def require_own(actor: Actor, operator_id: str) -> None:
    """This will refuse with `NotAllowed` all but the office and the operator."""
    if not actor.may(*rules.OFFICE) and not actor.may(Role.OPERATOR, scope=f"operator:{operator_id}"):
        raise NotAllowed


def let_room(unit: Unit, terms: RoomTerms) -> LetRoom:
    """This will make the row of a room that is let."""
    return LetRoom(
        id=ids.new("let"),
        estate_id=unit.estate_id,
        unit=unit,
        room_id=terms.room_id,
        mode=terms.mode,
        max_occupancy=terms.max_occupancy,
    )


def note(unit: Unit, *, verb: str, before: str, actor: Actor, reason: str, now: datetime) -> UnitChange:
    """This will make the row of one step in a unit's history."""
    return UnitChange(
        id=ids.new("chg"),
        estate_id=unit.estate_id,
        unit=unit,
        verb=verb,
        before=before,
        after=unit.state,
        actor_id=actor.id,
        reason=reason.strip()[:200],
        changed_at=now,
    )


def _step(
    *,
    actor: Actor,
    unit_id: str,
    verb: str,
    reason: str,
    now: datetime,
    mark: str | None = None,
    at_once: bool = False,
) -> UnitView:
    with transaction.atomic():
        row = _locked(actor, unit_id)
        _require(actor, verb, row.operator_id)
        before = row.state
        row.state = rules.check_step(verb, row.state, reason=reason)
        row.changed_at = now
        if row.state == UnitState.CODED:
            row.mark_code = mark or rules.draw_mark(row.code)
        _update(row)
        note(row, verb=verb, before=before, actor=actor, reason=reason, now=now).save(force_insert=True)
        event = _event(verb, row, at_once=at_once)
        if event is not None:
            outbox.publish(event, estate_id=row.estate_id, key=row.id, now=now)
        privacy.record(actor=actor, verb=f"{verb}_unit", subject=row.id, reason=reason, now=now)
    return queries.get_unit(estate_id=actor.estate_id, unit_id=unit_id)


def _require(actor: Actor, verb: str, operator_id: str) -> None:
    if verb not in allowed_verbs(actor=actor, operator_id=operator_id):
        raise NotAllowed


def _locked(actor: Actor, unit_id: str) -> Unit:
    row = Unit.objects.select_for_update().filter(estate_id=actor.estate_id, id=unit_id).first()
    if row is None:
        raise NotFound(field="unit_id")
    return row


def _event(verb: str, row: Unit, *, at_once: bool) -> object | None:
    if verb == "suspend":
        return events.UnitSuspended(estate_id=row.estate_id, unit_id=row.id, at_once=at_once)
    kind = {"activate": events.UnitActivated, "resume": events.UnitResumed, "close": events.UnitClosed}.get(verb)
    return kind(estate_id=row.estate_id, unit_id=row.id) if kind else None


def _earlier(estate_id: str, dwelling_id: str) -> int:
    return Unit.objects.filter(estate_id=estate_id, dwelling_id=dwelling_id).count()


def _insert(row: Unit) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as problem:
        # Two drafts for one flat at once: they would share the code or the flat, and one of them is too late.
        if "one_open_unit_per_dwelling" in str(problem) or "a_unit_code_is_given_once" in str(problem):
            raise rules.DwellingLet(field="dwelling_id") from problem
        raise


def _update(row: Unit) -> None:
    try:
        with transaction.atomic():
            row.save(update_fields=["state", "changed_at", "mark_code"])
    except IntegrityError as problem:
        if "a_mark_hangs_on_one_door" in str(problem):
            raise rules.MarkTaken(field="mark_code") from problem
        raise
