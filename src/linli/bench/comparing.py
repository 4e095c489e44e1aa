"""Who may pass, compared: 51 terminals that each hold 20,000 people are read back whole and held against the list.

The terminals answer at once from memory, so that what is measured is the compare and nothing of a maker's protocol. On
each, ten people are missing, ten are left over and ten are out of date; the run counts only if all are put right. The floor
is the bare comparison of as many pairs of numbers and checksums.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from linli.bench.gate import ESTATE, GATES, everything
from linli.edge.agent import Agent
from linli.edge.clock import TrustedClock
from linli.edge.doors import WELL, Health
from linli.edge.drivers.simulated import SimulatedDoor
from linli.edge.reconciler import Reconciler
from linli.edge.store import JournalStore, ListStore
from linli.edge.store.people import PeopleStore
from linli.edge.terminals import Limits, Person, Told
from linli.gate.snapshot import Credential, Snapshot, apply

AMISS = 10
QUICK_GATES = 3
PATIENCE_S = 900.0


class Ready:
    """A terminal that takes and gives everything at once."""

    limits = Limits(people=0, page=1000)

    def __init__(self, gate: str) -> None:
        self.gate = gate
        self.people: dict[int, str] = {}
        self._told: Told | None = None

    def start(self, told: Told) -> None:
        """Begin."""
        self._told = told
        told.seen()

    def stop(self) -> None:
        """Stop."""

    def open(self, *, seconds: int | None) -> None:
        """Open nothing."""

    def release(self) -> None:
        """Release nothing."""

    def health(self) -> Health:
        """Be well."""
        return WELL

    def put(self, people: Iterable[Person]) -> None:
        """Take people in."""
        for person in people:
            self.people[person.number] = person.checksum
            self._teller.put(person.number, person.checksum)

    def drop(self, numbers: Iterable[int]) -> None:
        """Let people go."""
        for number in numbers:
            self.people.pop(number, None)
            self._teller.dropped(number)

    def read_back(self) -> None:
        """Give the whole list."""
        self._teller.listing(dict(self.people))

    @property
    def _teller(self) -> Told:
        if self._told is None:
            raise RuntimeError("not started")
        return self._told


def run(*, quick: bool = False) -> dict[str, object]:
    """Fill the terminals, spoil some of each list, compare and repair, and give the figures."""
    gates = GATES[:QUICK_GATES] if quick else GATES
    with tempfile.TemporaryDirectory(prefix="linli-bench-") as folder:
        agent, journal, store = _box(Path(folder), gates)
        reconciler = Reconciler(agent=agent, journal=journal, store=store, clock=TrustedClock())
        terminals = [Ready(gate) for gate in gates]
        for terminal in terminals:
            reconciler.add(f"T-{terminal.gate}", terminal)
        began = time.monotonic()
        whole = _until(reconciler.work, lambda: all(len(one.people) == _most(terminals) for one in terminals))
        filled = time.monotonic() - began
        good = [dict(terminal.people) for terminal in terminals]
        for terminal in terminals:
            _spoil(terminal)
        began = time.monotonic()
        reconciler.compare()
        mended = _until(
            reconciler.work, lambda: all(one.people == before for one, before in zip(terminals, good, strict=True))
        )
        compared = time.monotonic() - began
        floor = _floor(good)
        reconciler.stop()
    return {
        "terminals": len(terminals),
        "people": len(good[0]),
        "put_right": whole and mended,
        "fill_s": round(filled, 1),
        "reconcile_s": round(compared, 2),
        "floor_compare_s": round(floor, 3),
        "goal_reconcile_s": 30.0,
    }


def _box(home: Path, gates: tuple[str, ...]) -> tuple[Agent, JournalStore, PeopleStore]:
    listed = apply(Snapshot(estate=ESTATE), everything(Ed25519PrivateKey.generate()))
    cards = {
        ("CARD", f"{serial:08X}"): Credential(kind="CARD", value=f"{serial:08X}", serial=serial, version=serial)
        for serial in listed.passes
    }
    lists = ListStore(path=home / "list.sqlite3", estate=ESTATE, secret="bench")
    lists.replace(_with(listed, cards))
    journal = JournalStore(path=home / "journal.sqlite3", gates=gates)
    doors = {gate: SimulatedDoor() for gate in gates}
    agent = Agent(estate=ESTATE, doors=doors, list_store=lists, journal=journal, clock=TrustedClock())
    return agent, journal, PeopleStore(path=home / "people.sqlite3", secret="bench")


def _with(snapshot: Snapshot, cards: dict[tuple[str, str], Credential]) -> Snapshot:
    parts = {name: getattr(snapshot, name) for name in Snapshot.__dataclass_fields__}
    return Snapshot(**{**parts, "credentials": cards})


def _spoil(terminal: Ready) -> None:
    numbers = sorted(terminal.people)
    for number in numbers[:AMISS]:
        del terminal.people[number]
    for number in numbers[AMISS : 2 * AMISS]:
        terminal.people[number] = "altered"
    for number in range(AMISS):
        terminal.people[4_000_000_000 + number] = "left over"


def _until(work: Callable[[], None], so: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        work()
        if so():
            return True
        time.sleep(0.05)
    return False


def _most(terminals: list[Ready]) -> int:
    return max(1, max(len(one.people) for one in terminals))


def _floor(lists: list[dict[int, str]]) -> float:
    began = time.monotonic()
    amiss = 0
    for held in lists:
        wanted = dict(held)
        amiss += sum(wanted.get(number) != checksum for number, checksum in held.items())
        amiss += sum(number not in held for number in wanted)
    if amiss:
        raise AssertionError("the floor compares something else")
    return time.monotonic() - began
