"""The numbers below which no sequence may start again, kept apart from the journal they protect."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from linli.edge.store.database import StoreFailed

RESERVE = 1000
_log = logging.getLogger("linli.gate")


class Floors:
    """For each gate a number no sequence has passed, in a file written rarely and whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._floors: dict[str, int] | None = None

    def read(self) -> dict[str, int]:
        """Give the floors known; none if the file is missing or unreadable."""
        if self._floors is None:
            try:
                given = json.loads(self._path.read_text(encoding="ascii"))
                self._floors = {str(gate): int(floor) for gate, floor in given.items()}
            except FileNotFoundError:
                self._floors = {}
            except (OSError, ValueError, AttributeError, TypeError) as problem:
                # Without it a lost journal would start at a number already used; with the journal it is not needed.
                _log.error("%s cannot be read: %s", self._path.name, problem)
                self._floors = {}
        return dict(self._floors)

    def cover(self, sequences: Mapping[str, int]) -> None:
        """Have every floor at or above these. Raises StoreFailed."""
        floors = self.read()
        low = {gate: number for gate, number in sequences.items() if floors.get(gate, 0) < number}
        if not low:
            return
        floors.update({gate: number + RESERVE for gate, number in low.items()})
        try:
            _write_whole(self._path, json.dumps(floors, sort_keys=True))
        except OSError as problem:
            raise StoreFailed(f"{self._path.name}: {problem}") from problem
        self._floors = floors


def _write_whole(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, text.encode("ascii"))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(fresh, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
