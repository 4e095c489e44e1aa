"""Which doors complain, since when, and who has seen it."""

from dataclasses import dataclass
from datetime import datetime

from linli.server.access.models import GateAlarm
from linli.server.kernel.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmView:
    """One alarm from its beginning to its end: `source` is the device, or `box`; `seen_by` who took notice."""

    id: int
    gate: str
    source: str
    kind: str
    words: str
    began_at: datetime
    ended_at: datetime | None
    seen_by: str
    seen_at: datetime | None


def view(row: GateAlarm) -> AlarmView:
    """This will show a stored alarm."""
    return AlarmView(
        id=row.id,
        gate=row.gate,
        source=row.source,
        kind=row.kind,
        words=row.words,
        began_at=row.began_at,
        ended_at=row.ended_at,
        seen_by=row.seen_by,
        seen_at=row.seen_at,
    )


def list_alarms(*, estate_id: str, running: bool | None, gate: str | None, limit: int) -> tuple[AlarmView, ...]:
    """This will list the newest alarms: those that run, those that are over, or both."""
    rows = GateAlarm.objects.filter(estate_id=estate_id)
    if running is not None:
        rows = rows.filter(ended_at__isnull=running)
    if gate is not None:
        rows = rows.filter(gate=gate)
    return tuple(view(row) for row in rows.order_by("-began_at", "-id")[: min(max(limit, 1), 500)])


def get_alarm(*, estate_id: str, alarm_id: int) -> AlarmView:
    """This will return one alarm, or refuse with `NotFound`."""
    row = GateAlarm.objects.filter(estate_id=estate_id, id=alarm_id).first()
    if row is None:
        raise NotFound
    return view(row)
