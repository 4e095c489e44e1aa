"""Power cuts in the middle of a day: server, worker, gate agents and PostgreSQL are killed outright, more than once each.

Nothing that was acknowledged may be lost, and nothing may stand twice in the platform's books.
"""

import os
import signal
import threading
from collections.abc import Callable

from linli.supervise.day import OFFLINE_GATE, holds, play
from linli.supervise.instance import Instance, temporary

GUESTS = 24
ROUNDS = 2
BETWEEN_SECONDS = 3.0


def test_the_day_survives_kill_nine_of_every_process() -> None:
    killed: list[str] = []
    with temporary(say=lambda line: None, faults=0.05, two_boxes=OFFLINE_GATE) as instance:
        over = threading.Event()
        killer = threading.Thread(target=_kill_in_turn, args=(instance, over, killed.append))
        killer.start()
        try:
            counted = play(instance, clock_file=instance.clock_file, guests=GUESTS, say=lambda line: None)
        finally:
            over.set()
            killer.join()
        audit = instance.run("audit", "verify")
    assert set(killed) == {"server", "worker", "gates-estate", "gates-alone", "postgres"}
    assert holds(counted), counted
    assert counted["registered"] == GUESTS
    # Both sides' books: every message about a guest once, in each case the same one; flats and staff come on top, as they are found.
    assert counted["books_equal"]
    assert counted["reported"] >= 2 * GUESTS
    assert counted["books"]["conflicting"] == 0
    assert counted["books"]["stays"] == counted["books"]["guests_left"] == GUESTS
    assert "faults=()" in audit


def _kill_in_turn(instance: Instance, over: threading.Event, told: Callable[[str], None]) -> None:
    names = ["worker", "gates-estate", "server", "postgres", "gates-alone"]
    for name in names * ROUNDS:
        if over.wait(BETWEEN_SECONDS):
            return
        pid = _pid(instance, name)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            told(name)


def _pid(instance: Instance, name: str) -> int | None:
    if name == "postgres":
        assert instance.cluster is not None
        return instance.cluster.postmaster()
    return instance.keeper.children[name].pid
