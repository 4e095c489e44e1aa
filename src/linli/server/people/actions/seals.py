"""Rotate: wrap the data keys of what is sealed here with the current master key."""

from collections.abc import Iterator

from django.db import transaction

from linli.server.kernel import crypto
from linli.server.people.models import Document, Person
from linli.server.people.queries import LATIN_NAME, NATIVE_NAME, NUMBER, PHONE

BATCH = 500
SEALED = (
    (Person, {"native_name": NATIVE_NAME, "latin_name": LATIN_NAME, "phone": PHONE}),
    (Document, {"number": NUMBER}),
)


def renew_seals() -> int:
    """This will rewrap every sealed value that an older master key still wraps, and return how many; safe to run twice.

    Rows are locked a batch at a time, so that somebody who registers meanwhile waits for a moment only.
    """
    return sum(_renew(model, fields, batch) for model, fields in SEALED for batch in _batches(model))


def _batches(model: type[Person] | type[Document]) -> Iterator[list[str]]:
    last = ""
    while ids := list(model.objects.filter(id__gt=last).order_by("id").values_list("id", flat=True)[:BATCH]):
        yield ids
        last = ids[-1]


def _renew(model: type[Person] | type[Document], fields: dict[str, str], ids: list[str]) -> int:
    current = crypto.keyring().current
    renewed = 0
    with transaction.atomic():
        for row in model.objects.select_for_update().filter(id__in=ids).order_by("id"):
            old = {
                name: bytes(sealed)
                for name in fields
                if (sealed := getattr(row, name)) and crypto.key_version(bytes(sealed)) != current
            }
            for name, sealed in old.items():
                setattr(row, name, crypto.rewrap(sealed, context=fields[name]))
            if old:
                row.save(update_fields=list(old))
                renewed += len(old)
    return renewed
