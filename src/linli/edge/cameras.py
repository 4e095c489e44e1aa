"""Cameras that know faces, for a box that has any; without one nothing of this is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from linli.edge.agent import Agent
from linli.edge.album import Album
from linli.edge.drivers.camera import CameraReader, FaceWatch
from linli.edge.store.templates import TemplateStore
from linli.faces import models
from linli.faces.engine import Engine
from linli.faces.gallery import Gallery, template_from_bytes
from linli.gate.decision import Direction
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
        self._gallery = Gallery(model=self._engine.model)
        self.album = Album(store=store, faces=Shelf(self._gallery), gates=gates, now=now)

    def reader(self, *, gate: str, direction: str, source: Path | str) -> CameraReader:
        """Make the reader of one camera."""
        watch = FaceWatch(
            engine=self._engine,
            gallery=self._gallery,
            among=lambda: self.album.among(gate, self._agent.snapshot),
            rule=lambda: self._rule(gate),
        )
        return CameraReader(gate=gate, source=source, watch=watch, direction=Direction(direction))

    def _rule(self, gate: str) -> FaceRule:
        rule = self._agent.snapshot.gates.get(gate)
        return rule.face if rule is not None else FaceRule()
