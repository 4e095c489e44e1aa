"""Terminals are registered, changed and disabled; their box is told how to reach them, and says what they hold."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from linli.gate.decision import Kind
from linli.gate.wire import Listing, TerminalPlan, TerminalReport
from linli.server.access import rules
from linli.server.access.actions.gates import NoSuchGate, note_seen
from linli.server.access.actions.versions import (
    CONSOLE_CHANNEL,
    SNAPSHOT_CHANNEL,
    advance,
    hold_list,
    tell_after_commit,
)
from linli.server.access.models import Gate, Terminal, TerminalPerson
from linli.server.access.queries.boxes import BoxView
from linli.server.access.queries.terminals import SECRET, TerminalView, get_terminal, list_terminal_plans
from linli.server.access.queries.terms import terms_of
from linli.server.access.rules import DoorKind
from linli.server.kernel import clock, crypto, ids
from linli.server.kernel.actors import Actor, Grant, Role
from linli.server.kernel.errors import NotFound, Refusal
from linli.server.kernel.once import once
from linli.server.privacy import actions as privacy

KEEPERS = (Role.SYSTEM, Role.ESTATE_ADMIN, Role.PROPERTY)
SHOWN = 15
LARGEST_SERIAL = 2**63 - 1
log = structlog.get_logger(__name__)


class TerminalCodeTaken(Refusal):
    """There is a terminal of that code already."""

    zh = "该设备编号已被使用。"


class TooManyTerminals(Refusal):
    """An estate has at most five hundred terminals."""

    zh = "每个小区最多登记五百台设备。"


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalInput:
    """How a terminal is reached; a secret that is not given again stays as it is."""

    gate: str
    make: str
    model: str = ""
    settings: Mapping[str, Any]
    secret: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsTaken:
    """What came of a box's reports: how many passes and lists were taken in, and what in them was not of this estate or this box."""

    people: int
    listings: int
    unknown_serials: int
    foreign_terminals: int


def register_terminal(*, actor: Actor, code: str, asked: TerminalInput, now: datetime) -> TerminalView:
    """This will register a device at a gate and wake its box.

    Refuses with `NoSuchGate`, `TerminalCodeTaken`, `FaceOnly`, or with what is wrong with the settings or the secret.
    """
    actor.require(*KEEPERS)
    form = rules.check_terminal(code=code, make=asked.make, model=asked.model, settings=asked.settings)
    secret = rules.check_secret(form.make, asked.secret)
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        gate = _gate(actor, asked.gate, form.make, now)
        terminals = Terminal.objects.filter(estate_id=actor.estate_id)
        if terminals.filter(code=form.code).exists():
            raise TerminalCodeTaken(field="code")
        if terminals.count() >= rules.MOST_TERMINALS:
            raise TooManyTerminals
        row = Terminal(id=ids.new("terminal"), estate_id=actor.estate_id, code=form.code, gate=gate, added_at=now)
        _fill(row, form, secret)
        row.version = _tell_boxes(actor.estate_id, gate)
        row.save(force_insert=True)
        privacy.record(actor=actor, verb="register_terminal", subject=row.id, fields=[form.code, gate.code], now=now)
    return get_terminal(estate_id=actor.estate_id, terminal_id=row.id, now=now)


def change_terminal(*, actor: Actor, terminal_id: str, asked: TerminalInput, now: datetime) -> TerminalView:
    """This will write a device's settings anew, its gate too, enable it again, and wake the boxes concerned.

    Its secret stays unless another is given. Refuses like `register_terminal`, and with `NotFound`.
    """
    actor.require(*KEEPERS)
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        row = _row(actor.estate_id, terminal_id)
        form = rules.check_terminal(code=row.code, make=asked.make, model=asked.model, settings=asked.settings)
        # Another make's secret means nothing to this one, and must not be sent to its address.
        kept = bool(row.sealed_secret) and row.make == form.make
        secret = rules.check_secret(form.make, asked.secret, kept=kept)
        before, gate = row.gate, _gate(actor, asked.gate, form.make, now)
        if before.id != gate.id or row.make != form.make:
            _forget_what_it_held(row)
        if not kept:
            row.sealed_secret = b""
        _fill(row, form, secret)
        row.gate, row.enabled = gate, True
        row.version = _tell_boxes(actor.estate_id, before, gate)
        row.save()
        fields = [name for name in ("secret",) if secret] + sorted(form.settings)
        privacy.record(actor=actor, verb="change_terminal", subject=row.id, fields=fields, now=now)
    return get_terminal(estate_id=actor.estate_id, terminal_id=row.id, now=now)


def disable_terminal(*, actor: Actor, terminal_id: str, reason: str, now: datetime) -> TerminalView:
    """This will take a device from its box's care, with a reason; what it was known to hold stays on record. Twice is once.

    Refuses with `NotFound` or `ReasonNeeded`.
    """
    actor.require(*KEEPERS)
    why = rules.check_reason(reason)
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        row = _row(actor.estate_id, terminal_id)
        if row.enabled:
            row.enabled = False
            row.version = _tell_boxes(actor.estate_id, row.gate)
            row.save(update_fields=["enabled", "version"])
            privacy.record(actor=actor, verb="disable_terminal", subject=row.id, reason=why, now=now)
    return get_terminal(estate_id=actor.estate_id, terminal_id=row.id, now=now)


def hand_out_terminals(*, box: BoxView, now: datetime) -> tuple[TerminalPlan, ...]:
    """This will give a box its own devices with their secrets; that it got them is written down once a change and day, not each time."""
    plans = list_terminal_plans(box=box)
    note_seen(box=box, now=now)
    if any(plan.secret for plan in plans):
        told = json.dumps([[plan.code, plan.gate, plan.make, dict(plan.settings), plan.secret] for plan in plans])
        digest = crypto.blind_index(told, context="terminals.handed_out").hex()
        actor = Actor(id=box.id, estate_id=box.estate_id, grants=frozenset({Grant(role=Role.BOX)}))

        def note() -> tuple[int, bytes]:
            codes = [plan.code for plan in plans if plan.secret]
            privacy.record(actor=actor, verb="hand_out_terminal_secrets", subject=box.id, fields=codes, now=now)
            return 204, b"{}"

        day = clock.local_date(now, "UTC").isoformat()
        once(estate_id=box.estate_id, actor_id=box.id, key=f"terminals-{digest}-{day}", request=b"", now=now, act=note)
    return plans


def record_terminal_reports(*, box: BoxView, reports: Sequence[TerminalReport], now: datetime) -> ReportsTaken:
    """This will keep what a box says of its own devices; the same again, late or in another order comes to the same rows.

    Passes nobody knows and devices of other boxes are counted and left out: a report never fails for them, or a box would be stuck.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # In the order of their codes, so that two reports of the same devices queue and never cross.
        cursor.execute(_OWN, [box.estate_id, box.id])
        own = {code: (terminal_id, gate) for code, terminal_id, gate in cursor.fetchall()}
        mine = [report for report in reports if report.terminal in own]
        said, taken = _take_people(cursor, box, [(own[report.terminal][0], report) for report in mine], now)
        listings = 0
        for report in mine:
            _take_state(cursor, own[report.terminal][0], report, now)
            if report.listing is not None:
                listings += _take_listing(cursor, own[report.terminal][0], report.listing, now)
        _tell_console(box, [(own[report.terminal][1], report) for report in mine])
    note_seen(box=box, now=now)
    outcome = ReportsTaken(
        people=taken, listings=listings, unknown_serials=said - taken, foreign_terminals=len(reports) - len(mine)
    )
    if outcome.unknown_serials or outcome.foreign_terminals:
        log.warning(
            "terminal_report_names_strangers",
            box=box.id,
            serials=outcome.unknown_serials,
            terminals=outcome.foreign_terminals,
        )
    return outcome


def _gate(actor: Actor, code: str, make: str, now: datetime) -> Gate:
    gate = Gate.objects.filter(estate_id=actor.estate_id, code=code).first()
    if gate is None:
        raise NoSuchGate(field="gate")
    if Kind.FACE in rules.DEVICE_WAYS[make]:
        terms = [terms_of(estate_id=actor.estate_id, holder_kind=kind, now=now) for kind in rules.DEFAULTS]
        rules.check_ways(door=DoorKind(gate.kind), ways=gate.ways, terms=terms)
    return gate


def _row(estate_id: str, terminal_id: str) -> Terminal:
    row = Terminal.objects.select_related("gate").filter(estate_id=estate_id, id=terminal_id).first()
    if row is None:
        raise NotFound
    return row


def _fill(row: Terminal, form: rules.TerminalForm, secret: str | None) -> None:
    row.make, row.model, row.settings = form.make, form.model, dict(form.settings)
    if secret is not None:
        row.sealed_secret = crypto.seal(secret, context=SECRET)


def _forget_what_it_held(row: Terminal) -> None:
    """At another gate, or as another device, it must be filled and read anew."""
    TerminalPerson.objects.filter(terminal_id=row.id).delete()
    row.listing, row.listing_checksum, row.listing_unknown = [], "", 0
    row.listed_at = row.seen_at = row.drift_ms = None
    row.trouble = ""


def _tell_boxes(estate_id: str, *gates: Gate) -> int:
    """Renew the gates' rules too: a box that misses the wake-up call sees by them that there is something to fetch."""
    version = advance(estate_id=estate_id)
    Gate.objects.filter(id__in={gate.id for gate in gates}).update(version=version)
    for gate in {gate.id: gate for gate in gates}.values():
        body = {"gate": gate.code}
        tell_after_commit(channel=SNAPSHOT_CHANNEL, estate_id=estate_id, event="terminals", body=body)
    return version


def _take_people(
    cursor: CursorWrapper, box: BoxView, reports: Sequence[tuple[str, TerminalReport]], now: datetime
) -> tuple[int, int]:
    """Keep of each pass the newest word; say how many passes were named and how many of them are known."""
    rows = [
        (terminal_id, one.serial, one.state.value, one.trouble, one.words, one.version, min(one.at, now))
        for terminal_id, report in reports
        for one in report.people
    ]
    named = {(terminal_id, serial) for terminal_id, serial, *_ in rows}
    known = [row for row in rows if 0 < row[1] <= LARGEST_SERIAL]
    if not known:
        return len(named), 0
    columns = [list(column) for column in zip(*known, strict=True)]
    columns[3], columns[4] = [_plain(text, 20) for text in columns[3]], [_plain(text, 120) for text in columns[4]]
    cursor.execute(_TAKE_PEOPLE, {"estate": box.estate_id, "now": now, **dict(zip("abcdefg", columns, strict=True))})
    return len(named), int(cursor.fetchone()[0])


def _take_state(cursor: CursorWrapper, terminal_id: str, report: TerminalReport, now: datetime) -> None:
    seen_at = min(report.seen_at, now) if report.seen_at else None
    facts: dict[str, Any] = {"id": terminal_id, "seen": seen_at, "drift": report.drift_ms}
    cursor.execute(
        _TAKE_STATE, {**facts, "firmware": _plain(report.firmware, 40), "trouble": _plain(report.trouble, 200)}
    )


def _take_listing(cursor: CursorWrapper, terminal_id: str, listing: Listing, now: datetime) -> int:
    serials = sorted({serial for serial in listing.serials if 0 < serial <= LARGEST_SERIAL})
    strangers = min(listing.unknown + len(set(listing.serials)) - len(serials), 2**31 - 1)
    facts: dict[str, Any] = {"id": terminal_id, "at": min(listing.at, now), "serials": serials, "strangers": strangers}
    cursor.execute(_TAKE_LISTING, {**facts, "checksum": _plain(listing.checksum, 64)})
    return int(cursor.rowcount)


def _tell_console(box: BoxView, reports: Sequence[tuple[str, TerminalReport]]) -> None:
    shown = [
        {
            "terminal": report.terminal,
            "gate": gate,
            "seen_at": report.seen_at.isoformat() if report.seen_at else None,
            "drift_ms": report.drift_ms,
            "changed": len(report.people),
            "trouble": _plain(report.trouble, 40),
        }
        for gate, report in reports[:SHOWN]
    ]
    if shown:
        body = {"terminals": shown, "more": len(reports) - len(shown)}
        tell_after_commit(channel=CONSOLE_CHANNEL, estate_id=box.estate_id, event="terminal", body=body)


def _plain(text: str, most: int) -> str:
    return text.replace("\0", "")[:most]


_OWN = """
    SELECT t.code, t.id, g.code FROM access_terminal t JOIN access_gate g ON g.id = t.gate_id
    WHERE t.estate_id = %s AND g.box_id = %s ORDER BY t.code FOR NO KEY UPDATE OF t
"""

# Newest by the box's own time; of two words of one instant the one by the later version, then the one that closes more.
_TAKE_PEOPLE = """
    WITH said AS (
        SELECT DISTINCT ON (terminal_id, serial) *
        FROM unnest(%(a)s::text[], %(b)s::bigint[], %(c)s::text[], %(d)s::text[], %(e)s::text[], %(f)s::bigint[], %(g)s::timestamptz[])
             AS said (terminal_id, serial, state, trouble, words, version, changed_at)
        ORDER BY terminal_id, serial, changed_at DESC, version DESC, state DESC
    ), known AS (
        SELECT said.* FROM said JOIN access_pass p ON p.estate_id = %(estate)s AND p.serial = said.serial
    ), kept AS (
        INSERT INTO access_terminalperson AS t (estate_id, terminal_id, serial, state, trouble, words, version, changed_at, told_at)
        SELECT %(estate)s, terminal_id, serial, state, trouble, words, version, changed_at, %(now)s FROM known
        ON CONFLICT (estate_id, terminal_id, serial) DO UPDATE
        SET state = excluded.state, trouble = excluded.trouble, words = excluded.words, version = excluded.version,
            changed_at = excluded.changed_at, told_at = excluded.told_at
        WHERE (excluded.changed_at, excluded.version, excluded.state) > (t.changed_at, t.version, t.state)
    )
    SELECT count(*) FROM known
"""

_TAKE_STATE = """
    UPDATE access_terminal
    SET seen_at = coalesce(%(seen)s, seen_at), firmware = coalesce(nullif(%(firmware)s, ''), firmware),
        drift_ms = coalesce(%(drift)s, drift_ms), trouble = %(trouble)s
    WHERE id = %(id)s AND (seen_at IS NULL OR %(seen)s::timestamptz IS NULL OR %(seen)s::timestamptz >= seen_at)
"""

_TAKE_LISTING = """
    UPDATE access_terminal
    SET listing = %(serials)s::bigint[], listing_checksum = %(checksum)s, listing_unknown = %(strangers)s, listed_at = %(at)s
    WHERE id = %(id)s AND (listed_at IS NULL OR %(at)s >= listed_at)
"""
