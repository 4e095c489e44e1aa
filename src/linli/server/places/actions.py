"""What can be done: found an estate, lay out its buildings to the bed, close a place, give it another name."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max, Model

from linli.server.kernel import ids
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import BadField, NotFound
from linli.server.places import queries, rules
from linli.server.places.models import Alias, Bed, Building, Dwelling, Entrance, Estate, Room
from linli.server.places.queries import AliasView, DwellingView, EstateView, PlaceCounts
from linli.server.places.rules import BuildingPlan, DwellingPlan, EntrancePlan
from linli.server.privacy import actions as privacy

__all__ = ["BuildingPlan", "DwellingPlan", "EntrancePlan"]

BATCH = 2000
LAYOUT_ROLES = (Role.SYSTEM, Role.ESTATE_ADMIN, Role.OFFICE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tree:
    """The rows of a plan, level by level, so that each level is written in one go."""

    buildings: list[Building]
    entrances: list[Entrance]
    dwellings: list[Dwelling]
    rooms: list[Room]
    beds: list[Bed]


def found_estate(
    *,
    actor: Actor,
    code: str,
    name_zh: str,
    name_en: str,
    zone: str,
    division_code: str,
    fictional: bool = False,
    now: datetime,
) -> EstateView:
    """This will found the estate under the actor's estate id; an estate that is already founded is returned as it is."""
    actor.require(Role.SYSTEM)
    rules.check_estate_code(code)
    with transaction.atomic():
        _, new = Estate.objects.get_or_create(
            code=code,
            defaults={
                "id": actor.estate_id,
                "name_zh": name_zh,
                "name_en": name_en,
                "zone": zone,
                "division_code": division_code,
                "fictional": fictional,
                "founded_at": now,
            },
        )
        if new:
            privacy.record(actor=actor, verb="found_estate", subject=code, now=now)
    found = queries.find_estate(code=code)
    assert found is not None
    return found


def lay_out(*, actor: Actor, buildings: Sequence[BuildingPlan], now: datetime) -> PlaceCounts:
    """This will write the buildings to the bed, leaving out what is already there, and return how much was new.

    Raises `PlanImpossible`. A place that was closed keeps its code and is not built a second time.
    """
    actor.require(*LAYOUT_ROLES)
    for plan in buildings:
        rules.check_plan(plan)
    estate = queries.get_estate(estate_id=actor.estate_id)
    with transaction.atomic():
        tree = _tree(estate, buildings)
        _insert(Building, tree.buildings)
        _insert(Entrance, tree.entrances)
        _insert(Dwelling, tree.dwellings)
        _insert(Room, tree.rooms)
        _insert(Bed, tree.beds)
        privacy.record(actor=actor, verb="lay_out", subject=estate.code, now=now)
    return PlaceCounts(
        buildings=len(tree.buildings),
        entrances=len(tree.entrances),
        dwellings=len(tree.dwellings),
        rooms=len(tree.rooms),
        beds=len(tree.beds),
    )


def add_rooms(*, actor: Actor, dwelling_id: str, beds: tuple[int, ...], now: datetime) -> DwellingView:
    """This will add rooms to a flat, each with its beds, numbered on from the last number ever given."""
    actor.require(*LAYOUT_ROLES)
    rules.check_beds(beds)
    with transaction.atomic():
        dwelling = Dwelling.objects.select_for_update().filter(estate_id=actor.estate_id, id=dwelling_id).first()
        if dwelling is None:
            raise NotFound(field="dwelling_id")
        if dwelling.closed_at is not None:
            raise rules.PlaceClosed(field="dwelling_id")
        last = dwelling.rooms.aggregate(last=Max("number"))["last"] or 0
        tree = _Tree(buildings=[], entrances=[], dwellings=[], rooms=[], beds=[])
        for number, count in enumerate(beds, start=last + 1):
            _grow_room(tree, dwelling, number, count)
        Room.objects.bulk_create(tree.rooms)
        Bed.objects.bulk_create(tree.beds)
        privacy.record(actor=actor, verb="add_rooms", subject=dwelling.code, now=now)
    return queries.get_dwelling(estate_id=actor.estate_id, dwelling_id=dwelling_id)


def close_place(*, actor: Actor, code: str, reason: str, now: datetime) -> None:
    """This will close the place with that code and everything inside it; the codes stay theirs for ever."""
    actor.require(*LAYOUT_ROLES)
    with transaction.atomic():
        closed = sum(_close(actor.estate_id, code, now))
        if closed == 0 and not _exists(actor.estate_id, code):
            raise NotFound(field="code")
        privacy.record(actor=actor, verb="close_place", subject=code, reason=reason, now=now)


def name_place(*, actor: Actor, code: str, kind: str, text: str, now: datetime) -> AliasView:
    """This will give a place another name; refuses with `AliasTaken` when the name means another place."""
    actor.require(*LAYOUT_ROLES)
    if kind not in rules.ALIAS_KINDS or not 1 <= len(text) <= 120:
        raise BadField(field="kind" if kind not in rules.ALIAS_KINDS else "text")
    if not _exists(actor.estate_id, code):
        raise NotFound(field="code")
    with transaction.atomic():
        row = _alias(actor.estate_id, code, kind, text, now)
        if row.place_code != code:
            raise rules.AliasTaken(field="text")
        privacy.record(actor=actor, verb="name_place", subject=code, now=now)
    return AliasView(id=row.id, kind=row.kind, text=row.text, place_code=row.place_code)


def drop_name(*, actor: Actor, alias_id: str, now: datetime) -> None:
    """This will drop a name, so that another place may have it."""
    actor.require(*LAYOUT_ROLES)
    with transaction.atomic():
        dropped = Alias.objects.filter(estate_id=actor.estate_id, id=alias_id, dropped_at__isnull=True).update(
            dropped_at=now
        )
        if not dropped:
            raise NotFound(field="alias_id")
        privacy.record(actor=actor, verb="drop_name", subject=alias_id, now=now)


def _alias(estate_id: str, code: str, kind: str, text: str, now: datetime) -> Alias:
    try:
        with transaction.atomic():
            return Alias.objects.create(
                id=ids.new("alias"), estate_id=estate_id, kind=kind, text=text, place_code=code, named_at=now
            )
    except IntegrityError:
        # The name is taken, perhaps by a twin of this very request.
        return Alias.objects.get(estate_id=estate_id, kind=kind, text=text, dropped_at__isnull=True)


def _tree(estate: EstateView, plans: Sequence[BuildingPlan]) -> _Tree:
    tree = _Tree(buildings=[], entrances=[], dwellings=[], rooms=[], beds=[])
    known = _known(estate.id)
    for plan in plans:
        building = Building(
            id=ids.new("building"),
            estate_id=estate.id,
            code=rules.building_code(estate.code, plan.number),
            number=plan.number,
            floors=plan.floors,
        )
        building = _keep(known, tree.buildings, building)
        for entrance_plan in plan.entrances:
            _grow_entrance(known, tree, building, entrance_plan)
    return tree


def _grow_entrance(known: dict[str, Any], tree: _Tree, building: Building, plan: EntrancePlan) -> None:
    code = rules.entrance_code(building.code, plan.number)
    entrance = _keep(
        known,
        tree.entrances,
        Entrance(id=ids.new("entr"), estate_id=building.estate_id, building=building, code=code, number=plan.number),
    )
    for flat in plan.dwellings:
        code = rules.dwelling_code(entrance.code, flat.door)
        if code in known:
            continue
        dwelling = Dwelling(
            id=ids.new("dwel"),
            estate_id=building.estate_id,
            entrance=entrance,
            code=code,
            floor=flat.floor,
            door=flat.door,
        )
        tree.dwellings.append(dwelling)
        for number, count in enumerate(flat.beds, start=1):
            _grow_room(tree, dwelling, number, count)


def _grow_room(tree: _Tree, dwelling: Dwelling, number: int, beds: int) -> None:
    room = Room(
        id=ids.new("room"),
        estate_id=dwelling.estate_id,
        dwelling=dwelling,
        code=rules.room_code(dwelling.code, number),
        number=number,
    )
    tree.rooms.append(room)
    tree.beds.extend(
        Bed(id=ids.new("bed"), estate_id=room.estate_id, room=room, code=rules.bed_code(room.code, at), number=at)
        for at in range(1, beds + 1)
    )


def _known(estate_id: str) -> dict[str, Any]:
    known: dict[str, Any] = {row.code: row for row in Building.objects.filter(estate_id=estate_id)}
    known |= {row.code: row for row in Entrance.objects.filter(estate_id=estate_id)}
    return known | dict.fromkeys(Dwelling.objects.filter(estate_id=estate_id).values_list("code", flat=True))


def _keep(known: dict[str, Any], fresh: list[Any], row: Any) -> Any:
    if row.code in known:
        return known[row.code]
    fresh.append(row)
    return row


def _insert(model: type[Any], rows: Iterable[Model]) -> None:
    model.objects.bulk_create(list(rows), batch_size=BATCH)


def _close(estate_id: str, code: str, now: datetime) -> list[int]:
    inside = f"{code}-"
    levels = (Building, Entrance, Dwelling, Room, Bed)
    return [
        model.objects.filter(estate_id=estate_id, closed_at__isnull=True, **{lookup: text}).update(closed_at=now)
        for model in levels
        for lookup, text in (("code", code), ("code__startswith", inside))
    ]


def _exists(estate_id: str, code: str) -> bool:
    return any(
        model.objects.filter(estate_id=estate_id, code=code).exists()
        for model in (Building, Entrance, Dwelling, Room, Bed)
    )
