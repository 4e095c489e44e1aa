"""Reports through an outage, at a steady pace, and beside a platform that hangs: the real worker against the real simulator.

An outage: so many guests arrive while the lodging platform is not there; then it comes back and spoils three calls in ten. Goal: all
receipted within 120 s, none twice in its books, none silent. Steady: what was told of guests is amended sixty times a second; goal: 50
receipts a second, end to end, from the event in the outbox (what a check-out takes is another
benchmark's question). Beside a hanging platform: the p99 of a check-in against the p99 with a healthy one, in turns; goal: at most 1.2.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
import psycopg

from linli.bench import checkin
from linli.bench.fresh import measured, percentile

NAME = "linli.bench.links"
GUESTS, QUICK_GUESTS = 5_000, 300
FAULTS = 0.3
PACE = 60.0
TOGETHER = 6
TURNS = 6
TURN_GUESTS, QUICK_TURN_GUESTS = 100, 15
HANGING = {"latency_ms": 8000}
PATIENCE_SECONDS = 900.0
MOVING = "state IN ('QUEUED', 'SENDING', 'PENDING')"
OF_STAYS = "platform = 'lodging' AND subject_kind = 'stay'"


def run(*, quick: bool = False) -> dict[str, object]:
    """This will measure on a fresh seeded estate and return the figures."""
    return measured(
        NAME,
        "whole",
        str(QUICK_GUESTS if quick else GUESTS),
        str(QUICK_TURN_GUESTS if quick else TURN_GUESTS),
    )


def whole(guests: int, turn: int) -> dict[str, object]:
    """This will play the three parts in the database of DATABASE_URL."""
    port = _import("linli.sim.serving").free_port(host="127.0.0.1")
    environment = {**os.environ, "LINLI_LODGING_URL": f"http://127.0.0.1:{port}", "LINLI_LODGING_TOKEN": ""}
    with tempfile.TemporaryDirectory() as home:
        worker = _started([sys.executable, "-m", "linli.cli", "work"], environment, Path(home) / "worker.log")
        platform: subprocess.Popen[bytes] | None = None
        try:
            bookings = checkin.booked(guests + turn * TURNS)
            queued = _arrive_in_an_outage(bookings[:guests])
            platform = _platform(port, environment, home)
            drained = _drain(port)
            books = _books(port)
            _plan(port, {})
            steady = _amend_at_a_pace(guests)
            calm, hanging = _check_in_by_turns(bookings[guests:], port)
        finally:
            for process in filter(None, (worker, platform)):
                process.terminate()
                process.wait()
    return {
        "queued": queued,
        "receipted": _count(f"{OF_STAYS} AND kind = 'CHECK_IN' AND state = 'ACCEPTED'", below=guests),
        "parked": _count(f"{OF_STAYS} AND state IN ('PARKED', 'REJECTED')"),
        "duplicates": books["stays"] - guests + books["conflicting"],
        "repeated_calls": books["repeated"],
        "silent": _server("stays").count_silent(estate_id=_estate_id()),
        "drain_s": round(drained, 1),
        "goal_drain_s": 120,
        "steady_per_s": round(steady, 1),
        "goal_steady_per_s": 50,
        "checkin_p99_ms": {"healthy": round(calm * 1000, 1), "hanging": round(hanging * 1000, 1)},
        "checkin_p99_ratio": round(hanging / calm, 2),
        "goal_checkin_p99_ratio": 1.2,
        "faults": FAULTS,
    }


def _arrive_in_an_outage(bookings: list[str]) -> int:
    began = time.time() + checkin.STARTING_SECONDS
    shares = [bookings[place :: checkin.PROCESSES] for place in range(checkin.PROCESSES)]
    children = [checkin.child(share, place * 1_000_000, began) for place, share in enumerate(shares)]
    if any(child.wait() for child in children):
        raise RuntimeError("a measuring process failed")
    _until(lambda: _count(f"{OF_STAYS} AND kind = 'CHECK_IN'") >= len(bookings))
    return _count(f"{OF_STAYS} AND {MOVING}")


def _drain(port: int) -> float:
    began = time.monotonic()
    _until(lambda: not _count(f"{OF_STAYS} AND {MOVING}"))
    return time.monotonic() - began


def _amend_at_a_pace(guests: int) -> float:
    # By the clock and not as fast as can be: what is asked is whether the link keeps up, from the event in the outbox to the receipt.
    outbox, amended = _kernel("outbox"), _import("linli.server.stays.events").RegistrationAmended
    transaction = _import("django.db").transaction
    in_house = _ids("SELECT id FROM stays_stay WHERE state = 'IN_HOUSE' ORDER BY id LIMIT %s", guests)
    estate_id, now = _estate_id(), _kernel("clock").now
    began = time.monotonic()
    for place in range(0, len(in_house), TOGETHER):
        news = [
            (stay_id, amended(estate_id=estate_id, stay_id=stay_id, amended_at=now()))
            for stay_id in in_house[place : place + TOGETHER]
        ]
        with transaction.atomic():
            outbox.publish_all(news, estate_id=estate_id, now=now())
        time.sleep(max(0.0, began + (place + TOGETHER) / PACE - time.monotonic()))
    _until(lambda: _count(f"{OF_STAYS} AND kind = 'AMEND' AND state = 'ACCEPTED'") >= len(in_house))
    return len(in_house) / (time.monotonic() - began)


def _check_in_by_turns(bookings: list[str], port: int) -> tuple[float, float]:
    # In turns, so that a noisy minute of the machine falls on both.
    took: dict[bool, list[float]] = {False: [], True: []}
    size = len(bookings) // TURNS
    for number in range(TURNS):
        hanging = number % 2 == 1
        _plan(port, HANGING if hanging else {})
        share = bookings[number * size : (number + 1) * size]
        checkin.part(5_000_000 + number * 10_000, share, took=took[hanging].append)
        _plan(port, {})
        _until(lambda: not _count(f"{OF_STAYS} AND {MOVING}"))
    return percentile(took[False], 99), percentile(took[True], 99)


def _platform(port: int, environment: dict[str, str], home: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "linli.sim", "platform", "lodging", "--port", str(port)]
    command += ["--faults", str(FAULTS), "--books", f"{home}/books.sqlite3"]
    started = _started(command, environment, Path(home) / "platform.log")
    _until(lambda: _answers(port))
    return started


def _started(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(command, env=environment, stdout=output, stderr=output)


def _answers(port: int) -> bool:
    try:
        _fetch(f"http://127.0.0.1:{port}/health")
    except OSError:
        return False
    return True


def _books(port: int) -> dict[str, Any]:
    # The books too may answer with a fault of the plan's latency, never with a wrong count.
    told: dict[str, Any] = _fetch(f"http://127.0.0.1:{port}/lodging/v1/books?size=1")
    return told


def _plan(port: int, faults: dict[str, float]) -> None:
    _fetch(f"http://127.0.0.1:{port}/faults", json.dumps(faults).encode())


def _fetch(url: str, body: bytes | None = None) -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=30) as answer:
        return json.load(answer)


def _until(so: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE_SECONDS
    while not so():
        if time.monotonic() > limit:
            raise RuntimeError("waited too long")
        time.sleep(0.05)


def _count(condition: str, *, below: int | None = None) -> int:
    with psycopg.connect(os.environ["DATABASE_URL"]) as database:
        row = database.execute(f"SELECT count(*) FROM connectors_report WHERE {condition}").fetchone()  # type: ignore[arg-type]
    found = int(row[0]) if row else 0
    return found if below is None else min(found, below)


def _ids(statement: str, most: int) -> list[str]:
    with psycopg.connect(os.environ["DATABASE_URL"]) as database:
        return [row[0] for row in database.execute(statement, [most]).fetchall()]  # type: ignore[arg-type]


def _estate_id() -> str:
    return str(_server("places").estate_ids()[0])


def _server(domain: str) -> Any:
    return _import(f"linli.server.{domain}.queries")


def _kernel(module: str) -> Any:
    return _import(f"linli.server.kernel.{module}")


def _import(name: str) -> Any:
    # By name: the models can be loaded only once Django is set up, which a measuring process does first.
    return importlib.import_module(name)


if __name__ == "__main__":
    django.setup()
    match sys.argv[1:]:
        case ["whole", guests, turn]:
            print(json.dumps(whole(int(guests), int(turn))))
