"""After a rotation of the master key: wrap anew what stays hold sealed."""

from django.db import models, transaction

from linli.server.kernel import crypto
from linli.server.stays.models import Booking, FeedSource, GuardianContact, IntakeTask, OrderHook

SEALED: tuple[tuple[type[models.Model], dict[str, str]], ...] = (
    (Booking, {"booker_name": "booking.booker_name", "booker_phone": "booking.booker_phone"}),
    (GuardianContact, {"name": "guardian.name", "phone": "guardian.phone"}),
    (FeedSource, {"url": "feed.url"}),
    (OrderHook, {"secret": "hook.secret", "old_secret": "hook.secret"}),
    (IntakeTask, {"order": "intake.order"}),
)
BATCH = 500


def renew_seals() -> int:
    """This will rewrap every sealed value that an older master key still wraps, and return how many; safe to run twice."""
    return sum(_renew(model, column, context) for model, columns in SEALED for column, context in columns.items())


def _renew(model: type[models.Model], column: str, context: str) -> int:
    renewed, last = 0, ""
    while True:
        with transaction.atomic():
            rows = model._default_manager.select_for_update().filter(id__gt=last, **{f"{column}__isnull": False})
            batch = list(rows.order_by("id")[:BATCH])
            for row in batch:
                sealed = bytes(getattr(row, column))
                if crypto.key_version(sealed) != crypto.keyring().current:
                    setattr(row, column, crypto.rewrap(sealed, context=context))
                    row.save(update_fields=[column])
                    renewed += 1
        if not batch:
            return renewed
        last = str(batch[-1].pk)
