"""Cameras that know faces, for a box that has any; without one nothing of this is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from linli.edge.agent import Agent
from linli.edge.album import Album
from linli.edge.doors import Outcome
from linli.edge.drivers.camera import CameraReader, FaceWatch
from linli.edge.store.templates import TemplateStore
from linli.faces import models
from linli.faces.engine import Engine
from linli.faces.gallery import Gallery, template_from_bytes
from linli.gate.decision import Direction, Kind, Reason, Scan
from linli.gate.snapshot import FaceRule
from linli.gate.wire import FaceSheet


class Shelf:
    """A gallery as the album fills it."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery

    def hold(self, sheet: FaceSheet, *, holder: str) -> None:
        """Hold one. Raises ValueError for one of another model, or that is none."""
        self._gallery.add(template_from_bytes(sheet.template, id=sheet.id, model=sheet.model, holder=holder))

    def drop(self, id: str) -> bool:
        """Forget one."""
        return self._gallery.drop(id)


class Cameras:
    """The cameras of one box: one engine, one gallery. Raises BadModels."""

    def __init__(
        self, *, agent: Agent, store: TemplateStore, now: Callable[[], datetime], gates: Iterable[str]
    ) -> None:
        self._agent = agent
        self._engine = Engine(registry=models.load(models.home()))
        # Now, and not when the first person stands there: a file that is missing or altered is known at the start.
        self._engine.warm_up()
        self._gallery = Gallery(model=self._engine.model)
        self.album = Album(store=store, faces=Shelf(self._gallery), gates=gates, now=now)
        self._watches: list[tuple[str, FaceWatch]] = []

    def reader(self, *, gate: str, direction: str, source: Path | str) -> CameraReader:
        """Make the reader of one camera."""
        watch = FaceWatch(
            engine=self._engine,
            gallery=self._gallery,
            among=lambda: self.album.among(gate, self._agent.snapshot),
            rule=lambda: self._rule(gate),
        )
        self._watches.append((gate, watch))
        return CameraReader(gate=gate, source=source, watch=watch, direction=Direction(direction))

    def heard(self, scan: Scan, outcome: Outcome) -> None:
        """Look for the holder of a pass that was shown at the same gate otherwise than by face, if it was good."""
        watches = [watch for gate, watch in self._watches if gate == scan.gate]
        serial = outcome.verdict.serial
        if not watches or scan.kind is Kind.FACE or outcome.verdict.reason is not Reason.OK or serial is None:
            return
        snapshot = self._agent.snapshot
        for id in sorted(self.album.among(scan.gate, snapshot)):
            known = snapshot.credentials.get((Kind.FACE.value, id))
            if known is not None and known.serial == serial:
                for watch in watches:
                    watch.narrow(id)
                return

    def _rule(self, gate: str) -> FaceRule:
        rule = self._agent.snapshot.gates.get(gate)
        return rule.face if rule is not None else FaceRule()
