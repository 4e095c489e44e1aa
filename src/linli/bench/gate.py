"""A gate's decision at full size, beside what it cannot do without: one signature check, one write to the disk.

All times are milliseconds. `decide` is the decision alone; `entry` is the agent's whole answer, journal written through to
the disk and door opened; the floors are taken in the same run, in turns with what is held against them.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from linli.edge.agent import Agent
from linli.edge.clock import TrustedClock
from linli.edge.drivers.simulated import SimulatedDoor
from linli.edge.store import JournalStore, ListStore
from linli.gate import journal, passes
from linli.gate.decision import Kind, Scan, decide
from linli.gate.snapshot import Delta, GateRule, PassEntry, Snapshot, apply

PASSES = 20_000
GATES = tuple(f"G{number:02}" for number in range(1, 52))
ESTATE = "estate_bench"
_GROUPS = (1, 2, 7)

T = TypeVar("T")


def run(*, quick: bool = False) -> dict[str, object]:
    """Measure, and give the numbers with their floors and whether the limits of the design hold."""
    rounds = 300 if quick else 3000
    key = Ed25519PrivateKey.generate()
    snapshot = apply(Snapshot(estate=ESTATE), everything(key))
    codes = _codes(key, rounds)
    with tempfile.TemporaryDirectory(prefix="linli-bench-") as folder:
        home = Path(folder)
        alone = _decide_and_verify(snapshot, codes, key)
        durable = _entry_and_commit(home, snapshot, codes)
        rss = _agent_rss_mb(home / "process", snapshot, codes[:200])
    checked = _verify_lines(10_000 if quick else 100_000)
    figures = {**alone, **durable, "agent_rss_mb": rss, **checked}
    return {
        "bench": "gate",
        "passes": PASSES,
        "gates": len(GATES),
        "rounds": rounds,
        **{name: round(value, 4) for name, value in figures.items()},
        "holds": {
            "decide_p99_under_1_ms": figures["decide_p99_ms"] < 1.0,
            "entry_p99_under_10_ms": figures["entry_p99_ms"] < 10.0,
            "agent_under_150_mb": rss < 150.0,
        },
    }


def _decide_and_verify(snapshot: Snapshot, codes: list[str], key: Ed25519PrivateKey) -> dict[str, float]:
    now, public = datetime.now(UTC), key.public_key()
    message = b"x" * 26
    signature = key.sign(message)
    decided, worked, verified = [], [], []
    for number, code in enumerate(codes):
        scan = Scan(gate=GATES[number % len(GATES)], kind=Kind.CODE, text=code)
        before = time.thread_time()
        elapsed, verdict = _timed(partial(decide, scan, snapshot, now))
        worked.append((time.thread_time() - before) * 1e3)
        decided.append(elapsed)
        _expect(verdict.open)
        verified.append(_timed(partial(public.verify, signature, message))[0])
    return {
        **_percentiles("decide", decided),
        # Processor time says what the decision costs when other work keeps the machine from it.
        **_percentiles("decide_cpu", worked),
        **_percentiles("floor_verify", verified),
        "decide_to_floor": _median(decided) / _median(verified),
    }


def _entry_and_commit(home: Path, snapshot: Snapshot, codes: list[str]) -> dict[str, float]:
    lists = ListStore(path=home / "list.sqlite3", estate=ESTATE, secret="bench")
    lists.replace(snapshot)
    store = JournalStore(path=home / "journal.sqlite3", gates=GATES)
    doors = {gate: SimulatedDoor() for gate in GATES}
    agent = Agent(estate=ESTATE, doors=doors, list_store=lists, journal=store, clock=TrustedClock())
    commit, sync = _bare_commit(home / "floor.sqlite3"), _bare_sync(home / "floor.bin")
    entered, committed, synced = [], [], []
    for number, code in enumerate(codes):
        scan = Scan(gate=GATES[number % len(GATES)], kind=Kind.CODE, text=code)
        elapsed, outcome = _timed(partial(agent.present, scan))
        entered.append(elapsed)
        _expect(outcome.verdict.open)
        committed.append(_timed(commit)[0])
        synced.append(_timed(sync)[0])
    store.close()
    lists.close()
    return {
        **_percentiles("entry", entered),
        **_percentiles("floor_commit", committed),
        **_percentiles("floor_fsync", synced),
        "entry_to_floor_commit": _median(entered) / _median(committed),
    }


def _agent_rss_mb(home: Path, snapshot: Snapshot, codes: list[str]) -> float:
    """Run the real command with the list on its disk and no server in reach, let people in, and weigh it."""
    home.mkdir()
    lists = ListStore(path=home / "list.sqlite3", estate=ESTATE, secret="bench")
    lists.replace(snapshot)
    lists.close()
    enrolment = home / "enrolment.json"
    nowhere = {"server": "http://127.0.0.1:9", "box": "box_bench", "secret": "none", "estate": ESTATE}
    enrolment.write_text(json.dumps({**nowhere, "gates": list(GATES)}), encoding="utf-8")
    command = [sys.executable, "-m", "linli.edge.cli", "run", "--enrolment", str(enrolment), "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            port = json.loads(process.stdout.readline())["control_port"]
            _let_in(port, codes)
            return rss_mb(process.pid)
        finally:
            process.terminate()


def _let_in(port: int, codes: list[str]) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
        for number, code in enumerate(codes):
            answer = client.post(f"/gates/{GATES[number % len(GATES)]}/scan", json={"code": code})
            _expect(answer.json()["reason"] in ("OK", "STALE_CODE"))


def _verify_lines(count: int) -> dict[str, float]:
    """What a server pays to check a line before it stores it, beside the bare hash of it (µs)."""
    head, lines = journal.Head(gate="G01"), []
    event = journal.Event(
        at=datetime.now(UTC),
        clock="ok",
        method="CODE",
        direction="in",
        opened=True,
        reason="OK",
        serial=1,
        snapshot_version=PASSES,
    )
    for _ in range(count):
        line, head = journal.append(head=head, event=event)
        lines.append(line)
    started = time.perf_counter()
    _expect(len(journal.verify(lines).good) == count)
    checked = time.perf_counter() - started
    started = time.perf_counter()
    for line in lines:
        journal.sm3(line)
    hashed = time.perf_counter() - started
    return {
        "verify_line_us": checked / count * 1e6,
        "floor_sm3_us": hashed / count * 1e6,
        "verify_lines_per_s": count / checked,
    }


def everything(key: Ed25519PrivateKey) -> Delta:
    """Give a whole list: so many passes that open all the gates."""
    now = datetime.now(UTC).replace(microsecond=0)
    entries = tuple(
        PassEntry(
            serial=serial,
            version=serial,
            groups=_GROUPS,
            start=now - timedelta(days=1),
            end=now + timedelta(days=3),
            holder="guest",
        )
        for serial in range(1, PASSES + 1)
    )
    rules = tuple(GateRule(gate=gate, version=1, groups=frozenset({1, 2, 7})) for gate in GATES)
    keys = {1: key.public_key().public_bytes_raw()}
    return Delta(estate=ESTATE, since=0, until=PASSES, made_at=now, passes=entries, gates=rules, keys=keys)


def _codes(key: Ed25519PrivateKey, count: int) -> list[str]:
    now = datetime.now(UTC)
    return [
        passes.mint(
            claims=passes.PassClaims(
                serial=number * 7919 % PASSES + 1,
                key_id=1,
                groups=_GROUPS,
                start=now - timedelta(days=1),
                end=now + timedelta(days=3),
                window=passes.window_at(now) + 1,
            ),
            key=key,
        )
        for number in range(count)
    ]


def _bare_commit(path: Path) -> Callable[[], object]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE lines (number INTEGER PRIMARY KEY, line TEXT)")
    return lambda: connection.execute("INSERT INTO lines (line) VALUES (?)", ("x" * 260,))


def _bare_sync(path: Path) -> Callable[[], object]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def sync() -> None:
        os.write(descriptor, b"x" * 260)
        os.fdatasync(descriptor)

    return sync


def rss_mb(pid: int) -> float:
    """Give a process's resident memory (MB)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _timed(call: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    answer = call()
    return (time.perf_counter() - started) * 1e3, answer


def _expect(true: bool) -> None:
    if not true:
        raise AssertionError("the bench measures something else than it says")


def _percentiles(name: str, times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {f"{name}_p50_ms": _median(ordered), f"{name}_p99_ms": ordered[len(ordered) * 99 // 100]}


def _median(times: list[float]) -> float:
    return sorted(times)[len(times) // 2]


if __name__ == "__main__":
    print(json.dumps(run(quick="--quick" in sys.argv)))
