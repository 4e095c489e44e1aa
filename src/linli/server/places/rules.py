"""How places are numbered and coded, and which plans of a building make sense."""

import re
from dataclasses import dataclass

from linli.server.kernel.errors import Refusal

MOST_FLOORS = 120
MOST_ROOMS = 30
MOST_BEDS = 20
ALIAS_KINDS = ("door_plate", "listing", "standard_address")
_ESTATE_CODE = re.compile(r"[A-Z][A-Z0-9]{1,11}")
_DOOR = re.compile(r"[0-9A-Z]{1,8}")


class EstateCodeUnreadable(Refusal):
    """An estate code has 2 to 12 capitals and digits and begins with a letter."""

    zh = "小区编码为 2 至 12 位大写字母或数字，且以字母开头。"
    status = 422


class PlanImpossible(Refusal):
    """This plan cannot be built: {what}."""

    zh = "该布局无法建立：{what}。"
    status = 422


class CodeTaken(Refusal):
    """That code was given to another place; codes are never given twice."""

    zh = "该编码已用于另一处，编码不会重复使用。"


class AliasTaken(Refusal):
    """That name already means another place here."""

    zh = "该名称已指向本小区的另一处。"


class PlaceClosed(Refusal):
    """That place is closed."""

    zh = "该处已停用。"


@dataclass(frozen=True, slots=True, kw_only=True)
class DwellingPlan:
    """A flat to be: its floor, its door number, and how many beds stand in each room (none known: no rooms)."""

    floor: int
    door: str
    beds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EntrancePlan:
    """An entrance to be, with the flats behind it."""

    number: int
    dwellings: tuple[DwellingPlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildingPlan:
    """A building to be, with its entrances."""

    number: int
    floors: int
    entrances: tuple[EntrancePlan, ...]


def check_estate_code(code: str) -> None:
    """This will refuse a code that is not an estate's with `EstateCodeUnreadable`."""
    if not _ESTATE_CODE.fullmatch(code):
        raise EstateCodeUnreadable(field="code")


def check_plan(plan: BuildingPlan) -> None:
    """This will refuse a building that cannot stand with `PlanImpossible`."""
    if not 1 <= plan.number <= 999 or not 1 <= plan.floors <= MOST_FLOORS:
        raise PlanImpossible(field="number", what="building number or floors")
    _check_distinct([entrance.number for entrance in plan.entrances], "entrance")
    for entrance in plan.entrances:
        if not 1 <= entrance.number <= 99:
            raise PlanImpossible(field="number", what="entrance number")
        _check_distinct([dwelling.door for dwelling in entrance.dwellings], "door")
        for dwelling in entrance.dwellings:
            check_dwelling(dwelling, floors=plan.floors)


def check_dwelling(plan: DwellingPlan, *, floors: int) -> None:
    """This will refuse a flat that cannot be with `PlanImpossible`."""
    if not _DOOR.fullmatch(plan.door):
        raise PlanImpossible(field="door", what="door number")
    if not -3 <= plan.floor <= floors or plan.floor == 0:
        raise PlanImpossible(field="floor", what="floor")
    check_beds(plan.beds)


def check_beds(beds: tuple[int, ...]) -> None:
    """This will refuse rooms beyond reason with `PlanImpossible`."""
    if len(beds) > MOST_ROOMS or any(not 0 <= count <= MOST_BEDS for count in beds):
        raise PlanImpossible(field="beds", what="rooms or beds")


def _check_distinct(names: list[int] | list[str], what: str) -> None:
    if len(set(names)) != len(names):
        raise PlanImpossible(field=what, what=f"{what} twice")


def building_code(estate_code: str, number: int) -> str:
    """This will code a building: `DF2-03`."""
    return f"{estate_code}-{number:02d}"


def entrance_code(building: str, number: int) -> str:
    """This will code an entrance: `DF2-03-1`."""
    return f"{building}-{number}"


def dwelling_code(entrance: str, door: str) -> str:
    """This will code a flat: `DF2-03-1-0602`."""
    return f"{entrance}-{door}"


def room_code(dwelling: str, number: int) -> str:
    """This will code a room: `DF2-03-1-0602-R2`."""
    return f"{dwelling}-R{number}"


def bed_code(room: str, number: int) -> str:
    """This will code a bed: `DF2-03-1-0602-R2-B1`."""
    return f"{room}-B{number}"


def door_number(floor: int, position: int) -> str:
    """This will number a door as signs in China do: sixth floor, second door is `0602`; cellars begin with B."""
    return f"{floor:02d}{position:02d}" if floor > 0 else f"B{-floor}{position:02d}"


def dwelling_label_zh(building: int, entrance: int, door: str) -> str:
    """This will name a flat as people do: 3幢1单元0602."""
    return f"{building}幢{entrance}单元{door}"


def dwelling_label_en(building: int, entrance: int, door: str) -> str:
    """This will name a flat for those who do not read Chinese."""
    return f"Building {building}, entrance {entrance}, {door}"
