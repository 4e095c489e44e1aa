"""Register an operator of one of three kinds, and note when one stops."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import IntegrityError, transaction

from linli.documents.problems import DocumentProblem
from linli.server.kernel import crypto, ids
from linli.server.kernel.actors import Actor
from linli.server.kernel.errors import BadField, NotFound
from linli.server.lettings import queries, rules
from linli.server.lettings.models import Operator
from linli.server.lettings.queries import OperatorView
from linli.server.lettings.rules import Licence, OperatorKind
from linli.server.people import actions as people
from linli.server.people import queries as people_queries
from linli.server.people.actions import DocumentInput, Enrolment, PersonInput
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries as purposes

PHONE = "operator.phone"
KNOWN = ("an_organisation_registers_once", "a_natural_person_registers_once")


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorInput:
    """An operator as registered: a natural person with a document, or a business with its name and credit code.

    A business may also name the person who answers for it.
    """

    kind: str
    name: str | None = None
    uscc: str | None = None
    person: PersonInput | None = None
    document: DocumentInput | None = None
    phone: str | None = field(default=None, repr=False)
    licence: str = Licence.PENDING


def register_operator(*, actor: Actor, operator: OperatorInput, now: datetime) -> OperatorView:
    """This will register an operator.

    Raises `OperatorIncomplete`, `OperatorKnown`, `UsccWrong`, `UsccCheckWrong`, `UsccOfOtherKind`, or what
    `people.enrol` raises for the person.
    """
    actor.require(*rules.OFFICE)
    uscc = check_operator(operator)
    purpose = purposes.get_purpose(estate_id=actor.estate_id, code="operator_file")
    with transaction.atomic():
        person_id, masked = _person(actor, operator, now)
        row = operator_row(
            operator, estate_id=actor.estate_id, purpose_id=purpose.id, person=(person_id, masked), uscc=uscc, now=now
        )
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as problem:
            if not any(name in str(problem) for name in KNOWN):
                raise
            raise rules.OperatorKnown(field="uscc" if uscc else "document.number") from problem
        privacy.record(actor=actor, verb="register_operator", subject=row.id, now=now)
    return queries.get_operator(estate_id=actor.estate_id, operator_id=row.id)


def close_operator(*, actor: Actor, operator_id: str, reason: str, now: datetime) -> OperatorView:
    """This will note that an operator has stopped; refuses with `OperatorStillLets` while a unit is open."""
    actor.require(*rules.OFFICE)
    with transaction.atomic():
        row = open_operator(actor, operator_id)
        if row.units.exclude(state=rules.UnitState.CLOSED).exists():
            raise rules.OperatorStillLets
        row.closed_at = now
        row.save(update_fields=["closed_at"])
        if row.person_id is not None and not _answers_elsewhere(row):
            people.release(actor=actor, person_id=row.person_id, purpose_code="operator_file", now=now)
        privacy.record(actor=actor, verb="close_operator", subject=row.id, reason=reason, now=now)
    return queries.get_operator(estate_id=actor.estate_id, operator_id=operator_id)


def renew_seals() -> int:
    """This will rewrap the phones that an older master key still wraps, and return how many; safe to run twice."""
    current, renewed = crypto.keyring().current, 0
    with transaction.atomic():
        for row in Operator.objects.select_for_update().filter(phone__isnull=False).order_by("id"):
            sealed = bytes(row.phone or b"")
            if crypto.key_version(sealed) != current:
                row.phone = crypto.rewrap(sealed, context=PHONE)
                row.save(update_fields=["phone"])
                renewed += 1
    return renewed


def open_operator(actor: Actor, operator_id: str) -> Operator:
    """This will lock an operator's row; refuses with `NotFound` or `OperatorClosed`."""
    row = Operator.objects.select_for_update().filter(estate_id=actor.estate_id, id=operator_id).first()
    if row is None:
        raise NotFound(field="operator_id")
    if row.closed_at is not None:
        raise rules.OperatorClosed(field="operator_id")
    return row


def check_operator(operator: OperatorInput) -> str | None:
    """This will refuse an operator whose papers do not fit its kind, and return the credit code of a business."""
    if operator.kind not in tuple(OperatorKind) or operator.licence not in tuple(Licence):
        raise BadField(field="kind" if operator.kind not in tuple(OperatorKind) else "licence")
    if (operator.person is None) != (operator.document is None):
        raise rules.OperatorIncomplete(field="document" if operator.person else "person")
    if operator.kind == OperatorKind.NATURAL:
        if operator.person is None or operator.uscc:
            raise rules.OperatorIncomplete(field="uscc" if operator.uscc else "person")
        return None
    if not operator.uscc or not operator.name:
        raise rules.OperatorIncomplete(field="name" if operator.uscc else "uscc")
    try:
        return rules.check_uscc(OperatorKind(operator.kind), operator.uscc)
    except DocumentProblem as problem:
        raise people_queries.refusal(problem) from problem


def operator_row(
    operator: OperatorInput,
    *,
    estate_id: str,
    purpose_id: str,
    person: tuple[str | None, str],
    uscc: str | None,
    now: datetime,
) -> Operator:
    """This will make an operator's row; a natural person goes by the masked name."""
    person_id, masked = person
    phone = people_queries.plain_phone(operator.phone) if operator.phone else None
    return Operator(
        id=ids.new("op"),
        estate_id=estate_id,
        purpose_id=purpose_id,
        kind=operator.kind,
        name=masked if operator.kind == OperatorKind.NATURAL else people_queries.plain_name(operator.name or ""),
        uscc=uscc,
        person_id=person_id,
        phone=crypto.seal(phone, context=PHONE) if phone else None,
        phone_masked=people_queries.masked_phone(phone) if phone else "",
        licence=operator.licence,
        registered_at=now,
    )


def _person(actor: Actor, operator: OperatorInput, now: datetime) -> tuple[str | None, str]:
    if operator.person is None or operator.document is None:
        return None, ""
    entry = Enrolment(person=operator.person, document=operator.document)
    view = people.enrol(actor=actor, people=[entry], purpose_code="operator_file", now=now)[0]
    return view.id, view.name_masked


def _answers_elsewhere(row: Operator) -> bool:
    return (
        Operator.objects.filter(estate_id=row.estate_id, person_id=row.person_id, closed_at__isnull=True)
        .exclude(id=row.id)
        .exists()
    )
