"""From what happened, stands or passes to messages that wait for a courier."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from linli.server.connectors import subjects
from linli.server.connectors.actions.replaying import send_anew
from linli.server.connectors.actions.standing import park, send_off, tell_stay, wake_couriers
from linli.server.connectors.actions.writing import enclose, enclose_facts
from linli.server.connectors.models import Link, Report
from linli.server.connectors.protocol import Occasion, Platform
from linli.server.connectors.rules import CONTENT, MENDS, STUCK, TERMS, MessageKind, Reason, ReportState, SubjectKind
from linli.server.connectors.subjects import Gathered
from linli.server.kernel import ids
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound
from linli.server.stays import queries as stays


class CheckInNotQueued(Exception):
    """The check-in of this stay has not been queued yet: its event is still on its way, and this one must come after it."""


def queue_reports(
    *, actor: Actor, occasion: Occasion, stay_id: str, platforms: Mapping[str, Platform], now: datetime
) -> int:
    """This will queue one message about a stay to each platform that wants to know, once for an event, and return how many were new.

    What cannot be written is queued all the same, parked with its reason: a guest in the house is never silent.
    Raises `CheckInNotQueued`, so that the outbox tries again, when the events of a stay overtake each other.
    """
    actor.require(Role.SYSTEM)
    known = stays.get_report_facts(estate_id=actor.estate_id, stay_id=stay_id)
    if known.checked_in_at is None:
        return 0
    wanting = [platform for platform in platforms.values() if platform.wants(occasion.kind)]
    with transaction.atomic():
        return sum(
            _queue_of_stay(
                Report(
                    estate_id=actor.estate_id,
                    platform=platform.name,
                    subject_kind=SubjectKind.STAY,
                    subject_id=stay_id,
                    person_id=known.person_id,
                    operator_id=known.operator_id,
                    unit_label=known.unit_code,
                    terms=known.belongs,
                ),
                platform=platform,
                occasion=occasion,
                now=now,
            )
            for platform in wanting
        )


def queue_gathered(*, platform: Platform, occasion: Occasion, gathered: Gathered, estate_id: str, now: datetime) -> int:
    """This will queue one message about a subject whose facts were just gathered, and return 1 when it was new.

    The caller holds the transaction. An end without a beginning is nobody's news.
    """
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
    earlier = _earlier(row)
    if _told_already(occasion, earlier):
        return 0
    stuck = _mended_by(occasion, earlier)
    if stuck is not None:
        send_anew(stuck, platform=platform, gone=occasion.gone, now=now)
        return 0
    _begin(row, occasion=occasion, now=now)
    enclose_facts(row, platform=platform, facts=gathered.facts, gone=occasion.gone)
    _add(row, earlier=earlier, now=now)
    return 1


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
        return queue_gathered(platform=platform, occasion=occasion, gathered=gathered, estate_id=estate_id, now=now)


def mark_overdue(*, now: datetime) -> tuple[int, int]:
    """This will flag reports past their alarm and past their deadline, and return how many became each."""
    waiting = Report.objects.exclude(state=ReportState.ACCEPTED).filter(breached_at__isnull=True, alarm_at__lte=now)
    breached = waiting.filter(due_at__lte=now).update(breached_at=now)
    alarmed = waiting.filter(alarmed_at__isnull=True).update(alarmed_at=now)
    return alarmed, breached


def _queue_of_stay(row: Report, *, platform: Platform, occasion: Occasion, now: datetime) -> int:
    earlier = _earlier(row)
    if _told_already(occasion, earlier):
        return 0
    if not earlier and occasion.kind is not MessageKind.CHECK_IN and platform.wants(MessageKind.CHECK_IN):
        if occasion.kind is MessageKind.CANCEL:
            return 0
        raise CheckInNotQueued(row.subject_id)
    stuck = _mended_by(occasion, earlier)
    if stuck is not None:
        send_anew(stuck, platform=platform, now=now)
        return 0
    _begin(row, occasion=occasion, now=now)
    enclose(row, platform=platform)
    _add(row, earlier=earlier, now=now)
    return 1


def _earlier(row: Report) -> list[Report]:
    mine = Report.objects.filter(estate_id=row.estate_id, platform=row.platform, subject_id=row.subject_id)
    return list(mine.select_for_update().order_by("sequence"))


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


def _add(row: Report, *, earlier: Sequence[Report], now: datetime) -> None:
    Link.objects.get_or_create(estate_id=row.estate_id, platform=row.platform, defaults={"id": ids.new("link")})
    row.sequence = earlier[-1].sequence + 1 if earlier else 1
    if row.state == ReportState.QUEUED and any(other.state in STUCK for other in earlier):
        park(row, reason=Reason.BEHIND_ANOTHER)
    row.save(force_insert=True)
    tell_stay(row, now=now)
    wake_couriers()
