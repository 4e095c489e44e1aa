"""One agent serves 51 doors at twenty passages a second: codes, cards and PINs, as they come on a busy evening.

The real command runs with 20,000 passes on its list. `scan_to_strike` is what the agent needs from the scan to the strike,
journal written through; `round_trip` adds HTTP and the machine's other work. The floor is a bare durable write, in turns.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from linli.bench.fresh import percentile
from linli.bench.gate import ESTATE, GATES, PASSES, everything, rss_mb
from linli.edge.store import JournalStore, ListStore
from linli.gate import passes
from linli.gate.snapshot import Credential, Snapshot, apply

RATE = 20.0
SECONDS, QUICK_SECONDS = 600, 15
WORKERS = 8


def run(*, quick: bool = False) -> dict[str, object]:
    """Measure for ten minutes, or some seconds, and give the figures."""
    seconds = QUICK_SECONDS if quick else SECONDS
    key = Ed25519PrivateKey.generate()
    with tempfile.TemporaryDirectory(prefix="linli-bench-") as folder:
        home = Path(folder)
        _prepare(home, key)
        with subprocess.Popen(_command(home), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as agent:
            try:
                assert agent.stdout is not None
                port = json.loads(agent.stdout.readline())["control_port"]
                answers, worked, wall, floor = _walk(home, agent.pid, port, key, seconds)
                weight = rss_mb(agent.pid)
            finally:
                agent.terminate()
                agent.wait()
        lines = _lines(home)
    opened = [answer for answer in answers if answer["open"]]
    struck = [sum(answer["ms"].values()) for answer in opened]
    return {
        "gates": len(GATES),
        "seconds": seconds,
        "passages": len(answers),
        "opened": len(opened),
        "refused": {reason: _count(answers, reason) for reason in {answer["reason"] for answer in answers} - {"OK"}},
        "scan_to_strike_p50_ms": round(percentile(struck, 50), 3),
        "scan_to_strike_p99_ms": round(percentile(struck, 99), 3),
        "round_trip_p99_ms": round(percentile([answer["round_trip_ms"] for answer in answers], 99), 3),
        "floor_commit_p99_ms": round(percentile(floor, 99), 3),
        "cpu_of_a_core": round(worked / wall, 3),
        "agent_mb": round(weight, 1),
        "lost_events": len(answers) - lines,
    }


def _prepare(home: Path, key: Ed25519PrivateKey) -> None:
    whole = apply(Snapshot(estate=ESTATE), everything(key))
    cards = {("CARD", f"{serial:08X}"): _proof("CARD", f"{serial:08X}", serial) for serial in range(1, PASSES + 1)}
    pins = {("PIN", f"{serial:06}"): _proof("PIN", f"{serial:06}", serial) for serial in range(1, PASSES + 1)}
    lists = ListStore(path=home / "list.sqlite3", estate=ESTATE, secret="box_bench.none")
    lists.replace(Snapshot(**{**_parts(whole), "credentials": {**cards, **pins}}))
    lists.close()
    nowhere = {"server": "http://127.0.0.1:9", "box": "box_bench", "secret": "none", "estate": ESTATE}
    (home / "enrolment.json").write_text(json.dumps({**nowhere, "gates": list(GATES)}), encoding="utf-8")


def _parts(snapshot: Snapshot) -> dict[str, Any]:
    return {name: getattr(snapshot, name) for name in Snapshot.__dataclass_fields__}


def _proof(kind: str, value: str, serial: int) -> Credential:
    return Credential(kind=kind, value=value, serial=serial, version=serial)


def _command(home: Path) -> list[str]:
    enrolment = str(home / "enrolment.json")
    return [sys.executable, "-m", "linli.edge.cli", "run", "--enrolment", enrolment, "--home", str(home)]


def _walk(
    home: Path, pid: int, port: int, key: Ed25519PrivateKey, seconds: int
) -> tuple[list[dict[str, Any]], float, float, list[float]]:
    began, busy = time.monotonic(), _cpu_seconds(pid)
    floor: list[float] = []
    over = threading.Event()
    beside = threading.Thread(target=_write_beside, args=(home / "floor.bin", floor, over))
    beside.start()
    local = threading.local()

    def pass_through(due: float, gate: str, scan: dict[str, str]) -> dict[str, Any]:
        client = local.__dict__.setdefault("client", httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False))
        time.sleep(max(0.0, due - time.monotonic()))
        asked = time.monotonic()
        answer: dict[str, Any] = client.post(f"/gates/{gate}/scan", json=scan).json()
        return {**answer, "round_trip_ms": (time.monotonic() - asked) * 1e3}

    with ThreadPoolExecutor(WORKERS) as people:
        waiting = [people.submit(pass_through, *who) for who in _crowd(key, began + 1.0, seconds)]
        answers = [one.result() for one in waiting]
    over.set()
    beside.join()
    return answers, _cpu_seconds(pid) - busy, time.monotonic() - began, floor


def _crowd(key: Ed25519PrivateKey, begin: float, seconds: int) -> Iterator[tuple[float, str, dict[str, str]]]:
    dice = random.Random(51)
    for number in range(int(RATE * seconds)):
        serial = dice.randrange(1, PASSES + 1)
        due = begin + number / RATE
        kind = dice.choices(("code", "card", "pin"), (6, 3, 1))[0]
        shown = {"code": "", "card": f"{serial:08X}", "pin": f"{serial:06}"}[kind]
        direction = "in" if dice.random() < 0.6 else "out"
        yield due, dice.choice(GATES), {"kind": kind, "code": shown or _code(key, serial, due), "direction": direction}


def _code(key: Ed25519PrivateKey, serial: int, due: float) -> str:
    at = datetime.now(UTC) + timedelta(seconds=max(0.0, due - time.monotonic()))
    claims = passes.PassClaims(
        serial=serial,
        key_id=1,
        groups=(1, 2, 7),
        start=at - timedelta(days=1),
        end=at + timedelta(days=2),
        window=passes.window_at(at),
    )
    return passes.mint(claims=claims, key=key)


def _write_beside(file: Path, times: list[float], over: threading.Event) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    while not over.wait(1.0):
        started = time.perf_counter()
        os.write(descriptor, b"x" * 260)
        os.fdatasync(descriptor)
        times.append((time.perf_counter() - started) * 1e3)
    os.close(descriptor)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _lines(home: Path) -> int:
    store = JournalStore(path=home / "journal.sqlite3", gates=GATES)
    try:
        return sum(head.sequence for head in store.heads().values())
    finally:
        store.close()


def _count(answers: list[dict[str, Any]], reason: str) -> int:
    return sum(answer["reason"] == reason for answer in answers)
