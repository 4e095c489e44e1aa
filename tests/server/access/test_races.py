"""Two threads, one list: made to collide on purpose, on real connections."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest
from django.db import connection, transaction

from linli.gate import snapshot
from linli.gate.snapshot import PassState, Snapshot
from linli.server.access import actions, queries
from linli.server.access.actions import Origin
from linli.server.access.models import GateEvent, Pass
from linli.server.access.rules import PassWithdrawn
from linli.server.kernel.actors import Role
from linli.server.kernel.models import OutboxEvent
from linli.server.kernel.periods import Period
from tests.server.access.estate import NOON, STAY, Doors, Gate, batch, found

PATIENCE = 20


@pytest.fixture
def doors(transactional_db: None) -> Doors:
    return found()


def test_a_reader_of_since_misses_no_version_while_writers_race(doors: Doors) -> None:
    stays = [f"stay_{number}" for number in range(40)]
    done = threading.Event()
    followed: list[Snapshot] = []

    def write(mine: list[str]) -> None:
        for stay in mine:
            doors.grant(stay)
            doors.revoke(stay)

    def follow() -> None:
        known = Snapshot(estate=doors.estate_id)
        box = doors.box
        while True:
            last = done.is_set()
            known = snapshot.apply(known, queries.get_delta(box=box, since=known.version, now=NOON))
            if last:
                followed.append(known)
                return

    with ThreadPoolExecutor(6) as pool:
        readers = [pool.submit(_own(follow)) for _ in range(2)]
        writers = [pool.submit(_own(write), stays[at::4]) for at in range(4)]
        for writer in writers:
            writer.result(PATIENCE)
        done.set()
        for reader in readers:
            reader.result(PATIENCE)
    begun = doors.whole_list()
    assert len(begun.passes) == 40
    for known in followed:
        assert known.version == begun.version
        assert known.passes == begun.passes


def test_two_withdrawals_are_numbered_in_the_order_in_which_they_are_committed(doors: Doors) -> None:
    slow, quick = doors.grant("stay_slow"), doors.grant("stay_quick")
    taken, may_commit = threading.Event(), threading.Event()

    def withdraw_slowly() -> None:
        with transaction.atomic():
            doors.revoke("stay_slow")
            taken.set()
            may_commit.wait(PATIENCE)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(_own(withdraw_slowly))
        assert taken.wait(PATIENCE)
        second = pool.submit(_own(doors.revoke), "stay_quick")
        _until(_somebody_waits)
        stands = queries.get_delta(box=doors.box, since=quick.version, now=NOON)
        assert (stands.until, stands.passes) == (quick.version, ())
        assert not second.done()
        may_commit.set()
        first.result(PATIENCE)
        second.result(PATIENCE)
    change = queries.get_delta(box=doors.box, since=quick.version, now=NOON)
    assert [(f"{entry.serial:016x}", entry.version) for entry in change.passes] == [
        (slow.serial, quick.version + 1),
        (quick.serial, quick.version + 2),
    ]


def test_a_version_that_is_rolled_back_is_given_out_again_and_nobody_saw_it(doors: Doors) -> None:
    version = queries.snapshot_version(estate_id=doors.estate_id)

    class Stop(Exception):
        pass

    def grant_in_vain() -> None:
        with transaction.atomic():
            doors.grant("stay_lost")
            raise Stop

    with pytest.raises(Stop):
        grant_in_vain()
    assert queries.snapshot_version(estate_id=doors.estate_id) == version
    assert doors.grant("stay_kept").version == version + 1
    assert not Pass.objects.filter(origin_id="stay_lost").exists()


def test_withdrawing_and_extending_one_pass_at_once_never_leaves_it_open(doors: Doors) -> None:
    later = Period(start=STAY.start, end=STAY.end.replace(hour=23))

    def extend(pass_id: str) -> None:
        with suppress(PassWithdrawn):
            actions.amend_pass(actor=doors.keeper, pass_id=pass_id, period=later, now=NOON)

    for number in range(10):
        granted = doors.grant(f"stay_{number}")
        together(partial(doors.revoke, granted.origin_id), partial(extend, granted.id))
        assert doors.whole_list().passes[int(granted.serial, 16)].state is PassState.REVOKED


def test_a_booking_extended_pass_by_pass_and_the_desk_withdrawing_one_of_them_do_not_deadlock(doors: Doors) -> None:
    later, guard = Period(start=STAY.start, end=STAY.end.replace(hour=23)), doors.actor(Role.GUARD)

    def extend_all(granted: list[queries.PassView]) -> None:
        with suppress(PassWithdrawn), transaction.atomic():
            for one in granted:
                actions.amend_pass(actor=doors.keeper, pass_id=one.id, period=later, now=NOON)

    def withdraw(one: queries.PassView) -> None:
        actions.revoke_pass(actor=guard, pass_id=one.id, reason="asked to leave", now=NOON)

    for number in range(10):
        granted = [doors.grant(f"stay_{number}_{guest}") for guest in range(4)]
        together(partial(extend_all, granted), partial(withdraw, granted[3]), partial(extend_all, granted[::-1]))
        assert doors.whole_list().passes[int(granted[3].serial, 16)].state is PassState.REVOKED


def test_a_pass_shown_at_two_gates_at_once_is_first_used_once(doors: Doors) -> None:
    near, far = doors.second_box("G01"), doors.second_box("G02")
    gates = {near.id: Gate("G01"), far.id: Gate("G02")}
    for number in range(10):
        serials = [int(doors.grant(f"stay_{number}_{at}").serial, 16) for at in range(5)]
        bodies = {}
        for box, order in ((near, serials), (far, serials[::-1])):
            bodies[box.id] = batch(*[gates[box.id].write(1, serial=serial) for serial in order])
        together(
            partial(actions.record_gate_events, box=near, body=bodies[near.id], now=NOON),
            partial(actions.record_gate_events, box=far, body=bodies[far.id], now=NOON),
        )
    assert OutboxEvent.objects.filter(type="access.PassFirstUsed").count() == 50
    assert Pass.objects.filter(first_used_at__isnull=False).count() == 50


def test_one_batch_sent_by_two_hands_at_once_is_stored_once(doors: Doors) -> None:
    gates = [Gate("G01"), Gate("G02"), Gate("G07")]
    for _ in range(10):
        parts = [gate.write(20) for gate in gates]
        one, two = batch(*parts), batch(*parts[::-1])
        receipts = together(
            partial(actions.record_gate_events, box=doors.box, body=one, now=NOON),
            partial(actions.record_gate_events, box=doors.box, body=two, now=NOON),
        )
        assert receipts[0] == receipts[1]
        assert receipts[0].gaps == receipts[0].broken == ()
    assert GateEvent.objects.count() == 600


def test_a_withdrawal_and_an_arrival_of_the_same_pass_do_not_deadlock(doors: Doors) -> None:
    gate = Gate("G01")
    for number in range(10):
        serials = [int(doors.grant("stay_1").serial, 16) for _ in range(4)]
        body = batch(*[gate.write(1, serial=serial) for serial in serials[::-1]])
        together(
            partial(doors.revoke, "stay_1"),
            partial(actions.record_gate_events, box=doors.box, body=body, now=NOON),
        )
        assert OutboxEvent.objects.filter(type="access.PassFirstUsed").count() == 4 * (number + 1)


def test_of_two_guards_one_is_told_that_the_other_was_faster(doors: Doors) -> None:
    guard, hours = doors.actor(Role.GUARD), Period(start=NOON, end=NOON.replace(hour=6))

    def let_in() -> str:
        try:
            actions.grant_override(
                actor=guard,
                holder_kind="guest",
                holder_id="person_1",
                origin=Origin(kind="stay", id="stay_1"),
                period=hours,
                reason="lost phone",
                now=NOON,
            )
        except actions.OverrideRunning:
            return "late"
        return "first"

    assert sorted(together(let_in, let_in)) == ["first", "late"]
    assert Pass.objects.count() == 1


def together(*acts: Callable[[], object]) -> list:  # type: ignore[type-arg]
    """Run the acts at the same moment, each on a connection of its own, and give what they gave."""
    start = threading.Barrier(len(acts))

    def at_once(act: Callable[[], object]) -> object:
        start.wait(PATIENCE)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        running = [pool.submit(_own(at_once), act) for act in acts]
        return [one.result(PATIENCE) for one in running]


def _own(act: Callable[..., object]) -> Callable[..., object]:
    def run(*facts: object) -> object:
        try:
            return act(*facts)
        finally:
            connection.close()

    return run


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return cursor.fetchone()[0] > 0


def _until(so: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(PATIENCE * 100):
        if so():
            return
        pause.wait(0.01)
    raise AssertionError("it never came to that")
