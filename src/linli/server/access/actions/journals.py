"""A gate's journal comes in: whatever its order, each line that holds is stored once, and nothing is dropped unseen."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from heapq import nlargest
from itertools import islice

import psycopg
from django.db import DataError, connection, transaction
from django.db.backends.utils import CursorWrapper

from linli.gate.journal import Broken, Gap
from linli.gate.wire import JournalReceipt
from linli.server.access import rules
from linli.server.access.actions.alarms import keep_alarms
from linli.server.access.actions.gates import note_seen
from linli.server.access.actions.versions import CONSOLE_CHANNEL, tell_after_commit
from linli.server.access.events import PassFirstUsed
from linli.server.access.queries.boxes import BoxView
from linli.server.access.queries.journals import LATE_AFTER
from linli.server.access.rules import Entry, Fault, Known, Reading, Settled, Span
from linli.server.kernel import outbox

SHOWN = 20
MANY = 200
TOLD = 500
# Checking needs the processor, taking in only waits for the database: a second thread does the one during the other.
_hands = ThreadPoolExecutor(4, thread_name_prefix="journal")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def record_gate_events(*, box: BoxView, body: bytes, now: datetime) -> JournalReceipt:
    """This will take in a batch of journal lines and say how far each gate's journal stands, what is missing and what did not hold.

    The same batch again, late, or in another order comes to the same rows. Refuses with `BatchTooLong`.
    """
    texts = rules.split_batch(body)
    with transaction.atomic(), connection.cursor() as cursor:
        if len(texts) < MANY:
            reading, stored = rules.read_lines(texts, gates=box.gates), False
            heads = _lock_heads(cursor, box, reading.lines)
        else:
            heads = _lock_heads(cursor, box, box.gates)
            reading, stored = _store_while_reading(cursor, box, texts, heads, now)
        gaps = _open_gaps(cursor, box)
        settled = _settle(cursor, box, reading, heads, gaps)
        new = {gate: one.new for gate, one in settled.items() if one.new}
        faults = (*reading.faults, *(fault for one in settled.values() for fault in one.faults))
        if new:
            if not stored:
                _store(cursor, box, [entry.text for entries in new.values() for entry in entries], now)
            _move_heads(cursor, box, settled)
            for gate in new:
                _keep_gaps(cursor, box, gate, gaps.get(gate, {}), settled[gate].gaps, now)
            _note_first_uses(cursor, box, now)
            keep_alarms(cursor=cursor, estate_id=box.estate_id, arrived=_alarm_lines(new))
            _tell_console(box, new, now)
        if faults:
            _keep_faults(cursor, box, faults, now)
    note_seen(box=box, now=now)
    return _receipt(box, heads, gaps, settled, faults)


class _NotInOrder(Exception):
    """A batch must be looked at line by line."""


Heads = Mapping[str, tuple[int, str]]
Gaps = Mapping[str, Mapping[Span, datetime]]


def _lock_heads(cursor: CursorWrapper, box: BoxView, lines: Collection[str]) -> Heads:
    # In the order of their codes, so that two batches with gates in common queue and never cross.
    cursor.execute(
        """
        SELECT gate, sequence, hash FROM access_journalhead
        WHERE estate_id = %s AND gate = ANY(%s) ORDER BY gate FOR NO KEY UPDATE
        """,
        [box.estate_id, sorted(lines)],
    )
    heads = {gate: (sequence, digest) for gate, sequence, digest in cursor.fetchall()}
    silent = [gate for gate in box.gates if gate not in heads]
    if silent:
        cursor.execute(
            "SELECT gate, sequence, hash FROM access_journalhead WHERE estate_id = %s AND gate = ANY(%s)",
            [box.estate_id, silent],
        )
        heads.update({gate: (sequence, digest) for gate, sequence, digest in cursor.fetchall()})
    return heads


def _open_gaps(cursor: CursorWrapper, box: BoxView) -> Gaps:
    cursor.execute(
        """
        SELECT gate, first, last, found_at FROM access_journalgap
        WHERE estate_id = %s AND gate = ANY(%s) AND closed_at IS NULL ORDER BY gate, first
        """,
        [box.estate_id, list(box.gates)],
    )
    gaps: dict[str, dict[Span, datetime]] = {}
    for gate, first, last, found_at in cursor.fetchall():
        gaps.setdefault(gate, {})[Span(first, last)] = found_at
    return gaps


def _settle(cursor: CursorWrapper, box: BoxView, reading: Reading, heads: Heads, gaps: Gaps) -> dict[str, Settled]:
    wanted = {gate: rules.wanted(entries, sequence=heads[gate][0]) for gate, entries in reading.lines.items()}
    stored = _stored(cursor, box, wanted)
    return {
        gate: rules.settle(
            gate=gate,
            entries=entries,
            known=Known(
                sequence=heads[gate][0],
                hash=heads[gate][1],
                gaps=tuple(gaps.get(gate, ())),
                stored=stored.get(gate, {}),
            ),
        )
        for gate, entries in reading.lines.items()
    }


def _stored(
    cursor: CursorWrapper, box: BoxView, wanted: Mapping[str, Sequence[int]]
) -> Mapping[str, Mapping[int, tuple[str, str]]]:
    asked = [(gate, sequence) for gate, sequences in wanted.items() for sequence in sequences]
    found: dict[str, dict[int, tuple[str, str]]] = {}
    if not asked:
        return found
    cursor.execute(
        """
        SELECT e.gate, e.sequence, encode(e.prev, 'hex'), encode(e.hash, 'hex')
        FROM unnest(%s::text[], %s::bigint[]) AS asked (gate, sequence)
        JOIN access_gateevent e ON e.estate_id = %s AND e.gate = asked.gate AND e.sequence = asked.sequence
        """,
        [[gate for gate, _ in asked], [sequence for _, sequence in asked], box.estate_id],
    )
    for gate, sequence, prev, digest in cursor.fetchall():
        found.setdefault(gate, {})[sequence] = (prev, digest)
    return found


def _store_while_reading(
    cursor: CursorWrapper, box: BoxView, texts: Sequence[str], heads: Heads, now: datetime
) -> tuple[Reading, bool]:
    """Let the database take a long batch in while it is checked here; say whether it could stay.

    Unless every line holds and goes on where its journal stands, all is taken back, before anybody could see it.
    """
    later: Future[Reading] | None = None
    try:
        with transaction.atomic():
            _copy(cursor, texts)
            later = _hands.submit(rules.read_lines, texts, gates=box.gates)
            cursor.execute(_TAKE_IN, [box.estate_id, now])
            reading = later.result()
            if not rules.simply_goes_on(reading, heads):
                raise _NotInOrder
    except (_NotInOrder, DataError, psycopg.DataError, UnicodeError):
        # The database stumbles over what the check will name, line by line.
        return later.result() if later else rules.read_lines(texts, gates=box.gates), False
    return reading, True


def _store(cursor: CursorWrapper, box: BoxView, texts: Sequence[str], now: datetime) -> None:
    _copy(cursor, texts)
    cursor.execute(_TAKE_IN, [box.estate_id, now])


def _copy(cursor: CursorWrapper, texts: Sequence[str]) -> None:
    cursor.execute(_ARRIVALS)
    # What was hashed is what travelled is what is copied: the line's own TABs separate the columns.
    with cursor.copy("COPY access_arrivals FROM STDIN (NULL '-')") as copy:
        copy.write("\n".join(texts).encode())


def _move_heads(cursor: CursorWrapper, box: BoxView, settled: Mapping[str, Settled]) -> None:
    cursor.execute(
        """
        UPDATE access_journalhead h SET sequence = moved.sequence, hash = moved.hash
        FROM unnest(%s::text[], %s::bigint[], %s::text[]) AS moved (gate, sequence, hash)
        WHERE h.estate_id = %s AND h.gate = moved.gate AND h.sequence < moved.sequence
        """,
        [
            list(settled),
            [one.sequence for one in settled.values()],
            [one.hash for one in settled.values()],
            box.estate_id,
        ],
    )


def _keep_gaps(
    cursor: CursorWrapper,
    box: BoxView,
    gate: str,
    before: Mapping[Span, datetime],
    after: Sequence[Span],
    now: datetime,
) -> None:
    closed = [gap.first for gap in before if gap not in after]
    if closed:
        cursor.execute(
            """
            UPDATE access_journalgap SET closed_at = %s
            WHERE estate_id = %s AND gate = %s AND first = ANY(%s) AND closed_at IS NULL
            """,
            [now, box.estate_id, gate, closed],
        )
    for gap in after:
        if gap not in before:
            # What is left of a gap was missing since the whole of it was found missing.
            found_at = next((at for old, at in before.items() if old.first <= gap.first <= old.last), now)
            cursor.execute(
                "INSERT INTO access_journalgap (estate_id, gate, first, last, found_at) VALUES (%s, %s, %s, %s, %s)",
                [box.estate_id, gate, gap.first, gap.last, found_at],
            )


def _keep_faults(cursor: CursorWrapper, box: BoxView, faults: Sequence[Fault], now: datetime) -> None:
    rows = []
    for fault in faults:
        line = fault.line.encode("utf-8", "surrogateescape")
        digest = hashlib.sha256(line or f"{fault.gate}\t{fault.sequence}".encode()).digest()
        place = (box.estate_id, box.id, fault.gate[:16], fault.sequence, fault.why)
        rows.append((*place, line[: rules.LONGEST_LINE], digest, now))
    cursor.executemany(
        """
        INSERT INTO access_journalfault (estate_id, box_id, gate, sequence, why, line, digest, found_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
        """,
        rows,
    )


def _note_first_uses(cursor: CursorWrapper, box: BoxView, now: datetime) -> None:
    """Tell of each pass that opened an entry for the first time; a late line may show that it was earlier, and tells nothing new."""
    cursor.execute(_FIRST_USES, [box.estate_id])
    used = cursor.fetchall()
    if not used:
        return
    cursor.execute(
        """
        UPDATE access_pass p SET first_used_at = used.at FROM unnest(%s::text[], %s::timestamptz[]) AS used (id, at)
        WHERE p.id = used.id
        """,
        [[pass_id for pass_id, *_ in used], [at for *_, at in used]],
    )
    arrivals = [
        PassFirstUsed(
            estate_id=box.estate_id,
            pass_id=pass_id,
            origin_kind=origin_kind,
            origin_id=origin_id,
            gate=gate,
            direction="in",
            happened_at=at,
        )
        for pass_id, origin_kind, origin_id, before, gate, at in used
        if before is None
    ]
    outbox.publish_all(((event.origin_id, event) for event in arrivals), estate_id=box.estate_id, now=now)


def _alarm_lines(new: Mapping[str, Sequence[Entry]]) -> dict[str, list[int]]:
    mark = f"\t{rules.ALARM}\t"
    found = {gate: [entry.sequence for entry in entries if mark in entry.text] for gate, entries in new.items()}
    return {gate: sequences for gate, sequences in found.items() if sequences}


def _tell_console(box: BoxView, new: Mapping[str, Sequence[Entry]], now: datetime) -> None:
    newest = nlargest(
        SHOWN, ((entry.at_us, gate, entry) for gate, entries in new.items() for entry in entries[-SHOWN:])
    )
    events = [_shown(gate, entry, now) for _, gate, entry in newest]
    doors = {gate: door for gate, entries in sorted(new.items()) if (door := _door(entries[-SHOWN:], now))}
    # Who may not hear of single passages hears how many there were.
    also: list[tuple[str, Mapping[str, object]]] = [
        ("count", {"lines": sum(map(len, new.values())), "gates": len(new)})
    ]
    if doors:
        also.append(("door", {"doors": dict(islice(doors.items(), SHOWN))}))
    tell_after_commit(
        channel=CONSOLE_CHANNEL, estate_id=box.estate_id, event="gate", body={"events": events}, also=also
    )


def _door(entries: Sequence[Entry], now: datetime) -> dict[str, object] | None:
    """Say what the newest lines tell of the door itself, if it is still news."""
    for entry in sorted(entries, reverse=True):
        state = rules.door_state(entry.text.split("\t"))
        if state is not None:
            at = _instant(entry.at_us)
            return None if now - at > LATE_AFTER else {"state": state, "at": at.isoformat()}
    return None


def _shown(gate: str, entry: Entry, now: datetime) -> dict[str, object]:
    fields = entry.text.split("\t")
    happened_at = _instant(entry.at_us)
    return {
        "gate": gate,
        "sequence": entry.sequence,
        "happened_at": happened_at.isoformat(),
        "method": fields[5],
        "direction": fields[6],
        "opened": fields[7] == "1",
        "reason": fields[8],
        "late": now - happened_at > LATE_AFTER,
    }


def _receipt(
    box: BoxView, heads: Heads, gaps: Gaps, settled: Mapping[str, Settled], faults: Sequence[Fault]
) -> JournalReceipt:
    missing = {gate: settled[gate].gaps if gate in settled else tuple(gaps.get(gate, ())) for gate in box.gates}
    stands = {
        gate: (settled[gate].sequence, settled[gate].hash) if gate in settled else heads[gate] for gate in box.gates
    }
    told = [Gap(gate=gate, first=gap.first, last=gap.last) for gate, spans in missing.items() for gap in spans]
    return JournalReceipt(
        stored={gate: sequence for gate, (sequence, _) in stands.items()},
        hashes={gate: digest for gate, (sequence, digest) in stands.items() if sequence},
        gaps=tuple(told[:TOLD]),
        broken=tuple(Broken(gate=fault.gate, sequence=fault.sequence, why=fault.why) for fault in faults[:TOLD]),
    )


def _instant(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_us)


_ARRIVALS = """
    CREATE TEMPORARY TABLE IF NOT EXISTS access_arrivals (
        format text, gate text, sequence bigint, at_us bigint, clock text, method text, direction text, opened boolean,
        reason text, serial text, snapshot_version bigint, note text, prev text, hash text
    ) ON COMMIT DELETE ROWS;
    DELETE FROM access_arrivals
"""

_TAKE_IN = """
    INSERT INTO access_gateevent (estate_id, gate, sequence, happened_at, received_at, clock_sure, method, direction, opened,
                                  reason, serial, snapshot_version, note, prev, hash)
    SELECT %s, gate, sequence, 'epoch'::timestamptz + at_us * interval '1 microsecond', %s, clock = 'ok', method, direction, opened,
           reason, ('x' || serial)::bit(64)::bigint, snapshot_version, coalesce(note, ''), decode(prev, 'hex'), decode(hash, 'hex')
    FROM access_arrivals
    ON CONFLICT (estate_id, gate, sequence) DO NOTHING
"""

_FIRST_USES = """
    SELECT p.id, p.origin_kind, p.origin_id, p.first_used_at, used.gate, used.at
    FROM (
        SELECT DISTINCT ON (serial) ('x' || serial)::bit(64)::bigint AS serial, gate,
               'epoch'::timestamptz + at_us * interval '1 microsecond' AS at
        FROM access_arrivals WHERE opened AND direction = 'in' AND serial IS NOT NULL ORDER BY serial, at_us
    ) used
    JOIN access_pass p ON p.estate_id = %s AND p.serial = used.serial
    WHERE p.first_used_at IS NULL OR p.first_used_at > used.at
    ORDER BY p.id FOR NO KEY UPDATE OF p
"""
