"""A courier's two steps: take what is due under a lease, and write down what came of it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction

from linli.server.connectors.actions.accounts import SECRET
from linli.server.connectors.actions.standing import park, settle_those_behind, tell_stays
from linli.server.connectors.actions.writing import BODY, estate_facts, what_forbids
from linli.server.connectors.models import Attempt, Hit, PlatformAccount, Report
from linli.server.connectors.protocol import Account, EstateFacts, Message, Platform, Told
from linli.server.connectors.rules import (
    LINK_FAILURES,
    STUCK,
    MessageKind,
    Reason,
    ReportState,
    Standing,
    Verdict,
    fields_not_allowed,
    step_after,
)
from linli.server.kernel import crypto, ids
from linli.server.kernel.actors import system
from linli.server.privacy import actions as privacy
from linli.server.privacy.actions import Leaving

LEASE = timedelta(seconds=20)
RAW_AT_MOST = 20_000
# What an answer may change of a report.
MOVED = (
    *("state", "reason", "owner", "code", "field", "receipt", "ticket", "failures", "nonsense", "in_doubt"),
    *("next_try_at", "lease_until", "pending_since", "accepted_at"),
)
# They mend or withdraw what was told before, and some platforms know that by its receipt only.
CORRECTIONS = frozenset({MessageKind.AMEND, MessageKind.CANCEL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A report that this courier alone may deliver until its lease ends; `number` is the fence against a courier who wakes too late."""

    report_id: str
    estate_id: str
    number: int
    ask_first: bool
    message: Message
    sealed: bytes = field(repr=False)

    @property
    def account_id(self) -> str:
        """Under which operator's account it leaves; empty under the estate's own."""
        return self.message.account.id if self.message.account else ""


def claim_due(*, platform: Platform, limit: int, now: datetime) -> tuple[Claim, ...]:
    """This will take up to `limit` due reports, the first unfinished one about each subject only, and enter what is about to leave.

    A report whose courier died is taken with a question first: nobody knows whether it was sent.
    """
    with transaction.atomic():
        chosen = _due(platform=platform.name, limit=limit, now=now)
        if not chosen:
            return ()
        rows = [
            (row, _account(row) if platform.own_accounts else None)
            for row in Report.objects.filter(id__in=chosen).order_by("next_try_at", "id")
        ]
        taken = [
            (row, account, _asks_first(row))
            for row, account in rows
            if _asks_first(row) or _may_leave(row, platform=platform, account=account, now=now)
        ]
        sent = [row for row, _, asks in taken if not asks]
        _enter(sent, platform=platform, now=now)
        _lease([row for row, _, _ in taken], sent=sent, now=now)
        speaks = {estate_id: estate_facts(estate_id=estate_id) for estate_id in {row.estate_id for row, _, _ in taken}}
        return tuple(
            _claim(row, estate=speaks[row.estate_id], account=account, ask_first=asks) for row, account, asks in taken
        )


def record_answers(
    *, claims: Sequence[Claim], answers: Sequence[Told], luck: Callable[[], float], now: datetime
) -> list[ReportState | None]:
    """This will write down what came back and what it means for each report, all or nothing, and return their new states.

    A courier whose lease ended meanwhile only leaves its evidence (None): another has the report now. `luck` gives 0 to 1 for each
    pause, so that those who failed together do not come back together.
    """
    with transaction.atomic():
        wanted = Report.objects.select_for_update().defer("body").filter(id__in=[claim.report_id for claim in claims])
        rows = {row.id: row for row in wanted.order_by("id")}
        evidence = [_evidence(claim=claim, told=told, now=now) for claim, told in zip(claims, answers, strict=True)]
        Attempt.objects.bulk_create(evidence)
        moved: list[Report] = []
        turned: list[Report] = []
        states: list[ReportState | None] = []
        for claim, told in zip(claims, answers, strict=True):
            row = rows[claim.report_id]
            if not _still_has_it(claim, row):
                states.append(None)
                continue
            before = row.state
            _move(row, told=told, luck=luck(), now=now)
            moved.append(row)
            states.append(ReportState(row.state))
            if told.hit and row.person_id:
                _note_hit(row, now=now)
            if (before, row.state) != (ReportState.SENDING, ReportState.QUEUED):
                turned.append(row)
        _save(moved)
        for row in moved:
            if row.state in STUCK:
                settle_those_behind(row)
        tell_stays(turned)
    return states


def _still_has_it(claim: Claim, row: Report) -> bool:
    return row.attempts == claim.number and row.state in (ReportState.SENDING, ReportState.PENDING)


def _save(rows: Sequence[Report]) -> None:
    # Many small changes in one pipeline: a platform's courier spends most of its time here.
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE connectors_report SET {', '.join(f'{name} = %s' for name in MOVED)} WHERE id = %s",
            [(*(getattr(row, name) for name in MOVED), row.id) for row in rows],
        )


def _note_hit(row: Report, *, now: datetime) -> None:
    # For the police role alone: no event, no state, no line in the log tells anybody else.
    Hit.objects.get_or_create(
        estate_id=row.estate_id,
        report_id=row.id,
        defaults={
            "id": ids.new("hit"),
            "platform": row.platform,
            "subject_kind": row.subject_kind,
            "subject_id": row.subject_id,
            "person_id": row.person_id,
            "told_at": now,
        },
    )


def _due(*, platform: str, limit: int, now: datetime) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT r.id FROM connectors_report r
            WHERE r.platform = %s AND r.state IN ('QUEUED', 'SENDING', 'PENDING') AND r.next_try_at <= %s
              AND NOT EXISTS (SELECT 1 FROM connectors_report e WHERE e.estate_id = r.estate_id AND e.platform = r.platform
                              AND e.subject_id = r.subject_id AND e.sequence < r.sequence AND e.state <> 'ACCEPTED')
              AND NOT EXISTS (SELECT 1 FROM connectors_link l WHERE l.estate_id = r.estate_id AND l.platform = r.platform
                              AND l.paused_at IS NOT NULL)
            ORDER BY r.next_try_at LIMIT %s FOR UPDATE OF r SKIP LOCKED
            """,
            [platform, now, limit],
        )
        return [row[0] for row in cursor.fetchall()]


def _asks_first(row: Report) -> bool:
    return row.in_doubt or row.state != ReportState.QUEUED


def _enter(rows: Sequence[Report], *, platform: Platform, now: datetime) -> None:
    # Into the disclosure ledger before it leaves: whoever dies in between has entered what nobody got, never the reverse.
    leaving: dict[str, list[Leaving]] = {}
    for row in rows:
        if row.person_id and not row.disclosed:
            purpose_code = platform.purpose_of(MessageKind(row.kind))
            leaving.setdefault(row.estate_id, []).append(
                Leaving(
                    person_id=row.person_id, purpose_code=purpose_code, fields=row.fields, message_id=row.message_id
                )
            )
    for estate_id, messages in leaving.items():
        privacy.disclose(actor=system(estate_id), recipient=platform.recipient, leaving=messages, now=now)


def _lease(rows: Sequence[Report], *, sent: Sequence[Report], now: datetime) -> None:
    until = now + LEASE
    with connection.cursor() as cursor:
        # While somebody has it, the next try is the end of the lease: one column says when to look again.
        cursor.execute(
            """
            UPDATE connectors_report SET state = CASE state WHEN 'PENDING' THEN state ELSE 'SENDING' END, attempts = attempts + 1,
                disclosed = disclosed OR id = ANY(%s), lease_until = %s, next_try_at = %s
            WHERE id = ANY(%s)
            """,
            [[row.id for row in sent], until, until, [row.id for row in rows]],
        )


def _claim(row: Report, *, estate: EstateFacts, account: Account | None, ask_first: bool) -> Claim:
    sealed = bytes(row.body or b"")
    return Claim(
        report_id=row.id,
        estate_id=row.estate_id,
        number=row.attempts + 1,
        ask_first=ask_first,
        message=Message(
            message_id=row.message_id,
            kind=MessageKind(row.kind),
            queued_at=row.queued_at,
            subject_id=row.subject_id,
            estate=estate,
            ticket=row.ticket,
            takes_back=_receipt_before(row),
            account=account,
            fields=json.loads(crypto.unseal(sealed, context=BODY)),
        ),
        sealed=sealed,
    )


def _receipt_before(row: Report) -> str:
    if row.kind not in CORRECTIONS:
        return ""
    earlier = Report.objects.filter(
        estate_id=row.estate_id, platform=row.platform, subject_id=row.subject_id, sequence__lt=row.sequence
    )
    return earlier.order_by("-sequence").values_list("receipt", flat=True).first() or ""


def _account(row: Report) -> Account | None:
    found = PlatformAccount.objects.filter(
        estate_id=row.estate_id, platform=row.platform, operator_id=row.operator_id
    ).first()
    if found is None:
        return None
    return Account(
        id=found.id,
        username=found.username,
        secret=crypto.unseal(bytes(found.secret), context=SECRET),
        party_code=found.party_code,
    )


def _may_leave(row: Report, *, platform: Platform, account: Account | None, now: datetime) -> bool:
    # Whitelist, purpose and consent have the last word at the way out too: they may have shrunk since the message was written.
    too_much = fields_not_allowed(fields=row.fields, allowed=platform.allowed.get(MessageKind(row.kind), frozenset()))
    reason = Reason.FIELD_NOT_ALLOWED if too_much else what_forbids(row, platform=platform)
    if reason is Reason.NONE and platform.own_accounts and account is None:
        reason = Reason.NO_ACCOUNT
    if reason is Reason.NONE:
        return True
    park(row, reason=reason)
    row.field = too_much[0][:40] if too_much else ""
    row.save()
    settle_those_behind(row)
    tell_stays([row])
    return False


def _evidence(*, claim: Claim, told: Told, now: datetime) -> Attempt:
    raw = told.raw[:RAW_AT_MOST].decode(errors="backslashreplace")
    return Attempt(
        id=ids.new("att"),
        estate_id=claim.estate_id,
        report_id=claim.report_id,
        number=claim.number,
        message_id=claim.message.message_id,
        asked=claim.ask_first,
        verdict=told.verdict,
        status=told.status,
        code=told.code[:40],
        dialect=told.dialect[:30],
        seconds=told.seconds,
        request=None if claim.ask_first else claim.sealed,
        answer=crypto.seal(raw, context="attempt.answer") if raw else None,
        ended_at=now,
    )


def _move(row: Report, *, told: Told, luck: float, now: datetime) -> None:
    standing = Standing(failures=row.failures, nonsense=row.nonsense, pending_since=row.pending_since)
    step = step_after(verdict=told.verdict, standing=standing, luck=luck, now=now)
    if told.verdict in LINK_FAILURES or told.verdict is Verdict.NONSENSE:
        row.failures += 1
        row.nonsense += told.verdict is Verdict.NONSENSE
    else:
        row.failures = 0
    refused = told.verdict is Verdict.REJECTED
    row.code, row.field, row.receipt = (told.code[:40], told.field[:40], "") if refused else ("", "", told.receipt[:60])
    if told.ticket:
        row.ticket = told.ticket[:60]
    if told.verdict is Verdict.UNHEARD_OF:
        # It said PENDING once and denies it now: what counts is that it does not have it.
        row.pending_since, row.ticket = None, ""
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
