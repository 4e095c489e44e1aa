"""What can be done: declare purposes, write into the audit chain, enter a disclosure, let go of what is past its time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from linli.server.kernel import crypto, ids, locks
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import Refusal
from linli.server.kernel.locks import Lock
from linli.server.privacy import queries
from linli.server.privacy.models import AuditHead, Consent, Disclosure, Purpose
from linli.server.privacy.queries import ConsentView
from linli.server.privacy.rules import CHANNELS, GENESIS, PURPOSES, canonical_entry


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


class NoticeOutdated(Refusal):
    """The notice has changed, or is not the one that was shown; please read it again."""

    zh = "告知内容已更新或与展示的不一致，请重新阅读后再同意。"
    status = 409


class NoConsent(Refusal):
    """There is no consent for this that still stands."""

    zh = "没有有效的单独同意。"
    status = 409


def give_consent(
    *,
    actor: Actor,
    person_id: str,
    given_by: str,
    purpose: str,
    notice_digest: str,
    channel: str,
    evidence: str = "",
    now: datetime,
) -> ConsentView:
    """This will record a yes to one purpose, in the words shown; a second yes to the same words is the first.

    Refuses with `NoPurpose`, or with `NoticeOutdated` when another notice was shown. Whether the actor may speak for the person is the
    caller's to know (PIPL art. 14, 29, 31).
    """
    terms = queries.get_purpose(estate_id=actor.estate_id, code=purpose)
    if notice_digest != terms.notice_digest:
        raise NoticeOutdated(field="notice_digest")
    with transaction.atomic():
        locks.take(Lock.PERSON, person_id)
        standing = queries.find_consent(estate_id=actor.estate_id, person_id=person_id, purpose=purpose)
        if standing is not None:
            return standing
        consent_id = ids.new("consent")
        Consent.objects.create(
            id=consent_id,
            estate_id=actor.estate_id,
            person_id=person_id,
            given_by=given_by[:80],
            purpose_id=terms.id,
            notice_digest=notice_digest,
            channel=channel if channel in CHANNELS else CHANNELS[0],
            evidence=evidence[:200],
            at=now,
        )
        record(actor=actor, verb="give_consent", subject=person_id, fields=[purpose], reason=consent_id, now=now)
    found = queries.find_consent(estate_id=actor.estate_id, person_id=person_id, purpose=purpose)
    if found is None:
        raise NoConsent
    return found


def withdraw_consent(*, actor: Actor, person_id: str, purpose: str, reason: str = "", now: datetime) -> int:
    """This will take back every standing yes of a person to a purpose, and return how many; no reason is needed (PIPL art. 15)."""
    with transaction.atomic():
        locks.take(Lock.PERSON, person_id)
        standing = list(
            Consent.objects.filter(
                estate_id=actor.estate_id,
                person_id=person_id,
                purpose__code=purpose,
                withdraws__isnull=True,
                withdrawal__isnull=True,
            )
        )
        for row in standing:
            Consent.objects.create(
                id=ids.new("consent"),
                estate_id=row.estate_id,
                person_id=person_id,
                given_by=actor.id[:80],
                purpose_id=row.purpose_id,
                notice_digest=row.notice_digest,
                channel=row.channel,
                evidence=reason[:200],
                withdraws=row,
                at=now,
            )
        if standing:
            record(actor=actor, verb="withdraw_consent", subject=person_id, fields=[purpose], reason=reason, now=now)
    return len(standing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Whose data is about to leave in which message: the fields, and the purpose that lets them."""

    person_id: str
    purpose_code: str
    fields: Sequence[str]
    message_id: str


def disclose(*, actor: Actor, recipient: str, leaving: Sequence[Leaving], now: datetime) -> None:
    """This will enter what is about to leave, and why, into the disclosure ledger; a message that is sent again is entered once.

    Raises `NoPurpose`, and then nothing is entered.
    """
    actor.require(Role.SYSTEM)
    purposes = {
        code: queries.get_purpose(estate_id=actor.estate_id, code=code).id
        for code in {one.purpose_code for one in leaving}
    }
    entries = [
        Disclosure(
            id=ids.new("disc"),
            estate_id=actor.estate_id,
            person_id=one.person_id,
            purpose_id=purposes[one.purpose_code],
            recipient=recipient,
            fields=list(one.fields),
            message_id=one.message_id,
            disclosed_at=now,
        )
        for one in leaving
    ]
    Disclosure.objects.bulk_create(entries, ignore_conflicts=True)


def search_disclosures(*, actor: Actor, person_id: str, now: datetime) -> tuple[queries.DisclosureView, ...]:
    """This will show what left about one person to the auditor or the estate's head, and enter that it was looked up."""
    actor.require(Role.AUDITOR, Role.ESTATE_ADMIN)
    found = queries.list_disclosures(estate_id=actor.estate_id, person_id=person_id)
    record(actor=actor, verb="search_disclosures", subject=person_id, reason=str(len(found)), now=now)
    return found


def enforce_retention(*, now: datetime) -> dict[str, int]:
    """This will erase what is past its time in every registered holding, and return how many rows of each model went."""
    return {holding.model: holding.erase_expired(now) for holding in queries.holdings()}
