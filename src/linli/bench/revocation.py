"""From check-out to the last of 51 receipts: real server, real agents (two boxes serve the 51 gates), check-outs one by one.

The floor is one HTTP round trip to the same server, measured in the same run. Goal: p99 below one second.
"""

import json
import threading
import time
import urllib.request
from datetime import timedelta
from typing import Any

from linli.bench.fresh import percentile
from linli.sim.people import person
from linli.sim.player import ZONE, Guest, Party, Player
from linli.supervise.day import OFFLINE_GATE, plan_for
from linli.supervise.instance import temporary

GUESTS, QUICK_GUESTS = 60, 8
GATES = 51


def run(*, quick: bool = False) -> dict[str, object]:
    """This will check guests in and out on a fresh estate and return the figures."""
    guests = QUICK_GUESTS if quick else GUESTS
    with temporary(say=lambda line: None, two_boxes=OFFLINE_GATE) as instance:
        player = Player(plan_for(instance, clock_file=None, guests=guests))
        staying = _checked_in(player, guests)
        floor = [_round_trip(instance.url) for _ in range(50)]
        for guest in staying:
            player.desk(player.plan.guard).call("POST", "/api/stays/me/check-out", token=guest.token)
            threading.Event().wait(0.3)
        threading.Event().wait(2.0)
        tally: dict[str, Any] = next(iter(json.loads(instance.run("tally").splitlines()[-1]).values()))
        player.gates.close()
    return {
        "checkouts": len(staying),
        "gates": GATES,
        "unreceipted": tally["revocations_unreceipted"],
        "revocation_p99_s": tally["revocation_p99_s"],
        "floor_round_trip_p99_s": round(percentile(floor, 99), 4),
        "goal_p99_s": 1.0,
    }


def _checked_in(player: Player, guests: int) -> list[Guest]:
    units = player.units()
    now = player.now().astimezone(ZONE).replace(microsecond=0)
    staying = []
    for place in range(guests):
        unit = units[place % len(units)]
        someone = person(index=place, seed=5, today=now.date(), kind="mainland")
        guest = Guest(person=someone, entrance=player.plan.entrances[unit["entrance_id"]])
        party = Party(unit=unit, guests=[guest])
        player.book(party, arrive=now, leave=now + timedelta(hours=20))
        player.register(party)
        staying.append(guest)
    return staying


def _round_trip(url: str) -> float:
    began = time.perf_counter()
    with urllib.request.urlopen(f"{url}/api/health", timeout=10) as response:
        response.read()
    return time.perf_counter() - began
