"""A town of one building, built by calling real actions: two entrances, two floors, two doors each, rooms in the first flat."""

from dataclasses import dataclass
from datetime import UTC, datetime

from linli.server.kernel import ids
from linli.server.kernel.actors import Actor, Grant, Role, system
from linli.server.places import actions as places
from linli.server.places import queries as tree
from linli.server.places.actions import BuildingPlan, DwellingPlan, EntrancePlan
from linli.server.places.queries import DwellingView
from linli.server.privacy import actions as privacy

NOW = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
FIRST = "TST-01-1-0101"
SECOND = "TST-01-1-0102"


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """An estate with its own hand, and anybody else one wants to be."""

    estate_id: str
    hand: Actor

    def actor(self, role: Role, scope: str = "*") -> Actor:
        """Somebody with one role."""
        return Actor(id=f"acc_{role}", estate_id=self.estate_id, grants=frozenset({Grant(role=role, scope=scope)}))

    def flat(self, code: str = FIRST) -> DwellingView:
        """A flat by its code."""
        found = tree.find_dwelling(estate_id=self.estate_id, code=code)
        assert found is not None
        return found


def plan(beds: tuple[int, ...] = (1, 2, 4)) -> BuildingPlan:
    """The one building; its first two flats have rooms."""
    doors = [DwellingPlan(floor=floor, door=f"{floor:02d}{at:02d}") for floor in (1, 2) for at in (1, 2)]
    let = [DwellingPlan(floor=1, door="0101", beds=beds), DwellingPlan(floor=1, door="0102", beds=(2,)), *doors[2:]]
    return BuildingPlan(
        number=1,
        floors=2,
        entrances=(EntrancePlan(number=1, dwellings=tuple(let)), EntrancePlan(number=2, dwellings=tuple(doors))),
    )


def build(code: str = "TST", *, purposes: bool = True) -> Town:
    """Found the estate and lay it out."""
    hand = system(ids.new("est"))
    places.found_estate(
        actor=hand,
        code=code,
        name_zh="试验小区",
        name_en="Test Estate",
        zone="Asia/Shanghai",
        division_code="510108",
        now=NOW,
    )
    if purposes:
        privacy.declare_purposes(actor=hand, now=NOW)
    places.lay_out(actor=hand, buildings=[plan()], now=NOW)
    return Town(estate_id=hand.estate_id, hand=hand)
