"""The golden vectors: what gate, edge, server and console must all answer."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from linli.gate import journal, passes, wire
from linli.gate.decision import PRECEDENCE, Clock, Direction, Kind, Past, Reason, Scan, decide
from linli.gate.snapshot import Snapshot, apply

VECTORS = Path(__file__).parent.parent / "vectors" / "gate"


def vectors(name):
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


def cases():
    for name in ("decisions", "decisions-2"):
        recorded = vectors(name)
        snapshot = apply(Snapshot(estate="estate_vectors"), wire.decode_delta(json.dumps(recorded["snapshot"])))
        for case in recorded["cases"]:
            yield pytest.param(snapshot, case, id=case["name"])


CASES = list(cases())


def past(row):
    return Past(
        uses={int(serial, 16): count for serial, count in row.get("uses", {}).items()},
        inside={int(area): frozenset(int(one, 16) for one in within) for area, within in row.get("inside", {}).items()},
        tries=row.get("tries", {}),
    )


def mark(row):
    return row["gate"], Direction(row["direction"]), int(row["serial"], 16), row["window"]


@pytest.mark.parametrize(("snapshot", "case"), CASES)
def test_a_decision_is_the_one_on_record(snapshot, case):
    given = case["scan"]
    scan = Scan(**{**given, "kind": Kind(given["kind"]), "direction": Direction(given["direction"])})
    seen = {
        (row["gate"], Direction(row["direction"]), int(row["serial"], 16), row["window"]): datetime.fromisoformat(
            row["at"]
        )
        for row in case["seen"]
    }
    now, before = datetime.fromisoformat(case["now"]), past(case.get("past", {}))
    verdict = decide(scan, snapshot, now, seen, clock=Clock(case["clock"]), past=before)
    assert {
        "open": verdict.open,
        "reason": verdict.reason,
        "serial": None if verdict.serial is None else f"{verdict.serial:016x}",
        "remark": verdict.remark,
    } == case["verdict"]


def test_every_reason_a_gate_can_give_is_on_record():
    assert {case.values[1]["verdict"]["reason"] for case in CASES} == set(PRECEDENCE)
    of_the_box = {Reason.JOURNAL_FAILED, Reason.DOOR_FAILED, Reason.STRIKE_UNCONFIRMED, Reason.RELEASED}
    of_the_box |= {Reason.REFUSED_BY_DEVICE, Reason.ALARM, Reason.ALARM_OVER}
    assert set(Reason) - set(PRECEDENCE) == of_the_box


@pytest.mark.parametrize("case", vectors("passes")["cases"], ids=lambda case: case["serial"])
def test_a_pass_is_written_and_read_as_on_record(case):
    recorded = vectors("passes")
    claims = passes.PassClaims(
        serial=int(case["serial"], 16),
        key_id=case["key_id"],
        groups=tuple(case["groups"]),
        start=datetime.fromisoformat(case["start"]),
        end=datetime.fromisoformat(case["end"]),
        window=case["window"],
    )
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(recorded["seed"]))
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(recorded["public"]))
    assert passes.mint(claims=claims, key=key) == case["code"]
    assert passes.read(case["code"], keys={case["key_id"]: public}) == claims


def test_a_journal_on_record_holds():
    recorded = vectors("journal")
    checked = journal.verify(recorded["lines"])
    assert checked.good == recorded["lines"]
    assert checked.heads == {"G07": journal.Head(**recorded["head"])}
    assert not checked.gaps
    assert not checked.broken


def test_every_message_on_record_is_read_and_written_back_alike():
    recorded = vectors("messages-2")
    for kind, decode, encode in (
        ("delta", wire.decode_delta, wire.encode_delta),
        ("receipt", wire.decode_receipt, wire.encode_receipt),
        ("journal_receipt", wire.decode_journal_receipt, wire.encode_journal_receipt),
    ):
        assert json.loads(encode(decode(json.dumps(recorded[kind])))) == recorded[kind]


def test_the_wire_version_before_is_still_read():
    recorded = vectors("messages")
    before = wire.decode_delta(json.dumps(recorded["delta"]))
    assert before.credentials == ()
    assert before.house is None
    assert before.gates[0].ways == frozenset()
    assert before.passes[0].hours == 0
    assert before == wire.decode_delta(wire.encode_delta(before))
    for kind, decode in (("receipt", wire.decode_receipt), ("journal_receipt", wire.decode_journal_receipt)):
        assert decode(json.dumps(recorded[kind]))


def test_the_wire_version_before_that_is_not():
    with pytest.raises(wire.BadMessage):
        wire.decode_delta(json.dumps(vectors("messages")["delta_before"]))
