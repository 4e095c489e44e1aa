"""An operator with a flat to let, built by calling real actions."""

from linli.server.kernel.actors import Actor, Role
from linli.server.lettings import actions
from linli.server.lettings.actions import OperatorInput, RoomTerms
from linli.server.lettings.queries import OperatorView, UnitView
from tests.server.people.somebody import card, wang
from tests.server.places.town import FIRST, NOW, Town

COMPANY_CODE = "91510108MA6000002G"
BUSINESS_CODE = "92510108MA6000001A"


def company(town: Town) -> OperatorView:
    """A company with no person named."""
    wanted = OperatorInput(kind="company", name="成都试验民宿有限公司", uscc=COMPANY_CODE, licence="held")
    return actions.register_operator(actor=town.hand, operator=wanted, now=NOW)


def natural(town: Town) -> OperatorView:
    """Mr Wang, who lets a flat himself."""
    wanted = OperatorInput(kind="natural", person=wang(), document=card(), phone="15400001111")
    return actions.register_operator(actor=town.hand, operator=wanted, now=NOW)


def owner(town: Town, operator: OperatorView) -> Actor:
    """Somebody who acts for that operator and nobody else."""
    return town.actor(Role.OPERATOR, f"operator:{operator.id}")


def terms(town: Town, code: str = FIRST) -> list[RoomTerms]:
    """Every room of the flat, one guest to a bed; rooms with many beds by the bed."""
    return [
        RoomTerms(room_id=room.id, mode="bed" if len(room.beds) > 2 else "room", max_occupancy=max(len(room.beds), 1))
        for room in town.flat(code).rooms
    ]


def draft(town: Town, operator: OperatorView, code: str = FIRST) -> UnitView:
    """A unit in its first state."""
    return actions.draft_unit(
        actor=town.hand,
        operator_id=operator.id,
        dwelling_id=town.flat(code).id,
        rooms=terms(town, code),
        now=NOW,
    )


def walk(town: Town, unit: UnitView, to: str) -> UnitView:
    """The unit, taken on to that state by the office."""
    hand, id_ = town.hand, unit.id
    steps = {
        "SUBMITTED": lambda: actions.submit_unit(actor=hand, unit_id=id_, now=NOW),
        "CHECKED": lambda: actions.check_unit(actor=hand, unit_id=id_, now=NOW),
        "CODED": lambda: actions.code_unit(actor=hand, unit_id=id_, now=NOW),
        "ACTIVE": lambda: actions.activate_unit(actor=hand, unit_id=id_, now=NOW),
        "SUSPENDED": lambda: actions.suspend_unit(actor=hand, unit_id=id_, reason="gas leak", now=NOW),
        "CLOSED": lambda: actions.close_unit(actor=hand, unit_id=id_, reason="sold", now=NOW),
    }
    for state, step in steps.items():
        if unit.state == to:
            return unit
        if state == "SUSPENDED" and to == "CLOSED":
            continue
        unit = step()
    return unit
