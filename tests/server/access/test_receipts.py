from datetime import timedelta

import pytest

from linli.gate.snapshot import PassState
from linli.gate.wire import Receipt
from linli.server.access import actions, queries
from linli.server.access.actions import DoorKind, GatePlan
from linli.server.access.models import BoxReceipt
from linli.server.kernel.errors import NotAllowed, NotFound, Refusal
from tests.server.access.estate import NOON, Doors, found

SECOND = timedelta(seconds=1)


@pytest.fixture
def doors(db: None) -> Doors:
    return found()


def test_a_withdrawal_carries_the_receipts_of_fifty_one_gates_with_their_times(doors: Doors) -> None:
    plans = [
        GatePlan(code=f"G{number:02}", name_zh="门", name_en="Gate", kind=DoorKind.ESTATE, groups=(1,))
        for number in range(1, 52)
    ]
    actions.lay_out_gates(actor=doors.keeper, groups=[], gates=plans, now=NOON)
    boxes = [doors.second_box(plan.code) for plan in plans]
    granted = doors.grant()
    doors.revoke(now=NOON)
    version = queries.get_pass(estate_id=doors.estate_id, pass_id=granted.id).version
    for at, box in enumerate(boxes):
        came = NOON + timedelta(milliseconds=10 * (at + 1))
        actions.record_receipt(box=box, receipt=_receipt(version, *box.gates, at=came - SECOND), now=came)
    shown = queries.list_receipts(estate_id=doors.estate_id, pass_id=granted.id)
    assert (shown.state, shown.gates, shown.receipted, shown.seconds) == (PassState.REVOKED, 51, 51, 0.51)
    assert [receipt.gate for receipt in shown.receipts] == [plan.code for plan in plans]
    assert all(receipt.version == version and receipt.concerned for receipt in shown.receipts)
    assert shown.receipts[0].receipted_at == NOON + timedelta(milliseconds=10)
    assert shown.receipts[0].applied_at == NOON + timedelta(milliseconds=10) - SECOND


def test_one_box_receipts_for_all_its_gates_at_once(doors: Doors) -> None:
    granted = doors.grant()
    actions.record_receipt(box=doors.box, receipt=_receipt(granted.version, *doors.box.gates), now=NOON + SECOND)
    shown = queries.list_receipts(estate_id=doors.estate_id, pass_id=granted.id)
    assert (shown.receipted, shown.seconds) == (6, 1.0)
    assert {receipt.gate: receipt.concerned for receipt in shown.receipts} == {
        "G01": True,
        "G02": True,
        "G05": True,
        "G07": True,
        "G08": False,
        "G09": False,
    }


def test_a_receipt_for_a_later_version_counts_and_one_for_an_earlier_does_not(doors: Doors) -> None:
    granted = doors.grant()
    actions.record_receipt(box=doors.box, receipt=_receipt(granted.version, *doors.box.gates), now=NOON)
    doors.revoke()
    assert queries.list_receipts(estate_id=doors.estate_id, pass_id=granted.id).receipted == 0
    later = doors.grant("stay_2")
    actions.record_receipt(box=doors.box, receipt=_receipt(later.version, "G01"), now=NOON + SECOND)
    shown = queries.list_receipts(estate_id=doors.estate_id, pass_id=granted.id)
    assert [receipt.gate for receipt in shown.receipts if receipt.receipted_at] == ["G01"]
    assert shown.seconds is None


def test_the_first_receipt_counts_however_often_it_is_sent(doors: Doors) -> None:
    granted = doors.grant()
    receipt = _receipt(granted.version, *doors.box.gates)
    for delay in (1, 2, 3):
        actions.record_receipt(box=doors.box, receipt=receipt, now=NOON + delay * SECOND)
    assert BoxReceipt.objects.count() == 1
    assert queries.list_receipts(estate_id=doors.estate_id, pass_id=granted.id).seconds == 1.0


def test_gates_of_one_box_may_follow_one_after_the_other(doors: Doors) -> None:
    granted = doors.grant()
    for delay, gate in enumerate(doors.box.gates):
        at = NOON + delay * SECOND
        actions.record_receipt(box=doors.box, receipt=_receipt(granted.version, gate, at=at), now=at)
    shown = queries.list_receipts(estate_id=doors.estate_id, pass_id=granted.id)
    assert [receipt.receipted_at for receipt in shown.receipts] == [NOON + delay * SECOND for delay in range(6)]


def test_a_box_speaks_for_its_own_gates_only(doors: Doors) -> None:
    entrance = doors.second_box("G07")
    version = queries.snapshot_version(estate_id=doors.estate_id)
    for gates in (("G01",), ("G07", "G01"), ()):
        with pytest.raises(NotAllowed):
            actions.record_receipt(box=entrance, receipt=_receipt(version, *gates), now=NOON)
    assert BoxReceipt.objects.count() == 0


def test_nobody_receipts_a_version_that_was_never_made(doors: Doors) -> None:
    version = queries.snapshot_version(estate_id=doors.estate_id)
    with pytest.raises(Refusal, match="has not been made"):
        actions.record_receipt(box=doors.box, receipt=_receipt(version + 1, "G01"), now=NOON)
    assert BoxReceipt.objects.count() == 0


def test_the_console_sees_which_gates_are_online_and_how_far_behind(doors: Doors) -> None:
    granted = doors.grant()
    actions.record_receipt(box=doors.box, receipt=_receipt(granted.version, "G01"), now=NOON)
    doors.revoke()
    shown = {gate.code: gate for gate in queries.list_gates(estate_id=doors.estate_id, now=NOON + SECOND)}
    assert (shown["G01"].online, shown["G01"].version, shown["G01"].behind) == (True, granted.version, 1)
    assert shown["G02"].behind == granted.version + 1
    assert shown["G01"].last_seen_at == NOON
    counts = queries.count_gates(estate_id=doors.estate_id, now=NOON + timedelta(minutes=5))
    assert (counts.gates, counts.online, counts.offline) == (6, 0, 6)
    assert queries.count_gates(estate_id=doors.estate_id, now=NOON).online == 6


def test_old_receipts_are_forgotten_but_never_a_gates_newest(doors: Doors) -> None:
    for number in range(3):
        version = doors.grant(f"stay_{number}").version
        at = NOON + timedelta(days=number)
        actions.record_receipt(box=doors.box, receipt=_receipt(version, *doors.box.gates, at=at), now=at)
    late = NOON + timedelta(days=95)
    assert actions.forget_old_receipts(actor=doors.keeper, now=NOON + timedelta(days=91)) == 1
    assert actions.forget_old_receipts(actor=doors.keeper, now=late) == 1
    assert actions.forget_old_receipts(actor=doors.keeper, now=late) == 0
    assert {gate.behind for gate in queries.list_gates(estate_id=doors.estate_id, now=late)} == {0}


def test_receipts_of_an_unknown_pass_are_not_found(doors: Doors) -> None:
    with pytest.raises(NotFound):
        queries.list_receipts(estate_id=doors.estate_id, pass_id="pass_of_nobody")


def _receipt(version: int, *gates: str, at=NOON) -> Receipt:  # type: ignore[no-untyped-def]
    return Receipt(version=version, gates=gates, applied_at=at)
