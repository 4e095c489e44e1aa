"""How a checked identity becomes rows: sealed, findable, masked."""

from datetime import datetime

from linli.server.kernel import crypto, ids
from linli.server.people import rules
from linli.server.people.models import Document, DocumentCheck, Person
from linli.server.people.queries import LATIN_NAME, NATIVE_NAME, NUMBER, PHONE
from linli.server.people.rules import Identified
from linli.server.people.rules.identities import Known


def person_row(told: Identified, *, estate_id: str, purpose_id: str, now: datetime) -> Person:
    """This will make a person's row."""
    person = Person(
        id=ids.new("per"),
        estate_id=estate_id,
        purpose_id=purpose_id,
        known_since=now,
        last_seen_at=now,
        belongs=told.belongs,
    )
    write_facts(person, told)
    return person


def write_facts(person: Person, told: Identified) -> None:
    """This will write the facts told into a person's row, sealing the name and the phone."""
    person.native_name = crypto.seal(told.native_name, context=NATIVE_NAME)
    person.latin_name = crypto.seal(told.latin_name, context=LATIN_NAME) if told.latin_name else None
    person.name_masked = rules.mask_name(told.native_name)
    person.sex = told.sex
    person.birth_date = told.birth_date
    person.nationality = told.nationality
    person.belongs = told.belongs
    write_phone(person, told)


def write_phone(person: Person, told: Identified) -> None:
    """This will write the phone told, if one was told."""
    if told.phone is not None:
        person.phone = crypto.seal(told.phone.e164, context=PHONE)
        person.phone_index = crypto.blind_index(told.phone.e164, context=PHONE)
        person.phone_masked = told.phone.masked


def document_row(told: Identified, person: Person, *, purpose_id: str, now: datetime) -> Document:
    """This will make the row of the document shown."""
    document = told.document
    return Document(
        id=ids.new("doc"),
        estate_id=person.estate_id,
        person=person,
        purpose_id=purpose_id,
        kind=document.number.kind.key,
        number=crypto.seal(document.number.number, context=NUMBER),
        number_index=find_index(told),
        number_masked=document.number.masked,
        issuing_country=document.issuing_country,
        valid_until=document.valid_until,
        issued_by=document.issued_by,
        shown_at=now,
    )


def check_row(told: Identified, document: Document, *, actor_id: str, now: datetime) -> DocumentCheck:
    """This will make the row of the first look: what typing alone is worth."""
    return DocumentCheck(
        id=ids.new("chk"),
        estate_id=document.estate_id,
        document=document,
        level=told.document.level,
        method="typed",
        evidence=told.document.evidence,
        checked_by=actor_id,
        checked_at=now,
    )


def find_index(told: Identified) -> bytes:
    """This will compute the blind index by which the document is found again."""
    return crypto.blind_index(told.document.find_text, context=NUMBER)


def known(person: Person) -> Known:
    """This will open what is on file, for comparing inside an action; it leaves the action as a verdict only."""
    return Known(
        native_name=crypto.unseal(bytes(person.native_name), context=NATIVE_NAME),
        latin_name=crypto.unseal(bytes(person.latin_name), context=LATIN_NAME) if person.latin_name else None,
        sex=person.sex,
        birth_date=person.birth_date,
        nationality=person.nationality,
    )
