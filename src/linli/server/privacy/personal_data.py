"""What privacy itself holds on persons: the ledger of what left the estate, three years, then it goes too."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from linli.server.privacy import queries
from linli.server.privacy.models import Disclosure
from linli.server.privacy.rules import Holding

# PIPL art. 56: reports and records of processing are kept at least three years.
KEPT = timedelta(days=3 * 365)


def register() -> None:
    """This will note this domain's own holding."""
    queries.register(
        Holding(
            model="privacy.Disclosure",
            purpose_code="lodging_registration",
            fields=("recipient", "fields that left", "message", "time"),
            export=_export,
            erase_expired=lambda now: Disclosure.objects.filter(disclosed_at__lt=now - KEPT).delete()[0],
        )
    )
    queries.register(
        Holding(
            model="privacy.Consent",
            purpose_code="face_pass",
            fields=("purpose", "notice", "time", "withdrawal"),
            export=_export_consents,
            erase_expired=_erase_consents,
        )
    )


def _erase_consents(now: datetime) -> int:
    # A yes goes three years after it was taken back, with the taking back; one that stands is kept as long as it stands.
    with transaction.atomic(), connection.cursor() as cursor:
        # The yes first: the trigger lets it go only while its taking back is there.
        cursor.execute(_ERASE_GIVEN, [now - KEPT])
        given = [consent_id for (consent_id,) in cursor.fetchall()]
        cursor.execute("DELETE FROM privacy_consent WHERE withdraws_id = ANY(%s)", [given])
        return len(given) + cursor.rowcount


_ERASE_GIVEN = """
    DELETE FROM privacy_consent c USING privacy_consent back
    WHERE back.withdraws_id = c.id AND back.at < %s RETURNING c.id
"""


def _export_consents(estate_id: str, person_id: str) -> Sequence[dict[str, Any]]:
    return [
        {"purpose": one.purpose, "given_at": one.given_at, "withdrawn_at": one.withdrawn_at, "by": one.given_by}
        for one in queries.list_consents(estate_id=estate_id, person_id=person_id)
    ]


def _export(estate_id: str, person_id: str) -> Sequence[dict[str, Any]]:
    return [
        {"recipient": row.recipient, "fields": list(row.fields), "message": row.message_id, "at": row.disclosed_at}
        for row in queries.list_disclosures(estate_id=estate_id, person_id=person_id)
    ]
