"""The rows of a delta: arrays, in the order in which they are read. The last fields have defaults: an older version lacks them."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime
from typing import Any

from linli.gate.hours import DAY_MINUTES, Hours, Slot
from linli.gate.snapshot import (
    Credential,
    FaceRule,
    FailMode,
    GateRule,
    HealthRule,
    HouseRules,
    Pairing,
    PassEntry,
    PassState,
)
from linli.gate.wire import fields


def rule_row(rule: GateRule) -> list[object]:
    """Write a gate's rule."""
    face = rule.face
    return [
        rule.gate,
        rule.version,
        sorted(rule.groups),
        rule.fail_mode.value,
        rule.max_age_s,
        rule.strike_s,
        sorted(rule.ways),
        rule.area,
        rule.pairing.value,
        rule.most_inside,
        [face.threshold, face.margin, face.frames, face.gallery_cap, int(face.head_turn), face.report],
    ]


def credential_row(one: Credential) -> list[object]:
    """Write a credential."""
    return [one.kind, one.value, f"{one.serial:016x}", one.version, int(one.live)]


def entry_row(entry: PassEntry) -> list[object]:
    """Write a pass."""
    row: list[object] = [
        f"{entry.serial:016x}",
        entry.version,
        list(entry.groups),
        int(entry.start.timestamp()),
        int(entry.end.timestamp()),
        entry.holder,
        entry.state.value,
        int(entry.static),
    ]
    # Most passes count at any hour and without end; twenty thousand rows need not say so.
    return [*row, entry.hours, entry.uses] if entry.hours or entry.uses else row


def hours_row(table: Hours) -> list[object]:
    """Write a weekly table."""
    slots = [[slot.weekday, slot.start, slot.end] for slot in table.slots]
    return [table.number, table.version, slots, int(table.holidays)]


def house_row(house: HouseRules) -> dict[str, object]:
    """Write what holds at every gate."""
    health = house.health
    return {
        "version": house.version,
        "zone_minutes": house.zone_minutes,
        "holidays": sorted(day.isoformat() for day in house.holidays),
        "pepper": base64.b64encode(house.pepper).decode("ascii"),
        "health": None
        if health is None
        else {
            "until": fields.instant_words(health.until),
            "most_c10": health.most_c10,
            "code_wanted": health.code_wanted,
            "holders": sorted(health.holders),
        },
    }


def rule_from(
    gate: Any,
    version: Any,
    groups: Any,
    fail_mode: Any = "listed",
    max_age_s: Any = 86_400,
    strike_s: Any = 5,
    ways: Any = (),
    area: Any = 0,
    pairing: Any = "off",
    most_inside: Any = 0,
    face: Any = (),
) -> GateRule:
    return GateRule(
        gate=fields.gate_code(gate),
        version=fields.count(version),
        groups=frozenset(fields.count(group) for group in groups),
        fail_mode=FailMode(fail_mode),
        max_age_s=fields.count(max_age_s),
        strike_s=fields.count(strike_s),
        ways=frozenset(fields.text(way) for way in ways),
        area=fields.count(area),
        pairing=Pairing(pairing),
        most_inside=fields.count(most_inside),
        face=_face_from(*face[:6]),
    )


def _face_from(
    threshold: Any = 550,
    margin: Any = 50,
    frames: Any = 3,
    gallery_cap: Any = 200,
    head_turn: Any = 0,
    report: Any = "",
) -> FaceRule:
    return FaceRule(
        threshold=fields.count(threshold),
        margin=fields.count(margin),
        frames=fields.count(frames),
        gallery_cap=fields.count(gallery_cap),
        head_turn=bool(head_turn),
        report=fields.text(report),
    )


def credential_from(kind: Any, value: Any, serial: Any, version: Any, live: Any = 1) -> Credential:
    """Read a credential."""
    return Credential(
        kind=fields.text(kind),
        value=fields.text(value),
        serial=fields.serial_number(serial),
        version=fields.count(version),
        live=bool(live),
    )


def hours_from(number: Any, version: Any, slots: Any, holidays: Any = 1) -> Hours:
    """Read a weekly table."""
    return Hours(
        number=fields.count(number),
        version=fields.count(version),
        slots=tuple(_slot(*slot) for slot in slots),
        holidays=bool(holidays),
    )


def _slot(weekday: Any, start: Any, end: Any) -> Slot:
    if not (fields.count(weekday) < 7 and fields.count(start) < fields.count(end) <= DAY_MINUTES):
        raise ValueError("a slot lies within one day of the week")
    return Slot(weekday=weekday, start=start, end=end)


def house_from(house: Any) -> HouseRules:
    """Read what holds at every gate."""
    health = house.get("health")
    return HouseRules(
        version=fields.count(house["version"]),
        zone_minutes=fields.zone_minutes(house["zone_minutes"]),
        holidays=frozenset(date.fromisoformat(fields.text(day)) for day in house["holidays"]),
        pepper=base64.b64decode(fields.text(house["pepper"]), validate=True),
        health=_health_from(health) if health else None,
    )


def _health_from(health: Any) -> HealthRule:
    return HealthRule(
        until=fields.instant(health["until"]),
        most_c10=fields.count(health["most_c10"]),
        code_wanted=bool(health["code_wanted"]),
        holders=frozenset(fields.text(holder) for holder in health["holders"]),
    )


def entry_from(
    serial: Any,
    version: Any,
    groups: Any,
    start: Any,
    end: Any,
    holder: Any,
    state: Any,
    static: Any = 0,
    hours: Any = 0,
    uses: Any = 0,
) -> PassEntry:
    """Read a pass."""
    return PassEntry(
        serial=fields.serial_number(serial),
        version=fields.count(version),
        groups=tuple(fields.count(group) for group in groups),
        start=datetime.fromtimestamp(fields.count(start), UTC),
        end=datetime.fromtimestamp(fields.count(end), UTC),
        holder=fields.text(holder),
        state=PassState(state),
        static=bool(static),
        hours=fields.count(hours),
        uses=fields.count(uses),
    )
