"""What face checks hold on a person: that one was asked about, the answer and its score, for ninety days; no picture."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from linli.server.connectors.face_check.rules import PURPOSE
from linli.server.connectors.models import FaceCheck
from linli.server.privacy.queries import Holding

KEPT = timedelta(days=90)


def _export(estate_id: str, person_id: str) -> Sequence[dict[str, Any]]:
    rows = FaceCheck.objects.filter(estate_id=estate_id, person_id=person_id).order_by("asked_at")
    return [
        {
            "stay": row.stay_id,
            "consent": row.consent_id,
            "message": row.message_id,
            "asked_at": row.asked_at,
            "answered_at": row.answered_at,
            "verdict": row.verdict,
            "score": row.score,
            "receipt": row.receipt,
        }
        for row in rows
    ]


def _erase(now: datetime) -> int:
    return FaceCheck.objects.filter(asked_at__lt=now - KEPT).delete()[0]


HOLDING = Holding(
    model="connectors.FaceCheck",
    purpose_code=PURPOSE,
    fields=("answer", "score", "receipt", "times"),
    export=_export,
    erase_expired=_erase,
)
