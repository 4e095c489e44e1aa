"""What can be done: declare purposes, write into the audit chain, enter a disclosure, let go of what is past its time."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from linli.server.kernel import crypto, ids
from linli.server.kernel.actors import Actor, Role
from linli.server.privacy import queries
from linli.server.privacy.models import AuditHead, Disclosure, Purpose
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
    queries.forget_purposes()
    return declared


def record(
    *, actor: Actor, verb: str, subject: str, fields: Sequence[str] = (), reason: str = "", now: datetime
) -> None:
    """This will append to the estate's audit chain, inside the caller's transaction; call it last, it takes the last lock."""
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        sequence, previous = _held_end(cursor, actor.estate_id)
        why, told = reason[:300], list(fields)
        entry = canonical_entry(
            estate_id=actor.estate_id,
            sequence=sequence,
            at=now,
            actor_id=actor.id,
            verb=verb,
            subject=subject,
            fields=told,
            reason=why,
            previous=previous,
        )
        digest = crypto.sm3(entry).hex()
        cursor.execute(_APPEND, [sequence, digest, actor.estate_id, now, actor.id, verb, subject, told, why, previous])


# Two statements an entry, for every check-in writes several: the head's row lock is the chain's lock.
_HOLD_END = "SELECT sequence, digest FROM privacy_audithead WHERE estate_id = %s FOR UPDATE"
_APPEND = """
    WITH moved AS (UPDATE privacy_audithead SET sequence = %s, digest = %s WHERE estate_id = %s RETURNING *)
    INSERT INTO privacy_auditentry (estate_id, sequence, at, actor_id, verb, subject, fields, reason, previous, digest)
    SELECT estate_id, sequence, %s, %s, %s, %s, %s::varchar[], %s, %s, digest FROM moved
"""


def _held_end(cursor: CursorWrapper, estate_id: str) -> tuple[int, str]:
    cursor.execute(_HOLD_END, [estate_id])
    found = cursor.fetchone()
    if found is None:
        AuditHead.objects.bulk_create(
            [AuditHead(estate_id=estate_id, sequence=0, digest=GENESIS)], ignore_conflicts=True
        )
        cursor.execute(_HOLD_END, [estate_id])
        found = cursor.fetchone()
    return found[0] + 1, found[1]


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
