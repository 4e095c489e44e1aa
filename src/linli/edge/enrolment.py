"""What a box is told once, by the server, when it is enrolled."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_GATE = re.compile(r"[A-Z][A-Z0-9-]{0,15}", re.ASCII)


class BadEnrolment(Exception):
    """That enrolment file cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """One box: where its server is, who it is, which gates it serves.

    `journal_from` says, for a box that replaces a lost one, at which sequence each gate's journal goes on.
    """

    server: str
    box: str
    secret: str = field(repr=False)
    estate: str
    gates: tuple[str, ...]
    journal_from: Mapping[str, int] = field(default_factory=dict)

    @property
    def token(self) -> str:
        """The bearer token: the box's name, a dot, its secret."""
        return self.secret if self.secret.startswith(f"{self.box}.") else f"{self.box}.{self.secret}"


def read_enrolment(path: Path) -> Enrolment:
    """Read an enrolment file. Raises BadEnrolment, naming the file and what is wrong with it."""
    try:
        return _enrolment_from(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as problem:
        raise BadEnrolment(f"{path}: {type(problem).__name__}: {problem}") from None


def _enrolment_from(given: dict[str, Any]) -> Enrolment:
    server, gates = given["server"], tuple(given["gates"])
    if not str(server).startswith(("http://", "https://")):
        raise ValueError("the server's address starts with http:// or https://")
    if not gates or len(set(gates)) != len(gates):
        raise ValueError("a box serves at least one gate, and each once")
    for gate in gates:
        if not _GATE.fullmatch(gate):
            raise ValueError(f"{gate!r} is not a gate's code")
    for name in ("box", "secret", "estate"):
        if not isinstance(given[name], str) or not given[name]:
            raise ValueError(f"{name!r} is missing")
    return Enrolment(
        server=server.rstrip("/"),
        box=given["box"],
        secret=given["secret"],
        estate=given["estate"],
        gates=gates,
        journal_from={gate: int(first) for gate, first in given.get("journal_from", {}).items()},
    )
