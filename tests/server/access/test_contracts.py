"""Operators and cleaners come as long as their contract, in the daytime, to their flats; guards and staff shift by shift, everywhere else."""

from datetime import timedelta

import pytest

from linli.gate.decision import Reason
from linli.gate.snapshot import PassState
from linli.server.access import actions, queries
from linli.server.access.actions import DoorGroupPlan, DoorKind, GatePlan
from linli.server.access.models import DoorGroup, Gate, Pass
from linli.server.access.queries import PassView
from linli.server.access.rules import ContractOver, ContractUnreadable, FlatWanted, NoContractHolder, ReasonNeeded
from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotAllowed, NotFound, Refusal
from tests.server.access.estate import NOON, Doors, found
from tests.world import Unchanged

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MIDNIGHT = NOON + 12 * HOUR
ROUNDS = 9


@pytest.fixture
def doors(db: None) -> Doors:
    estate = found()
    actions.declare_terms(actor=estate.keeper, now=NOON)
    rounds = DoorGroupPlan(number=ROUNDS, kind=DoorKind.COMMON, name_zh="公共门", name_en="Common doors")
    gates = [
        GatePlan(
            code=gate.code,
            name_zh=gate.name_zh,
            name_en=gate.name_en,
            kind=DoorKind(gate.kind),
            groups=(*gate.groups, ROUNDS),
        )
        for gate in Gate.objects.filter(estate_id=estate.estate_id)
    ]
    actions.lay_out_gates(actor=estate.keeper, groups=[rounds], gates=gates, now=NOON)
    return estate


def give(doors: Doors, kind: str, **changes: object) -> PassView:
    facts = {
        "actor": doors.actor(Role.PROPERTY),
        "holder_kind": kind,
        "holder_id": f"{kind}_1",
        "contract": "C-2026-17",
        "dwelling_id": doors.flats[0] if kind in ("cleaner", "operator") else None,
        "until": NOON + 90 * DAY,
        "now": NOON,
    }
    return actions.grant_contract_pass(**(facts | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["cleaner", "operator"])
def test_a_cleaner_comes_to_the_flat_under_contract_by_day_until_the_contract_ends(doors: Doors, kind: str) -> None:
    granted = give(doors, kind)
    assert doors.present(granted, "G07").reason is Reason.OK
    assert doors.present(granted, "G08").reason is Reason.WRONG_DOOR
    assert doors.present(granted, "G01", now=MIDNIGHT).reason is Reason.OUTSIDE_HOURS
    assert doors.present(granted, "G01", now=NOON + 89 * DAY).reason is Reason.OK
    assert granted.end == NOON + 90 * DAY


@pytest.mark.parametrize("kind", ["guard", "staff"])
def test_a_guard_opens_every_common_door_for_a_shift_and_nobodys_flat(doors: Doors, kind: str) -> None:
    actions.fit_lock(actor=doors.keeper, dwelling_id=doors.flats[0], code="L0101", now=NOON)
    lock = doors.second_box("L0101")
    granted = give(doors, kind)
    for gate in ("G01", "G02", "G05", "G07", "G08", "G09"):
        assert doors.present(granted, gate).reason is Reason.OK
    assert not doors.present(granted, "L0101", known=doors.whole_list(lock)).open
    assert granted.end == NOON + 12 * HOUR


def test_the_next_shift_is_the_same_pass_with_the_same_card(doors: Doors) -> None:
    first = give(doors, "guard")
    actions.issue_card(actor=doors.actor(Role.GUARD), pass_id=first.id, number="04A1B2C3", now=NOON)
    tomorrow = NOON + DAY
    second = give(doors, "guard", now=tomorrow)
    assert (second.id, second.number, second.end) == (first.id, first.number, tomorrow + 12 * HOUR)
    assert Pass.objects.count() == 1
    (card,) = queries.list_credentials(estate_id=doors.estate_id, pass_id=first.id)
    assert card.live
    assert doors.present(second, "G08", now=tomorrow).reason is Reason.OK


def test_a_cleaner_with_two_flats_has_a_pass_to_each(doors: Doors) -> None:
    first, second = give(doors, "cleaner"), give(doors, "cleaner", dwelling_id=doors.flats[1])
    assert first.id != second.id
    assert (first.groups, second.groups) == ((1, 2, 3), (1, 2, 4))


def test_a_contract_that_ends_takes_all_its_passes_and_no_others(doors: Doors) -> None:
    mine = [give(doors, "cleaner"), give(doors, "cleaner", dwelling_id=doors.flats[1]), give(doors, "guard")]
    other = give(doors, "cleaner", contract="C-2026-18", holder_id="cleaner_2")
    keeper = doors.actor(Role.ESTATE_ADMIN)
    with Unchanged(), pytest.raises(ReasonNeeded):
        actions.end_contract(actor=keeper, contract="C-2026-17", reason="  ", now=NOON)
    assert actions.end_contract(actor=keeper, contract="C-2026-17", reason="dismissed", now=NOON) == 3
    assert actions.end_contract(actor=keeper, contract="C-2026-17", reason="dismissed", now=NOON) == 0
    known = doors.whole_list()
    assert {known.passes[int(granted.serial, 16)].state for granted in mine} == {PassState.REVOKED}
    assert doors.present(other, "G01").reason is Reason.OK
    (left,) = queries.list_contract_passes(estate_id=doors.estate_id, now=NOON)
    assert (left.contract, left.granted.id) == ("C-2026-18", other.id)


def test_a_contract_taken_up_again_is_a_new_pass(doors: Doors) -> None:
    first = give(doors, "cleaner")
    actions.end_contract(actor=doors.keeper, contract="C-2026-17", reason="over", now=NOON)
    assert give(doors, "cleaner").id != first.id


@pytest.mark.parametrize(
    ("kind", "changes", "refusal"),
    [
        ("resident", {}, NoContractHolder),
        ("emergency", {}, NoContractHolder),
        ("cleaner", {"dwelling_id": None}, FlatWanted),
        ("cleaner", {"dwelling_id": "dwelling_none"}, NotFound),
        ("guard", {"dwelling_id": "dwelling_none"}, FlatWanted),
        ("guard", {"contract": ""}, ContractUnreadable),
        ("guard", {"holder_id": "x" * 41}, ContractUnreadable),
        ("guard", {"until": NOON}, ContractOver),
        ("guard", {"until": NOON + 3000 * DAY}, ContractOver),
    ],
)
def test_what_is_no_contract_gives_no_pass(
    doors: Doors, kind: str, changes: dict[str, object], refusal: type[Refusal]
) -> None:
    with Unchanged(), pytest.raises(refusal):
        give(doors, kind, **changes)


@pytest.mark.parametrize("role", [Role.GUARD, Role.OFFICE, Role.OPERATOR, Role.POLICE, Role.AUDITOR, Role.GUEST])
def test_nobody_but_property_and_admin_gives_work_passes_or_takes_them(doors: Doors, role: Role) -> None:
    granted = give(doors, "guard")
    with Unchanged(), pytest.raises(NotAllowed):
        give(doors, "guard", actor=doors.actor(role))
    with Unchanged(), pytest.raises(NotAllowed):
        actions.end_contract(actor=doors.actor(role), contract="C-2026-17", reason="mine", now=NOON)
    assert Pass.objects.get(id=granted.id).state == PassState.ACTIVE


def test_without_a_group_of_common_doors_a_guard_has_the_gates_and_the_garage(doors: Doors) -> None:
    Gate.objects.filter(estate_id=doors.estate_id).update(groups=[1])
    DoorGroup.objects.filter(number=ROUNDS).delete()
    assert give(doors, "guard").groups == (1, 2)
