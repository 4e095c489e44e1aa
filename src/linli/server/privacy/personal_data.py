"""What privacy itself holds on persons: the ledger of what left the estate, three years, then it goes too."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

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


def _export(estate_id: str, person_id: str) -> Sequence[dict[str, Any]]:
    return [
        {"recipient": row.recipient, "fields": list(row.fields), "message": row.message_id, "at": row.disclosed_at}
        for row in queries.list_disclosures(estate_id=estate_id, person_id=person_id)
    ]
