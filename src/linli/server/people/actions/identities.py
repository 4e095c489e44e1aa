"""Identify somebody by a document: find or create, safe against a twin doing the same; mend what was typed wrongly."""

from datetime import datetime

from django.db import IntegrityError, transaction

from linli.server.kernel import clock, crypto
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound
from linli.server.people import rules
from linli.server.people.actions import rows
from linli.server.people.models import Document, Person
from linli.server.people.queries import LATIN_NAME, PersonView, view_person
from linli.server.people.rules import DocumentInput, Identified, PersonInput
from linli.server.people.rules.documents import check_reason
from linli.server.places import queries as places
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries as purposes

RECEPTION = (Role.SYSTEM, Role.ESTATE_ADMIN, Role.OFFICE, Role.GUARD, Role.POLICE)


def identify_visitor(
    *, actor: Actor, person: PersonInput, document: DocumentInput, purpose_code: str, now: datetime
) -> PersonView:
    """This will find the person by the document's number or write them down, and return them masked.

    Raises what `rules.check_identity` raises, `NoPurpose`, or `DocumentContradicts` when the document is known with other facts.
    """
    actor.require(*RECEPTION)
    purpose = purposes.get_purpose(estate_id=actor.estate_id, code=purpose_code)
    today = clock.local_date(now, places.zone(estate_id=actor.estate_id))
    told = rules.check_identity(person, document, today=today)
    with transaction.atomic():
        shown = _find(actor.estate_id, told)
        if shown is None:
            fresh = _write(actor, told, purpose.id, now)
            if fresh is not None:
                return view_person(fresh.person, fresh, level=told.document.level)
            # A twin wrote the same document first and has committed: it is found now.
            shown = _find(actor.estate_id, told)
            assert shown is not None
        return _recognise(actor, shown, told, purpose.id, now)


def correct_person(
    *, actor: Actor, person_id: str, person: PersonInput, document: DocumentInput, reason: str, now: datetime
) -> PersonView:
    """This will mend a person's facts after somebody compared them with the document; audited, refuses with `ReasonNeeded`.

    The document must be one of the person's: its number is never mended, a wrong number is another document.
    """
    actor.require(Role.ESTATE_ADMIN, Role.OFFICE, Role.POLICE)
    reason = check_reason(reason)
    today = clock.local_date(now, places.zone(estate_id=actor.estate_id))
    told = rules.check_identity(person, document, today=today)
    with transaction.atomic():
        row = Person.objects.select_for_update().filter(estate_id=actor.estate_id, id=person_id).first()
        shown = _find(actor.estate_id, told)
        if row is None or shown is None or shown.person_id != row.id:
            raise NotFound(field="person_id")
        rows.write_facts(row, told)
        row.last_seen_at = now
        row.save()
        privacy.record(
            actor=actor,
            verb="correct_person",
            subject=row.id,
            fields=("names", "sex", "birth_date"),
            reason=reason,
            now=now,
        )
    return view_person(row, shown)


def _find(estate_id: str, told: Identified) -> Document | None:
    """The document shown, or another one of the same holder with the same number."""
    found = Document.objects.filter(estate_id=estate_id, number_index=rows.find_index(told)).select_related("person")
    return min(found, key=lambda document: document.kind != told.document.number.kind.key, default=None)


def _write(actor: Actor, told: Identified, purpose_id: str, now: datetime) -> Document | None:
    person = rows.person_row(told, estate_id=actor.estate_id, purpose_id=purpose_id, now=now)
    document = rows.document_row(told, person, purpose_id=purpose_id, now=now)
    try:
        with transaction.atomic():
            person.save(force_insert=True)
            document.save(force_insert=True)
            rows.check_row(told, document, actor_id=actor.id, now=now).save(force_insert=True)
    except IntegrityError as problem:
        if "a_document_belongs_to_one_person" not in str(problem):
            raise
        return None
    return document


def _recognise(actor: Actor, shown: Document, told: Identified, purpose_id: str, now: datetime) -> PersonView:
    person = shown.person
    rules.check_same(rows.known(person), told)
    if shown.kind != told.document.number.kind.key:
        shown = rows.document_row(told, person, purpose_id=purpose_id, now=now)
        shown.save(force_insert=True)
        rows.check_row(told, shown, actor_id=actor.id, now=now).save(force_insert=True)
    else:
        _renew(shown, told, now)
    _refresh(person, told, now)
    return view_person(person, shown)


def _renew(document: Document, told: Identified, now: datetime) -> None:
    document.shown_at = now
    # A renewed card keeps its number and gets a later day.
    document.valid_until = told.document.valid_until or document.valid_until
    document.issued_by = told.document.issued_by or document.issued_by
    document.save(update_fields=["shown_at", "valid_until", "issued_by"])


def _refresh(person: Person, told: Identified, now: datetime) -> None:
    rows.write_phone(person, told)
    if person.latin_name is None and told.latin_name:
        person.latin_name = crypto.seal(told.latin_name, context=LATIN_NAME)
    person.last_seen_at = now
    person.save(update_fields=["phone", "phone_index", "phone_masked", "latin_name", "last_seen_at"])
