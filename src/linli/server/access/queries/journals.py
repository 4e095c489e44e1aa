"""What happened at the doors, and what of it is missing or cannot be believed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from linli.server.access import rules
from linli.server.access.models import GateEvent, JournalFault, JournalGap, JournalHead

LATE_AFTER = timedelta(seconds=30)
MOST_ROWS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class GateEventView:
    """One line of a gate's journal; `late` if it came in more than half a minute after it happened.

    Where a terminal decided, `device` and `record` are its own words, and `device_time` what its clock said, wrong by `drift_ms`.
    """

    gate: str
    sequence: int
    happened_at: datetime
    received_at: datetime
    clock_sure: bool
    method: str
    direction: str
    opened: bool
    reason: str
    late: bool
    device: str | None = None
    record: str | None = None
    device_time: datetime | None = None
    drift_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GapView:
    """Lines, first to last, that have not come in."""

    first: int
    last: int
    found_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalView:
    """How far one gate's journal has come in, what is missing below that, and how many lines did not hold."""

    gate: str
    sequence: int
    missing: int
    gaps: tuple[GapView, ...]
    faults: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultView:
    """A line that did not hold: `form`, `hash`, `chain`, `conflict` or `foreign`; `kept_apart` if it is not among the events."""

    id: int
    gate: str
    sequence: int
    why: str
    kept_apart: bool
    line: str
    found_at: datetime


def list_gate_events(*, estate_id: str, gate: str | None, limit: int) -> tuple[GateEventView, ...]:
    """This will list the newest events of one gate or of all, newest first by the gates' clocks."""
    rows = min(max(limit, 1), MOST_ROWS)
    with connection.cursor() as cursor:
        # The newest of each gate from the end of its own chain: no index over all events is needed, and ingest stays fast.
        cursor.execute(
            """
            SELECT e.gate, e.sequence, e.happened_at, e.received_at, e.clock_sure, e.method, e.direction, e.opened, e.reason, e.note
            FROM access_journalhead h
            CROSS JOIN LATERAL (
                SELECT * FROM access_gateevent e WHERE e.estate_id = h.estate_id AND e.gate = h.gate
                ORDER BY e.sequence DESC LIMIT %(rows)s
            ) e
            WHERE h.estate_id = %(estate)s AND (%(gate)s::text IS NULL OR h.gate = %(gate)s)
            ORDER BY e.happened_at DESC, e.gate, e.sequence DESC LIMIT %(rows)s
            """,
            {"estate": estate_id, "gate": gate, "rows": rows},
        )
        return tuple(_event(*row) for row in cursor.fetchall())


def count_passages(*, estate_id: str, start: datetime, end: datetime) -> int:
    """This will count the openings of doors in a stretch of time, by the gates' clocks."""
    return GateEvent.objects.filter(
        estate_id=estate_id, happened_at__gte=start, happened_at__lt=end, opened=True
    ).count()


def list_journals(*, estate_id: str) -> tuple[JournalView, ...]:
    """This will list every gate's journal with its open gaps and the number of its faults."""
    gaps: dict[str, list[GapView]] = {}
    for row in JournalGap.objects.filter(estate_id=estate_id, closed_at__isnull=True).order_by("gate", "first"):
        gaps.setdefault(row.gate, []).append(GapView(first=row.first, last=row.last, found_at=row.found_at))
    faults: dict[str, int] = {}
    for gate in JournalFault.objects.filter(estate_id=estate_id).values_list("gate", flat=True):
        faults[gate] = faults.get(gate, 0) + 1
    return tuple(
        JournalView(
            gate=head.gate,
            sequence=head.sequence,
            missing=sum(gap.last - gap.first + 1 for gap in gaps.get(head.gate, ())),
            gaps=tuple(gaps.get(head.gate, ())),
            faults=faults.get(head.gate, 0),
        )
        for head in JournalHead.objects.filter(estate_id=estate_id).order_by("gate")
    )


def list_journal_faults(*, estate_id: str, limit: int) -> tuple[FaultView, ...]:
    """This will list the newest lines that did not hold, as they came."""
    rows = JournalFault.objects.filter(estate_id=estate_id).order_by("-id")[: min(max(limit, 1), MOST_ROWS)]
    return tuple(
        FaultView(
            id=row.id,
            gate=row.gate,
            sequence=row.sequence,
            why=row.why,
            kept_apart=row.why != "chain",
            line=bytes(row.line).decode("utf-8", "backslashreplace"),
            found_at=row.found_at,
        )
        for row in rows
    )


def _event(gate: str, sequence: int, happened_at: datetime, received_at: datetime, *rest: Any) -> GateEventView:
    clock_sure, method, direction, opened, reason, note = rest
    told = rules.read_record(note)
    return GateEventView(
        gate=gate,
        sequence=sequence,
        happened_at=happened_at,
        received_at=received_at,
        clock_sure=clock_sure,
        method=method,
        direction=direction,
        opened=opened,
        reason=reason,
        late=received_at - happened_at > LATE_AFTER,
        device=told.terminal if told else None,
        record=told.record if told else None,
        device_time=told.device_time if told else None,
        drift_ms=told.drift_ms if told else None,
    )
