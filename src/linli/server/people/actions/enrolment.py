"""Take in many people in a few statements, and keep or release them for a purpose that goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from linli.server.kernel import clock, ids
from linli.server.kernel.actors import Actor, Role
from linli.server.people import rules
from linli.server.people.actions import rows
from linli.server.people.models import Document, DocumentCheck, Person, PersonUse
from linli.server.people.queries import PersonView, view_person
from linli.server.people.rules import DocumentInput, Identified, PersonInput
from linli.server.places import queries as places
from linli.server.privacy import queries as purposes

BATCH = 1000
RECEPTION = (Role.SYSTEM, Role.ESTATE_ADMIN, Role.OFFICE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """A person with a document, to be taken in."""

    person: PersonInput
    document: DocumentInput


def enrol(*, actor: Actor, people: Sequence[Enrolment], purpose_code: str, now: datetime) -> tuple[PersonView, ...]:
    """This will take in people for a purpose that goes on (residency, operator_file), in the order given.

    All or none; raises what `rules.check_identity` raises, and `DocumentContradicts` for a known document with other facts.
    """
    actor.require(*RECEPTION)
    purpose = purposes.get_purpose(estate_id=actor.estate_id, code=purpose_code)
    today = clock.local_date(now, places.zone(estate_id=actor.estate_id))
    told = [rules.check_identity(entry.person, entry.document, today=today) for entry in people]
    with transaction.atomic():
        taken = _take_in(actor, told, purpose.id, now)
        keep_for(actor=actor, person_ids=[view.id for view in taken], purpose_code=purpose_code, now=now)
    return taken


def keep_for(*, actor: Actor, person_ids: Sequence[str], purpose_code: str, now: datetime) -> None:
    """This will note that people are kept for a purpose until `release` ends it."""
    actor.require(*RECEPTION)
    purpose = purposes.get_purpose(estate_id=actor.estate_id, code=purpose_code)
    PersonUse.objects.bulk_create(
        [
            PersonUse(
                id=ids.new("use"), estate_id=actor.estate_id, person_id=person_id, purpose_id=purpose.id, since=now
            )
            for person_id in dict.fromkeys(person_ids)
        ],
        batch_size=BATCH,
        ignore_conflicts=True,
    )


def release(*, actor: Actor, person_id: str, purpose_code: str, now: datetime) -> None:
    """This will end a purpose for one person; the retention of that purpose runs from now."""
    actor.require(*RECEPTION)
    PersonUse.objects.filter(
        estate_id=actor.estate_id, person_id=person_id, purpose__code=purpose_code, ended_at__isnull=True
    ).update(ended_at=now)


def _take_in(actor: Actor, told: Sequence[Identified], purpose_id: str, now: datetime) -> tuple[PersonView, ...]:
    indexes = [rows.find_index(one) for one in told]
    found = Document.objects.filter(estate_id=actor.estate_id, number_index__in=indexes).select_related("person")
    known: dict[bytes, Document] = {bytes(document.number_index): document for document in found}
    people: list[Person] = []
    documents: list[Document] = []
    checks: list[DocumentCheck] = []
    for one, index in zip(told, indexes, strict=True):
        document = known.get(index)
        if document is not None:
            rules.check_same(rows.known(document.person), one)
            continue
        person = rows.person_row(one, estate_id=actor.estate_id, purpose_id=purpose_id, now=now)
        document = known[index] = rows.document_row(one, person, purpose_id=purpose_id, now=now)
        people.append(person)
        documents.append(document)
        checks.append(rows.check_row(one, document, actor_id=actor.id, now=now))
    Person.objects.bulk_create(people, batch_size=BATCH)
    Document.objects.bulk_create(documents, batch_size=BATCH)
    DocumentCheck.objects.bulk_create(checks, batch_size=BATCH)
    return tuple(
        view_person(known[index].person, known[index], level=one.document.level)
        for one, index in zip(told, indexes, strict=True)
    )
