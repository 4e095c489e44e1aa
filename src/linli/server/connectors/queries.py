"""What is so about reports: where each stands, why it waits and for whom, and how the links are."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet

from linli.server.connectors.models import Attempt, Hit, Link, PlatformAccount, Report
from linli.server.connectors.rules import WORDS, Reason, ReportState, SubjectKind
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound

PAGE = 50
STAFF = (Role.ESTATE_ADMIN, Role.OFFICE, Role.POLICE, Role.AUDITOR, Role.SYSTEM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A message in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One report in a list: whom it concerns only by its subject, when it is due, and what holds it up."""

    id: str
    platform: str
    kind: str
    subject_kind: str
    subject_id: str
    unit_label: str
    state: str
    attempts: int
    queued_at: datetime
    due_at: datetime
    overdue: str | None
    receipt: str | None
    code: str | None
    field: str | None
    reason: str | None
    says: Words | None
    owner: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPage:
    """A page of reports, 50 a page, and how many there are in all."""

    items: tuple[ReportRow, ...]
    total: int
    page: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One exchange with the platform; the raw texts stay sealed."""

    number: int
    message_id: str
    asked: bool
    verdict: str
    status: int | None
    code: str | None
    dialect: str | None
    seconds: float
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """One report with every exchange it took, and the names of the fields that left."""

    report: ReportRow
    message_id: str
    fields: tuple[str, ...]
    happened_at: datetime
    accepted_at: datetime | None
    exchanges: tuple[AttemptRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """How one platform is doing: paused by whom and why, failing since when and with what, and how much waits for it."""

    platform: str
    paused_at: datetime | None
    paused_by: str | None
    pause_reason: str | None
    failing_since: datetime | None
    failing_with: str | None
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """How the reports of a stretch of time fared, for a day's account."""

    reported: int
    receipted: int
    waiting: int
    stuck: int
    stuck_without_reason: int
    seconds_to_receipt: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformAccountView:
    """An operator's account at a platform; the secret is never shown."""

    platform: str
    operator_id: str
    username: str
    party_code: str
    set_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HitView:
    """What a platform said for the police alone, and when it was first read."""

    id: str
    platform: str
    subject_kind: str
    subject_id: str
    person_id: str
    told_at: datetime
    read_at: datetime | None


def list_reports(*, actor: Actor, state: str | None, platform: str | None, page: int) -> ReportPage:
    """This will list reports, newest first, to whoever may see them; an operator sees those of own units."""
    rows = _visible(actor)
    if state:
        rows = rows.filter(state=state)
    if platform:
        rows = rows.filter(platform=platform)
    page = max(1, page)
    chosen = rows.order_by("-queued_at", "-id")[(page - 1) * PAGE : page * PAGE]
    return ReportPage(items=tuple(row_of(row) for row in chosen), total=rows.count(), page=page, size=PAGE)


def get_report(*, actor: Actor, report_id: str) -> ReportView:
    """This will show one report with its exchanges, or refuse with `NotFound`."""
    row = _visible(actor).filter(id=report_id).first()
    if row is None:
        raise NotFound
    exchanges = Attempt.objects.filter(report=row).order_by("number")
    return ReportView(
        report=row_of(row),
        message_id=row.message_id,
        fields=tuple(row.fields),
        happened_at=row.happened_at,
        accepted_at=row.accepted_at,
        exchanges=tuple(_exchange(attempt) for attempt in exchanges),
    )


def count_by_state(*, estate_id: str, since: datetime | None = None) -> dict[str, int]:
    """This will count an estate's reports by state, every state named, those queued since an instant or all."""
    rows = Report.objects.filter(estate_id=estate_id)
    if since is not None:
        rows = rows.filter(queued_at__gte=since)
    found = dict(rows.values_list("state").annotate(Count("id")).order_by())
    return {state.value: found.get(state.value, 0) for state in ReportState}


def list_links(*, actor: Actor) -> tuple[LinkView, ...]:
    """This will show how each platform is doing to the office and whoever watches it."""
    actor.require(*STAFF)
    waiting = dict(
        Report.objects.filter(
            estate_id=actor.estate_id, state__in=[ReportState.QUEUED, ReportState.SENDING, ReportState.PENDING]
        )
        .values_list("platform")
        .annotate(Count("id"))
        .order_by()
    )
    links = Link.objects.filter(estate_id=actor.estate_id).order_by("platform")
    return tuple(
        LinkView(
            platform=link.platform,
            paused_at=link.paused_at,
            paused_by=link.paused_by or None,
            pause_reason=link.pause_reason or None,
            failing_since=link.failing_since,
            failing_with=link.failing_with or None,
            waiting=waiting.get(link.platform, 0),
        )
        for link in links
    )


def delivered(*, estate_id: str, platform: str, since: datetime) -> Delivered:
    """This will account for one platform's reports about stays queued since an instant; what merely stands is told at leisure."""
    rows = Report.objects.filter(
        estate_id=estate_id, platform=platform, subject_kind=SubjectKind.STAY, queued_at__gte=since
    )
    counts = dict(rows.values_list("state").annotate(Count("id")).order_by())
    times = rows.filter(accepted_at__isnull=False).values_list("queued_at", "accepted_at")
    stuck = counts.get(ReportState.PARKED, 0) + counts.get(ReportState.REJECTED, 0)
    receipted = counts.get(ReportState.ACCEPTED, 0)
    total = sum(counts.values())
    return Delivered(
        reported=total,
        receipted=receipted,
        waiting=total - receipted - stuck,
        stuck=stuck,
        stuck_without_reason=rows.filter(state__in=[ReportState.PARKED, ReportState.REJECTED], reason="").count(),
        seconds_to_receipt=tuple((accepted - queued).total_seconds() for queued, accepted in times if accepted),
    )


def digest_accepted(*, estate_id: str, platform: str) -> str:
    """This will name what one platform has receipted of stays, so that its books can be held against ours: SHA-256 over sorted lines."""
    rows = Report.objects.filter(
        estate_id=estate_id, platform=platform, subject_kind=SubjectKind.STAY, state=ReportState.ACCEPTED
    )
    lines = sorted(f"{subject_id} {kind}" for subject_id, kind in rows.values_list("subject_id", "kind"))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def row_of(row: Report) -> ReportRow:
    """This will show a report as a line."""
    words = WORDS.get(Reason(row.reason))
    return ReportRow(
        id=row.id,
        platform=row.platform,
        kind=row.kind,
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        unit_label=row.unit_label,
        state=row.state,
        attempts=row.attempts,
        queued_at=row.queued_at,
        due_at=row.due_at,
        overdue="breach" if row.breached_at else "alarm" if row.alarmed_at else None,
        receipt=row.receipt or None,
        code=row.code or None,
        field=row.field or None,
        reason=row.reason or None,
        says=Words(zh=words[0], en=words[1]) if words else None,
        owner=row.owner or None,
    )


def states_of(
    *, estate_id: str, platform: str, subject_ids: Collection[str]
) -> Mapping[str, Sequence[tuple[ReportState, str]]]:
    """This will list, by subject, the states and receipts of its reports to one platform in their order."""
    rows = Report.objects.filter(estate_id=estate_id, platform=platform, subject_id__in=subject_ids)
    found: dict[str, list[tuple[ReportState, str]]] = {}
    for subject_id, state, receipt in rows.order_by("sequence").values_list("subject_id", "state", "receipt"):
        found.setdefault(subject_id, []).append((ReportState(state), receipt))
    return found


def list_accounts(*, actor: Actor) -> tuple[PlatformAccountView, ...]:
    """This will list the operators' accounts at platforms: all to the office, an operator's own to the operator."""
    rows = PlatformAccount.objects.filter(estate_id=actor.estate_id).order_by("platform", "operator_id")
    if not actor.may(Role.OFFICE, Role.ESTATE_ADMIN):
        actor.require_any(Role.OPERATOR)
        rows = rows.filter(operator_id__in=_owned(actor))
    return tuple(account_view(row) for row in rows)


def account_view(row: PlatformAccount) -> PlatformAccountView:
    """This will show an account without its secret."""
    return PlatformAccountView(
        platform=row.platform,
        operator_id=row.operator_id,
        username=row.username,
        party_code=row.party_code,
        set_at=row.set_at,
    )


def hit_view(row: Hit) -> HitView:
    """This will show a hit as the police see it."""
    return HitView(
        id=row.id,
        platform=row.platform,
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        person_id=row.person_id,
        told_at=row.told_at,
        read_at=row.read_at,
    )


def _visible(actor: Actor) -> QuerySet[Report]:
    rows = Report.objects.filter(estate_id=actor.estate_id)
    if actor.may(*STAFF):
        return rows
    actor.require_any(Role.OPERATOR)
    return rows.filter(operator_id__in=_owned(actor))


def _owned(actor: Actor) -> list[str]:
    return [scope.removeprefix("operator:") for scope in actor.scopes(Role.OPERATOR)]


def _exchange(row: Attempt) -> AttemptRow:
    return AttemptRow(
        number=row.number,
        message_id=row.message_id,
        asked=row.asked,
        verdict=row.verdict,
        status=row.status,
        code=row.code or None,
        dialect=row.dialect or None,
        seconds=row.seconds,
        ended_at=row.ended_at,
    )
