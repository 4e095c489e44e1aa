"""From what happened, stands or passes to messages that wait for a courier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from linli.server.connectors import subjects
from linli.server.connectors.actions.replaying import send_anew
from linli.server.connectors.actions.standing import park, send_off, tell_stays, wake_couriers
from linli.server.connectors.actions.writing import enclose_facts
from linli.server.connectors.models import Link, Report
from linli.server.connectors.protocol import Facts, FactsMissing, Occasion, Platform
from linli.server.connectors.rules import CONTENT, MENDS, STUCK, TERMS, MessageKind, Reason, ReportState, SubjectKind
from linli.server.connectors.subjects import Gathered
from linli.server.kernel import ids
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound
from linli.server.stays import queries as stays
from linli.server.stays.queries import ReportFacts


class CheckInNotQueued(Exception):
    """The check-in of this stay has not been queued yet: its event is still on its way, and this one must come after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Something that happened: the message it may become, and what is known of its subject, or what is missing."""

    occasion: Occasion
    row: Report
    facts: Facts | FactsMissing = field(repr=False)


def news_of(gathered: Gathered, occasion: Occasion, *, platform: Platform, estate_id: str) -> News:
    """This will say what happened to a subject whose facts were just gathered."""
    row = Report(
        estate_id=estate_id,
        platform=platform.name,
        subject_kind=gathered.subject_kind,
        subject_id=gathered.subject_id,
        person_id=gathered.person_id,
        operator_id=gathered.operator_id,
        unit_label=gathered.unit_label,
        terms=gathered.terms,
    )
    return News(occasion=occasion, row=row, facts=gathered.facts)


def queue_reports(
    *, actor: Actor, occasion: Occasion, stay_id: str, platforms: Mapping[str, Platform], now: datetime
) -> int:
    """This will queue one message about a stay to each platform that wants to know, once for an event, and return how many were new.

    What cannot be written is queued all the same, parked with its reason: a guest in the house is never silent.
    Raises `CheckInNotQueued`, so that the outbox tries again, when the events of a stay overtake each other.
    """
    actor.require(Role.SYSTEM)
    wanting = [platform for platform in platforms.values() if platform.wants(occasion.kind)]
    if not wanting:
        return 0
    known = stays.get_report_facts(estate_id=actor.estate_id, stay_id=stay_id)
    if known.checked_in_at is None:
        return 0
    with transaction.atomic():
        facts = _stay_facts(known, estate_id=actor.estate_id)
        return sum(
            queue_news(
                [News(occasion=occasion, row=_of_stay(known, platform, estate_id=actor.estate_id), facts=facts)],
                platform=platform,
                now=now,
                begins=MessageKind.CHECK_IN,
            )
            for platform in wanting
        )


def queue_news(news: Sequence[News], *, platform: Platform, now: datetime, begins: MessageKind | None = None) -> int:
    """This will queue what happened to subjects of one estate, each once, and return how many messages that made.

    The caller holds the transaction. Where there must be a beginning (`begins`), what comes before it raises `CheckInNotQueued`.
    """
    if not news:
        return 0
    before = _earlier(news)
    rows = []
    for one in news:
        earlier = before[one.row.subject_id]
        if _write_next(one, earlier=earlier, platform=platform, now=now, begins=begins):
            rows.append(one.row)
            earlier.append(one.row)
    if rows:
        estate_id = rows[0].estate_id
        Link.objects.get_or_create(estate_id=estate_id, platform=platform.name, defaults={"id": ids.new("link")})
        Report.objects.bulk_create(rows)
        tell_stays(rows)
        wake_couriers()
    return len(rows)


def queue_visit(*, platform: Platform, occasion: Occasion, visit_id: str, estate_id: str, now: datetime) -> int:
    """This will queue the coming or going of a visitor, each once; a going of whom no coming was told is not told either."""
    with transaction.atomic():
        try:
            gathered = subjects.gather(estate_id=estate_id, subject_kind=SubjectKind.VISIT, subject_id=visit_id)
        except NotFound:
            # Nobody came, or not to a flat that is let.
            return 0
        mine = Report.objects.filter(estate_id=estate_id, platform=platform.name, subject_id=visit_id)
        told = set(mine.values_list("kind", flat=True))
        # A pass that is taken back after it ended ends the visit a second time: he has gone once.
        if occasion.kind in told or (occasion.kind is MessageKind.VISITOR_OUT and not told):
            return 0
        news = news_of(gathered, occasion, platform=platform, estate_id=estate_id)
        return queue_news([news], platform=platform, now=now)


def mark_overdue(*, now: datetime) -> tuple[int, int]:
    """This will flag reports past their alarm and past their deadline, and return how many became each."""
    waiting = Report.objects.exclude(state=ReportState.ACCEPTED).filter(breached_at__isnull=True, alarm_at__lte=now)
    breached = waiting.filter(due_at__lte=now).update(breached_at=now)
    alarmed = waiting.filter(alarmed_at__isnull=True).update(alarmed_at=now)
    return alarmed, breached


def _stay_facts(known: ReportFacts, *, estate_id: str) -> Facts | FactsMissing:
    try:
        return subjects.stay_facts(known, estate_id=estate_id)
    except FactsMissing as missing:
        return missing


def _of_stay(known: ReportFacts, platform: Platform, *, estate_id: str) -> Report:
    return Report(
        estate_id=estate_id,
        platform=platform.name,
        subject_kind=SubjectKind.STAY,
        subject_id=known.stay_id,
        person_id=known.person_id,
        operator_id=known.operator_id,
        unit_label=known.unit_code,
        terms=known.belongs,
    )


def _earlier(news: Sequence[News]) -> dict[str, list[Report]]:
    before: dict[str, list[Report]] = {one.row.subject_id: [] for one in news}
    row = news[0].row
    mine = Report.objects.filter(estate_id=row.estate_id, platform=row.platform, subject_id__in=list(before))
    for told in mine.select_for_update().order_by("subject_id", "sequence"):
        before[told.subject_id].append(told)
    return before


def _write_next(
    one: News, *, earlier: Sequence[Report], platform: Platform, now: datetime, begins: MessageKind | None
) -> bool:
    row, occasion = one.row, one.occasion
    if _told_already(occasion, earlier):
        return False
    if not earlier and begins and occasion.kind is not begins and platform.wants(begins):
        if occasion.kind is MessageKind.CANCEL:
            return False
        raise CheckInNotQueued(row.subject_id)
    stuck = _mended_by(occasion, earlier)
    if stuck is not None:
        send_anew(stuck, platform=platform, gone=occasion.gone, now=now)
        return False
    _begin(row, occasion=occasion, now=now)
    row.sequence = earlier[-1].sequence + 1 if earlier else 1
    enclose_facts(row, platform=platform, facts=one.facts, gone=occasion.gone)
    if row.state == ReportState.QUEUED and any(other.state in STUCK for other in earlier):
        park(row, reason=Reason.BEHIND_ANOTHER)
    return True


def _told_already(occasion: Occasion, earlier: Sequence[Report]) -> bool:
    return any(row.kind == occasion.kind and row.happened_at == occasion.happened_at for row in earlier)


def _mended_by(occasion: Occasion, earlier: Sequence[Report]) -> Report | None:
    # Corrected facts mend a refused message itself; an amendment to something that never arrived would be refused too.
    carriers = MENDS.get(occasion.kind, frozenset())
    return next((row for row in earlier if row.state in STUCK and row.kind in carriers and row.reason in CONTENT), None)


def _begin(row: Report, *, occasion: Occasion, now: datetime) -> None:
    terms = TERMS[row.terms]
    row.id = ids.new("rep")
    row.kind, row.happened_at, row.why = occasion.kind, occasion.happened_at, occasion.why
    row.message_id = f"{row.id}-1"
    row.queued_at = now
    row.alarm_at = occasion.happened_at + terms.alarm_after
    row.due_at = occasion.happened_at + terms.due_after
    send_off(row, now=now)
