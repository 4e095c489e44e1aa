"""What reports hold on a person: what was told to an authority and what it answered, sealed, for three years."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from linli.server.connectors.face_check.personal_data import HOLDING as FACE_CHECKS
from linli.server.connectors.models import Attempt, Hit, Report
from linli.server.connectors.rules import ReportState
from linli.server.privacy import queries as privacy
from linli.server.privacy.queries import Holding

KEPT = timedelta(days=3 * 365)


def register() -> None:
    """This will tell privacy what this domain holds."""
    privacy.register(FACE_CHECKS)
    privacy.register(
        Holding(
            model="connectors.Report",
            purpose_code="lodging_registration",
            fields=("name", "sex", "birth date", "document", "nationality", "room", "times", "receipt"),
            export=_export,
            erase_expired=_erase_reports,
        )
    )
    privacy.register(
        Holding(
            model="connectors.Attempt",
            purpose_code="lodging_registration",
            fields=("message as sent", "answer as received"),
            export=lambda estate_id, person_id: [],
            erase_expired=lambda now: Attempt.objects.filter(ended_at__lt=now - KEPT).delete()[0],
        )
    )

    privacy.register(
        Holding(
            model="connectors.Hit",
            purpose_code="lodging_registration",
            fields=("that the police asked to be told",),
            # Telling the person would defeat the police's lawful task (PIPL art. 18, 35): the police answer for it, not the estate.
            export=lambda estate_id, person_id: [],
            erase_expired=lambda now: Hit.objects.filter(told_at__lt=now - KEPT).delete()[0],
        )
    )


def _export(estate_id: str, person_id: str) -> Sequence[dict[str, Any]]:
    rows = Report.objects.filter(estate_id=estate_id, person_id=person_id).order_by("queued_at")
    return [
        {
            "platform": row.platform,
            "kind": row.kind,
            "subject": row.subject_id,
            "fields": list(row.fields),
            "state": row.state,
            "receipt": row.receipt,
            "accepted_at": row.accepted_at,
        }
        for row in rows
    ]


def _erase_reports(now: datetime) -> int:
    # One that was never accepted is an open duty: it stays until somebody has settled it.
    return Report.objects.filter(state=ReportState.ACCEPTED, happened_at__lt=now - KEPT).delete()[0]
