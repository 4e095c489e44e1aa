"""What every change of a report brings with it: what its stay shows, who waits behind it, who is woken."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection, transaction

from linli.server.connectors import queries
from linli.server.connectors.models import Report
from linli.server.connectors.rules import OFFICE, Reason, ReportState, SubjectKind, owner_of, shown_state
from linli.server.kernel.actors import system
from linli.server.stays import actions as stays

WAKE = "linli_reports"
SHOWN_BY_STAYS = (
    "lodging"  # the stay shows where its lodging report stands; other platforms are seen in the list of reports
)


def park(row: Report, *, reason: Reason, state: ReportState = ReportState.PARKED) -> None:
    """This will set a report aside for whoever must act; the caller saves it."""
    row.state = state
    row.reason = reason.value
    row.owner = owner_of(reason=reason, operator_id=row.operator_id)
    row.lease_until = None


def send_off(row: Report, *, now: datetime) -> None:
    """This will put a report on its way, with a clean slate; the caller saves it."""
    row.state = ReportState.QUEUED
    row.reason = Reason.NONE
    row.owner = row.code = row.field = ""
    row.failures = row.nonsense = 0
    row.pending_since = row.lease_until = None
    row.next_try_at = now


def settle_those_behind(row: Report) -> None:
    """This will park what waits behind a stuck report about the same subject, and release it when the report moves again."""
    behind = Report.objects.filter(
        estate_id=row.estate_id, platform=row.platform, subject_id=row.subject_id, sequence__gt=row.sequence
    )
    if row.state in (ReportState.REJECTED, ReportState.PARKED):
        behind.filter(state=ReportState.QUEUED).update(
            state=ReportState.PARKED, reason=Reason.BEHIND_ANOTHER, owner=row.owner or OFFICE
        )
    else:
        behind.filter(state=ReportState.PARKED, reason=Reason.BEHIND_ANOTHER).update(
            state=ReportState.QUEUED, reason=Reason.NONE, owner=""
        )


def tell_stays(rows: Iterable[Report]) -> None:
    """This will write on the stays of these reports where their lodging reports stand, in the transaction that changed it."""
    shown: dict[str, set[str]] = {}
    for row in rows:
        if row.platform == SHOWN_BY_STAYS and row.subject_kind == SubjectKind.STAY:
            shown.setdefault(row.estate_id, set()).add(row.subject_id)
    for estate_id, stay_ids in shown.items():
        found = queries.states_of(estate_id=estate_id, platform=SHOWN_BY_STAYS, subject_ids=stay_ids)
        standing = {stay_id: _sum_up(reports) for stay_id, reports in found.items()}
        stays.note_reports(actor=system(estate_id), standing=standing)


def _sum_up(reports: Sequence[tuple[ReportState, str]]) -> tuple[str, str]:
    shown = shown_state(state for state, _ in reports) or ReportState.QUEUED
    return shown.value, next((receipt for _, receipt in reversed(reports) if receipt), "")


def wake_couriers() -> None:
    """This will wake the couriers once this transaction has committed; a lost call costs a second, for they also look by themselves."""
    transaction.on_commit(_notify, robust=True)


def tell_console(*, estate_id: str, since: datetime) -> None:
    """This will send the console the counts of reports by state."""
    body = {"estate": estate_id, "event": "report", "data": queries.count_by_state(estate_id=estate_id, since=since)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('linli_console', %s)", [json.dumps(body)])


def _notify() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {WAKE}")
