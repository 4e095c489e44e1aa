"""The real command in a process of its own: killed, cut off, short of disk, and asked nonsense."""

import json
import resource
import subprocess
import sys
import threading
import time

import httpx
import psutil
import pytest

from linli.edge.store import JournalStore
from linli.gate import journal
from tests.edge.conftest import until


def test_a_guest_enters_and_leaves_through_a_running_agent(run_agent, server):
    server.grant(1)
    agent = run_agent()
    until(lambda: agent.state()["passes"] == 1)
    verdict = agent.scan(kind="code", code=server.code(1), direction="in")
    assert (verdict["open"], verdict["reason"], verdict["sequence"]) == (True, "OK", 1)
    assert set(verdict["ms"]) == {"decide", "journal", "door"}
    assert verdict["message"] == {"zh": "欢迎", "en": "Welcome"}
    assert agent.scan(kind="exit", direction="out")["open"]
    assert agent.gate()["opened"] == 2
    until(lambda: server.sequences("G01") == [1, 2])
    until(lambda: agent.http.get("/health").json()["well"])


def test_kill_9_in_the_middle_of_a_rush_loses_and_repeats_no_sequence(run_agent, server):
    server.grant(1)
    agent = run_agent()
    until(lambda: agent.state()["passes"] == 1)
    acknowledged = {"G01": [], "G02": []}
    for enough in (15, 30, 45):
        stop = threading.Event()

        def rush(gate, stop=stop):
            with httpx.Client(base_url=agent.http.base_url, trust_env=False) as client:
                while not stop.is_set():
                    try:
                        answer = client.post(f"/gates/{gate}/scan", json={"code": server.code(7)}).json()
                    except (httpx.HTTPError, ValueError):
                        return
                    acknowledged[gate].append(answer["sequence"])

        threads = [threading.Thread(target=rush, args=(gate,)) for gate in acknowledged for _ in range(2)]
        for thread in threads:
            thread.start()
        until(lambda enough=enough: all(len(heard) >= enough for heard in acknowledged.values()), seconds=60)
        agent.kill()
        stop.set()
        for thread in threads:
            thread.join()
        agent.start()
    for gate, sequences in acknowledged.items():
        assert len(set(sequences)) == len(sequences), "no sequence was given twice"
        head = agent.gate(gate)["sequence"]
        until(lambda gate=gate, head=head: server.sequences(gate) == list(range(1, head + 1)))
        assert set(sequences) <= set(server.sequences(gate)), "what was answered is on record"
        checked = journal.verify(line for _, line in sorted(server.lines[gate].items()))
        assert not checked.broken
    assert not server.refused_lines
    # Killed between journal and answer, at most one line a thread was written that nobody heard of.
    heard = sum(len(sequences) for sequences in acknowledged.values())
    assert sum(len(lines) for lines in server.lines.values()) - heard <= 3 * 4


def test_an_agent_killed_offline_still_knows_who_may_enter(run_agent, server):
    server.grant(1)
    server.grant(2)
    server.revoke(2)
    agent = run_agent()
    until(lambda: agent.state()["receipted_version"] == server.version)
    server.faults = dict.fromkeys(("/api/gate/delta", "/api/gate/journal", "/api/stream/gate"), (503, b""))
    agent.kill()
    agent.start()
    assert agent.scan(code=server.code(1))["open"]
    assert agent.scan(code=server.code(2))["reason"] == "REVOKED"
    assert agent.scan(direction="out", code="rubbish")["open"]


def test_a_full_disk_keeps_the_way_out_open_and_no_entry_goes_unrecorded(run_agent, server):
    server.grant(1)
    agent = run_agent()
    until(lambda: agent.state()["passes"] == 1)
    process = psutil.Process(agent.process.pid)
    unlimited = process.rlimit(resource.RLIMIT_FSIZE)
    process.rlimit(resource.RLIMIT_FSIZE, (1024, unlimited[1]))
    assert agent.scan(code=server.code(1))["reason"] == "JOURNAL_FAILED"
    for _ in range(3):
        answer = agent.scan(kind="exit", direction="out")
        assert answer["open"]
        assert answer["sequence"] is None
    assert agent.scan(kind="fire")["open"]
    process.rlimit(resource.RLIMIT_FSIZE, unlimited)
    until(lambda: agent.gate()["sequence"] == 5)
    assert agent.scan(code=server.code(1))["open"]
    until(lambda: server.sequences("G01") == [1, 2, 3, 4, 5, 6])
    reasons = [line.event.reason for line in server.events("G01")]
    assert reasons == ["JOURNAL_FAILED", "EXIT", "EXIT", "EXIT", "FIRE", "OK"]


def test_the_cable_is_pulled_and_put_back(run_agent, server):
    server.grant(1)
    agent = run_agent()
    until(lambda: agent.state()["receipted_version"] == server.version)
    agent.cable(online=False)
    server.revoke(1)
    assert agent.scan(code=server.code(1))["open"]
    time.sleep(0.3)
    assert server.sequences("G01") == []
    assert not agent.state()["online"]
    agent.cable(online=True)
    until(lambda: agent.state()["receipted_version"] == server.version)
    until(lambda: server.sequences("G01") == [1])
    assert agent.scan("G02", code=server.code(1))["reason"] == "REVOKED"


def test_a_simulated_day_moves_the_agents_clock(run_agent, server, tmp_path):
    offset = tmp_path / "offset"
    offset.write_text("0")
    server.grant(1, days=1)
    agent = run_agent(clock_file=offset)
    until(lambda: agent.state()["passes"] == 1)
    code = server.code(1)
    assert agent.scan(code=code)["open"]
    offset.write_text(str(3 * 86_400))
    time.sleep(0.1)
    assert agent.scan(code=code)["reason"] == "EXPIRED"


def test_two_agents_never_share_a_home(run_agent, server, tmp_path):
    agent = run_agent()
    second = subprocess.run(
        [sys.executable, "-m", "linli.edge.cli", "run", "--enrolment", str(agent.enrolment), "--home", str(agent.home)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert second.returncode == 2
    assert "another agent works in" in second.stderr


def test_an_agent_stops_cleanly_on_sigterm_and_can_be_inspected(run_agent, server):
    agent = run_agent()
    for _ in range(3):
        agent.scan(kind="exit", direction="out")
    until(lambda: server.sequences("G01") == [1, 2, 3] and agent.state()["unsent"] == 0)
    agent.process.terminate()
    assert agent.process.wait(timeout=10) == 0
    command = [sys.executable, "-m", "linli.edge.cli"]
    inspected = subprocess.run([*command, "inspect", "--home", str(agent.home)], capture_output=True, text=True)
    found = json.loads(inspected.stdout)
    assert inspected.returncode == 0
    assert found["gates"][0] == {"gate": "G01", "sequence": 3, "sent": 3, "unconfirmed": [], "holds": True}
    replayed = subprocess.run(
        [*command, "replay", "--home", str(agent.home), "--gate", "G01", "--first", "2"], capture_output=True, text=True
    )
    assert json.loads(replayed.stdout) == {"sent_again_from": {"G01": 2}}
    server.lines["G01"] = {1: server.lines["G01"][1]}
    agent.start()
    until(lambda: server.sequences("G01") == [1, 2, 3])


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/gates/G40/scan", b"{}", {}, 404),
        ("/gates/G01/scan", b"{", {}, 400),
        ("/gates/G01/scan", b"[]", {}, 400),
        ("/gates/G01/scan", b"\xff", {}, 400),
        ("/gates/G01/scan", b'{"kind": "SESAME"}', {}, 422),
        ("/gates/G01/scan", b'{"direction": "up"}', {}, 422),
        ("/gates/G01/scan", b'{"code": 7}', {}, 422),
        ("/gates/G01/scan", b'{"code": "' + b"x" * 5000 + b'"}', {}, 422),
        ("/gates/G01/scan", b"x" * 70_000, {}, 413),
        ("/gates/G01/scan", b"{}", {"content-type": "text/plain"}, 415),
        ("/gates/G01/door", b'{"failing": "yes"}', {}, 422),
        ("/uplink", b"{}", {}, 422),
        ("/nothing/here", b"{}", {}, 404),
        ("/", b"{}", {}, 404),
    ],
)
def test_the_control_port_refuses_nonsense_clearly(run_agent, path, body, headers, status):
    agent = run_agent()
    answer = agent.http.post(path, content=body, headers={"content-type": "application/json", **headers})
    assert answer.status_code == status
    assert answer.json()["code"]
    assert agent.gate()["sequence"] == 0


def test_odd_texts_in_a_scan_are_answered_like_any_other(run_agent):
    agent = run_agent()
    for text in ("\u0000", "'; DROP TABLE journal; --", "<script>", "a\tb\nc", "邻里" * 60):
        assert agent.scan(code=text)["reason"] == "UNREADABLE"
        assert agent.scan(kind="guard", by=text, why=text)["reason"] in ("GUARD_OPENED", "UNNAMED")
    checked = journal.verify(_lines(agent))
    assert not checked.broken
    assert not checked.gaps


def _lines(agent):
    agent.stop()
    return JournalStore(path=agent.home / "journal.sqlite3", gates=("G01", "G02")).lines("G01")
