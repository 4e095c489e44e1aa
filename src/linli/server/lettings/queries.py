"""What is so: operators, units with their rooms and beds, their history, and how many there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet

from linli.server.kernel.errors import NotFound
from linli.server.lettings import rules
from linli.server.lettings.models import LetRoom, Operator, Unit, UnitChange
from linli.server.lettings.rules import LettingMode, UnitState
from linli.server.places import queries as places

__all__ = ["LettingMode", "UnitState"]

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class LetBedView:
    """A bed that is let."""

    bed_id: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LetRoomView:
    """A room as it is let: `room` whole or by the `bed`."""

    room_id: str
    label: str
    mode: str
    max_occupancy: int
    beds: tuple[LetBedView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitView:
    """A unit with everything that a booking asks of it."""

    id: str
    code: str
    state: str
    operator_id: str
    operator_name: str
    dwelling_id: str
    dwelling_code: str
    label_zh: str
    label_en: str
    entrance_id: str
    max_occupancy: int
    mark_code: str | None
    rooms: tuple[LetRoomView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRow:
    """A unit in a list."""

    id: str
    code: str
    entrance_id: str
    state: str
    operator_id: str
    operator_name: str
    label_zh: str
    label_en: str
    max_occupancy: int
    mark_code: str | None
    rooms: int
    beds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPage:
    """One page of units."""

    items: tuple[UnitRow, ...]
    total: int
    page: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailStep:
    """One step in a unit's history: the state it led to, when, by whom and why."""

    verb: str
    state: str
    at: datetime
    by: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFile:
    """A unit with its history, why it stands where it stands, and which steps the reader may take."""

    id: str
    code: str
    state: str
    operator_id: str
    operator_name: str
    dwelling_id: str
    dwelling_code: str
    label_zh: str
    label_en: str
    entrance_id: str
    max_occupancy: int
    mark_code: str | None
    rooms: tuple[LetRoomView, ...]
    trail: tuple[TrailStep, ...]
    reason: str
    may: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorView:
    """An operator; the name of a natural person and every phone are masked."""

    id: str
    kind: str
    name: str
    uscc: str | None
    person_id: str | None
    phone_masked: str
    licence: str
    registered_at: datetime
    closed_at: datetime | None
    open_units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorPage:
    """One page of operators."""

    items: tuple[OperatorView, ...]
    total: int
    page: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LettingCounts:
    """How much is let now: operators who have not stopped, and active units with their rooms and beds."""

    operators: int
    units: int
    rooms: int
    beds: int


def get_unit(*, estate_id: str, unit_id: str) -> UnitView:
    """This will return the unit, or refuse with `NotFound`."""
    return view_unit(_unit(estate_id, unit_id))


def get_unit_file(*, estate_id: str, unit_id: str, verbs: Iterable[str] = ()) -> UnitFile:
    """This will return the unit with its history; `verbs` are the steps the reader may take anywhere."""
    view = get_unit(estate_id=estate_id, unit_id=unit_id)
    trail = list_changes(estate_id=estate_id, unit_id=unit_id)
    fields: dict[str, Any] = {name: getattr(view, name) for name in UnitView.__slots__}
    return UnitFile(
        **fields,
        trail=trail,
        reason=trail[-1].note if trail else "",
        may=tuple(verb for verb in rules.list_verbs(view.state) if verb in set(verbs)),
    )


def find_unit(*, estate_id: str, code: str) -> UnitView | None:
    """This will return the unit with that code or that mark, or None."""
    row = _units(estate_id).filter(Q(code=code) | Q(mark_code=code)).first()
    return view_unit(row) if row else None


def find_unit_by_door(*, estate_id: str, door: str) -> UnitView | None:
    """This will return the open unit behind a door, told by its flat's code, its unit's code, its mark or a listing's name."""
    named = places.find_by_alias(estate_id=estate_id, kind="listing", text=door)
    wanted = Q(code=door) | Q(mark_code=door) | Q(dwelling__code__in=[door, named or door])
    row = _units(estate_id).filter(wanted).exclude(state=rules.UnitState.CLOSED).first()
    return view_unit(row) if row else None


def list_units(
    *, estate_id: str, state: str = "", operator_ids: Sequence[str] | None = None, text: str = "", page: int = 1
) -> UnitPage:
    """This will return a page of units by code; of these operators, in that state, with the text in code, mark or name."""
    rows = Unit.objects.filter(estate_id=estate_id)
    if state:
        rows = rows.filter(state=state)
    if operator_ids is not None:
        rows = rows.filter(operator_id__in=operator_ids)
    if text:
        rows = rows.filter(Q(code__icontains=text) | Q(mark_code__iexact=text) | Q(operator__name__icontains=text))
    start = (page - 1) * PAGE
    listed = rows.select_related("operator", "dwelling__entrance__building").annotate(
        room_count=Count("rooms", distinct=True),
        bed_count=Count("rooms__room__beds", filter=Q(rooms__room__beds__closed_at__isnull=True), distinct=True),
    )
    return UnitPage(
        items=tuple(_row(row) for row in listed.order_by("code")[start : start + PAGE]),
        total=rows.count(),
        page=page,
        size=PAGE,
    )


def list_active_units(*, estate_id: str) -> tuple[UnitView, ...]:
    """This will return every active unit with its rooms and beds, by code."""
    return tuple(view_unit(row) for row in _units(estate_id).filter(state=rules.UnitState.ACTIVE).order_by("code"))


def list_units_by_id(*, estate_id: str, unit_ids: Iterable[str]) -> tuple[UnitView, ...]:
    """This will return the units with those ids, by code; unknown ones are left out."""
    return tuple(view_unit(row) for row in _units(estate_id).filter(id__in=set(unit_ids)).order_by("code"))


def list_changes(*, estate_id: str, unit_id: str) -> tuple[TrailStep, ...]:
    """This will return the unit's history, oldest first."""
    rows = UnitChange.objects.filter(estate_id=estate_id, unit_id=unit_id).order_by("changed_at", "id")
    return tuple(
        TrailStep(verb=row.verb, state=row.after, at=row.changed_at, by=row.actor_id, note=row.reason) for row in rows
    )


def get_operator(*, estate_id: str, operator_id: str) -> OperatorView:
    """This will return the operator, or refuse with `NotFound`."""
    row = _operators(estate_id).filter(id=operator_id).first()
    if row is None:
        raise NotFound(field="operator_id")
    return view_operator(row)


def find_operator(*, estate_id: str, uscc: str) -> OperatorView | None:
    """This will return the open operator with that credit code, or None."""
    row = _operators(estate_id).filter(uscc=uscc, closed_at__isnull=True).first()
    return view_operator(row) if row else None


def list_operators(
    *, estate_id: str, kind: str = "", operator_ids: Sequence[str] | None = None, text: str = "", page: int = 1
) -> OperatorPage:
    """This will return a page of operators in the order they registered."""
    rows = Operator.objects.filter(estate_id=estate_id)
    if kind:
        rows = rows.filter(kind=kind)
    if operator_ids is not None:
        rows = rows.filter(id__in=operator_ids)
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(uscc__iexact=text))
    start = (page - 1) * PAGE
    listed = _with_units(rows).order_by("registered_at", "id")[start : start + PAGE]
    return OperatorPage(items=tuple(view_operator(row) for row in listed), total=rows.count(), page=page, size=PAGE)


def count_lettings(*, estate_id: str) -> LettingCounts:
    """This will count what is let now."""
    active = Unit.objects.filter(estate_id=estate_id, state=rules.UnitState.ACTIVE)
    rooms = LetRoom.objects.filter(estate_id=estate_id, unit__in=active)
    return LettingCounts(
        operators=Operator.objects.filter(estate_id=estate_id, closed_at__isnull=True).count(),
        units=active.count(),
        rooms=rooms.count(),
        beds=rooms.filter(room__beds__closed_at__isnull=True).aggregate(beds=Count("room__beds"))["beds"],
    )


def view_unit(row: Unit) -> UnitView:
    """This will return a row as a view; rooms and beds must have been fetched with it."""
    entrance = row.dwelling.entrance
    building = entrance.building
    return UnitView(
        id=row.id,
        code=row.code,
        state=row.state,
        operator_id=row.operator_id,
        operator_name=row.operator.name,
        dwelling_id=row.dwelling_id,
        dwelling_code=row.dwelling.code,
        label_zh=places.label_zh(building.number, entrance.number, row.dwelling.door),
        label_en=places.label_en(building.number, entrance.number, row.dwelling.door),
        entrance_id=entrance.id,
        max_occupancy=row.max_occupancy,
        mark_code=row.mark_code,
        rooms=tuple(_room(room) for room in sorted(row.rooms.all(), key=lambda room: room.room.number)),
    )


def view_operator(row: Operator) -> OperatorView:
    """This will return a row as a view."""
    return OperatorView(
        id=row.id,
        kind=row.kind,
        name=row.name,
        uscc=row.uscc,
        person_id=row.person_id,
        phone_masked=row.phone_masked,
        licence=row.licence,
        registered_at=row.registered_at,
        closed_at=row.closed_at,
        open_units=getattr(row, "unit_count", 0),
    )


def _unit(estate_id: str, unit_id: str) -> Unit:
    row = _units(estate_id).filter(id=unit_id).first()
    if row is None:
        raise NotFound(field="unit_id")
    return row


def _units(estate_id: str) -> "QuerySet[Unit]":
    beds = places.open_beds()
    rooms = LetRoom.objects.select_related("room").prefetch_related(Prefetch("room__beds", beds))
    return (
        Unit.objects.filter(estate_id=estate_id)
        .select_related("operator", "dwelling__entrance__building")
        .prefetch_related(Prefetch("rooms", rooms))
    )


def _room(row: LetRoom) -> LetRoomView:
    return LetRoomView(
        room_id=row.room_id,
        label=f"R{row.room.number}",
        mode=row.mode,
        max_occupancy=row.max_occupancy,
        beds=tuple(LetBedView(bed_id=bed.id, label=f"B{bed.number}") for bed in row.room.beds.all()),
    )


def _row(row: Any) -> UnitRow:
    entrance = row.dwelling.entrance
    building = entrance.building
    return UnitRow(
        id=row.id,
        code=row.code,
        entrance_id=entrance.id,
        state=row.state,
        operator_id=row.operator_id,
        operator_name=row.operator.name,
        label_zh=places.label_zh(building.number, entrance.number, row.dwelling.door),
        label_en=places.label_en(building.number, entrance.number, row.dwelling.door),
        max_occupancy=row.max_occupancy,
        mark_code=row.mark_code,
        rooms=row.room_count,
        beds=row.bed_count,
    )


def _operators(estate_id: str) -> "QuerySet[Operator, Operator]":
    return _with_units(Operator.objects.filter(estate_id=estate_id))


def _with_units(rows: "QuerySet[Operator, Operator]") -> "QuerySet[Any, Any]":
    return rows.annotate(unit_count=Count("units", filter=~Q(units__state=rules.UnitState.CLOSED)))
