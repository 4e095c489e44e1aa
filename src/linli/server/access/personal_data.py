"""What access holds on a person, why and for how long: passes, and the log of who passed where (domain sheet, appendix B).

Ninety days identified, then counts by gate and day. A pass's row stays while its stay does; what it says of a person is emptied.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from linli.server.access.models import (
    Credential,
    FaceError,
    FaceTemplate,
    GateAlarm,
    GateCommand,
    GateEvent,
    JournalFault,
    Pass,
    SnapshotCounter,
    TerminalPerson,
    VisitorInvitation,
)
from linli.server.privacy import queries as privacy
from linli.server.privacy.queries import Holding

PURPOSE = "access_pass"
FACES = "face_pass"
VISITORS = "visitor"
FACES_COUNTED = timedelta(days=730)
# Security logs stay at hand for half a year (appendix B); who opened a gate and why stays in the audit chain after that.
LOGGED = timedelta(days=180)


def export_passes(estate_id: str, person_id: str) -> list[dict[str, Any]]:
    """This will return the passes a person or a stay holds."""
    rows = Pass.objects.filter(estate_id=estate_id, holder_id=person_id).order_by("granted_at")
    return [
        {
            "pass": f"{row.serial:016x}",
            "doors": list(row.groups),
            "start": row.start.isoformat(),
            "end": row.end.isoformat(),
            "state": row.state,
            "first_used_at": row.first_used_at.isoformat() if row.first_used_at else None,
        }
        for row in rows
    ]


def export_events(estate_id: str, person_id: str) -> list[dict[str, Any]]:
    """This will return where and when those passes were presented, as long as that is identified."""
    serials = list(Pass.objects.filter(estate_id=estate_id, holder_id=person_id).values_list("serial", flat=True))
    rows = GateEvent.objects.filter(estate_id=estate_id, serial__in=serials).order_by("happened_at")
    return [
        {
            "gate": row.gate,
            "happened_at": row.happened_at.isoformat(),
            "direction": row.direction,
            "opened": row.opened,
            "reason": row.reason,
        }
        for row in rows
    ]


def export_terminals(estate_id: str, person_id: str) -> list[dict[str, Any]]:
    """This will return which devices hold those passes, or held them, and how they stand there."""
    serials = list(Pass.objects.filter(estate_id=estate_id, holder_id=person_id).values_list("serial", flat=True))
    rows = TerminalPerson.objects.filter(estate_id=estate_id, serial__in=serials).order_by("serial", "terminal__code")
    return [
        {
            "pass": f"{row.serial:016x}",
            "terminal": row.terminal.code,
            "state": row.state,
            "changed_at": row.changed_at.isoformat(),
        }
        for row in rows.select_related("terminal")
    ]


def erase_passes(now: datetime) -> int:
    """This will empty passes past their time of their holder, their reason and their first use, and return how many."""
    return sum(
        Pass.objects.filter(estate_id=estate_id, told_until__lt=cutoff)
        .exclude(holder_id="")
        .update(holder_id="", reason="", first_used_at=None, dwelling=None)
        for estate_id, cutoff in _cutoffs(now)
    )


def erase_events(now: datetime) -> int:
    """This will turn gate events past their time into counts, each event once, and return how many there were."""
    gone = 0
    for estate_id, cutoff in _cutoffs(now):
        with connection.cursor() as cursor:
            cursor.execute(_REDUCE, {"estate": estate_id, "cutoff": cutoff})
            gone += cursor.fetchone()[0]
    return gone


def erase_terminals(now: datetime) -> int:
    """This will forget what devices said of passes that are past their time and that none of them holds any more."""
    gone = 0
    for estate_id, cutoff in _cutoffs(now):
        # A device that still holds such a pass keeps its row: that is what must be seen.
        removed = TerminalPerson.objects.filter(estate_id=estate_id, state="REMOVED", changed_at__lt=cutoff)
        gone += removed.delete()[0]
    return gone


def export_credentials(estate_id: str, person_id: str) -> list[dict[str, Any]]:
    """This will return what proves a person's passes besides their code, as people see it: the kind and the last digits."""
    rows = Credential.objects.filter(estate_id=estate_id, bearer__holder_id=person_id).order_by("issued_at")
    return [
        {"kind": row.kind, "label": row.label, "issued_at": row.issued_at.isoformat(), "live": row.live} for row in rows
    ]


def erase_credentials(now: datetime) -> int:
    """This will empty the credentials of passes past their time; that there was one stays, as the pass's row does."""
    return sum(
        Credential.objects.filter(estate_id=estate_id, live=False, bearer__told_until__lt=cutoff)
        .exclude(sealed=b"")
        .update(sealed=b"", label="")
        for estate_id, cutoff in _cutoffs(now)
    )


def export_visits(estate_id: str, person_id: str) -> list[dict[str, Any]]:
    """This will return whom a person asked in, without saying who came: that is the visitor's own."""
    rows = VisitorInvitation.objects.filter(estate_id=estate_id, host_id=person_id).order_by("invited_at")
    return [{"start": row.start.isoformat(), "end": row.end.isoformat(), "state": row.state} for row in rows]


def erase_visits(now: datetime) -> int:
    """This will empty visits past their time of visitor and host, and return how many."""
    return sum(
        VisitorInvitation.objects.filter(estate_id=estate_id, end__lt=cutoff)
        .exclude(host_id="")
        .update(host_id="", where="", dwelling=None, sealed_name=None, sealed_phone=None)
        for estate_id, cutoff in _cutoffs(now, VISITORS)
    )


def erase_faults(now: datetime) -> int:
    """This will empty the text of lines that did not hold once it is past its time; that there was a fault stays."""
    return sum(
        JournalFault.objects.filter(estate_id=estate_id, found_at__lt=cutoff).exclude(line=b"").update(line=b"")
        for estate_id, cutoff in _cutoffs(now)
    )


def export_faces(estate_id: str, person_id: str) -> list[dict[str, Any]]:
    """This will return when a person's face was held and removed, and why; the numbers themselves leave for nobody."""
    rows = FaceTemplate.objects.filter(estate_id=estate_id, credential__bearer__holder_id=person_id).exclude(
        credential__bearer__holder_id=""
    )
    return [
        {
            "face": row.id,
            "model": row.model,
            "enrolled_at": row.enrolled_at.isoformat(),
            "expires_at": row.expires_at.isoformat(),
            "removed_at": row.removed_at.isoformat() if row.removed_at else None,
            "removed_why": row.removed_why,
        }
        for row in rows.order_by("enrolled_at")
    ]


def erase_faces(now: datetime) -> int:
    """This will take the holder off faces that were removed longer ago than their purpose lasts, and let the rows go after two years.

    The numbers went with the removal. The row goes before the consent it names may, three years after that was taken back.
    """
    gone = FaceTemplate.objects.filter(removed_at__lt=now - FACES_COUNTED).delete()[0]
    return gone + sum(
        FaceTemplate.objects.filter(estate_id=estate_id, removed_at__lt=cutoff)
        .exclude(holder_id="")
        .update(holder_id="")
        for estate_id, cutoff in _cutoffs(now, FACES)
    )


def erase_face_errors(now: datetime) -> int:
    """This will empty what people wrote of a gate's mistakes, and who they were, past their time; that it was wrong still counts."""
    return sum(
        FaceError.objects.filter(estate_id=estate_id, told_at__lt=cutoff)
        .exclude(note="", told_by="")
        .update(note="", told_by="")
        for estate_id, cutoff in _cutoffs(now)
    )


def erase_alarms(now: datetime) -> int:
    """This will delete alarms that were over half a year ago, with who took notice of them, and return how many; one that runs stays."""
    return GateAlarm.objects.filter(ended_at__lt=now - LOGGED).delete()[0]


def erase_commands(now: datetime) -> int:
    """This will delete what gates were asked to do from afar, and have done or not, more than half a year ago, and return how many."""
    return GateCommand.objects.filter(done_at__lt=now - LOGGED).delete()[0]


HOLDINGS = (
    Holding(
        model="access.Pass",
        purpose_code=PURPOSE,
        fields=("holder_id", "dwelling", "groups", "start", "end", "first_used_at"),
        export=export_passes,
        erase_expired=erase_passes,
    ),
    Holding(
        model="access.GateEvent",
        purpose_code=PURPOSE,
        fields=("gate", "happened_at", "direction", "serial"),
        export=export_events,
        erase_expired=erase_events,
    ),
    Holding(
        model="access.TerminalPerson",
        purpose_code=PURPOSE,
        fields=("serial", "state", "changed_at"),
        export=export_terminals,
        erase_expired=erase_terminals,
    ),
    Holding(
        model="access.JournalFault",
        purpose_code=PURPOSE,
        fields=("line",),
        # A line that does not hold names nobody for certain: it is no record of a person, and is only forgotten in time.
        export=lambda estate_id, person_id: [],
        erase_expired=erase_faults,
    ),
    Holding(
        model="access.Credential",
        purpose_code=PURPOSE,
        fields=("kind", "label", "sealed"),
        export=export_credentials,
        erase_expired=erase_credentials,
    ),
    Holding(
        model="access.VisitorInvitation",
        purpose_code=VISITORS,
        fields=("sealed_name", "sealed_phone", "where", "dwelling", "start", "end"),
        export=export_visits,
        erase_expired=erase_visits,
    ),
    Holding(
        model="access.FaceTemplate",
        purpose_code=FACES,
        fields=("holder_id", "sealed", "quality"),
        export=export_faces,
        erase_expired=erase_faces,
    ),
    Holding(
        model="access.FaceError",
        purpose_code=PURPOSE,
        fields=("told_by", "note"),
        # It is kept by gate and not by person: a guest who told it is not named.
        export=lambda estate_id, person_id: [],
        erase_expired=erase_face_errors,
    ),
    Holding(
        model="access.GateAlarm",
        purpose_code=PURPOSE,
        fields=("words", "seen_by"),
        # Of a door, and of the account that took notice; of nobody who passed.
        export=lambda estate_id, person_id: [],
        erase_expired=erase_alarms,
    ),
    Holding(
        model="access.GateCommand",
        purpose_code=PURPOSE,
        fields=("asked_by", "why"),
        # Of an account that asked, and why; the audit chain has both.
        export=lambda estate_id, person_id: [],
        erase_expired=erase_commands,
    ),
)

# An unsure or hasty clock must neither erase an event on the day it came nor keep it for ever: then ours decides.
_REDUCE = """
    WITH gone AS (
        DELETE FROM access_gateevent
        WHERE estate_id = %(estate)s
          AND CASE WHEN clock_sure AND happened_at <= received_at THEN happened_at ELSE received_at END < %(cutoff)s
        RETURNING gate, method, direction, reason, opened,
                  (CASE WHEN clock_sure AND happened_at <= received_at THEN happened_at ELSE received_at END) AS at
    ), counted AS (
        INSERT INTO access_passagecount AS c (estate_id, gate, date, method, direction, reason, opened, passages)
        SELECT %(estate)s, gate, (at AT TIME ZONE coalesce((SELECT zone FROM places_estate WHERE id = %(estate)s), 'Asia/Shanghai'))::date,
               method, direction, reason, opened, count(*)
        FROM gone GROUP BY 2, 3, 4, 5, 6, 7
        ON CONFLICT (estate_id, gate, date, method, direction, reason, opened) DO UPDATE SET passages = c.passages + excluded.passages
    )
    SELECT count(*) FROM gone
"""


def _cutoffs(now: datetime, purpose: str = PURPOSE) -> Iterator[tuple[str, datetime]]:
    for estate_id in SnapshotCounter.objects.order_by("estate_id").values_list("estate_id", flat=True):
        kept = timedelta(days=privacy.get_purpose(estate_id=estate_id, code=purpose).retention_days)
        yield estate_id, now - kept
