"""From a stuck message to a mended one."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from linli.server.connectors.actions.standing import send_off, settle_those_behind, tell_stays, wake_couriers
from linli.server.connectors.actions.writing import enclose
from linli.server.connectors.models import Report
from linli.server.connectors.protocol import Platform
from linli.server.connectors.queries import ReportRow, row_of
from linli.server.connectors.rules import STUCK, Reason, ReportState, check_replay
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound, Refusal
from linli.server.privacy import actions as privacy

AT_ONCE = 500


class PlatformNotLinked(Refusal):
    """This estate is not linked to {platform} now; link it again, then send."""

    zh = "本小区目前未接入 {platform}，请先恢复接入。"


def replay_report(*, actor: Actor, report_id: str, platforms: Mapping[str, Platform], now: datetime) -> ReportRow:
    """This will send a rejected or parked report again: mended content as a new message, an unheard one under its old id.

    Refuses with `NothingToReplay`, `StillBehind`, `PlatformNotLinked` or `NotFound`; for the office, or the operator of the flat.
    """
    with transaction.atomic():
        row = Report.objects.select_for_update().filter(estate_id=actor.estate_id, id=report_id).first()
        if row is None:
            raise NotFound
        if not actor.may(Role.OFFICE, Role.ESTATE_ADMIN, Role.SYSTEM):
            actor.require(Role.OPERATOR, scope=f"operator:{row.operator_id}")
        check_replay(state=ReportState(row.state), reason=Reason(row.reason))
        if row.platform not in platforms:
            raise PlatformNotLinked(platform=row.platform)
        send_anew(row, platform=platforms[row.platform], now=now)
        privacy.record(actor=actor, verb="replay_report", subject=row.id, reason=row.subject_id, now=now)
    return row_of(row)


def replay_all(*, actor: Actor, reason: str, platforms: Mapping[str, Platform], now: datetime) -> int:
    """This will send again everything that is parked for one reason, at most 500 at once, and return how many went."""
    actor.require(Role.OFFICE, Role.ESTATE_ADMIN, Role.SYSTEM)
    stuck = Report.objects.filter(estate_id=actor.estate_id, state__in=STUCK, reason=reason, platform__in=platforms)
    chosen = list(
        stuck.exclude(reason=Reason.BEHIND_ANOTHER).order_by("queued_at").values_list("id", flat=True)[:AT_ONCE]
    )
    for report_id in chosen:
        with transaction.atomic():
            row = Report.objects.select_for_update().get(id=report_id)
            if row.state in STUCK and row.reason == reason:
                send_anew(row, platform=platforms[row.platform], now=now)
    if chosen:
        privacy.record(
            actor=actor, verb="replay_reports", subject=actor.estate_id, reason=f"{reason}: {len(chosen)}", now=now
        )
    return len(chosen)


def send_anew(row: Report, *, platform: Platform, now: datetime, gone: bool = False) -> None:
    """This will put a stuck report on its way again; what the platform may have already goes out in the same words only."""
    if row.in_doubt:
        # The platform may have it: only the same words under the same id are safe.
        send_off(row, now=now)
    else:
        if row.disclosed:
            # It has left under the old id, and the platform may remember its refusal: new words need a new one.
            row.edition += 1
            row.message_id = f"{row.id}-{row.edition}"
            row.disclosed = False
        row.ticket = ""
        send_off(row, now=now)
        enclose(row, platform=platform, gone=gone)
    row.save()
    settle_those_behind(row)
    tell_stays([row])
    wake_couriers()
