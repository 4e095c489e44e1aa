"""What lettings holds on a person: the operator's file of a natural person, or of whoever answers for a business."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from linli.server.kernel import crypto
from linli.server.lettings.actions.operators import PHONE
from linli.server.lettings.models import Operator
from linli.server.privacy import queries as privacy
from linli.server.privacy.queries import Holding


def register() -> None:
    """This will register the operators' files."""
    privacy.register(HOLDING)


def export_operators(estate_id: str, person_id: str) -> Sequence[dict[str, Any]]:
    """This will open the operators' files of a person, for themselves."""
    return [
        {
            "kind": row.kind,
            "name": row.name,
            "uscc": row.uscc,
            "phone": crypto.unseal(bytes(row.phone), context=PHONE) if row.phone else None,
            "licence": row.licence,
            "registered_at": row.registered_at.isoformat(),
            "units": list(row.units.order_by("code").values_list("code", flat=True)),
        }
        for row in Operator.objects.filter(estate_id=estate_id, person_id=person_id)
    ]


def erase_operators(now: datetime) -> int:
    """This will empty the files of operators who stopped longer ago than the purpose keeps them, and return how many."""
    past = [
        row.id
        for row in Operator.objects.filter(closed_at__isnull=False)
        .exclude(phone=None, name="")
        .select_related("purpose")
        if row.closed_at and row.closed_at + timedelta(days=row.purpose.retention_days) < now
    ]
    return Operator.objects.filter(id__in=past).update(name="", phone=None, phone_masked="")


HOLDING = Holding(
    model="lettings.Operator",
    purpose_code="operator_file",
    fields=("name", "uscc", "phone", "licence"),
    export=export_operators,
    erase_expired=erase_operators,
)
