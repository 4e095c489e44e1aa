"""One box put together: stores, doors, agent, readers and line, started in the order in which they are needed."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from linli.edge.agent import Agent, UnknownGate
from linli.edge.album import Album
from linli.edge.clock import TrustedClock
from linli.edge.doors import Door, Health, Outcome, Present, Reader
from linli.edge.drivers.frames import FrameReader
from linli.edge.drivers.simulated import ControlPort, SimulatedDoor
from linli.edge.enrolment import Enrolment
from linli.edge.errands import Errands
from linli.edge.fitting import Fitting
from linli.edge.reconciler import Reconciler
from linli.edge.store import JournalStore, ListStore, StoreFailed
from linli.edge.store.people import PeopleStore
from linli.edge.store.templates import TemplateStore
from linli.edge.uplink import Uplink
from linli.faces.models import BadModels
from linli.gate.decision import Clock, Direction, Scan

if TYPE_CHECKING:
    from linli.edge.cameras import Cameras

LIST_FILE, JOURNAL_FILE, ENROLMENT_FILE = "list.sqlite3", "journal.sqlite3", "box.json"
PEOPLE_FILE, TEMPLATES_FILE = "people.sqlite3", "templates.sqlite3"
_KEEP_HOUSE_S = 0.5
_FORGET_EVERY_S = 3600.0
_log = logging.getLogger("linli.gate")


class AlreadyRunning(Exception):
    """Another agent works in that home; two would break the chain of the journal."""


class Box:
    """An agent and all that it needs, in one home folder. Raises AlreadyRunning, or OSError for a port that is taken.

    A disk that fails, or a camera without its models, is no reason not to start: the way out must open.
    """

    def __init__(
        self,
        *,
        enrolment: Enrolment,
        home: Path,
        control_port: int,
        clock_file: Path | None = None,
        doors: Mapping[str, Door] | None = None,
        cameras: Sequence[tuple[str, str, Path | str]] = (),
        devices_at: tuple[str, int] = ("", 0),
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
        self.people = PeopleStore(path=home / PEOPLE_FILE, secret=enrolment.token)
        self.reconciler = Reconciler(agent=self.agent, journal=self.journal, store=self.people, clock=self.clock)
        host, port = devices_at
        self._fitting = Fitting(
            agent=self.agent, reconciler=self.reconciler, clock=self.clock, home=home, host=host, port=port
        )
        self._templates = TemplateStore(path=home / TEMPLATES_FILE, secret=enrolment.token)
        self._cameras: Cameras | None = None
        eyes = self._open_eyes(cameras)
        self._album: Album | None = self._cameras.album if self._cameras is not None else None
        self.uplink = Uplink(
            enrolment=enrolment,
            agent=self.agent,
            journal=self.journal,
            clock=self.clock,
            errands=Errands(
                agent=self.agent,
                reconciler=self.reconciler,
                store=self.people,
                clock=self.clock,
                build=self._fitting.build,
                album=self._album,
            ),
        )
        self.control = ControlPort(
            agent=self.agent,
            journal=self.journal,
            uplink=self.uplink,
            port=control_port,
            faces=lambda: len(self._album) if self._album is not None else 0,
            parts=lambda: {name: eye.health() for name, eye in eyes.items()},
        )
        self.readers: list[Reader] = [self.control, *eyes.values()]
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
            reader.start(self._present)
        self._housekeeper.start()
        try:
            # Known from last time: a box that starts without its server still looks after its devices.
            self._fitting.build(self.people.plans())
        except StoreFailed as problem:
            _log.error("the terminals known last cannot be read: %s", problem)
        self.reconciler.start()
        self.uplink.start()

    def stop(self) -> None:
        """Stop in the opposite order; nothing that was promised is lost."""
        self._stopping.set()
        for reader in self.readers:
            reader.stop()
        self.uplink.stop()
        self.reconciler.stop()
        self._housekeeper.join(timeout=3)
        self.agent.keep_house()
        self._templates.close()
        self.journal.close()
        if self._lock is not None:
            os.close(self._lock)

    def _present(self, scan: Scan) -> Outcome:
        outcome = self.agent.present(scan)
        if self._cameras is not None:
            self._cameras.heard(scan, outcome)
        return outcome

    def _open_eyes(self, cameras: Sequence[tuple[str, str, Path | str]]) -> dict[str, Reader]:
        """Put the cameras together; a box whose cameras do not look keeps no face, whatever an earlier one left."""
        for gate, _, _ in cameras:
            if gate not in self.agent.doors:
                raise UnknownGate(f"this box does not serve {gate}")
        try:
            if not cameras:
                self._templates.clear()
                return {}
            try:
                return self._looking(cameras)
            except (BadModels, ImportError) as problem:
                trouble = str(problem)
                self._templates.clear()
        except StoreFailed as problem:
            trouble = f"faces cannot be kept: {problem}"
        self._cameras = None
        _log.error("no camera looks: %s", trouble)
        return {_eye_name(gate, direction): _Blind(trouble) for gate, direction, _ in cameras}

    def _looking(self, cameras: Sequence[tuple[str, str, Path | str]]) -> dict[str, Reader]:
        # Loaded here and not above: models and mathematics cost a box without cameras half its memory.
        from linli.edge.cameras import Cameras  # noqa: PLC0415

        self._cameras = Cameras(
            agent=self.agent, store=self._templates, now=lambda: self.clock.read().now, gates=self.agent.doors
        )
        self._cameras.album.load(self.agent.snapshot)
        return {
            _eye_name(gate, direction): self._cameras.reader(gate=gate, direction=direction, source=source)
            for gate, direction, source in cameras
        }

    def _let_faces_go(self) -> None:
        """Forget faces whose pass ended, also while nobody tells us to."""
        reading = self.clock.read()
        if self._album is None or reading.clock is Clock.UNSURE:
            return
        try:
            self._album.follow(self.agent.snapshot)
        except StoreFailed as problem:
            _log.error("a face cannot be deleted: %s", problem)

    def _keep_house(self) -> None:
        forgot_at = time.monotonic()
        while not self._stopping.wait(_KEEP_HOUSE_S):
            self.agent.keep_house()
            self._let_faces_go()
            if time.monotonic() - forgot_at > _FORGET_EVERY_S:
                forgot_at = time.monotonic()
                self.agent.forget()


class _Blind:
    """A camera that cannot look: its health says why, and its gate goes on without it."""

    def __init__(self, words: str) -> None:
        self._words = words

    def start(self, present: Present) -> None:
        """Look at nothing."""

    def stop(self) -> None:
        """Nothing was begun."""

    def health(self) -> Health:
        """Say why it does not look."""
        return Health(well=False, words=self._words)


def _eye_name(gate: str, direction: str) -> str:
    return f"camera {gate}" if direction == "in" else f"camera {gate} {direction}"


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
