"""What a box has to do with its server beyond list and journal: its terminals, its faces, and what it is asked to do."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from linli.edge.agent import Agent, UnknownGate
from linli.edge.album import Album
from linli.edge.clock import TrustedClock
from linli.edge.doors import DoorFailed
from linli.edge.reconciler import Reconciler
from linli.edge.store.database import StoreFailed
from linli.edge.store.people import PeopleStore
from linli.gate import wire
from linli.gate.decision import Kind, Scan
from linli.gate.snapshot import Delta
from linli.gate.wire import Command, CommandKind, CommandOutcome, CommandReply, TerminalPlan

MOST_FACES = 100
_log = logging.getLogger("linli.gate")


class Ask(Protocol):
    """Asks the server; None when it does not know such a route. Raises Unreachable."""

    def __call__(self, method: str, path: str, body: bytes | None = None) -> bytes | None:
        """Ask."""


class Errands:
    """The errands of one box. `build` puts its terminals together as planned."""

    def __init__(
        self,
        *,
        agent: Agent,
        reconciler: Reconciler,
        store: PeopleStore,
        clock: TrustedClock,
        build: Callable[[tuple[TerminalPlan, ...]], None],
        album: Album | None = None,
    ) -> None:
        self._agent, self._reconciler, self._store, self._clock = agent, reconciler, store, clock
        self._build, self._album = build, album
        self._plan_wanted = threading.Event()
        self._plan_wanted.set()
        self._followed = agent.snapshot.version
        self._done: dict[str, CommandReply] = {}

    def on_change(self, wake: Callable[[], None]) -> None:
        """Have somebody woken when there is something to tell."""
        self._reconciler.on_change = wake

    def look_again(self) -> None:
        """Have the plan of the terminals fetched anew."""
        self._plan_wanted.set()

    def follow(self, delta: Delta) -> None:
        """Follow the list: faces that it no longer lets live are gone when this returns. Raises StoreFailed."""
        if any(rule.gate in self._agent.doors for rule in delta.gates):
            self._plan_wanted.set()
        snapshot = self._agent.snapshot
        if self._album is not None:
            self._album.follow(snapshot)
        self._followed = snapshot.version

    def is_followed(self, version: int) -> bool:
        """Say whether what is kept of faces follows that version."""
        return self._album is None or self._followed >= version

    def settled(self, gate: str) -> int | None:
        """Say up to which version a gate's devices confirmed; None for a gate without any."""
        return self._reconciler.settled_version(gate)

    def run(self, ask: Ask) -> None:
        """Fetch the plan and missing faces, and tell what changed. Raises BadMessage, StoreFailed or what `ask` raises."""
        if self._plan_wanted.is_set():
            self._plan_wanted.clear()
            try:
                self._fetch_plan(ask)
            except BaseException:
                self._plan_wanted.set()
                raise
        reports = self._reconciler.reports()
        if reports and ask("POST", "/api/gate/terminal-reports", wire.encode_reports(reports)) is not None:
            self._reconciler.accepted(reports)
        self._fetch_faces(ask)

    def obey(self, ask: Ask) -> None:
        """Do what is asked, each once, and answer. Raises BadMessage or what `ask` raises."""
        raw = ask("GET", "/api/gate/commands")
        for command in wire.decode_commands(raw) if raw is not None else ():
            reply = self._reply(command)
            ask("POST", f"/api/gate/commands/{command.id}", wire.encode_reply(reply))

    def _fetch_plan(self, ask: Ask) -> None:
        raw = ask("GET", "/api/gate/terminals")
        if raw is not None:
            plans = wire.decode_terminals(raw)
            self._build(plans)
            self._store.save_plans(plans)

    def _fetch_faces(self, ask: Ask) -> None:
        if self._album is None:
            return
        missing = self._album.missing(self._agent.snapshot)
        for start in range(0, len(missing), MOST_FACES):
            raw = ask("GET", f"/api/gate/faces?ids={','.join(missing[start : start + MOST_FACES])}")
            if raw is None:
                return
            self._album.take(wire.decode_faces(raw), self._agent.snapshot)

    def _reply(self, command: Command) -> CommandReply:
        done = self._done.get(command.id) or self._done_before(command.id)
        if done is not None:
            return done
        # Begun is on the disk before it is done: an opening asked for once must not come twice.
        self._keep(command.id, "", "")
        reply = self._do(command)
        self._done = {**dict(list(self._done.items())[-200:]), command.id: reply}
        self._keep(command.id, reply.outcome.value, reply.words)
        return reply

    def _do(self, command: Command) -> CommandReply:
        if self._clock.read().now >= command.expires_at:
            return CommandReply(outcome=CommandOutcome.EXPIRED)
        try:
            match command.kind:
                case CommandKind.OPEN:
                    scan = Scan(gate=command.gate, kind=Kind.REMOTE, by=command.by, why=command.why)
                    verdict = self._agent.present(scan).verdict
                    outcome = CommandOutcome.DONE if verdict.open else CommandOutcome.FAILED
                    return CommandReply(outcome=outcome, words=verdict.reason.value)
                case CommandKind.RELEASE:
                    self._agent.release(gate=command.gate, by=command.by)
                    return CommandReply(outcome=CommandOutcome.DONE)
                case CommandKind.LISTING | CommandKind.COMPARE:
                    asked = self._reconciler.compare(command.gate)
                    outcome = CommandOutcome.DONE if asked else CommandOutcome.FAILED
                    return CommandReply(outcome=outcome, words=f"{asked} asked")
        except (UnknownGate, DoorFailed) as problem:
            return CommandReply(outcome=CommandOutcome.FAILED, words=str(problem)[:200])

    def _done_before(self, id: str) -> CommandReply | None:
        try:
            known = self._store.command(id)
        except StoreFailed:
            return None
        if known is None:
            return None
        outcome, words = known
        if not outcome:
            return CommandReply(outcome=CommandOutcome.FAILED, words="the box stopped while it was at it")
        return CommandReply(outcome=CommandOutcome(outcome), words=words)

    def _keep(self, id: str, outcome: str, words: str) -> None:
        try:
            self._store.note_command(id, outcome=outcome, words=words, at=self._clock.read().now)
        except StoreFailed as problem:
            _log.error("a command is not kept: %s", problem)
