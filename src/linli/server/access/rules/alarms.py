"""When a door's alarm begins and ends, read from its journal, whatever the order in which the lines come in."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from linli.gate.reasons import Reason

ALARM = "ALARM"
OFFLINE = "OFFLINE"
# The box's own silence is heard by nobody but us: no journal line speaks of it.
BOX = "box"
_NOTE = re.compile(r"([A-Z][A-Z_]{0,11}) ([^ ]{1,40})(?: (.*))?", re.DOTALL)


class AlarmKey(NamedTuple):
    """What complains, and of what."""

    gate: str
    source: str
    kind: str


class AlarmLine(NamedTuple):
    """One line of a gate's journal that an alarm begins or is over."""

    key: AlarmKey
    sequence: int
    at: datetime
    on: bool
    words: str


class Episode(NamedTuple):
    """One alarm from the line that began it to its end, if it has ended."""

    key: AlarmKey
    sequence: int
    began_at: datetime
    ended_at: datetime | None
    words: str


def read_alarm(*, gate: str, sequence: int, at: datetime, reason: str, note: str) -> AlarmLine | None:
    """This will read an alarm's line ("KIND source words"), or return None for one that names no alarm."""
    match = _NOTE.fullmatch(note)
    if match is None or reason not in (Reason.ALARM, Reason.ALARM_OVER):
        return None
    kind, source, words = match.groups()
    if (source, kind) == (BOX, OFFLINE):
        return None
    key = AlarmKey(gate=gate, source=source, kind=kind)
    return AlarmLine(key=key, sequence=sequence, at=at, on=reason == Reason.ALARM, words=(words or "")[:80])


def episodes(lines: Iterable[AlarmLine]) -> list[Episode]:
    """This will tell the alarms of one key from all its lines: one begins when none is on, and ends at the next line that says so.

    The journal's sequence is the order, not the times: a clock may have been set back in between.
    """
    found: list[Episode] = []
    running: AlarmLine | None = None
    for line in sorted(lines, key=lambda line: line.sequence):
        if line.on and running is None:
            running = line
        elif not line.on and running is not None:
            found.append(_episode(running, max(line.at, running.at)))
            running = None
    return [*found, _episode(running, None)] if running is not None else found


def _episode(began: AlarmLine, ended_at: datetime | None) -> Episode:
    return Episode(key=began.key, sequence=began.sequence, began_at=began.at, ended_at=ended_at, words=began.words)


# The alarms that say how a door stands, and not only that something is amiss.
_STANDS = {"FORCED": "forced", "HELD_OPEN": "held_open", "FIRE": "fire"}


def door_state(fields: Sequence[str]) -> str | None:
    """This will say how a door stands after a line of its journal: opened, forced, held_open, fire or closed; None if it does not tell."""
    method, opened, reason, note = fields[5], fields[7] == "1", fields[8], fields[11]
    if method == ALARM:
        state = _STANDS.get(note.split(" ", 1)[0])
        return "closed" if state and reason == Reason.ALARM_OVER else state
    if reason in (Reason.FIRE, Reason.RELEASED):
        return "fire" if reason == Reason.FIRE else "closed"
    return "opened" if opened else None
