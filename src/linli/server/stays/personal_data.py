"""What stays hold on persons, why, and for how long: the lodging record, three years, then counts only."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from linli.server.privacy import queries as privacy
from linli.server.privacy.queries import Holding
from linli.server.stays.models import Booking, GuardianContact, IntakeTask, Stay
from linli.server.stays.rules.states import OPEN_STAYS

KEPT = timedelta(days=3 * 365)
# An order that nobody took in is nobody's lodging record: who wanted to come is forgotten soon.
UNTAKEN = timedelta(days=90)


def register() -> None:
    """This will tell privacy what this domain holds."""
    privacy.register(
        Holding(
            model="stays.Stay",
            purpose_code="lodging_registration",
            fields=("person", "room", "times", "verification level", "report"),
            export=_export,
            erase_expired=_erase_stays,
        )
    )
    privacy.register(
        Holding(
            model="stays.GuardianContact",
            purpose_code="lodging_registration",
            fields=("name", "phone", "relation", "answer"),
            export=lambda estate_id, person_id: [],
            erase_expired=lambda now: GuardianContact.objects.filter(stay__leave_at__lt=now - KEPT).delete()[0],
        )
    )
    privacy.register(
        Holding(
            model="stays.Booking",
            purpose_code="lodging_registration",
            fields=("booker's name", "booker's phone"),
            export=lambda estate_id, person_id: [],
            erase_expired=_erase_bookers,
        )
    )
    privacy.register(
        Holding(
            model="stays.IntakeTask",
            purpose_code="lodging_registration",
            fields=("booker's name", "booker's phone", "while the question is open"),
            export=lambda estate_id, person_id: [],
            erase_expired=_erase_untaken,
        )
    )


def _export(estate_id: str, person_id: str) -> Sequence[dict[str, Any]]:
    rows = Stay.objects.filter(estate_id=estate_id, person_id=person_id).order_by("arrive_at")
    return [
        {"stay": row.id, "unit": row.unit_id, "from": row.arrive_at, "to": row.leave_at, "report": row.report_state}
        for row in rows
    ]


def _erase_stays(now: datetime) -> int:
    with transaction.atomic():
        old = Stay.objects.filter(leave_at__lt=now - KEPT).exclude(state__in=OPEN_STAYS)
        GuardianContact.objects.filter(stay__in=old).delete()
        return old.delete()[0]


def _erase_bookers(now: datetime) -> int:
    old = Booking.objects.filter(leave_at__lt=now - KEPT).exclude(booker_masked="")
    return old.update(booker_name=None, booker_phone=None, booker_masked="")


def _erase_untaken(now: datetime) -> int:
    return IntakeTask.objects.filter(opened_at__lt=now - UNTAKEN, order__isnull=False).update(order=None)
