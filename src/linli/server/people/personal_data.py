"""What people holds on a person, why and for how long: to be exported to them, and erased in time.

Erasing keeps an empty row: a stay or a gate event of the past still counts, but it no longer leads to anybody.
"""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, QuerySet

from linli.server.kernel import crypto
from linli.server.people.models import Account, Document, DocumentCheck, Person, PersonUse, Residency
from linli.server.people.queries import LATIN_NAME, NATIVE_NAME, NUMBER, PHONE
from linli.server.privacy import queries as privacy
from linli.server.privacy.queries import Holding

BATCH = 1000
NOBODY = b""


def register() -> None:
    """This will register every model here that holds something on a person."""
    for holding in HOLDINGS:
        privacy.register(holding)


def export_person(estate_id: str, person_id: str) -> Sequence[dict[str, Any]]:
    """This will open what is held on a person, for themselves."""
    return [
        {
            "native_name": _opened(row.native_name, NATIVE_NAME),
            "latin_name": _opened(row.latin_name, LATIN_NAME),
            "sex": row.sex,
            "birth_date": str(row.birth_date) if row.birth_date else None,
            "nationality": row.nationality,
            "phone": _opened(row.phone, PHONE),
            "known_since": row.known_since.isoformat(),
        }
        for row in Person.objects.filter(estate_id=estate_id, id=person_id, erased_at__isnull=True)
    ]


def export_documents(estate_id: str, person_id: str) -> Sequence[dict[str, Any]]:
    """This will open a person's documents, for themselves."""
    rows = Document.objects.filter(estate_id=estate_id, person_id=person_id, person__erased_at__isnull=True)
    return [
        {
            "kind": row.kind,
            "number": _opened(row.number, NUMBER),
            "issuing_country": row.issuing_country,
            "valid_until": str(row.valid_until) if row.valid_until else None,
            "shown_at": row.shown_at.isoformat(),
        }
        for row in rows
    ]


def export_checks(estate_id: str, person_id: str) -> Sequence[dict[str, Any]]:
    """This will list the looks at a person's documents."""
    rows = DocumentCheck.objects.filter(estate_id=estate_id, document__person_id=person_id).order_by("checked_at")
    return [{"level": row.level, "method": row.method, "checked_at": row.checked_at.isoformat()} for row in rows]


def export_uses(estate_id: str, person_id: str) -> Sequence[dict[str, Any]]:
    """This will list the purposes for which a person is kept."""
    rows = (
        PersonUse.objects.filter(estate_id=estate_id, person_id=person_id).select_related("purpose").order_by("since")
    )
    return [
        {
            "purpose": row.purpose.code,
            "since": row.since.isoformat(),
            "ended_at": row.ended_at.isoformat() if row.ended_at else None,
        }
        for row in rows
    ]


def export_residencies(estate_id: str, person_id: str) -> Sequence[dict[str, Any]]:
    """This will list where a person lived."""
    rows = Residency.objects.filter(estate_id=estate_id, person_id=person_id).select_related("household__dwelling")
    return [
        {
            "dwelling": row.household.dwelling.code,
            "kind": row.kind,
            "relation": row.relation,
            "moved_in_date": str(row.moved_in_date),
            "moved_out_date": str(row.moved_out_date) if row.moved_out_date else None,
        }
        for row in rows
    ]


def export_accounts(estate_id: str, person_id: str) -> Sequence[dict[str, Any]]:
    """This will list a person's accounts."""
    rows = Account.objects.filter(estate_id=estate_id, person_id=person_id)
    return [
        {"username": row.username, "display_name": row.display_name, "opened_at": row.opened_at.isoformat()}
        for row in rows
    ]


def erase_people(now: datetime) -> int:
    """This will empty the rows of people whose every purpose has run out, with their documents, and return how many."""
    erased = 0
    while batch := list(_expired(now)[:BATCH]):
        with transaction.atomic():
            documents = list(Document.objects.filter(person_id__in=batch).values_list("id", flat=True))
            DocumentCheck.objects.filter(document_id__in=documents).delete()
            for document_id in documents:
                # The index is unique and must lead nowhere: random bytes of its size.
                Document.objects.filter(id=document_id).update(
                    number=NOBODY, number_index=os.urandom(16), number_masked="", valid_until=None
                )
            PersonUse.objects.filter(person_id__in=batch).delete()
            Person.objects.filter(id__in=batch).update(
                native_name=NOBODY,
                latin_name=None,
                name_masked="",
                birth_date=None,
                sex="unspecified",
                phone=None,
                phone_index=None,
                phone_masked="",
                erased_at=now,
            )
        erased += len(batch)
    return erased


def erase_residencies(now: datetime) -> int:
    """This will delete residencies that ended longer ago than their purpose keeps them, and return how many."""
    ended = Residency.objects.filter(moved_out_date__isnull=False).select_related("purpose")
    past = [
        row.id
        for row in ended.iterator()
        if row.moved_out_date and row.moved_out_date + timedelta(days=row.purpose.retention_days) < now.date()
    ]
    return Residency.objects.filter(id__in=past).delete()[0]


def _expired(now: datetime) -> "QuerySet[Person, str]":
    """People not seen, and not kept for anything that goes on, for longer than any of their purposes allows."""
    kept = PersonUse.objects.filter(ended_at__isnull=True).values("person_id")
    kept_still = (
        PersonUse.objects.filter(ended_at__isnull=False)
        .annotate(until=_after(F("ended_at"), "purpose__retention_days"))
        .filter(until__gte=now)
        .values("person_id")
    )
    return (
        Person.objects.filter(erased_at__isnull=True)
        .annotate(until=_after(F("last_seen_at"), "purpose__retention_days"))
        .filter(until__lt=now)
        .exclude(id__in=kept)
        .exclude(id__in=kept_still)
        .order_by("id")
        .values_list("id", flat=True)
    )


def _after(moment: F, days: str) -> "ExpressionWrapper[Any]":
    one_day = timedelta(days=1)
    return ExpressionWrapper(moment + F(days) * one_day, output_field=DateTimeField())


def _opened(sealed: bytes | memoryview | None, context: str) -> str | None:
    return crypto.unseal(bytes(sealed), context=context) if sealed else None


def _nothing(now: datetime) -> int:
    # Goes with the person, in the same transaction.
    return 0


HOLDINGS = (
    Holding(
        model="people.Person",
        purpose_code="lodging_registration",
        fields=("names", "sex", "birth_date", "nationality", "phone"),
        export=export_person,
        erase_expired=erase_people,
    ),
    Holding(
        model="people.Document",
        purpose_code="lodging_registration",
        fields=("kind", "number", "issuing_country", "valid_until"),
        export=export_documents,
        erase_expired=_nothing,
    ),
    Holding(
        model="people.DocumentCheck",
        purpose_code="lodging_registration",
        fields=("level", "method", "evidence"),
        export=export_checks,
        erase_expired=_nothing,
    ),
    Holding(
        model="people.PersonUse",
        purpose_code="lodging_registration",
        fields=("purpose", "since", "ended_at"),
        export=export_uses,
        erase_expired=_nothing,
    ),
    Holding(
        model="people.Residency",
        purpose_code="residency",
        fields=("dwelling", "kind", "relation", "moved_in_date", "moved_out_date"),
        export=export_residencies,
        erase_expired=erase_residencies,
    ),
    Holding(
        model="people.Account",
        purpose_code="staff_account",
        fields=("username", "display_name"),
        export=export_accounts,
        erase_expired=_nothing,
    ),
)
