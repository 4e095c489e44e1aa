"""From an event to messages that wait for a courier, and from a stuck message to a mended one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from linli.server.connectors.actions.standing import park, send_off, settle_those_behind, tell_stay, wake_couriers
from linli.server.connectors.models import Link, Report
from linli.server.connectors.protocol import FactsMissing, GuestFacts, Occasion, Platform, StayFacts
from linli.server.connectors.queries import ReportRow, row_of
from linli.server.connectors.rules import (
    CONTENT,
    STUCK,
    TERMS,
    MessageKind,
    Reason,
    ReportState,
    check_replay,
    fields_not_allowed,
)
from linli.server.kernel import crypto, ids
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound
from linli.server.lettings import queries as lettings
from linli.server.people import queries as people
from linli.server.privacy import actions as privacy_actions
from linli.server.privacy import queries as privacy
from linli.server.stays import queries as stays
from linli.server.stays.queries import ReportFacts

BODY = "report.body"
AT_ONCE = 500


class CheckInNotQueued(Exception):
    """The check-in of this stay has not been queued yet: its event is still on its way, and this one must come after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A message as written for a platform: its fields, or why it could not be written and for want of which field."""

    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    reason: Reason = Reason.NONE
    field: str = ""


def queue_reports(
    *, actor: Actor, occasion: Occasion, stay_id: str, platforms: Mapping[str, Platform], now: datetime
) -> int:
    """This will queue one message to each platform that wants to know, once for an event, and return how many were new.

    What cannot be written is queued all the same, parked with its reason: a guest in the house is never silent.
    Raises `CheckInNotQueued`, so that the outbox tries again, when the events of a stay overtake each other.
    """
    actor.require(Role.SYSTEM)
    facts = stays.get_report_facts(estate_id=actor.estate_id, stay_id=stay_id)
    if facts.checked_in_at is None:
        return 0
    with transaction.atomic():
        return sum(
            _queue(platform=platform, occasion=occasion, facts=facts, estate_id=actor.estate_id, now=now)
            for platform in platforms.values()
            if platform.wants(occasion.kind)
        )


def replay_report(*, actor: Actor, report_id: str, platforms: Mapping[str, Platform], now: datetime) -> ReportRow:
    """This will send a rejected or parked report again: mended content as a new message, an unheard one under its old id.

    Refuses with `NothingToReplay`, `StillBehind`, or `NotFound`; for the office, or the operator of the flat.
    """
    with transaction.atomic():
        row = Report.objects.select_for_update().filter(estate_id=actor.estate_id, id=report_id).first()
        if row is None:
            raise NotFound
        if not actor.may(Role.OFFICE, Role.ESTATE_ADMIN, Role.SYSTEM):
            actor.require(Role.OPERATOR, scope=f"operator:{row.operator_id}")
        check_replay(state=ReportState(row.state), reason=Reason(row.reason))
        _send_anew(row, platform=platforms[row.platform], now=now)
        privacy_actions.record(actor=actor, verb="replay_report", subject=row.id, reason=row.stay_id, now=now)
    return row_of(row)


def replay_all(*, actor: Actor, reason: str, platforms: Mapping[str, Platform], now: datetime) -> int:
    """This will send again everything that is parked for one reason, at most 500 at once, and return how many went."""
    actor.require(Role.OFFICE, Role.ESTATE_ADMIN, Role.SYSTEM)
    stuck = Report.objects.filter(estate_id=actor.estate_id, state__in=STUCK, reason=reason)
    chosen = list(
        stuck.exclude(reason=Reason.BEHIND_ANOTHER).order_by("queued_at").values_list("id", flat=True)[:AT_ONCE]
    )
    for report_id in chosen:
        with transaction.atomic():
            row = Report.objects.select_for_update().get(id=report_id)
            if row.state in STUCK and row.reason == reason:
                _send_anew(row, platform=platforms[row.platform], now=now)
    if chosen:
        privacy_actions.record(
            actor=actor, verb="replay_reports", subject=actor.estate_id, reason=f"{reason}: {len(chosen)}", now=now
        )
    return len(chosen)


def mark_overdue(*, now: datetime) -> tuple[int, int]:
    """This will flag reports past their alarm and past their deadline, and return how many became each."""
    waiting = Report.objects.exclude(state=ReportState.ACCEPTED).filter(breached_at__isnull=True, alarm_at__lte=now)
    breached = waiting.filter(due_at__lte=now).update(breached_at=now)
    alarmed = waiting.filter(alarmed_at__isnull=True).update(alarmed_at=now)
    return alarmed, breached


def _queue(*, platform: Platform, occasion: Occasion, facts: ReportFacts, estate_id: str, now: datetime) -> int:
    mine = Report.objects.filter(estate_id=estate_id, platform=platform.name, stay_id=facts.stay_id)
    earlier = list(mine.select_for_update().order_by("sequence"))
    if any(row.kind == occasion.kind and row.happened_at == occasion.happened_at for row in earlier):
        return 0
    if not earlier and occasion.kind is not MessageKind.CHECK_IN:
        if occasion.kind is MessageKind.CANCEL:
            return 0
        raise CheckInNotQueued(facts.stay_id)
    stuck = _mended_by(occasion, earlier)
    if stuck is not None:
        _send_anew(stuck, platform=platform, now=now)
        return 0
    Link.objects.get_or_create(estate_id=estate_id, platform=platform.name, defaults={"id": ids.new("link")})
    row = _new(platform=platform, occasion=occasion, facts=facts, estate_id=estate_id, now=now)
    row.sequence = earlier[-1].sequence + 1 if earlier else 1
    if row.state == ReportState.QUEUED and any(other.state in STUCK for other in earlier):
        park(row, reason=Reason.BEHIND_ANOTHER)
    row.save(force_insert=True)
    tell_stay(row, now=now)
    wake_couriers()
    return 1


def _mended_by(occasion: Occasion, earlier: Sequence[Report]) -> Report | None:
    # Corrected facts mend a refused message itself; an amendment to something that never arrived would be refused too.
    if occasion.kind is not MessageKind.AMEND:
        return None
    carriers = (MessageKind.CHECK_IN, MessageKind.AMEND)
    return next((row for row in earlier if row.state in STUCK and row.kind in carriers and row.reason in CONTENT), None)


def _new(*, platform: Platform, occasion: Occasion, facts: ReportFacts, estate_id: str, now: datetime) -> Report:
    unit = lettings.get_unit(estate_id=estate_id, unit_id=facts.unit_id)
    terms = TERMS[facts.belongs]
    report_id = ids.new("rep")
    row = Report(
        id=report_id,
        estate_id=estate_id,
        platform=platform.name,
        kind=occasion.kind,
        stay_id=facts.stay_id,
        person_id=facts.person_id,
        operator_id=unit.operator_id,
        unit_label=facts.unit_code,
        happened_at=occasion.happened_at,
        why=occasion.why,
        belongs=facts.belongs,
        message_id=f"{report_id}-1",
        queued_at=now,
        alarm_at=occasion.happened_at + terms.alarm_after,
        due_at=occasion.happened_at + terms.due_after,
    )
    send_off(row, now=now)
    _enclose(row, _write(platform=platform, occasion=occasion, facts=facts, estate_id=estate_id))
    return row


def _send_anew(row: Report, *, platform: Platform, now: datetime) -> None:
    if row.in_doubt:
        # The platform may have it: only the same words under the same id are safe.
        send_off(row, now=now)
    else:
        facts = stays.get_report_facts(estate_id=row.estate_id, stay_id=row.stay_id)
        occasion = Occasion(kind=MessageKind(row.kind), happened_at=row.happened_at, why=row.why)
        written = _write(platform=platform, occasion=occasion, facts=facts, estate_id=row.estate_id)
        if row.disclosed:
            # It has left under the old id, and the platform may remember its refusal: new words need a new one.
            row.edition += 1
            row.message_id = f"{row.id}-{row.edition}"
            row.disclosed = False
        send_off(row, now=now)
        _enclose(row, written)
    row.save()
    settle_those_behind(row)
    tell_stay(row, now=now)
    wake_couriers()


def _enclose(row: Report, written: Written) -> None:
    row.fields = sorted(written.fields)
    if written.reason is not Reason.NONE:
        row.body = None
        park(row, reason=written.reason)
        row.field = written.field[:40]
        return
    row.body = crypto.seal(json.dumps(dict(written.fields), ensure_ascii=False, sort_keys=True), context=BODY)


def _write(*, platform: Platform, occasion: Occasion, facts: ReportFacts, estate_id: str) -> Written:
    purpose = privacy.get_purpose(estate_id=estate_id, code=platform.purpose_code)
    if platform.recipient not in purpose.recipients:
        return Written(reason=Reason.NO_LEGAL_BASIS)
    try:
        fields = platform.render(occasion=occasion, facts=_stay_facts(facts, estate_id=estate_id))
    except FactsMissing as missing:
        return Written(reason=Reason.FACTS_MISSING, field=missing.field)
    too_much = fields_not_allowed(fields=fields, allowed=platform.allowed[occasion.kind])
    if too_much:
        return Written(reason=Reason.FIELD_NOT_ALLOWED, field=too_much[0])
    return Written(fields=fields)


def _stay_facts(facts: ReportFacts, *, estate_id: str) -> StayFacts:
    try:
        identity = people.get_identity(estate_id=estate_id, person_id=facts.person_id, document_id=facts.document_id)
    except NotFound:
        # Erased before it was reported: that must be seen by somebody, not retried for ever.
        raise FactsMissing("zjhm") from None
    if facts.checked_in_at is None:
        raise FactsMissing("rzsj")
    return StayFacts(
        stay_id=facts.stay_id,
        unit_mark=facts.unit_mark,
        room_label=facts.room_label,
        bed_label=facts.bed_label,
        checked_in_at=facts.checked_in_at,
        leave_at=facts.leave_at,
        presumed_left=facts.presumed_left,
        guest=GuestFacts(
            native_name=identity.native_name,
            latin_name=identity.latin_name,
            sex=identity.sex,
            birth_date=identity.birth_date,
            nationality=identity.nationality,
            document_kind=identity.document_kind,
            document_number=identity.document_number,
        ),
    )
