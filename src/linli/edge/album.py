"""The faces that a box may know: they follow the list, and go from memory and disk before the list is receipted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from linli.edge.store.templates import TemplateStore
from linli.gate.decision import Kind
from linli.gate.snapshot import PassEntry, PassState, Snapshot
from linli.gate.wire import FaceSheet

_log = logging.getLogger("linli.gate")


class Faces(Protocol):
    """Where templates are searched."""

    def hold(self, sheet: FaceSheet, *, holder: str) -> None:
        """Hold one. Raises ValueError for one that cannot be used here."""

    def drop(self, id: str) -> bool:
        """Forget one."""


class Album:
    """The templates of one box with cameras, in `faces` and on the disk. Safe to call from many threads."""

    def __init__(
        self, *, store: TemplateStore, faces: Faces, gates: Iterable[str], now: Callable[[], datetime]
    ) -> None:
        self._store, self._faces, self._gates, self._now = store, faces, tuple(gates), now
        self._lock = threading.Lock()
        self._held: set[str] = set()
        self._refused: set[str] = set()

    def __len__(self) -> int:
        with self._lock:
            return len(self._held)

    def load(self, snapshot: Snapshot) -> None:
        """Hold what the disk has and the list lets live; the rest is deleted. Raises StoreFailed."""
        sheets = self._store.load()
        with self._lock:
            self._held = {sheet.id for sheet in sheets}
        self.follow(snapshot)
        self._hold([sheet for sheet in sheets if sheet.id in self._held], snapshot)

    def follow(self, snapshot: Snapshot) -> None:
        """Forget who may no longer pass here: from memory at once, and from the disk. Raises StoreFailed."""
        with self._lock:
            gone = [id for id in self._held if self._entry(id, snapshot) is None]
            for id in gone:
                self._faces.drop(id)
            if gone:
                self._store.drop(gone)
                self._held.difference_update(gone)

    def missing(self, snapshot: Snapshot) -> list[str]:
        """Name the templates that the list lets live and that are not here."""
        with self._lock:
            known = self._held | self._refused
        named = [value for kind, value in snapshot.credentials if kind == Kind.FACE.value and value not in known]
        return sorted(id for id in named if self._entry(id, snapshot) is not None)

    def take(self, sheets: Iterable[FaceSheet], snapshot: Snapshot) -> None:
        """Keep templates that were sent, and hold them. Raises StoreFailed."""
        wanted = [sheet for sheet in sheets if self._entry(sheet.id, snapshot) is not None]
        with self._lock:
            self._store.add(wanted)
            self._held.update(sheet.id for sheet in wanted)
        self._hold(wanted, snapshot)

    def among(self, gate: str, snapshot: Snapshot) -> frozenset[str]:
        """Name the templates of those whose pass opens this gate now."""
        rule = snapshot.gates.get(gate)
        if rule is None or (rule.ways and Kind.FACE.value not in rule.ways):
            return frozenset()
        with self._lock:
            held = list(self._held)
        now = self._now()
        entries = ((id, self._entry(id, snapshot)) for id in held)
        return frozenset(
            id for id, entry in entries if entry and entry.start <= now and not rule.groups.isdisjoint(entry.groups)
        )

    def _hold(self, sheets: Iterable[FaceSheet], snapshot: Snapshot) -> None:
        for sheet in sheets:
            entry = self._entry(sheet.id, snapshot)
            if entry is None:
                continue
            try:
                self._faces.hold(sheet, holder=f"{entry.serial:016x}")
            except ValueError as problem:
                _log.error("a template cannot be used here: %s", problem)
                self._refused.add(sheet.id)

    def _entry(self, id: str, snapshot: Snapshot) -> PassEntry | None:
        """Give the pass of a template that may be here; None if it may not."""
        known = snapshot.credentials.get((Kind.FACE.value, id))
        entry = snapshot.passes.get(known.serial) if known is not None and known.live else None
        if entry is None or entry.state is not PassState.ACTIVE or self._now() >= entry.end:
            return None
        groups = set().union(*(snapshot.gates[gate].groups for gate in self._gates if gate in snapshot.gates))
        return None if groups.isdisjoint(entry.groups) else entry
