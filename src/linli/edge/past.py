"""What a box remembers of its own gates between two scans: replays, entries by pass, who is inside, wrong PINs.

In memory only, save for the entries of passes that are limited in number: those are counted from the journal at the start.
After a restart nobody counts as inside: an error in that direction lets somebody in twice, the other would keep him out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta

from linli.gate.decision import (
    NOTHING_SEEN,
    REPLAY_SECONDS,
    TRIES_SECONDS,
    Direction,
    Kind,
    Past,
    Reason,
    Scan,
    Seen,
    SeenKey,
    Verdict,
)
from linli.gate.snapshot import Snapshot

_MANY = 256


class Memory:
    """One box's. Written under the agent's locks; a reader takes the picture as it stands."""

    def __init__(self) -> None:
        self.seen: Seen = NOTHING_SEEN
        self._seen: dict[SeenKey, datetime] = {}
        self._uses: dict[int, int] = {}
        self._inside: dict[int, frozenset[int]] = {}
        self._wrong: dict[str, deque[datetime]] = {}

    def count(self, uses: Mapping[int, int]) -> None:
        """Begin with these entries by serial, as the journal has them."""
        self._uses.update(uses)

    def past(self, scan: Scan, now: datetime) -> Past:
        """Give what counts for a scan, just now."""
        tries = {scan.gate: self._tries(scan.gate, now)} if scan.kind is Kind.PIN else {}
        return Past(uses=self._uses, inside=self._inside, tries=tries)

    def remember(self, scan: Scan, verdict: Verdict, snapshot: Snapshot, now: datetime) -> None:
        """Take in what came of a scan, once the door has answered."""
        if scan.kind is Kind.PIN and verdict.reason is Reason.UNKNOWN_CREDENTIAL:
            self._wrong.setdefault(scan.gate, deque(maxlen=_MANY)).append(now)
        if verdict.open and verdict.serial is not None:
            self._passed(scan, verdict.serial, snapshot)
        if verdict.mark is not None:
            self._mark(verdict.mark, now)

    def _passed(self, scan: Scan, serial: int, snapshot: Snapshot) -> None:
        entry, rule = snapshot.passes.get(serial), snapshot.gates.get(scan.gate)
        if entry is not None and entry.uses and scan.direction is Direction.IN:
            self._uses[serial] = self._uses.get(serial, 0) + 1
        if rule is not None and rule.area:
            within = self._inside.get(rule.area, frozenset())
            moved = within | {serial} if scan.direction is Direction.IN else within - {serial}
            self._inside = {**self._inside, rule.area: moved}

    def _mark(self, mark: SeenKey, now: datetime) -> None:
        if len(self._seen) > _MANY:
            horizon = now - timedelta(seconds=REPLAY_SECONDS)
            self._seen = {key: when for key, when in list(self._seen.items()) if when > horizon}
        self._seen[mark] = now
        self.seen = self._seen

    def _tries(self, gate: str, now: datetime) -> int:
        horizon = now - timedelta(seconds=TRIES_SECONDS)
        return sum(horizon < when for when in list(self._wrong.get(gate, ())))
