"""A courier's two steps: take what is due under a lease, and write down what came of it."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction

from linli.server.connectors.actions.queueing import BODY
from linli.server.connectors.actions.standing import park, settle_those_behind, tell_stay
from linli.server.connectors.models import Attempt, Report
from linli.server.connectors.protocol import Message, Platform, Told
from linli.server.connectors.rules import (
    LINK_FAILURES,
    STUCK,
    MessageKind,
    Reason,
    ReportState,
    Standing,
    Step,
    Verdict,
    fields_not_allowed,
    step_after,
)
from linli.server.kernel import crypto, ids
from linli.server.kernel.actors import system
from linli.server.privacy import actions as privacy

LEASE = timedelta(seconds=20)
RAW_AT_MOST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A report that this courier alone may deliver until its lease ends; `number` is the fence against a courier who wakes too late."""

    report_id: str
    estate_id: str
    number: int
    ask_first: bool
    message: Message
    sealed: bytes = field(repr=False)


def claim_due(*, platform: Platform, limit: int, now: datetime) -> tuple[Claim, ...]:
    """This will take up to `limit` due reports, the first unfinished one of each stay only, and enter what is about to leave.

    A report whose courier died is taken with a question first: nobody knows whether it was sent.
    """
    with transaction.atomic():
        chosen = _due(platform=platform.name, limit=limit, now=now)
        rows = Report.objects.filter(id__in=chosen).order_by("next_try_at", "id") if chosen else ()
        return tuple(filter(None, [_take(row, platform=platform, now=now) for row in rows]))


def record_answer(*, claim: Claim, told: Told, luck: float, now: datetime) -> ReportState | None:
    """This will write down one exchange and what it means for its report, and return the new state.

    A courier whose lease ended meanwhile only leaves its evidence (None): another has the report now.
    """
    with transaction.atomic():
        row = Report.objects.select_for_update().get(id=claim.report_id)
        _keep(claim=claim, told=told, now=now)
        if row.attempts != claim.number or row.state not in (ReportState.SENDING, ReportState.PENDING):
            return None
        before = row.state
        standing = Standing(failures=row.failures, nonsense=row.nonsense, pending_since=row.pending_since)
        _move(row, told=told, step=step_after(verdict=told.verdict, standing=standing, luck=luck, now=now), now=now)
        row.save()
        if row.state in STUCK:
            settle_those_behind(row)
        if (before, row.state) != (ReportState.SENDING, ReportState.QUEUED):
            tell_stay(row, now=now)
    return ReportState(row.state)


def _due(*, platform: str, limit: int, now: datetime) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT r.id FROM connectors_report r
            WHERE r.platform = %s AND r.state IN ('QUEUED', 'SENDING', 'PENDING') AND r.next_try_at <= %s
              AND NOT EXISTS (SELECT 1 FROM connectors_report e WHERE e.estate_id = r.estate_id AND e.platform = r.platform
                              AND e.stay_id = r.stay_id AND e.sequence < r.sequence AND e.state <> 'ACCEPTED')
              AND NOT EXISTS (SELECT 1 FROM connectors_link l WHERE l.estate_id = r.estate_id AND l.platform = r.platform
                              AND l.paused_at IS NOT NULL)
            ORDER BY r.next_try_at LIMIT %s FOR UPDATE OF r SKIP LOCKED
            """,
            [platform, now, limit],
        )
        return [row[0] for row in cursor.fetchall()]


def _take(row: Report, *, platform: Platform, now: datetime) -> Claim | None:
    ask_first = row.in_doubt or row.state != ReportState.QUEUED
    if not ask_first and not _may_leave(row, platform=platform, now=now):
        return None
    if not ask_first and not row.disclosed:
        privacy.disclose(
            actor=system(row.estate_id),
            person_id=row.person_id,
            recipient=platform.recipient,
            purpose_code=platform.purpose_code,
            fields=row.fields,
            message_id=row.message_id,
            now=now,
        )
        row.disclosed = True
    if row.state != ReportState.PENDING:
        row.state = ReportState.SENDING
    row.attempts += 1
    # While somebody has it, the next try is the end of the lease: one column says when to look again.
    row.lease_until = row.next_try_at = now + LEASE
    row.save(update_fields=["state", "attempts", "disclosed", "lease_until", "next_try_at"])
    sealed = bytes(row.body or b"")
    return Claim(
        report_id=row.id,
        estate_id=row.estate_id,
        number=row.attempts,
        ask_first=ask_first,
        message=Message(
            message_id=row.message_id,
            kind=MessageKind(row.kind),
            queued_at=row.queued_at,
            fields=json.loads(crypto.unseal(sealed, context=BODY)),
        ),
        sealed=sealed,
    )


def _may_leave(row: Report, *, platform: Platform, now: datetime) -> bool:
    # The whitelist has the last word at the way out too: it may have shrunk since the message was written.
    too_much = fields_not_allowed(fields=row.fields, allowed=platform.allowed.get(MessageKind(row.kind), frozenset()))
    if not too_much:
        return True
    park(row, reason=Reason.FIELD_NOT_ALLOWED)
    row.field = too_much[0][:40]
    row.save()
    settle_those_behind(row)
    tell_stay(row, now=now)
    return False


def _keep(*, claim: Claim, told: Told, now: datetime) -> None:
    raw = told.raw[:RAW_AT_MOST].decode(errors="backslashreplace")
    Attempt.objects.create(
        id=ids.new("att"),
        estate_id=claim.estate_id,
        report_id=claim.report_id,
        number=claim.number,
        message_id=claim.message.message_id,
        asked=claim.ask_first,
        verdict=told.verdict,
        status=told.status,
        code=told.code[:40],
        seconds=told.seconds,
        request=None if claim.ask_first else claim.sealed,
        answer=crypto.seal(raw, context="attempt.answer") if raw else None,
        ended_at=now,
    )


def _move(row: Report, *, told: Told, step: Step, now: datetime) -> None:
    if told.verdict in LINK_FAILURES or told.verdict is Verdict.NONSENSE:
        row.failures += 1
        row.nonsense += told.verdict is Verdict.NONSENSE
    else:
        row.failures = 0
    refused = told.verdict is Verdict.REJECTED
    row.code, row.field, row.receipt = (told.code[:40], told.field[:40], "") if refused else ("", "", told.receipt[:40])
    if told.verdict is Verdict.UNHEARD_OF:
        # It said PENDING once and denies it now: what counts is that it does not have it.
        row.pending_since = None
    row.in_doubt = step.in_doubt or (row.in_doubt and told.verdict in (Verdict.LOCKED_OUT, Verdict.UNREACHABLE))
    row.next_try_at = now + step.pause
    if step.state in STUCK:
        park(row, reason=step.reason, state=step.state)
        return
    row.state, row.reason, row.owner, row.lease_until = step.state, step.reason, "", None
    if step.state is ReportState.PENDING and row.pending_since is None:
        row.pending_since = now
    if step.state is ReportState.ACCEPTED:
        row.accepted_at = now
