import random
from datetime import timedelta

import pytest

from linli.gate.journal import Broken, Gap
from linli.gate.wire import JournalReceipt, decode_journal_receipt, encode_journal_receipt
from linli.server.access import actions, queries
from linli.server.access.models import GateEvent, JournalFault, JournalGap, Pass
from linli.server.access.rules import BatchTooLong
from linli.server.kernel.models import OutboxEvent
from tests.server.access.estate import NOON, Doors, Gate, batch, found

MINUTE = timedelta(minutes=1)


@pytest.fixture
def doors(db: None) -> Doors:
    return found()


def test_a_journal_comes_in_line_by_line_as_it_was_written(doors: Doors) -> None:
    granted, gate = doors.grant(), Gate("G01")
    gate.write(1, serial=int(granted.serial, 16))
    gate.write(1, opened=False, reason="UNREADABLE", at=NOON + MINUTE, clock="unsure")
    receipt = send(doors, gate.lines)
    assert receipt == JournalReceipt(
        stored={"G01": 2, "G02": 0, "G05": 0, "G07": 0, "G08": 0, "G09": 0}, hashes={"G01": gate.head.hash}
    )
    assert decode_journal_receipt(encode_journal_receipt(receipt)) == receipt
    opened, refused = GateEvent.objects.order_by("sequence")
    assert (opened.gate, opened.sequence, opened.happened_at, opened.received_at) == ("G01", 1, NOON, NOON)
    assert (opened.opened, opened.reason, opened.serial) == (True, "OK", int(granted.serial, 16))
    assert (opened.method, opened.direction, opened.clock_sure, opened.note) == ("CODE", "in", True, "")
    assert (refused.opened, refused.reason, refused.serial, refused.clock_sure) == (False, "UNREADABLE", None, False)
    assert bytes(refused.prev) == bytes(opened.hash) == bytes.fromhex(gate.lines[0][-64:])


def test_an_empty_batch_says_where_every_journal_stands(doors: Doors) -> None:
    gate = Gate("G02")
    send(doors, gate.write(5))
    receipt = send(doors, [])
    assert (receipt.stored["G02"], receipt.stored["G01"]) == (5, 0)
    assert receipt.hashes == {"G02": gate.head.hash}


def test_a_batch_sent_again_is_stored_once(doors: Doors) -> None:
    gate = Gate("G01")
    gate.write(10)
    first = send(doors, gate.lines)
    assert send(doors, gate.lines) == first
    assert send(doors, gate.lines[4:], gate.write(2)).stored["G01"] == 12
    assert stored(doors) == list(range(1, 13))
    assert not JournalFault.objects.exists()
    assert not JournalGap.objects.exists()


def test_a_gap_is_seen_told_and_closed_when_the_lines_come_late(doors: Doors) -> None:
    gate = Gate("G01")
    gate.write(10)
    receipt = send(doors, gate.lines[:2], gate.lines[7:])
    assert (receipt.stored["G01"], receipt.gaps) == (10, (Gap(gate="G01", first=3, last=7),))
    assert journal(doors).missing == 5
    later = send(doors, gate.lines[4:6], now=NOON + MINUTE)
    assert later.gaps == (Gap(gate="G01", first=3, last=4), Gap(gate="G01", first=7, last=7))
    assert [gap.found_at for gap in journal(doors).gaps] == [NOON, NOON]
    assert send(doors, gate.lines[2:7]).gaps == ()
    assert stored(doors) == list(range(1, 11))
    assert journal(doors).gaps == ()
    assert all(gap.closed_at for gap in JournalGap.objects.all())
    assert not JournalFault.objects.exists()


def test_a_gap_stays_told_while_another_gate_reports(doors: Doors) -> None:
    gate, other = Gate("G01"), Gate("G02")
    gate.write(3)
    send(doors, gate.lines[2:])
    assert send(doors, other.write(1)).gaps == (Gap(gate="G01", first=1, last=2),)


@pytest.mark.parametrize("seed", range(6))
def test_late_doubled_and_out_of_order_batches_of_many_gates_come_out_right(doors: Doors, seed: int) -> None:
    chance = random.Random(seed)
    gates = [Gate(code) for code in ("G01", "G02", "G07")]
    for gate in gates:
        gate.write(40)
    pieces = [gate.lines[at : at + 5] for gate in gates for at in range(0, 40, 5)] * 2
    chance.shuffle(pieces)
    receipt = None
    while pieces:
        taken = [pieces.pop() for _ in range(min(len(pieces), chance.randint(1, 4)))]
        mixed = [line for piece in taken for line in piece]
        chance.shuffle(mixed)
        receipt = send(doors, mixed)
    assert receipt is not None
    assert (receipt.gaps, receipt.broken) == ((), ())
    for gate in gates:
        assert stored(doors, gate.code) == list(range(1, 41))
        assert receipt.stored[gate.code] == 40
    assert not JournalFault.objects.exists()


def test_a_changed_line_is_kept_apart_and_told_and_its_place_stays_open(doors: Doors) -> None:
    gate = Gate("G01")
    gate.write(5, opened=False, reason="REVOKED")
    forged = gate.lines[2].replace("\t0\tREVOKED\t", "\t1\tOK\t")
    receipt = send(doors, gate.lines[:2], forged, gate.lines[3:])
    assert receipt.broken == (Broken(gate="G01", sequence=3, why="hash"),)
    assert receipt.gaps == (Gap(gate="G01", first=3, last=3),)
    assert stored(doors) == [1, 2, 4, 5]
    (fault,) = queries.list_journal_faults(estate_id=doors.estate_id, limit=10)
    assert (fault.gate, fault.sequence, fault.why, fault.kept_apart, fault.line) == ("G01", 3, "hash", True, forged)
    assert send(doors, forged).broken == receipt.broken
    assert journal(doors).faults == 1
    # The genuine line, when it comes, finds its place free.
    assert send(doors, gate.lines[2]).gaps == ()
    assert stored(doors) == [1, 2, 3, 4, 5]


def test_a_changed_line_with_a_mended_hash_breaks_the_chain_where_one_can_see_it(doors: Doors) -> None:
    honest, liar = Gate("G01"), Gate("G01")
    honest.write(2)
    liar.write(1)
    liar.write(1, reason="EXIT", direction="out")
    honest.write(2)
    receipt = send(doors, honest.lines[0], liar.lines[1], honest.lines[2:])
    assert receipt.broken == (Broken(gate="G01", sequence=3, why="chain"),)
    assert stored(doors) == [1, 2, 3, 4]
    (fault,) = queries.list_journal_faults(estate_id=doors.estate_id, limit=10)
    assert (fault.sequence, fault.why, fault.kept_apart) == (3, "chain", False)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 2, 1), (2, 0, 1), (1, 2, 0)])
def test_a_broken_chain_is_seen_in_whatever_order_its_parts_come(doors: Doors, order: tuple[int, ...]) -> None:
    honest, liar = Gate("G01"), Gate("G01")
    honest.write(3)
    liar.write(1)
    liar.write(1, reason="EXIT")
    parts = (honest.lines[0], liar.lines[1], honest.lines[2])
    told = [broken for at in order for broken in send(doors, parts[at]).broken]
    assert told == [Broken(gate="G01", sequence=3, why="chain")]
    assert JournalFault.objects.count() == 1


def test_another_line_in_a_taken_place_is_kept_apart(doors: Doors) -> None:
    one, two = Gate("G01"), Gate("G01")
    send(doors, one.write(3))
    receipt = send(doors, two.write(3, opened=False, reason="EXPIRED"))
    assert {broken.why for broken in receipt.broken} == {"conflict"}
    assert len(receipt.broken) == 3
    assert GateEvent.objects.filter(opened=True).count() == 3
    assert JournalFault.objects.filter(why="conflict").count() == 3


def test_a_box_writes_only_its_own_gates_journals(doors: Doors) -> None:
    entrance = doors.second_box("G07")
    mine, other = Gate("G07"), Gate("G01")
    body = batch(mine.write(1), other.write(1))
    receipt = actions.record_gate_events(box=entrance, body=body, now=NOON)
    assert receipt.stored == {"G07": 1}
    assert receipt.broken == (Broken(gate="G01", sequence=1, why="foreign"),)
    assert stored(doors, "G01") == []
    assert queries.list_journal_faults(estate_id=doors.estate_id, limit=1)[0].why == "foreign"


def test_damaged_bytes_cost_their_own_line_and_no_other(doors: Doors) -> None:
    gate = Gate("G01")
    gate.write(4)
    damaged = gate.lines[1].encode()[:30] + b"\xff\xfe\x00" + gate.lines[1].encode()[33:]
    body = batch(gate.lines[0]) + damaged + b"\n" + batch(gate.lines[2:]) + b"\n\nv1\tG01\tseven\n'; DROP TABLE--\n"
    receipt = actions.record_gate_events(box=doors.box, body=body, now=NOON)
    assert stored(doors) == [1, 3, 4]
    assert [broken.why for broken in receipt.broken] == ["form"] * 3
    kept = {bytes(fault.line) for fault in JournalFault.objects.all()}
    assert kept == {damaged, b"v1\tG01\tseven", b"'; DROP TABLE--"}


def test_a_long_batch_with_one_bad_line_comes_to_what_a_short_one_does(doors: Doors) -> None:
    gate = Gate("G01")
    gate.write(700)
    damaged = [gate.lines[300].encode()[:40] + b"\xff", b"\\.", gate.lines[301].encode().replace(b"\tin\t", b"\tout\t")]
    for bad in damaged:
        body = batch(gate.lines[:300]) + bad + b"\n" + batch(gate.lines[302:])
        receipt = actions.record_gate_events(box=doors.box, body=body, now=NOON)
        assert receipt.gaps == (Gap(gate="G01", first=301, last=302),)
        assert len(receipt.broken) == 1
    assert stored(doors) == [*range(1, 301), *range(303, 701)]
    assert JournalFault.objects.count() == 3
    assert send(doors, gate.lines).gaps == ()
    assert stored(doors) == list(range(1, 701))


def test_a_long_batch_out_of_order_doubled_and_of_many_gates_is_taken_in(doors: Doors) -> None:
    gates = [Gate("G01"), Gate("G02"), Gate("G05")]
    lines = [line for gate in gates for line in gate.write(200)]
    random.Random(51).shuffle(lines)
    receipt = send(doors, lines, lines[:250])
    assert (receipt.gaps, receipt.broken) == ((), ())
    assert [stored(doors, gate.code) for gate in gates] == [list(range(1, 201))] * 3
    again = send(doors, lines)
    assert again == receipt


def test_a_long_batch_in_order_is_told_and_first_uses_are_seen(doors: Doors) -> None:
    granted, gate = doors.grant(), Gate("G01")
    gate.write(300)
    gate.write(1, serial=int(granted.serial, 16))
    assert send(doors, gate.lines).stored["G01"] == 301
    assert send(doors, gate.write(300)).stored["G01"] == 601
    assert len(uses()) == 1


def test_a_line_without_end_is_kept_by_its_beginning(doors: Doors) -> None:
    actions.record_gate_events(box=doors.box, body=b"x" * 100_000, now=NOON)
    assert len(bytes(JournalFault.objects.get().line)) == 1_000


def test_a_batch_that_is_too_long_changes_nothing(doors: Doors) -> None:
    gate = Gate("G01")
    with pytest.raises(BatchTooLong):
        actions.record_gate_events(box=doors.box, body=batch(gate.write(1)) * 20_001, now=NOON)
    assert not GateEvent.objects.exists()


def test_a_new_box_goes_on_beyond_the_old_ones_journal_and_the_change_stays_visible(doors: Doors) -> None:
    old = Gate("G07")
    send(doors, old.write(10))
    enrolled = actions.enrol_box(actor=doors.keeper, gate_codes=["G07"], now=NOON)
    assert enrolled.journal_from == {"G07": 12}
    fresh = Gate("G07")
    fresh.head = type(fresh.head)(gate="G07", sequence=11)
    box = queries.authenticate_box(key=enrolled.key)
    receipt = actions.record_gate_events(box=box, body=batch(fresh.write(3)), now=NOON)
    assert (receipt.stored, receipt.broken) == ({"G07": 14}, ())
    assert receipt.gaps == (Gap(gate="G07", first=11, last=11),)


def test_a_box_that_lost_its_history_is_told_so_by_the_hash(doors: Doors) -> None:
    old, fresh = Gate("G01"), Gate("G01")
    send(doors, old.write(10))
    receipt = send(doors, fresh.write(2, reason="EXIT"))
    assert receipt.stored["G01"] == 10
    assert receipt.hashes["G01"] == old.head.hash
    assert len(receipt.broken) == 2


def test_a_pass_is_first_used_once_at_its_first_opened_entry(doors: Doors) -> None:
    granted, gate = doors.grant(), Gate("G01")
    serial = int(granted.serial, 16)
    gate.write(1, serial=serial, opened=False, reason="NOT_YET", at=NOON - MINUTE)
    gate.write(1, serial=serial, direction="out", reason="EXIT", at=NOON - MINUTE)
    send(doors, gate.lines)
    assert uses() == []
    send(doors, gate.write(2, serial=serial, at=NOON))
    send(doors, gate.lines)
    send(doors, gate.write(1, serial=serial, at=NOON + MINUTE))
    (used,) = uses()
    assert used == {
        "estate_id": doors.estate_id,
        "pass_id": granted.id,
        "origin_kind": "stay",
        "origin_id": "stay_1",
        "gate": "G01",
        "direction": "in",
        "happened_at": NOON.isoformat().replace("+00:00", "Z"),
    }
    assert queries.get_pass(estate_id=doors.estate_id, pass_id=granted.id).first_used_at == NOON


def test_a_late_line_shows_an_earlier_arrival_without_telling_it_twice(doors: Doors) -> None:
    granted, near, far = doors.grant(), Gate("G01"), Gate("G02")
    serial = int(granted.serial, 16)
    far.write(1, serial=serial, at=NOON - MINUTE)
    send(doors, near.write(1, serial=serial, at=NOON))
    send(doors, far.lines)
    assert len(uses()) == 1
    assert queries.get_pass(estate_id=doors.estate_id, pass_id=granted.id).first_used_at == NOON - MINUTE


def test_the_earliest_entry_of_a_batch_is_the_arrival_whatever_the_order(doors: Doors) -> None:
    granted, near, far = doors.grant(), Gate("G01"), Gate("G02")
    serial = int(granted.serial, 16)
    send(doors, near.write(1, serial=serial, at=NOON), far.write(1, serial=serial, at=NOON - MINUTE))
    assert [(use["gate"], use["happened_at"]) for use in uses()] == [("G02", "2026-06-01T03:59:00Z")]


def test_a_serial_of_nobody_or_of_another_estate_is_no_arrival(doors: Doors) -> None:
    neighbour = found()
    theirs = int(neighbour.grant().serial, 16)
    gate = Gate("G01")
    send(doors, gate.write(1, serial=theirs), gate.write(1, serial=2**64 - 1), gate.write(1, serial=12))
    assert uses() == []
    assert stored(doors) == [1, 2, 3]
    assert not Pass.objects.filter(first_used_at__isnull=False).exists()


def test_the_newest_events_are_listed_first_and_late_ones_marked(doors: Doors) -> None:
    near, far = Gate("G01"), Gate("G02")
    send(doors, near.write(3, at=NOON - 5 * MINUTE), far.write(3, at=NOON - timedelta(seconds=10)))
    shown = queries.list_gate_events(estate_id=doors.estate_id, gate=None, limit=4)
    assert [(event.gate, event.sequence, event.late) for event in shown] == [
        ("G02", 3, False),
        ("G02", 2, False),
        ("G02", 1, False),
        ("G01", 3, True),
    ]
    only = queries.list_gate_events(estate_id=doors.estate_id, gate="G01", limit=50)
    assert [event.sequence for event in only] == [3, 2, 1]
    assert queries.list_gate_events(estate_id="estate_other", gate=None, limit=50) == ()


def test_passages_of_a_day_are_counted(doors: Doors) -> None:
    gate = Gate("G01")
    send(
        doors, gate.write(3), gate.write(2, opened=False, reason="EXPIRED"), gate.write(1, at=NOON + timedelta(days=1))
    )
    assert queries.count_passages(estate_id=doors.estate_id, start=NOON, end=NOON + timedelta(days=1)) == 3


def test_the_console_is_told_of_the_newest_twenty_in_one_notification(
    doors: Doors,
    django_capture_on_commit_callbacks,  # type: ignore[no-untyped-def]
) -> None:
    gate = Gate("G01")
    with django_capture_on_commit_callbacks() as callbacks:
        send(doors, gate.write(100))
    (told,) = [callback for callback in callbacks if "linli_console" in getattr(callback, "args", ())]
    payload = told.args[1]
    assert len(payload.encode()) < 7_900
    assert payload.count('"gate":"G01"') == 20
    assert '"sequence":100' in payload
    with django_capture_on_commit_callbacks() as callbacks:
        send(doors, gate.lines)
    assert callbacks == []


def send(doors: Doors, *lines, now=NOON) -> JournalReceipt:  # type: ignore[no-untyped-def]
    return actions.record_gate_events(box=doors.box, body=batch(*lines), now=now)


def stored(doors: Doors, gate: str = "G01") -> list[int]:
    rows = GateEvent.objects.filter(estate_id=doors.estate_id, gate=gate)
    return list(rows.order_by("sequence").values_list("sequence", flat=True))


def journal(doors: Doors, gate: str = "G01") -> queries.JournalView:
    return next(one for one in queries.list_journals(estate_id=doors.estate_id) if one.gate == gate)


def uses() -> list[dict[str, str]]:
    return list(OutboxEvent.objects.filter(type="access.PassFirstUsed").values_list("body", flat=True))
