"""Alarms begin and end as the gates' journals say, each once; a box that falls silent is an alarm that only we can raise."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import F
from django.db.models.functions import Greatest

from linli.server.access import rules
from linli.server.access.actions.versions import CONSOLE_CHANNEL, tell_after_commit
from linli.server.access.models import GateAlarm
from linli.server.access.queries.alarms import AlarmView, get_alarm
from linli.server.access.queries.boxes import ONLINE_WITHIN
from linli.server.access.rules import AlarmKey, AlarmLine, Episode
from linli.server.kernel.actors import Actor, Role
from linli.server.privacy import actions as privacy

WATCH = (Role.GUARD, Role.PROPERTY, Role.ESTATE_ADMIN)
# A notification carries at most 8,000 bytes, and a word may be all Chinese.
SHOWN = 8
Change = tuple[Episode, bool]


def keep_alarms(*, cursor: CursorWrapper, estate_id: str, arrived: Mapping[str, Sequence[int]]) -> None:
    """This will bring the alarms of these gates in line with their journals, after lines of these sequences came in.

    The caller holds the gates' journal heads, so nobody else reads the same lines. What an alarm is depends on the lines alone, not on
    the order in which they came; who had taken notice of it is kept.
    """
    for gate, sequences in sorted(arrived.items()):
        firsts: dict[AlarmKey, int] = {}
        for line in _lines(cursor, _FRESH, {"estate": estate_id, "gate": gate, "sequences": list(sequences)}):
            firsts.setdefault(line.key, line.sequence)
        changes: list[Change] = []
        for key, first in sorted(firsts.items()):
            changes += _renew(cursor, estate_id, key, first)
        _tell(estate_id, changes)


def acknowledge_alarm(*, actor: Actor, alarm_id: int, now: datetime) -> AlarmView:
    """This will note who has taken notice of an alarm; the first one counts. Refuses with `NotFound`."""
    actor.require(*WATCH)
    with transaction.atomic():
        seen = GateAlarm.objects.filter(estate_id=actor.estate_id, id=alarm_id, seen_at__isnull=True).update(
            seen_by=actor.id[:80], seen_at=now
        )
        alarm = get_alarm(estate_id=actor.estate_id, alarm_id=alarm_id)
        if seen:
            privacy.record(actor=actor, verb="acknowledge_alarm", subject=str(alarm_id), fields=[alarm.gate], now=now)
    return alarm


def watch_silence(*, actor: Actor, now: datetime) -> int:
    """This will raise the alarm at every gate whose box has fallen silent, end it where one is heard again, and return how many rang.

    Twice is once, and two timers at the same moment are too (a timer's work).
    """
    actor.require(Role.SYSTEM)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_FELL_SILENT, {"estate": actor.estate_id, "heard": now - ONLINE_WITHIN, "now": now})
        rang = [gate for (gate,) in cursor.fetchall()]
        cursor.execute(_HEARD_AGAIN, {"estate": actor.estate_id, "heard": now - ONLINE_WITHIN})
        over = [gate for (gate,) in cursor.fetchall()]
        _tell_silence(actor.estate_id, rang, on=True, at=now)
        _tell_silence(actor.estate_id, over, on=False, at=now)
    return len(rang)


def end_silence(*, estate_id: str, gates: Iterable[str], now: datetime) -> int:
    """This will end the alarm of a box that is heard again, at these gates of its."""
    silent = GateAlarm.objects.filter(
        estate_id=estate_id, gate__in=list(gates), source=rules.BOX, kind=rules.OFFLINE, ended_at__isnull=True
    )
    with transaction.atomic():
        over = sorted(silent.values_list("gate", flat=True))
        ended = silent.update(ended_at=Greatest(F("began_at"), now)) if over else 0
        _tell_silence(estate_id, over, on=False, at=now)
    return ended


def _lines(cursor: CursorWrapper, query: str, facts: dict[str, Any]) -> list[AlarmLine]:
    cursor.execute(query, facts)
    read = (
        rules.read_alarm(gate=str(facts["gate"]), sequence=sequence, at=at, reason=reason, note=note)
        for sequence, at, reason, note in cursor.fetchall()
    )
    return [line for line in read if line is not None]


def _renew(cursor: CursorWrapper, estate_id: str, key: AlarmKey, first: int) -> list[Change]:
    """Write the alarms of one key from its first new line on, and give what is new: what began, and what ended."""
    whose = GateAlarm.objects.filter(estate_id=estate_id, gate=key.gate, source=key.source, kind=key.kind)
    # All lines before the first new one are told already: what they came to is the last alarm that began before it.
    last = whose.filter(sequence__lt=first).order_by("-sequence").first()
    since = first - 1 if last is None or last.sequence is None else last.sequence
    facts: dict[str, Any] = {"estate": estate_id, "gate": key.gate, "since": since}
    lines = _lines(cursor, _SINCE, {**facts, "begins": f"{key.kind} {key.source}"})
    if last is not None:
        # Its own line may be past its ninety days; the alarm still rings.
        lines.append(AlarmLine(key=key, sequence=since, at=last.began_at, on=True, words=last.words))
    told = rules.episodes(line for line in lines if line.key == key)
    before = list(whose.filter(sequence__gte=since).order_by("sequence"))
    gone = [row for row in before if row.sequence not in {one.sequence for one in told}]
    whose.filter(id__in=[row.id for row in gone]).delete()
    kept = {row.sequence: row for row in before}
    seen = _seen(told, gone)
    changes: list[Change] = []
    begun = []
    for one in told:
        row = kept.get(one.sequence)
        if row is None:
            begun.append(GateAlarm(**_columns(estate_id, one), **seen.get(one.sequence, {})))
            changes += [(one, True)] if one.ended_at is None else [(one, True), (one, False)]
        elif row.ended_at != one.ended_at:
            whose.filter(id=row.id).update(ended_at=one.ended_at)
            changes.append((one, one.ended_at is None))
    # Last: the one before it is over by now, and one alone may ring.
    GateAlarm.objects.bulk_create(begun)
    return changes


def _seen(told: Sequence[Episode], gone: Sequence[GateAlarm]) -> dict[int, dict[str, Any]]:
    """An alarm that began earlier than we had heard was rung already: who took notice of it then, did."""
    seen: dict[int, dict[str, Any]] = {}
    for row in gone:
        before = [one.sequence for one in told if one.sequence < (row.sequence or 0)]
        if row.seen_at is not None and before:
            seen[max(before)] = {"seen_by": row.seen_by, "seen_at": row.seen_at}
    return seen


def _columns(estate_id: str, one: Episode) -> dict[str, object]:
    return {
        "estate_id": estate_id,
        "gate": one.key.gate,
        "source": one.key.source,
        "kind": one.key.kind,
        "words": one.words,
        "sequence": one.sequence,
        "began_at": one.began_at,
        "ended_at": one.ended_at,
    }


def _tell(estate_id: str, changes: Sequence[Change]) -> None:
    shown = [
        {
            "gate": one.key.gate,
            "source": one.key.source,
            "kind": one.key.kind,
            "on": on,
            "at": (one.began_at if on else one.ended_at or one.began_at).isoformat(),
            "words": one.words,
        }
        for one, on in changes[-SHOWN:]
    ]
    _say(estate_id, shown, len(changes) - len(shown))


def _tell_silence(estate_id: str, gates: Sequence[str], *, on: bool, at: datetime) -> None:
    facts = {"source": rules.BOX, "kind": rules.OFFLINE, "on": on, "at": at.isoformat(), "words": ""}
    _say(estate_id, [{"gate": gate, **facts} for gate in gates[: SHOWN * 5]], max(0, len(gates) - SHOWN * 5))


def _say(estate_id: str, alarms: Sequence[Mapping[str, object]], more: int) -> None:
    if alarms:
        body = {"alarms": list(alarms), "more": more}
        tell_after_commit(channel=CONSOLE_CHANNEL, estate_id=estate_id, event="alarm", body=body)


_FRESH = """
    SELECT sequence, happened_at, reason, note FROM access_gateevent
    WHERE estate_id = %(estate)s AND gate = %(gate)s AND method = 'ALARM' AND sequence = ANY(%(sequences)s) ORDER BY sequence
"""

_SINCE = """
    SELECT sequence, happened_at, reason, note FROM access_gateevent
    WHERE estate_id = %(estate)s AND gate = %(gate)s AND method = 'ALARM' AND sequence > %(since)s AND starts_with(note, %(begins)s)
    ORDER BY sequence
"""

_FELL_SILENT = """
    INSERT INTO access_gatealarm (estate_id, gate, source, kind, words, began_at, seen_by)
    SELECT g.estate_id, g.code, 'box', 'OFFLINE', b.id, b.last_seen_at, ''
    FROM access_gate g JOIN access_box b ON b.id = g.box_id
    WHERE g.estate_id = %(estate)s AND b.retired_at IS NULL AND b.last_seen_at <= %(heard)s
    ORDER BY g.code
    ON CONFLICT (estate_id, gate, source, kind) WHERE ended_at IS NULL DO NOTHING
    RETURNING gate
"""

_HEARD_AGAIN = """
    UPDATE access_gatealarm a SET ended_at = greatest(a.began_at, coalesce(b.last_seen_at, a.began_at))
    FROM access_gate g LEFT JOIN access_box b ON b.id = g.box_id
    WHERE a.estate_id = %(estate)s AND a.source = 'box' AND a.kind = 'OFFLINE' AND a.ended_at IS NULL
      AND g.estate_id = a.estate_id AND g.code = a.gate AND (g.box_id IS NULL OR b.last_seen_at > %(heard)s)
    RETURNING a.gate
"""
