"""A gate event in the words every driver shares (appendix C): one line of a journal, with the device it came of and its two times."""

import json
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from linli.server.access import rules
from linli.server.kernel import crypto
from linli.server.kernel.errors import NotFound

OWN_EVENTS = ("BOX", "ALARM")


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalisedEvent:
    """What happened at a door, for whoever reads many makes of gates.

    `device_time` is the device's own word, `corrected_time` what the box made of it, `received_time` ours. `subject_ref` tells two
    holders apart and names nobody. There is no temperature and no picture: neither is kept.
    """

    event_id: str
    device_id: str
    access_point_id: str
    direction: str
    method: str
    result: str
    reason: str
    subject_ref: str | None
    pass_id: str | None
    device_time: datetime
    received_time: datetime
    corrected_time: datetime
    drift_ms: int
    clock_sure: bool
    raw_hash: str


def normalised_event(*, estate_id: str, gate: str, sequence: int) -> NormalisedEvent:
    """This will return one passage or refusal in shared words, or refuse with `NotFound`; what a box writes of itself is none."""
    with connection.cursor() as cursor:
        cursor.execute(_EVENT, {"estate": estate_id, "gate": gate, "sequence": sequence, "own": list(OWN_EVENTS)})
        row = cursor.fetchone()
    if row is None:
        raise NotFound
    happened_at, received_at, sure, kind, direction, opened, why, serial, note, digest, pass_id, box, makes = row
    told = rules.read_record(note)
    method, reason = rules.shared_words(method=kind, reason=why)
    device = told.terminal if told else box or gate
    return NormalisedEvent(
        event_id=rules.event_id(
            estate_id=estate_id,
            make=_make(makes, device) if told else "linli",
            device=device if told else gate,
            record=told.record if told else str(sequence),
        ),
        device_id=device,
        access_point_id=gate,
        direction=direction,
        method=method,
        result="granted" if opened else "denied",
        reason=reason,
        subject_ref=_pseudonym(serial),
        pass_id=pass_id,
        device_time=told.device_time if told else happened_at,
        received_time=received_at,
        corrected_time=happened_at,
        drift_ms=told.drift_ms if told else 0,
        clock_sure=sure,
        raw_hash=bytes(digest).hex(),
    )


def _make(makes: str | None, device: str) -> str:
    return str((json.loads(makes) if makes else {}).get(device, "linli"))


def _pseudonym(serial: int | None) -> str | None:
    return None if serial is None else crypto.blind_index(f"{serial:016x}", context="gate_event.subject").hex()


_EVENT = """
    SELECT e.happened_at, e.received_at, e.clock_sure, e.method, e.direction, e.opened, e.reason, e.serial, e.note, e.hash,
           p.id, g.box_id, t.makes
    FROM access_gateevent e
    LEFT JOIN access_pass p ON p.estate_id = e.estate_id AND p.serial = e.serial
    LEFT JOIN access_gate g ON g.estate_id = e.estate_id AND g.code = e.gate
    LEFT JOIN LATERAL (
        SELECT jsonb_object_agg(t.code, t.make)::text AS makes FROM access_terminal t WHERE t.gate_id = g.id
    ) t ON true
    WHERE e.estate_id = %(estate)s AND e.gate = %(gate)s AND e.sequence = %(sequence)s AND e.method <> ALL(%(own)s)
"""
