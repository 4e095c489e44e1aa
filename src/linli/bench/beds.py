"""Eight clients racing for one bed, 300 rounds: exactly one winner each, no deadlock, and how long a loser waits for its no.

Beside it, as the floor, the same race by raw SQL: advisory lock, look, insert. Goal: one winner in every round, p99 of a loser below 50 ms.
"""

import importlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django
import psycopg

from linli.bench.fresh import measured, percentile

NAME = "linli.bench.beds"
CLIENTS = 8
ROUNDS, QUICK_ROUNDS = 300, 30


def run(*, quick: bool = False) -> dict[str, object]:
    """This will race on a fresh seeded estate and return the figures."""
    return measured(NAME, str(QUICK_ROUNDS if quick else ROUNDS))


def race(rounds: int) -> dict[str, object]:
    """This will run the rounds in this process with a connection a thread."""
    actions = importlib.import_module("linli.server.stays.actions")
    lettings = importlib.import_module("linli.server.lettings.queries")
    places = importlib.import_module("linli.server.places.queries")
    clock = importlib.import_module("linli.server.kernel.clock")
    errors = importlib.import_module("linli.server.kernel.errors")
    period = importlib.import_module("linli.server.kernel.periods").Period
    actor = importlib.import_module("linli.server.kernel.actors").system(places.estate_ids()[0])
    unit = lettings.list_active_units(estate_id=actor.estate_id)[0]
    room = unit.rooms[0]
    start = clock.now()

    def ask(turn: int) -> bool:
        begin = start + timedelta(days=turn)
        wanted = actions.Wanted(
            unit_id=unit.id,
            period=period(start=begin, end=begin + timedelta(hours=20)),
            guests_expected=1,
            room_ids=[room.room_id],
        )
        try:
            actions.book(actor=actor, wanted=wanted, now=start)
        except errors.Refusal as refusal:
            if refusal.code != "bed_taken":
                raise
            return False
        return True

    ours = _rounds(rounds, ask, lambda: None)
    floor = _rounds(rounds, *_floor(rounds))
    return {
        "rounds": rounds,
        "clients": CLIENTS,
        "rounds_with_one_winner": ours["one"],
        "errors": ours["errors"],
        "loser_p50_ms": ours["p50"],
        "loser_p99_ms": ours["p99"],
        "floor_loser_p99_ms": floor["p99"],
        "ratio_to_floor_p50": round(float(ours["p50"]) / max(0.001, float(floor["p50"])), 2),
        "goal_loser_p99_ms": 50,
    }


def _rounds(rounds: int, ask: Callable[[int], bool], close: Callable[[], None]) -> dict[str, Any]:
    gate = threading.Barrier(CLIENTS)
    won: list[int] = [0] * rounds
    lost: list[float] = []
    problems: list[str] = []
    guard = threading.Lock()

    def client() -> None:
        for turn in range(rounds):
            gate.wait()
            began = time.perf_counter()
            try:
                winner = ask(turn)
            except Exception as problem:
                with guard:
                    problems.append(type(problem).__name__)
                continue
            with guard:
                won[turn] += winner
                if not winner:
                    lost.append((time.perf_counter() - began) * 1000)
        close()

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    one = sum(1 for count in won if count == 1)
    return {
        "one": one,
        "errors": len(problems),
        "p50": round(percentile(lost, 50), 2),
        "p99": round(percentile(lost, 99), 2),
    }


def _floor(rounds: int) -> tuple[Callable[[int], bool], Callable[[], None]]:
    local = threading.local()
    with psycopg.connect(os.environ["DATABASE_URL"]) as database:
        database.execute("CREATE TABLE floor_hold (turn int PRIMARY KEY)")

    def ask(turn: int) -> bool:
        if not hasattr(local, "database"):
            local.database = psycopg.connect(os.environ["DATABASE_URL"])
        with local.database.transaction():
            local.database.execute("SELECT pg_advisory_xact_lock(%s)", [turn])
            if local.database.execute("SELECT 1 FROM floor_hold WHERE turn = %s", [turn]).fetchone():
                return False
            local.database.execute("INSERT INTO floor_hold VALUES (%s)", [turn])
            return True

    return ask, lambda: local.database.close() if hasattr(local, "database") else None


if __name__ == "__main__":
    django.setup()
    print(json.dumps(race(int(sys.argv[1]))))
