"""Rotate: wrap the data keys of what is sealed at the doors with the current master key, without opening any of it."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import models, transaction

from linli.server.access.actions.house import PEPPER
from linli.server.access.models import Credential, FaceTemplate, HouseList, Terminal, VisitorInvitation
from linli.server.access.queries.credentials import context_of
from linli.server.access.queries.faces import SEALED_AS
from linli.server.access.queries.terminals import SECRET
from linli.server.access.queries.visitors import NAME, PHONE
from linli.server.kernel import crypto

BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """One sealed column, and in which context a row's value was sealed."""

    model: type[models.Model]
    column: str
    context: Callable[[models.Model], str]


def _always(context: str) -> Callable[[models.Model], str]:
    return lambda row: context


SEALED = (
    Sealed(model=Credential, column="sealed", context=lambda row: context_of(str(getattr(row, "kind", "")))),
    Sealed(model=FaceTemplate, column="sealed", context=_always(SEALED_AS)),
    Sealed(model=HouseList, column="sealed_pepper", context=_always(PEPPER)),
    Sealed(model=Terminal, column="sealed_secret", context=_always(SECRET)),
    Sealed(model=VisitorInvitation, column="sealed_name", context=_always(NAME)),
    Sealed(model=VisitorInvitation, column="sealed_phone", context=_always(PHONE)),
)


def renew_seals() -> int:
    """This will rewrap every sealed value of the doors that an older master key still wraps, and return how many; safe to run twice.

    No gate hears of it: what was sealed stays the same. Rows are locked a batch at a time, so that a desk waits for a moment only.
    """
    return sum(_renew(one) for one in SEALED)


def _renew(one: Sealed) -> int:
    renewed, last = 0, ""
    while True:
        with transaction.atomic():
            kept = one.model._default_manager.select_for_update(of=("self",)).filter(pk__gt=last)
            batch = list(kept.order_by("pk")[:BATCH])
            for row in batch:
                sealed = getattr(row, one.column)
                # Nothing is left of what was erased in time, and nothing there to wrap.
                if sealed and crypto.key_version(bytes(sealed)) != crypto.keyring().current:
                    setattr(row, one.column, crypto.rewrap(bytes(sealed), context=one.context(row)))
                    row.save(update_fields=[one.column])
                    renewed += 1
        if not batch:
            return renewed
        last = str(batch[-1].pk)
