"""What is so: the estate, its tree to the bed, and what else its places are called."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from django.db.models import Count, Prefetch, Q, QuerySet

from linli.server.kernel.errors import NotFound
from linli.server.places import rules
from linli.server.places.models import Alias, Bed, Building, Dwelling, Entrance, Estate, Room

PAGE = 50
LARGEST_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class EstateView:
    """An estate: its names, its time zone, the administrative division it lies in, and whether it is made up."""

    id: str
    code: str
    name_zh: str
    name_en: str
    zone: str
    division_code: str
    fictional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EntranceView:
    """An entrance and the building it belongs to."""

    id: str
    code: str
    number: int
    building_code: str
    building_number: int
    label_zh: str
    label_en: str
    dwellings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BedView:
    """A bed."""

    id: str
    code: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomView:
    """A room with the beds that stand in it now."""

    id: str
    code: str
    label: str
    beds: tuple[BedView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DwellingView:
    """A flat, where it is, and its rooms that are in use."""

    id: str
    code: str
    label_zh: str
    label_en: str
    building_code: str
    entrance_id: str
    entrance_code: str
    entrance_number: int
    floor: int
    door: str
    open: bool
    rooms: tuple[RoomView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatView:
    """A flat by its code, and where it is; without its rooms."""

    id: str
    code: str
    floor: int
    label_zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DwellingPage:
    """One page of flats."""

    items: tuple[DwellingView, ...]
    total: int
    page: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceCounts:
    """How many of each kind of place are open."""

    buildings: int
    entrances: int
    dwellings: int
    rooms: int
    beds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasView:
    """Another name of a place."""

    id: str
    kind: str
    text: str
    place_code: str


def get_estate(*, estate_id: str) -> EstateView:
    """This will return the estate, or refuse with `NotFound`."""
    row = Estate.objects.filter(id=estate_id).first()
    if row is None:
        raise NotFound(field="estate_id")
    return _estate(row)


def find_estate(*, code: str) -> EstateView | None:
    """This will return the estate with that code, or None."""
    row = Estate.objects.filter(code=code).first()
    return _estate(row) if row else None


def list_estates() -> tuple[EstateView, ...]:
    """This will return every estate in this database, in the order of their codes."""
    return tuple(_estate(row) for row in Estate.objects.order_by("code"))


@cache
def zone(*, estate_id: str) -> str:
    """This will return the estate's time zone, in which its nights and deadlines are computed; refuses with `NotFound`.

    It is asked for at every step of a stay and no action changes it, so a process asks the database once.
    """
    found = Estate.objects.filter(id=estate_id).values_list("zone", flat=True).first()
    if found is None:
        raise NotFound(field="estate_id")
    return found


def list_entrances(*, estate_id: str) -> tuple[EntranceView, ...]:
    """This will return the open entrances in the order of buildings and numbers."""
    rows = (
        Entrance.objects.filter(estate_id=estate_id, closed_at__isnull=True)
        .select_related("building")
        .annotate(flats=Count("dwellings", filter=Q(dwellings__closed_at__isnull=True)))
        .order_by("building__number", "number")
    )
    return tuple(
        EntranceView(
            id=row.id,
            code=row.code,
            number=row.number,
            building_code=row.building.code,
            building_number=row.building.number,
            label_zh=f"{row.building.number}幢{row.number}单元",
            label_en=f"Building {row.building.number}, entrance {row.number}",
            dwellings=row.flats,
        )
        for row in rows
    )


def get_dwelling(*, estate_id: str, dwelling_id: str) -> DwellingView:
    """This will return the flat with its open rooms and beds, or refuse with `NotFound`."""
    row = _dwellings(estate_id).filter(id=dwelling_id).first()
    if row is None:
        raise NotFound(field="dwelling_id")
    return _dwelling(row)


def find_dwelling(*, estate_id: str, code: str) -> DwellingView | None:
    """This will return the flat with that code, or None."""
    row = _dwellings(estate_id).filter(code=code).first()
    return _dwelling(row) if row else None


def find_by_alias(*, estate_id: str, kind: str, text: str) -> str | None:
    """This will return the code of the place that goes by that name today, or None."""
    found = Alias.objects.filter(estate_id=estate_id, kind=kind, text=text, dropped_at__isnull=True)
    return found.values_list("place_code", flat=True).first()


def list_aliases(*, estate_id: str, place_code: str) -> tuple[AliasView, ...]:
    """This will return the names by which a place goes today."""
    rows = Alias.objects.filter(estate_id=estate_id, place_code=place_code, dropped_at__isnull=True).order_by(
        "kind", "text"
    )
    return tuple(AliasView(id=row.id, kind=row.kind, text=row.text, place_code=row.place_code) for row in rows)


def list_dwellings(*, estate_id: str, entrance_id: str | None = None, text: str = "", page: int = 1) -> DwellingPage:
    """This will return a page of flats by code, of one entrance or whose code contains the text."""
    rows = _dwellings(estate_id)
    if entrance_id:
        rows = rows.filter(entrance_id=entrance_id)
    if text:
        rows = rows.filter(code__icontains=text)
    start = (max(page, 1) - 1) * PAGE
    return DwellingPage(
        items=tuple(_dwelling(row) for row in rows[start : start + PAGE]),
        total=rows.count(),
        page=max(page, 1),
        size=PAGE,
    )


def list_dwellings_by_code(*, estate_id: str, codes: Iterable[str]) -> tuple[DwellingView, ...]:
    """This will return the flats with those codes, in the order of the codes; unknown ones are left out."""
    return tuple(_dwelling(row) for row in _dwellings(estate_id).filter(code__in=list(codes)))


def list_flats(*, estate_id: str) -> tuple[FlatView, ...]:
    """This will return where every flat is, closed ones among them, by code."""
    where = ("id", "code", "floor", "entrance__building__number", "entrance__number", "door")
    rows = Dwelling.objects.filter(estate_id=estate_id).order_by("code").values_list(*where)
    return tuple(
        FlatView(id=flat_id, code=code, floor=floor, label_zh=rules.dwelling_label_zh(building, entrance, door))
        for flat_id, code, floor, building, entrance, door in rows
    )


def list_dwelling_codes(*, estate_id: str) -> tuple[tuple[str, str], ...]:
    """This will return (code, id) of every open flat, by code."""
    rows = Dwelling.objects.filter(estate_id=estate_id, closed_at__isnull=True).order_by("code")
    return tuple(rows.values_list("code", "id"))


def count_places(*, estate_id: str) -> PlaceCounts:
    """This will count the open places of each kind."""
    return PlaceCounts(
        buildings=Building.objects.filter(estate_id=estate_id, closed_at__isnull=True).count(),
        entrances=Entrance.objects.filter(estate_id=estate_id, closed_at__isnull=True).count(),
        dwellings=Dwelling.objects.filter(estate_id=estate_id, closed_at__isnull=True).count(),
        rooms=Room.objects.filter(estate_id=estate_id, closed_at__isnull=True).count(),
        beds=Bed.objects.filter(estate_id=estate_id, closed_at__isnull=True).count(),
    )


def _estate(row: Estate) -> EstateView:
    return EstateView(
        id=row.id,
        code=row.code,
        name_zh=row.name_zh,
        name_en=row.name_en,
        zone=row.zone,
        division_code=row.division_code,
        fictional=row.fictional,
    )


def _dwellings(estate_id: str) -> "QuerySet[Dwelling]":
    beds = Prefetch("beds", Bed.objects.filter(closed_at__isnull=True).order_by("number"), to_attr="open_beds")
    rooms = Room.objects.filter(closed_at__isnull=True).order_by("number").prefetch_related(beds)
    return (
        Dwelling.objects.filter(estate_id=estate_id)
        .select_related("entrance__building")
        .prefetch_related(Prefetch("rooms", rooms, to_attr="open_rooms"))
        .order_by("code")
    )


def _dwelling(row: Dwelling) -> DwellingView:
    entrance = row.entrance
    building = entrance.building
    rooms: Sequence[Room] = getattr(row, "open_rooms", ())
    return DwellingView(
        id=row.id,
        code=row.code,
        label_zh=rules.dwelling_label_zh(building.number, entrance.number, row.door),
        label_en=rules.dwelling_label_en(building.number, entrance.number, row.door),
        building_code=building.code,
        entrance_id=entrance.id,
        entrance_code=entrance.code,
        entrance_number=entrance.number,
        floor=row.floor,
        door=row.door,
        open=row.closed_at is None,
        rooms=tuple(_room(room) for room in rooms),
    )


def _room(row: Room) -> RoomView:
    beds: Sequence[Bed] = getattr(row, "open_beds", ())
    return RoomView(
        id=row.id,
        code=row.code,
        label=f"R{row.number}",
        beds=tuple(BedView(id=bed.id, code=bed.code, label=f"B{bed.number}") for bed in beds),
    )


def estate_ids() -> tuple[str, ...]:
    """This will name every estate in this database."""
    return tuple(Estate.objects.order_by("id").values_list("id", flat=True))


label_zh = rules.dwelling_label_zh
label_en = rules.dwelling_label_en
door_number = rules.door_number
dwelling_code = rules.dwelling_code
