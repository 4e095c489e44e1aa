"""The line to the server may be cut, slow or mad: doors do not notice, and nothing is lost."""

import json
import time

import pytest

from linli.edge.enrolment import BadEnrolment, Enrolment, read_enrolment
from linli.edge.uplink import LONGEST_WAIT_S, BackOff, Unreachable, Uplink
from linli.gate import wire
from linli.gate.decision import Direction, Kind, Reason, Scan
from tests.edge.conftest import LocalBox, until

EXIT = Scan(gate="G01", kind=Kind.EXIT, direction=Direction.OUT)


@pytest.fixture
def line(box, server):
    uplink = Uplink(
        enrolment=Enrolment(**{**server.enrolment(), "gates": server.gates}),
        agent=box.agent,
        journal=box.journal,
        clock=box.clock,
    )
    yield uplink
    uplink.stop()


def entry(server, serial, gate="G01"):
    return Scan(gate=gate, kind=Kind.CODE, text=server.code(serial))


def test_a_list_comes_down_and_one_receipt_for_all_gates_goes_up(box, server, line):
    server.grant(1)
    line.pull()
    assert box.agent.snapshot.version == server.version
    (_, receipt), *rest = server.receipts
    assert (receipt.version, receipt.gates) == (server.version, ("G01", "G02"))
    line.pull()
    assert not rest
    assert len(server.receipts) == 1, "the same version is receipted once"


def test_a_revocation_is_in_force_within_a_second_of_the_wake_up_call(box, server, line):
    server.grant(1)
    line.start()
    until(lambda: line.state.listening and line.state.receipted == server.version)
    started = time.monotonic()
    server.revoke(1)
    until(lambda: any(receipt.version == server.version for _, receipt in server.receipts))
    assert time.monotonic() - started < 1.0
    assert box.agent.present(entry(server, 1)).verdict.reason is Reason.REVOKED


def test_the_journal_goes_up_line_by_line_as_it_was_written(box, server, line):
    for _ in range(7):
        box.agent.present(EXIT)
    line.push()
    assert [server.lines["G01"][number] for number in range(1, 8)] == box.lines()
    assert not box.journal.unsent(limit=9)


def test_a_lost_answer_sends_lines_twice_and_the_server_keeps_them_once(box, server, line):
    for _ in range(5):
        box.agent.present(EXIT)
    server.lose_answers = 1
    with pytest.raises(Unreachable):
        line.push()
    box.agent.present(EXIT)
    line.push()
    assert server.sequences("G01") == [1, 2, 3, 4, 5, 6]
    assert not server.refused_lines


def test_a_box_that_lost_its_home_offline_overwrites_nothing_and_loses_nothing(tmp_path, server, line, box):
    for _ in range(2):
        box.agent.present(EXIT)
    line.push()
    fresh = LocalBox(tmp_path / "fresh")
    for _ in range(3):
        fresh.agent.present(EXIT)
    enrolment = Enrolment(**{**server.enrolment(), "gates": server.gates})
    again = Uplink(enrolment=enrolment, agent=fresh.agent, journal=fresh.journal, clock=fresh.clock)
    again.push()
    again.stop()
    assert server.sequences("G01") == [1, 2, 5, 6, 7], "three new events, beyond every number used by either"
    assert not server.refused_lines


def test_days_offline_lose_nothing(box, server, line):
    server.grant(1)
    line.start()
    until(lambda: line.state.receipted == server.version)
    line.pull_cable(online=False)
    server.revoke(1)
    server.grant(2)
    assert box.agent.present(entry(server, 1)).verdict.open, "offline, the last list counts"
    for _ in range(2000):
        box.agent.present(EXIT)
    line.pull_cable(online=True)
    until(lambda: box.agent.present(entry(server, 1, "G02")).verdict.reason is Reason.REVOKED)
    until(lambda: server.sequences("G01") == list(range(1, 2002)))
    assert box.agent.present(entry(server, 2)).verdict.open


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<html>Sign in to the guest network</html>"),
        (200, b"{}"),
        (200, b"\xff\xfe\x00"),
        (200, json.dumps({"wire": 99, "kind": "delta"}).encode()),
        (200, json.dumps({"wire": 1, "kind": "journal_receipt", "stored": {"G01": -1}}).encode()),
        (500, b"oh"),
        (302, b""),
        (429, b""),
    ],
    ids=lambda answer: f"{answer[0]} {answer[1][:12]!r}",
)
def test_a_server_that_answers_nonsense_changes_nothing(box, server, line, answer):
    server.grant(1)
    line.pull()
    box.agent.present(EXIT)
    before = box.agent.snapshot
    server.revoke(1)
    server.faults = {"/api/gate/delta": answer, "/api/gate/journal": answer}
    with pytest.raises((Unreachable, wire.BadMessage)):
        line.pull()
    with pytest.raises((Unreachable, wire.BadMessage)):
        line.push()
    assert box.agent.snapshot is before
    assert len(box.journal.unsent(limit=9)) == 1
    server.faults = {}
    line.pull()
    line.push()
    assert box.agent.snapshot.version == server.version
    assert server.sequences("G01") == [1]


def test_a_server_that_takes_no_line_is_not_believed_to_have_taken_it(box, server, line):
    box.agent.present(EXIT)
    server.faults["/api/gate/journal"] = (200, wire.encode_journal_receipt(wire.JournalReceipt(stored={})))
    with pytest.raises(Unreachable):
        line.push()
    assert box.journal.unsent(limit=9)


def test_lines_the_server_misses_are_offered_again_once(box, server, line):
    for _ in range(6):
        box.agent.present(EXIT)
    line.push()
    del server.lines["G01"][3]
    del server.lines["G01"][4]
    from_gap = wire.JournalReceipt(stored={"G01": 6}, gaps=(wire.Gap(gate="G01", first=3, last=4),))
    server.faults["/api/gate/journal"] = (200, wire.encode_journal_receipt(from_gap))
    box.agent.present(EXIT)
    with pytest.raises(Unreachable):
        line.push()
    server.faults = {}
    line.push()
    assert server.sequences("G01") == [1, 2, 3, 4, 5, 6, 7]


def test_a_resync_replaces_the_list_whole(box, server, line):
    server.grant(1)
    server.grant(2)
    line.start()
    until(lambda: line.state.listening and line.state.receipted == server.version)
    del server.entries[2]
    server.announce("resync")
    until(lambda: set(box.agent.snapshot.passes) == {1})
    assert box.agent.snapshot.version == server.version


def test_a_server_set_back_by_a_backup_is_followed_from_the_beginning(box, server, line):
    server.grant(1)
    line.pull()
    server.grant(2)
    line.pull()
    del server.entries[2]
    server.version -= 1
    line.pull()
    assert set(box.agent.snapshot.passes) == {1}
    assert box.agent.snapshot.version == server.version
    assert server.receipts[-1][1].version == server.version


def test_a_list_from_the_beginning_without_keys_is_not_believed(box, server, line):
    server.grant(1)
    line.pull()
    empty = wire.Delta(estate="estate_test", since=0, until=0, made_at=server.now())
    server.faults["/api/gate/delta"] = (200, wire.encode_delta(empty))
    with pytest.raises(wire.BadMessage):
        line.pull()
    assert set(box.agent.snapshot.passes) == {1}


def test_a_list_that_cannot_be_kept_is_in_force_but_not_receipted(box, server, line):
    server.grant(1)
    line.pull()
    receipts = len(server.receipts)
    server.revoke(1)
    away = box.home.with_name("away")
    box.home.rename(away)
    with pytest.raises(Exception, match=r"list\.sqlite3"):
        line.pull()
    assert box.agent.snapshot.passes[1].state == "revoked"
    assert len(server.receipts) == receipts
    assert not box.agent.health()["list"].well
    away.rename(box.home)
    line.pull()
    assert server.receipts[-1][1].version == server.version
    assert LocalBox(box.home).agent.snapshot == box.agent.snapshot


def test_a_box_with_a_wrong_secret_is_turned_away_and_keeps_deciding(box, server):
    enrolment = Enrolment(**{**server.enrolment(), "gates": server.gates, "secret": "wrong"})
    stranger = Uplink(enrolment=enrolment, agent=box.agent, journal=box.journal, clock=box.clock)
    with pytest.raises(Unreachable, match="401"):
        stranger.pull()
    assert box.agent.present(EXIT).verdict.open
    stranger.stop()


def test_the_stream_is_taken_up_again_when_the_server_comes_back(box, server, line):
    line.start()
    until(lambda: line.state.listening)
    server.faults["/api/stream/gate"] = (503, b"")
    server.announce()
    until(lambda: not line.state.listening)
    server.faults = {}
    until(lambda: line.state.listening)
    server.grant(1)
    until(lambda: line.state.receipted == server.version)


def test_waits_grow_to_half_a_minute_and_never_come_in_step():
    back_off = BackOff(chance=lambda: 1.0)
    waits = [back_off.fail() for _ in range(20)]
    assert waits[:3] == [0.25, 0.5, 1.0]
    assert waits[-1] == LONGEST_WAIT_S
    back_off.succeed()
    assert back_off.fail() == 0.25
    assert BackOff(chance=lambda: 0.0).fail() == 0.125


@pytest.mark.parametrize(
    "wrong",
    [{"gates": []}, {"gates": ["G01", "G01"]}, {"gates": ["../x"]}, {"server": "ftp://x"}, {"secret": ""}, {"box": 7}],
    ids=str,
)
def test_a_bad_enrolment_is_named(tmp_path, server, wrong):
    path = tmp_path / "enrolment.json"
    path.write_text(json.dumps({**server.enrolment(), **wrong}))
    with pytest.raises(BadEnrolment, match=r"enrolment\.json"):
        read_enrolment(path)


def test_a_missing_or_broken_enrolment_is_named(tmp_path):
    for text in (None, "", "[]", "{"):
        path = tmp_path / "enrolment.json"
        if text is not None:
            path.write_text(text)
        with pytest.raises(BadEnrolment):
            read_enrolment(path)
