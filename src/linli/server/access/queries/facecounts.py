"""How often faces open a gate, how often somebody said it was wrong, and on which evaluations the thresholds rest."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from linli.server.access import rules
from linli.server.access.models import FaceReport

MOST_REPORTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongRate:
    """A share, and between which bounds it lies with 95 % confidence. What nobody reported is not in it: read it as at least."""

    reported: int
    of: int
    rate: float
    at_least: float
    at_most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFaces:
    """One gate's passages by face and what was said of them: strangers let in, of those that opened; right ones kept out, of all tries."""

    gate: str
    opened: int
    refused: int
    false_accepts: WrongRate
    false_rejects: WrongRate
    last_told_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceErrorView:
    """Somebody's word that a gate was wrong about a face."""

    id: int
    gate: str
    sequence: int | None
    kind: str
    told_by: str
    told_at: datetime
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceReportView:
    """An evaluation that gates may refer to by its digest: thresholds and margin in thousandths."""

    digest: str
    model: str
    threshold: int
    margin: int
    gallery_cap: int
    figures: dict[str, Any]
    taken_by: str
    taken_at: datetime


def list_gate_faces(*, estate_id: str, since: datetime) -> tuple[GateFaces, ...]:
    """This will list the gates at which faces were shown or called wrong since an instant, by code."""
    with connection.cursor() as cursor:
        cursor.execute(_GATES, {"estate": estate_id, "since": since})
        return tuple(_gate(*row) for row in cursor.fetchall())


def list_face_reports(*, estate_id: str) -> tuple[FaceReportView, ...]:
    """This will list the evaluations that were taken in, newest first."""
    rows = FaceReport.objects.filter(estate_id=estate_id).order_by("-taken_at", "-id")[:MOST_REPORTS]
    return tuple(report_view(row) for row in rows)


def report_view(row: FaceReport) -> FaceReportView:
    """This will show a stored evaluation."""
    return FaceReportView(
        digest=row.digest,
        model=row.model,
        threshold=row.threshold,
        margin=row.margin,
        gallery_cap=row.gallery_cap,
        figures=row.figures,
        taken_by=row.taken_by,
        taken_at=row.taken_at,
    )


def _gate(gate: str, opened: int, refused: int, accepts: int, rejects: int, last: datetime | None) -> GateFaces:
    # A right one kept out often leaves no line at all: the camera knew nobody. Each that was told counts as a try of its own.
    return GateFaces(
        gate=gate,
        opened=opened,
        refused=refused,
        false_accepts=_rate(accepts, max(opened, accepts)),
        false_rejects=_rate(rejects, opened + max(refused, rejects)),
        last_told_at=last,
    )


def _rate(seen: int, of: int) -> WrongRate:
    low, high = rules.wilson(seen, of)
    return WrongRate(reported=seen, of=of, rate=seen / of if of else 0.0, at_least=low, at_most=high)


_GATES = """
    WITH shown AS (
        SELECT gate, count(*) FILTER (WHERE opened) AS opened, count(*) FILTER (WHERE NOT opened) AS refused
        FROM access_gateevent WHERE estate_id = %(estate)s AND method = 'FACE' AND happened_at >= %(since)s GROUP BY gate
    ), told AS (
        SELECT gate, count(*) FILTER (WHERE kind = 'FALSE_ACCEPT') AS accepts, count(*) FILTER (WHERE kind = 'FALSE_REJECT') AS rejects,
               max(told_at) AS last
        FROM access_faceerror WHERE estate_id = %(estate)s AND told_at >= %(since)s GROUP BY gate
    )
    SELECT gate, coalesce(s.opened, 0), coalesce(s.refused, 0), coalesce(t.accepts, 0), coalesce(t.rejects, 0), t.last
    FROM shown s FULL JOIN told t USING (gate) ORDER BY gate
"""
