"""东方新城二期 as numbers: where every flat, room, bed and gate is. The sums are those of the estate itself (2021-03-31).

Everything is drawn from one seeded source, so that two installations show the same estate.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from linli.server.access.actions import DoorGroupPlan, DoorKind, GatePlan
from linli.server.places.actions import BuildingPlan, DwellingPlan, EntrancePlan
from linli.server.places.queries import EntranceView, door_number, dwelling_code

CODE = "DF2"
NAME_ZH, NAME_EN = "东方新城二期", "Dongfang Xincheng II"
ZONE = "Asia/Shanghai"
DIVISION = "510108"  # 成都市成华区, GB/T 2260

BUILDINGS, ENTRANCES, FLOORS, DOORS = 15, 3, 18, 4
OPERATORS, UNITS, ROOMS, BEDS, GATES = 550, 895, 3627, 5248, 51
INDIVIDUAL_BUSINESSES, COMPANIES = 95, 25
ROOMS_USUAL, SHIFTED = 4, 160
DORMITORIES, DORMITORY_BEDS = 40, 4
BY_BED_OF_100 = 30
INHABITED_OF_100 = 78
HOUSEHOLD_SIZES, HOUSEHOLD_WEIGHTS = (1, 2, 3, 4, 5), (22, 30, 24, 15, 9)
ESTATE_GROUP, GARAGE_GROUP, FIRST_ENTRANCE_GROUP = 1, 2, 3
# Guards and staff go everywhere but into a flat, and a pass holds four groups at most: one group of all common doors.
COMMON_GROUP = FIRST_ENTRANCE_GROUP + BUILDINGS * ENTRANCES
COMMON_GATES = (
    ("南门", "South gate", DoorKind.ESTATE),
    ("北门", "North gate", DoorKind.ESTATE),
    ("东门", "East gate", DoorKind.ESTATE),
    ("西门", "West gate", DoorKind.ESTATE),
    ("地下车库一号门", "Garage gate 1", DoorKind.GARAGE),
    ("地下车库二号门", "Garage gate 2", DoorKind.GARAGE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetFlat:
    """A flat that is let: whose (the operator's place in the list) and how its rooms are let."""

    operator: int
    dwelling_code: str
    modes: tuple[str, ...]


class Plan:
    """This will draw the whole estate once, part by part, each from its own seeded source."""

    @cached_property
    def let_doors(self) -> frozenset[tuple[int, int, str]]:
        """The flats that are let, as building, entrance and door."""
        return frozenset(self._beds)

    @cached_property
    def buildings(self) -> tuple[BuildingPlan, ...]:
        """Every building with its flats; those that are let are known to the bed."""
        return tuple(
            BuildingPlan(number=building, floors=FLOORS, entrances=tuple(map(self._entrance, _entrances(building))))
            for building in range(1, BUILDINGS + 1)
        )

    @cached_property
    def let_flats(self) -> tuple[LetFlat, ...]:
        """The units: which operator lets which flat, and how."""
        dice = random.Random("dongfang: units")
        owners = list(range(OPERATORS)) + dice.choices(range(OPERATORS), _appetites(), k=UNITS - OPERATORS)
        dice.shuffle(owners)
        flats = []
        for owner, (place, beds) in zip(owners, sorted(self._beds.items()), strict=True):
            by_bed = dice.randrange(100) < BY_BED_OF_100
            modes = tuple("bed" if count >= DORMITORY_BEDS or (by_bed and count > 1) else "room" for count in beds)
            flats.append(LetFlat(operator=owner, dwelling_code=_code(*place), modes=modes))
        return tuple(flats)

    @cached_property
    def household_sizes(self) -> tuple[tuple[str, int], ...]:
        """The flats that people live in, with how many there are of them."""
        dice = random.Random("dongfang: households")
        sizes = []
        for place in _places():
            if place not in self.let_doors and dice.randrange(100) < INHABITED_OF_100:
                sizes.append((_code(*place), dice.choices(HOUSEHOLD_SIZES, HOUSEHOLD_WEIGHTS)[0]))
        return tuple(sizes)

    @cached_property
    def _beds(self) -> dict[tuple[int, int, str], tuple[int, ...]]:
        dice = random.Random("dongfang: rooms")
        places = sorted(dice.sample(_places(), UNITS))
        rooms = [ROOMS_USUAL] * UNITS
        order = dice.sample(range(UNITS), UNITS)
        surplus = ROOMS - ROOMS_USUAL * UNITS
        # Some flats have a room more, as many of them have one less, and a few more make up the sum.
        for at in order[: SHIFTED + surplus]:
            rooms[at] += 1
        for at in order[SHIFTED + surplus : 2 * SHIFTED + surplus]:
            rooms[at] -= 1
        beds = [1] * ROOMS
        chosen = dice.sample(range(ROOMS), DORMITORIES + BEDS - ROOMS - DORMITORIES * (DORMITORY_BEDS - 1))
        for at in chosen[:DORMITORIES]:
            beds[at] = DORMITORY_BEDS
        for at in chosen[DORMITORIES:]:
            beds[at] = 2
        left = iter(beds)
        return {place: tuple(next(left) for _ in range(count)) for place, count in zip(places, rooms, strict=True)}

    def _entrance(self, place: tuple[int, int]) -> EntrancePlan:
        building, entrance = place
        return EntrancePlan(
            number=entrance,
            dwellings=tuple(
                DwellingPlan(floor=floor, door=door, beds=self._beds.get((building, entrance, door), ()))
                for floor in range(1, FLOORS + 1)
                for door in (door_number(floor, at) for at in range(1, DOORS + 1))
            ),
        )


def door_groups(entrances: Sequence[EntranceView]) -> tuple[DoorGroupPlan, ...]:
    """This will plan the groups: the estate's gates, the garage, one for each entrance, and all of them together."""
    common = (
        DoorGroupPlan(number=ESTATE_GROUP, kind=DoorKind.ESTATE, name_zh="小区大门", name_en="Estate gates"),
        DoorGroupPlan(number=GARAGE_GROUP, kind=DoorKind.GARAGE, name_zh="地下车库", name_en="Garage"),
        DoorGroupPlan(number=COMMON_GROUP, kind=DoorKind.COMMON, name_zh="公共门", name_en="Common doors"),
    )
    own = tuple(
        DoorGroupPlan(
            number=number,
            kind=DoorKind.ENTRANCE,
            name_zh=entrance.label_zh,
            name_en=entrance.label_en,
            entrance_id=entrance.id,
        )
        for number, entrance in enumerate(entrances, start=FIRST_ENTRANCE_GROUP)
    )
    return common + own


def gates(entrances: Sequence[EntranceView]) -> tuple[GatePlan, ...]:
    """This will plan the access points: four estate gates, two of the garage, one at each entrance."""
    named = [(zh, en, kind, ESTATE_GROUP if kind is DoorKind.ESTATE else GARAGE_GROUP) for zh, en, kind in COMMON_GATES]
    named += [
        (f"{entrance.label_zh}门", f"{entrance.label_en}: door", DoorKind.ENTRANCE, number)
        for number, entrance in enumerate(entrances, start=FIRST_ENTRANCE_GROUP)
    ]
    return tuple(
        GatePlan(code=f"G{at:02d}", name_zh=zh, name_en=en, kind=kind, groups=(group, COMMON_GROUP))
        for at, (zh, en, kind, group) in enumerate(named, start=1)
    )


def _appetites() -> list[int]:
    # Most operators let one flat and a few let many: the first are companies, then businesses, then people.
    return [12] * COMPANIES + [4] * INDIVIDUAL_BUSINESSES + [1] * (OPERATORS - COMPANIES - INDIVIDUAL_BUSINESSES)


def _entrances(building: int) -> list[tuple[int, int]]:
    return [(building, entrance) for entrance in range(1, ENTRANCES + 1)]


def _places() -> list[tuple[int, int, str]]:
    return [
        (building, entrance, door_number(floor, at))
        for building in range(1, BUILDINGS + 1)
        for entrance in range(1, ENTRANCES + 1)
        for floor in range(1, FLOORS + 1)
        for at in range(1, DOORS + 1)
    ]


def _code(building: int, entrance: int, door: str) -> str:
    return dwelling_code(f"{CODE}-{building:02d}-{entrance}", door)
