"""What the agent writes and answers: a scan and its verdict as an event of the journal, and as an outcome for a display."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from linli.edge.doors import Outcome
from linli.gate.decision import Clock, Reason, Scan, Verdict
from linli.gate.journal import Event
from linli.gate.snapshot import Snapshot


def unwritten(verdict: Verdict) -> Verdict:
    """Say what a verdict is worth that could not be written down: nobody enters without a record."""
    return replace(verdict, open=False, reason=Reason.JOURNAL_FAILED, mark=None) if verdict.open else verdict


def event_of(scan: Scan, verdict: Verdict, snapshot: Snapshot, at: datetime, clock: Clock) -> Event:
    """Put a scan and its verdict as an event."""
    words = [
        f"{scan.by}: {scan.why}" if scan.by or scan.why else "",
        verdict.remark.value if verdict.remark else "",
        scan.evidence,
    ]
    return Event(
        at=at,
        clock=clock.value,
        method=scan.kind.value,
        direction=scan.direction.value,
        opened=verdict.open,
        reason=verdict.reason.value,
        serial=verdict.serial,
        snapshot_version=snapshot.version,
        note=" ".join(word for word in words if word),
    )


def outcome_of(
    scan: Scan,
    verdict: Verdict,
    sequence: int | None,
    snapshot: Snapshot,
    times: tuple[float, float, float],
    *,
    door: float,
) -> Outcome:
    """Put a scan and its verdict as an outcome; `times` are when it started, was decided and was written (s)."""
    started, decided, written = times
    return Outcome(
        gate=scan.gate,
        verdict=verdict,
        sequence=sequence,
        snapshot_version=snapshot.version,
        decide_ms=(decided - started) * 1e3,
        journal_ms=(written - decided) * 1e3,
        door_ms=door * 1e3,
    )
