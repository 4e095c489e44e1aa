"""What can be done: declare purposes, write into the audit chain, enter a disclosure, let go of what is past its time."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from linli.server.kernel import crypto, ids, locks
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.locks import Lock
from linli.server.privacy import queries
from linli.server.privacy.models import AuditEntry, AuditHead, Disclosure, Purpose
from linli.server.privacy.rules import GENESIS, PURPOSES, canonical_entry


def declare_purposes(*, actor: Actor, now: datetime) -> int:
    """This will write the purposes the estate works under, where they are not yet declared, and return how many were new."""
    actor.require(Role.SYSTEM, Role.ESTATE_ADMIN)
    declared = 0
    with transaction.atomic():
        for terms in PURPOSES:
            _, new = Purpose.objects.get_or_create(
                estate_id=actor.estate_id,
                code=terms.code,
                notice_version=terms.notice_version,
                defaults={
                    "id": ids.new("purpose"),
                    "legal_basis": terms.legal_basis,
                    "data_set": list(terms.data_set),
                    "retention_days": terms.retention_days,
                    "recipients": list(terms.recipients),
                    "notice_zh": terms.notice_zh,
                    "notice_en": terms.notice_en,
                    "declared_at": now,
                },
            )
            declared += new
    return declared


def record(
    *, actor: Actor, verb: str, subject: str, fields: Sequence[str] = (), reason: str = "", now: datetime
) -> None:
    """This will append to the estate's audit chain, inside the caller's transaction; call it last, it takes the last lock."""
    with transaction.atomic():
        locks.take(Lock.AUDIT, actor.estate_id)
        head = AuditHead.objects.filter(estate_id=actor.estate_id).values_list("sequence", "digest").first()
        sequence, previous = (head[0] + 1, head[1]) if head else (1, GENESIS)
        entry = AuditEntry(
            estate_id=actor.estate_id,
            sequence=sequence,
            at=now,
            actor_id=actor.id,
            verb=verb,
            subject=subject,
            fields=list(fields),
            reason=reason[:300],
            previous=previous,
        )
        entry.digest = crypto.sm3(
            canonical_entry(
                estate_id=entry.estate_id,
                sequence=sequence,
                at=now,
                actor_id=entry.actor_id,
                verb=verb,
                subject=subject,
                fields=entry.fields,
                reason=entry.reason,
                previous=previous,
            )
        ).hex()
        entry.save(force_insert=True)
        if head:
            AuditHead.objects.filter(estate_id=actor.estate_id).update(sequence=sequence, digest=entry.digest)
        else:
            AuditHead.objects.create(estate_id=actor.estate_id, sequence=sequence, digest=entry.digest)


def disclose(
    *,
    actor: Actor,
    person_id: str,
    recipient: str,
    purpose_code: str,
    fields: Sequence[str],
    message_id: str,
    now: datetime,
) -> None:
    """This will enter what is about to leave, and why, into the disclosure ledger; a message that is sent again is entered once."""
    actor.require(Role.SYSTEM)
    purpose = queries.get_purpose(estate_id=actor.estate_id, code=purpose_code)
    Disclosure.objects.get_or_create(
        estate_id=actor.estate_id,
        recipient=recipient,
        message_id=message_id,
        defaults={
            "id": ids.new("disc"),
            "person_id": person_id,
            "purpose_id": purpose.id,
            "fields": list(fields),
            "disclosed_at": now,
        },
    )


def enforce_retention(*, now: datetime) -> dict[str, int]:
    """This will erase what is past its time in every registered holding, and return how many rows of each model went."""
    return {holding.model: holding.erase_expired(now) for holding in queries.holdings()}
