"""What is so: operators, units with their rooms and beds, their history, and how many there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet

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
    found = _views("u.id = %(unit_id)s", estate_id=estate_id, unit_id=unit_id)
    if not found:
        raise NotFound(field="unit_id")
    return found[0]


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
    found = _views("%(code)s IN (u.code, u.mark_code)", estate_id=estate_id, code=code)
    return found[0] if found else None


def find_unit_by_door(*, estate_id: str, door: str) -> UnitView | None:
    """This will return the open unit behind a door, told by its flat's code, its unit's code, its mark or a listing's name."""
    named = places.find_by_alias(estate_id=estate_id, kind="listing", text=door)
    found = _views(
        "u.state <> %(closed)s AND (u.code = %(door)s OR u.mark_code = %(door)s OR d.code IN (%(door)s, %(named)s))",
        estate_id=estate_id,
        door=door,
        named=named or door,
        closed=UnitState.CLOSED,
    )
    return found[0] if found else None


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
    return _views("u.state = %(state)s", estate_id=estate_id, state=UnitState.ACTIVE)


def list_marked_units(*, estate_id: str, operator_id: str = "") -> tuple[UnitView, ...]:
    """This will return every unit that was ever given its mark, closed ones among them, by code; all of them or one operator's."""
    marked = "u.mark_code IS NOT NULL AND %(operator)s IN ('', u.operator_id)"
    return _views(marked, estate_id=estate_id, operator=operator_id)


def list_units_by_id(*, estate_id: str, unit_ids: Iterable[str]) -> tuple[UnitView, ...]:
    """This will return the units with those ids, by code; unknown ones are left out."""
    return _views("u.id = ANY(%(unit_ids)s)", estate_id=estate_id, unit_ids=list(set(unit_ids)))


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


# One statement for a unit with its rooms and beds, a row a bed: it is read several times at every check-in, and through the
# ORM it costs three statements and ten times the work.
UNITS = """
SELECT u.id, u.code, u.state, u.operator_id, o.name, u.dwelling_id, d.code, b.number, e.number, d.door, e.id,
       u.max_occupancy, u.mark_code, r.id, r.number, l.mode, l.max_occupancy, bed.id, bed.number
FROM lettings_unit u
JOIN lettings_operator o ON o.id = u.operator_id
JOIN places_dwelling d ON d.id = u.dwelling_id
JOIN places_entrance e ON e.id = d.entrance_id
JOIN places_building b ON b.id = e.building_id
JOIN lettings_letroom l ON l.unit_id = u.id
JOIN places_room r ON r.id = l.room_id
LEFT JOIN places_bed bed ON bed.room_id = r.id AND bed.closed_at IS NULL
WHERE u.estate_id = %(estate_id)s AND {condition}
ORDER BY u.code, u.id, r.number, bed.number
"""


def _views(condition: str, **values: Any) -> tuple[UnitView, ...]:
    with connection.cursor() as cursor:
        cursor.execute(UNITS.format(condition=condition), values)
        rows = cursor.fetchall()
    return tuple(_view(list(group)) for _, group in groupby(rows, key=lambda row: row[0]))


def _view(rows: Sequence[tuple[Any, ...]]) -> UnitView:
    (
        id_,
        code,
        state,
        operator_id,
        operator,
        dwelling_id,
        dwelling,
        building,
        number,
        door,
        entrance_id,
        most,
        mark,
    ) = rows[0][:13]
    return UnitView(
        id=id_,
        code=code,
        state=state,
        operator_id=operator_id,
        operator_name=operator,
        dwelling_id=dwelling_id,
        dwelling_code=dwelling,
        label_zh=places.label_zh(building, number, door),
        label_en=places.label_en(building, number, door),
        entrance_id=entrance_id,
        max_occupancy=most,
        mark_code=mark,
        rooms=tuple(_room(list(group)) for _, group in groupby(rows, key=lambda row: row[13])),
    )


def _room(rows: Sequence[tuple[Any, ...]]) -> LetRoomView:
    room_id, number, mode, most = rows[0][13:17]
    return LetRoomView(
        room_id=room_id,
        label=f"R{number}",
        mode=mode,
        max_occupancy=most,
        beds=tuple(LetBedView(bed_id=row[17], label=f"B{row[18]}") for row in rows if row[17] is not None),
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
