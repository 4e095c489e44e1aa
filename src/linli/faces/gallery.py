"""The templates that are valid here and now: a matrix in memory, searched whole; forgetting a person is losing a row."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

LENGTH = 512
_FIRST_ROWS = 64
_LENGTH_MAY_DIFFER = 1e-3

Vector = NDArray[np.float32]
"""512 numbers of length one."""


class OtherModel(ValueError):
    """Templates of two models cannot be compared."""


class BadTemplate(ValueError):
    """That is not 512 finite numbers of length one."""


class Miss(StrEnum):
    """Why nobody was found."""

    NOBODY = "NOBODY"
    TOO_CLOSE = "TOO_CLOSE"
    TOO_MANY = "TOO_MANY"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Template:
    """A face as numbers, by the model that made them. Templates of one `holder` do not stand against each other."""

    id: str
    model: str
    vector: Vector = field(repr=False)
    holder: str = ""

    def __post_init__(self) -> None:
        vector = np.array(self.vector, dtype=np.float32, copy=True)
        right = vector.shape == (LENGTH,) and bool(np.isfinite(vector).all())
        if not right or abs(float(np.linalg.norm(vector)) - 1.0) > _LENGTH_MAY_DIFFER:
            raise BadTemplate("a template is 512 finite numbers of length one")
        vector.flags.writeable = False
        object.__setattr__(self, "vector", vector)

    def to_bytes(self) -> bytes:
        """Write the numbers down to be sealed and sent: 2,048 bytes. The ids travel beside them."""
        return self.vector.astype("<f4").tobytes()


def template_from_bytes(raw: bytes, *, id: str, model: str, holder: str = "") -> Template:
    """Read a template that was written down. Raises BadTemplate."""
    if len(raw) != LENGTH * 4:
        raise BadTemplate("a template is 512 finite numbers of length one")
    return Template(id=id, model=model, holder=holder, vector=np.frombuffer(raw, dtype="<f4").astype(np.float32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Who it is: the cosine, and how far the next other person stands behind (the whole cosine, where there is no other)."""

    id: str
    score: float
    margin: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NoMatch:
    """Nobody, and why; `score` is the best there was, 0 where none was compared."""

    reason: Miss
    score: float = 0.0


class Gallery:
    """Templates of one model. Safe to use from several threads."""

    def __init__(self, *, model: str) -> None:
        self.model = model
        self._lock = threading.Lock()
        self._matrix = np.zeros((_FIRST_ROWS, LENGTH), dtype=np.float32)
        self._rows: dict[str, int] = {}
        self._ids: list[str] = []
        self._holders: list[str] = []

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, id: str) -> bool:
        return id in self._rows

    def ids(self) -> frozenset[str]:
        """Name every template that is held."""
        with self._lock:
            return frozenset(self._rows)

    def add(self, template: Template) -> None:
        """Hold a template, in place of an older one by the same id. Raises OtherModel."""
        self._same(template.model)
        with self._lock:
            row = self._rows.get(template.id)
            if row is None:
                row = self._new_row(template.id)
            self._matrix[row] = template.vector
            self._holders[row] = template.holder

    def drop(self, id: str) -> bool:
        """Forget a template: its numbers are overwritten before this returns. Says whether it was there."""
        with self._lock:
            row = self._rows.pop(id, None)
            if row is None:
                return False
            last = len(self._ids) - 1
            if row != last:
                self._matrix[row] = self._matrix[last]
                self._ids[row], self._holders[row] = self._ids[last], self._holders[last]
                self._rows[self._ids[row]] = row
            self._matrix[last] = 0.0
            self._ids.pop()
            self._holders.pop()
            return True

    def clear(self) -> None:
        """Forget every template."""
        with self._lock:
            self._matrix[:] = 0.0
            self._rows.clear()
            self._ids.clear()
            self._holders.clear()

    def search(
        self, template: Template, *, among: Collection[str], threshold: float, margin: float, cap: int
    ) -> Match | NoMatch:
        """Find who it is among those named. More than `cap` of them held here are not searched: a second factor is due.

        Raises OtherModel.
        """
        self._same(template.model)
        with self._lock:
            rows = [self._rows[id] for id in sorted(set(among)) if id in self._rows]
            if len(rows) > cap:
                return NoMatch(reason=Miss.TOO_MANY)
            if not rows:
                return NoMatch(reason=Miss.NOBODY)
            scores = self._matrix[rows] @ template.vector
            order = [rows[place] for place in np.argsort(-scores, kind="stable")]
            id, holder, score = self._ids[order[0]], self._holders[order[0]], float(scores.max())
            others = (row for row in order[1:] if not (holder and self._holders[row] == holder))
            second = next(others, None)
            behind = score if second is None else score - float(scores[rows.index(second)])
        if score < threshold:
            return NoMatch(reason=Miss.NOBODY, score=score)
        if behind < margin:
            return NoMatch(reason=Miss.TOO_CLOSE, score=score)
        return Match(id=id, score=score, margin=behind)

    def compare(self, template: Template, *, id: str, threshold: float) -> Match | NoMatch:
        """Say whether it is this one, whoever else there is. Raises OtherModel."""
        self._same(template.model)
        with self._lock:
            row = self._rows.get(id)
            score = None if row is None else float(self._matrix[row] @ template.vector)
        if score is None:
            return NoMatch(reason=Miss.NOBODY)
        if score < threshold:
            return NoMatch(reason=Miss.NOBODY, score=score)
        return Match(id=id, score=score, margin=score)

    def _new_row(self, id: str) -> int:
        row = len(self._ids)
        if row == len(self._matrix):
            larger = np.zeros((2 * row, LENGTH), dtype=np.float32)
            larger[:row] = self._matrix
            # What was moved must not stay behind in memory that nobody will ever be asked to forget.
            self._matrix[:] = 0.0
            self._matrix = larger
        self._rows[id] = row
        self._ids.append(id)
        self._holders.append("")
        return row

    def _same(self, model: str) -> None:
        if model != self.model:
            raise OtherModel(f"this gallery is of {self.model}, the template of {model}")
