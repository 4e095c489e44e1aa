"""One box put together: stores, doors, agent, readers and line, started in the order in which they are needed."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from linli.edge.agent import Agent, UnknownGate
from linli.edge.clock import TrustedClock
from linli.edge.doors import Door, Reader
from linli.edge.drivers.frames import FrameReader
from linli.edge.drivers.simulated import ControlPort, SimulatedDoor
from linli.edge.enrolment import Enrolment
from linli.edge.store import JournalStore, ListStore
from linli.edge.uplink import Uplink
from linli.gate.decision import Direction

LIST_FILE, JOURNAL_FILE, ENROLMENT_FILE = "list.sqlite3", "journal.sqlite3", "box.json"
_KEEP_HOUSE_S = 0.5
_FORGET_EVERY_S = 3600.0
_log = logging.getLogger("linli.gate")


class AlreadyRunning(Exception):
    """Another agent works in that home; two would break the chain of the journal."""


class Box:
    """An agent and all that it needs, in one home folder. Raises AlreadyRunning, or OSError for a port that is taken.

    A disk that fails is no reason not to start: the way out must open.
    """

    def __init__(
        self,
        *,
        enrolment: Enrolment,
        home: Path,
        control_port: int,
        clock_file: Path | None = None,
        doors: Mapping[str, Door] | None = None,
    ) -> None:
        self._lock = _take_home(home, enrolment)
        self.clock = TrustedClock(offset_file=clock_file)
        self.journal = JournalStore(path=home / JOURNAL_FILE, gates=enrolment.gates, first=enrolment.journal_from)
        self.agent = Agent(
            estate=enrolment.estate,
            doors=doors or {gate: SimulatedDoor() for gate in enrolment.gates},
            list_store=ListStore(path=home / LIST_FILE, estate=enrolment.estate, secret=enrolment.token),
            journal=self.journal,
            clock=self.clock,
        )
        self.uplink = Uplink(enrolment=enrolment, agent=self.agent, journal=self.journal, clock=self.clock)
        self.control = ControlPort(agent=self.agent, journal=self.journal, uplink=self.uplink, port=control_port)
        self.readers: list[Reader] = [self.control]
        self._stopping = threading.Event()
        self._housekeeper = threading.Thread(target=self._keep_house, name="housekeeping", daemon=True)

    def watch(self, *, gate: str, direction: str, source: Path) -> None:
        """Add a reader of pictures to a gate. Raises UnknownGate."""
        if gate not in self.agent.doors:
            raise UnknownGate(f"this box does not serve {gate}")
        self.readers.append(FrameReader(gate=gate, source=source, direction=Direction(direction)))

    def start(self) -> None:
        """Serve the doors at once, and then look for the server."""
        for reader in self.readers:
            reader.start(self.agent.present)
        self._housekeeper.start()
        self.uplink.start()

    def stop(self) -> None:
        """Stop in the opposite order; nothing that was promised is lost."""
        self._stopping.set()
        for reader in self.readers:
            reader.stop()
        self.uplink.stop()
        self._housekeeper.join(timeout=3)
        self.agent.keep_house()
        self.journal.close()
        if self._lock is not None:
            os.close(self._lock)

    def _keep_house(self) -> None:
        forgot_at = time.monotonic()
        while not self._stopping.wait(_KEEP_HOUSE_S):
            self.agent.keep_house()
            if time.monotonic() - forgot_at > _FORGET_EVERY_S:
                forgot_at = time.monotonic()
                self.agent.forget()


def run_until_stopped(box: Box) -> None:
    """Run a box until it is told to stop by SIGTERM or SIGINT; the first line on standard output says it is ready."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    box.start()
    print(json.dumps({"ready": True, "control_port": box.control.port, "gates": list(box.agent.doors)}), flush=True)
    while not stop.wait(1.0):
        continue
    box.stop()


def _take_home(home: Path, enrolment: Enrolment) -> int | None:
    """Make the home ready and take it; without a lock if the disk does not even allow that."""
    lock = None
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = os.open(home / "agent.lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # What is needed to look into the stores, without the enrolment, which holds the secret.
        words = {"box": enrolment.box, "estate": enrolment.estate, "gates": list(enrolment.gates)}
        (home / ENROLMENT_FILE).write_text(json.dumps(words), encoding="utf-8")
    except BlockingIOError:
        raise AlreadyRunning(f"another agent works in {home}") from None
    except OSError as problem:
        _log.error("%s cannot be used: %s", home, problem)
    return lock
