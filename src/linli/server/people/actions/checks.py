"""Check a document, and open its number for somebody who has the right and a reason."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from linli.server.kernel import crypto, ids
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotAllowed, NotFound
from linli.server.people import queries, rules
from linli.server.people.actions import rows
from linli.server.people.models import Document, DocumentCheck
from linli.server.people.queries import NUMBER, CheckView, view_check
from linli.server.people.rules.documents import check_reason
from linli.server.privacy import actions as privacy

MACHINE = frozenset({Role.SYSTEM, Role.ESTATE_ADMIN, Role.OFFICE, Role.GUARD, Role.POLICE, Role.OPERATOR, Role.GUEST})
HUMAN = MACHINE - {Role.GUEST}
# Nobody vouches for their own document by eye, and a guest's own phone is no reader.
WHO_CHECKS = {"typed": MACHINE, "ocr": MACHINE, "mrz": MACHINE, "reader": HUMAN, "eye": HUMAN, "certificate": HUMAN} | {
    # Only the estate itself has the face layer's answer.
    "face": frozenset({Role.SYSTEM})
}


def record_check(
    *, actor: Actor, document_id: str, level: int, method: str, evidence: Mapping[str, Any], now: datetime
) -> CheckView:
    """This will note how sure a look at a document made us.

    Raises `LevelNotEarned` when the method cannot earn the level, and `EvidenceNamesSomebody` when the evidence is personal.
    """
    rules.check_level(method=method, level=level)
    if not any(grant.role in WHO_CHECKS[method] for grant in actor.grants):
        raise NotAllowed
    document = Document.objects.filter(estate_id=actor.estate_id, id=document_id).select_related("person").first()
    if document is None or document.person.erased_at is not None:
        raise NotFound(field="document_id")
    known = rows.known(document.person)
    rules.check_evidence(
        evidence,
        number=crypto.unseal(bytes(document.number), context=NUMBER),
        names=[name for name in (known.native_name, known.latin_name) if name],
    )
    row = DocumentCheck.objects.create(
        id=ids.new("chk"),
        estate_id=actor.estate_id,
        document=document,
        level=level,
        method=method,
        evidence=dict(evidence),
        checked_by=actor.id,
        checked_at=now,
    )
    return view_check(row)


def reveal_document(*, actor: Actor, person_id: str, reason: str, now: datetime) -> str:
    """This will return a document's number in full, once it stands in the audit chain who looked and why."""
    actor.require(Role.POLICE, Role.OFFICE, Role.ESTATE_ADMIN, Role.AUDITOR)
    reason = check_reason(reason)
    with transaction.atomic():
        identity = queries.get_identity(estate_id=actor.estate_id, person_id=person_id)
        privacy.record(
            actor=actor, verb="reveal_document", subject=person_id, fields=("document.number",), reason=reason, now=now
        )
    return identity.document_number
