import random
from datetime import timedelta

import pytest

from linli.gate import snapshot, wire
from linli.gate.decision import Reason
from linli.gate.snapshot import FailMode, Snapshot
from linli.server.access import actions, queries
from linli.server.access.actions import DoorKind, GatePlan, NoSuchGate, Origin
from linli.server.access.models import Gate, Pass
from linli.server.kernel import crypto
from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotAllowed, NotFound, SignInNeeded
from linli.server.kernel.periods import Period
from tests.server.access.estate import NOON, STAY, Doors, found

DAY = timedelta(days=1)


@pytest.fixture
def doors(db: None) -> Doors:
    return found()


def test_every_change_is_a_version_and_a_delta_holds_just_what_changed(doors: Doors) -> None:
    first = doors.grant("stay_1")
    second = doors.grant("stay_2")
    change = queries.get_delta(box=doors.box, since=first.version, now=NOON)
    assert (change.since, change.until) == (first.version, second.version)
    assert [f"{entry.serial:016x}" for entry in change.passes] == [second.serial]
    assert change.gates == ()
    assert change.keys == crypto.verifying_keys()
    nothing = queries.get_delta(box=doors.box, since=second.version, now=NOON)
    assert (nothing.passes, nothing.since, nothing.until) == ((), second.version, second.version)


def test_a_delta_survives_the_wire(doors: Doors) -> None:
    doors.grant()
    change = queries.get_delta(box=doors.box, since=0, now=NOON)
    assert wire.decode_delta(wire.encode_delta(change)) == change


def test_a_box_is_told_of_its_own_doors_and_of_nobody_elses(doors: Doors) -> None:
    mine, other = doors.grant("stay_1", entrance=0), doors.grant("stay_2", entrance=1)
    entrance = doors.second_box("G07")
    known = doors.whole_list(entrance)
    assert set(known.gates) == {"G07"}
    assert [f"{serial:016x}" for serial in known.passes] == [mine.serial]
    assert known.version == queries.snapshot_version(estate_id=doors.estate_id)
    estate_gates = doors.second_box("G01", "G02")
    assert {f"{serial:016x}" for serial in doors.whole_list(estate_gates).passes} == {mine.serial, other.serial}


def test_a_box_without_doors_is_told_of_nobody(doors: Doors) -> None:
    doors.grant()
    doors.second_box("G01", "G02", "G05", "G07", "G08", "G09")
    assert doors.whole_list(doors.box).passes == {}


def test_another_estates_passes_stay_there(doors: Doors) -> None:
    neighbour = found()
    neighbour.grant("stay_1")
    assert doors.whole_list().passes == {}
    assert neighbour.revoke("stay_1") == 1


def test_a_box_that_takes_doors_over_is_sent_what_happened_there_before(doors: Doors) -> None:
    granted = doors.grant(entrance=1)
    narrow = doors.second_box("G07")
    stood_at = doors.whole_list(narrow).version
    assert doors.whole_list(narrow).passes == {}
    # The same installation keeps its list and is enrolled again, now with one door more.
    wider = doors.second_box("G07", "G08")
    change = queries.get_delta(box=wider, since=stood_at, now=NOON)
    assert change.since == 0
    assert [f"{entry.serial:016x}" for entry in change.passes] == [granted.serial]


def test_a_gate_that_joins_a_group_hears_of_the_passes_already_granted_there(doors: Doors) -> None:
    granted = doors.grant(entrance=1)
    box = doors.second_box("G07")
    stood_at = doors.whole_list(box).version
    plan = GatePlan(code="G07", name_zh="边门", name_en="Side door", kind=DoorKind.ENTRANCE, groups=(3, 4))
    actions.lay_out_gates(actor=doors.keeper, groups=[], gates=[plan], now=NOON)
    box = queries.get_box(estate_id=doors.estate_id, box_id=box.id)
    known = snapshot.apply(doors.whole_list(box), queries.get_delta(box=box, since=stood_at, now=NOON))
    assert doors.present(granted, "G07", known=known).open
    assert known.gates["G07"].groups == {3, 4}


def test_a_box_ahead_of_a_restored_server_is_sent_everything(doors: Doors) -> None:
    doors.grant()
    change = queries.get_delta(box=doors.box, since=9_999_999, now=NOON)
    assert (change.since, change.until) == (0, queries.snapshot_version(estate_id=doors.estate_id))
    assert len(change.passes) == 1


def test_an_ended_pass_leaves_the_list_a_day_later_and_no_gate_opens_to_it(doors: Doors) -> None:
    granted = doors.grant()
    version = queries.snapshot_version(estate_id=doors.estate_id)
    assert actions.unlist_ended_passes(actor=doors.keeper, now=STAY.end + DAY) == 0
    assert actions.unlist_ended_passes(actor=doors.keeper, now=STAY.end + DAY + timedelta(seconds=1)) == 1
    assert actions.unlist_ended_passes(actor=doors.keeper, now=STAY.end + 2 * DAY) == 0
    assert doors.whole_list().passes == {}
    assert queries.snapshot_version(estate_id=doors.estate_id) == version
    assert doors.present(granted, "G01", now=NOON).reason is Reason.NOT_ON_LIST


def test_a_shortened_pass_stays_listed_until_no_offline_gate_can_hold_the_longer_one(doors: Doors) -> None:
    granted = doors.grant()
    offline = doors.whole_list()
    leaves = NOON + timedelta(hours=1)
    actions.amend_pass(actor=doors.keeper, pass_id=granted.id, period=Period(start=STAY.start, end=leaves), now=NOON)
    doors.revoke()
    assert actions.unlist_ended_passes(actor=doors.keeper, now=leaves + DAY + timedelta(seconds=1)) == 0
    returned = snapshot.apply(offline, queries.get_delta(box=doors.box, since=offline.version, now=leaves + DAY))
    assert [entry.state.value for entry in returned.passes.values()] == ["revoked"]


def test_an_extended_stay_brings_its_pass_back_onto_the_list(doors: Doors) -> None:
    granted = doors.grant()
    late = STAY.end + 2 * DAY
    actions.unlist_ended_passes(actor=doors.keeper, now=late)
    actions.amend_pass(
        actor=doors.keeper, pass_id=granted.id, period=Period(start=STAY.start, end=late + DAY), now=late
    )
    assert doors.present(granted, "G01", known=doors.whole_list(now=late), now=late).open


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_deltas_end_in_the_list_of_a_box_that_begins_today(doors: Doors, seed: int) -> None:
    chance = random.Random(seed)
    boxes = [doors.second_box("G01", "G07"), doors.second_box("G08"), doors.box]
    followed = [Snapshot(estate=doors.estate_id) for _ in boxes]
    granted = [doors.grant("stay_0")]
    for step in range(40):
        _something_happens(doors, granted, chance, step)
        for at, box in enumerate(boxes):
            if chance.random() < 0.3:
                change = queries.get_delta(box=box, since=followed[at].version, now=NOON)
                followed[at] = snapshot.apply(followed[at], change)
                followed[at] = snapshot.apply(followed[at], change)
    for at, box in enumerate(boxes):
        followed[at] = snapshot.apply(followed[at], queries.get_delta(box=box, since=followed[at].version, now=NOON))
        begun = doors.whole_list(box)
        assert followed[at].version == begun.version
        assert followed[at].passes == begun.passes
        assert followed[at].gates == begun.gates


def test_gates_are_laid_out_again_in_place_and_named_groups_must_exist(doors: Doors) -> None:
    plan = GatePlan(
        code="G01",
        name_zh="东门",
        name_en="East gate",
        kind=DoorKind.ESTATE,
        groups=(1,),
        fail_mode=FailMode.SECURE,
        max_age_s=60,
    )
    actions.lay_out_gates(actor=doors.keeper, groups=[], gates=[plan], now=NOON)
    rule = doors.whole_list().gates["G01"]
    assert (rule.fail_mode, rule.max_age_s) == (FailMode.SECURE, 60)
    assert Gate.objects.filter(estate_id=doors.estate_id).count() == 6
    version = queries.snapshot_version(estate_id=doors.estate_id)
    lost = GatePlan(code="G99", name_zh="无", name_en="None", kind=DoorKind.ESTATE, groups=(99,))
    with pytest.raises(NoSuchGate):
        actions.lay_out_gates(actor=doors.keeper, groups=[], gates=[lost], now=NOON)
    assert queries.snapshot_version(estate_id=doors.estate_id) == version
    assert not Gate.objects.filter(code="G99").exists()


def test_a_box_is_known_by_its_key_and_by_no_other(doors: Doors) -> None:
    assert queries.authenticate_box(key=doors.key) == doors.box
    assert doors.box.gates == ("G01", "G02", "G05", "G07", "G08", "G09")
    neighbour = found()
    for forged in (
        "",
        "box_",
        doors.key[:-1],
        doors.key[:-1] + ("A" if doors.key[-1] != "A" else "B"),
        doors.box_id + "." + neighbour.key.split(".")[1],
        doors.key + "\x00",
        doors.key.replace("box_", "box_%"),
        "box_" + "0" * 26 + "." + "A" * 43,
        "' OR 1=1 --",
    ):
        with pytest.raises(SignInNeeded):
            queries.authenticate_box(key=forged)


def test_a_rotated_key_replaces_the_old_one_at_once(doors: Doors) -> None:
    renewed = actions.rotate_box_key(actor=doors.keeper, box_id=doors.box_id, now=NOON)
    with pytest.raises(SignInNeeded):
        queries.authenticate_box(key=doors.key)
    assert queries.authenticate_box(key=renewed.key).id == doors.box_id


def test_a_retired_box_has_neither_key_nor_doors(doors: Doors) -> None:
    actions.retire_box(actor=doors.keeper, box_id=doors.box_id, now=NOON)
    with pytest.raises(SignInNeeded):
        queries.authenticate_box(key=doors.key)
    assert {gate.box for gate in queries.list_gates(estate_id=doors.estate_id, now=NOON)} == {None}
    with pytest.raises(NotFound):
        actions.rotate_box_key(actor=doors.keeper, box_id=doors.box_id, now=NOON)


def test_only_keepers_of_the_doors_hand_out_keys(doors: Doors) -> None:
    for role in (Role.GUARD, Role.OFFICE, Role.POLICE, Role.GUEST, Role.BOX, Role.OPERATOR):
        for attempt in (
            lambda actor: actions.enrol_box(actor=actor, gate_codes=["G01"], now=NOON),
            lambda actor: actions.rotate_box_key(actor=actor, box_id=doors.box_id, now=NOON),
            lambda actor: actions.retire_box(actor=actor, box_id=doors.box_id, now=NOON),
            lambda actor: actions.lay_out_gates(actor=actor, groups=[], gates=[], now=NOON),
        ):
            with pytest.raises(NotAllowed):
                attempt(doors.actor(role))
    assert queries.authenticate_box(key=doors.key).gates == doors.box.gates


@pytest.mark.parametrize("codes", [[], ["G01", "G99"]])
def test_a_box_is_not_enrolled_for_gates_that_are_not_there(doors: Doors, codes: list[str]) -> None:
    with pytest.raises(NoSuchGate):
        actions.enrol_box(actor=doors.keeper, gate_codes=codes, now=NOON)
    assert len(doors.box.gates) == 6


def _something_happens(doors: Doors, granted: list[queries.PassView], chance: random.Random, step: int) -> None:
    one = chance.choice(granted)
    origin = Origin(kind="stay", id=one.origin_id)
    withdrawn = Pass.objects.get(id=one.id).state == "revoked"
    match chance.randrange(6):
        case 0 | 1:
            granted.append(doors.grant(f"stay_{step + 1}", entrance=chance.randrange(3)))
        case 2 if not withdrawn:
            to = doors.entrances[chance.randrange(3)]
            actions.amend_pass(actor=doors.keeper, pass_id=one.id, entrance_id=to, now=NOON)
        case 3:
            actions.suspend_passes(actor=doors.keeper, origin=origin, reason="unit", now=NOON)
        case 4:
            actions.resume_passes(actor=doors.keeper, origin=origin, now=NOON)
        case _:
            doors.revoke(one.origin_id)
