"""Decide whether a door opens. One total, pure function, called by the gate, the server and the console.

The list speaks, the code proves: a code's signature and window say that the estate made it for this serial, just now;
period, doors and standing are read from the snapshot, so that a change needs no new code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from linli.gate import passes
from linli.gate.credentials import idcard_digest
from linli.gate.hours import covers
from linli.gate.reasons import OPENING, PRECEDENCE, TEXTS, Reason
from linli.gate.snapshot import FailMode, GateRule, HealthRule, Pairing, PassEntry, PassState, Snapshot

__all__ = [
    "OPENING",
    "PRECEDENCE",
    "TEXTS",
    "WAYS",
    "Clock",
    "Direction",
    "Kind",
    "Past",
    "Reason",
    "Scan",
    "Verdict",
    "decide",
    "opens_first",
]

REPLAY_SECONDS = 10
# A PIN has few digits: after so many wrong ones within five minutes a gate takes none for a while.
MOST_TRIES = 5
TRIES_SECONDS = 300
LASTING_HOLDERS = frozenset({"resident", "child", "guard", "staff", "operator", "cleaner"})


class Direction(StrEnum):
    """Which way somebody wants to go."""

    IN = "in"
    OUT = "out"


class Kind(StrEnum):
    """What was presented to a gate."""

    CODE = "CODE"
    CARD = "CARD"
    PIN = "PIN"
    IDCARD = "IDCARD"
    FACE = "FACE"
    EXIT = "EXIT"
    FIRE = "FIRE"
    GUARD = "GUARD"
    REMOTE = "REMOTE"


# Five ways to prove who holds a pass; the other kinds are the house's own.
WAYS = (Kind.CODE, Kind.CARD, Kind.PIN, Kind.IDCARD, Kind.FACE)


class Clock(StrEnum):
    """Whether the box trusts its own time."""

    OK = "ok"
    UNSURE = "unsure"


SeenKey = tuple[str, Direction, int, int | None]
Seen = Mapping[SeenKey, datetime]
NOTHING_SEEN: Seen = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What a box remembers of its own gates: entries by serial, who is inside by area, wrong PINs of late by gate."""

    uses: Mapping[int, int] = field(default_factory=dict)
    inside: Mapping[int, frozenset[int]] = field(default_factory=dict)
    tries: Mapping[str, int] = field(default_factory=dict)


NO_PAST = Past()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a reader, a button or a person asked of a gate; `by` and `why` belong to an opening by hand.

    `text` is what was shown: the code, the card's number, the digits, the identity number, or the id of a face's template.
    `evidence` is how sure a camera was; temperature (tenths of a degree) and health code only where such a mode is ordered.
    """

    gate: str
    kind: Kind
    direction: Direction = Direction.IN
    text: str = ""
    by: str = ""
    why: str = ""
    evidence: str = ""
    temperature_c10: int | None = None
    health: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer: `serial` only of a genuine code or a known credential; `mark` is what to remember, once opened."""

    open: bool
    reason: Reason
    serial: int | None = None
    holder: str | None = None
    # Why it might have been refused: on the way out, or where the house only wants to know.
    remark: Reason | None = None
    mark: SeenKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A pass at a gate, proved by a genuine code (`claims`) or a known credential, with what the list says of it."""

    scan: Scan
    serial: int
    claims: passes.PassClaims | None
    entry: PassEntry | None
    rule: GateRule | None
    mark: SeenKey
    snapshot: Snapshot
    now: datetime
    seen: Seen
    clock: Clock
    past: Past


def decide(
    scan: Scan,
    snapshot: Snapshot,
    now: datetime,
    seen: Seen = NOTHING_SEEN,
    *,
    clock: Clock = Clock.OK,
    past: Past = NO_PAST,
) -> Verdict:
    """Say whether this door opens now, and why: the first reason of PRECEDENCE that applies. Never raises."""
    if scan.kind is Kind.FIRE:
        return Verdict(open=True, reason=Reason.FIRE)
    if scan.kind is Kind.EXIT:
        return Verdict(open=True, reason=Reason.EXIT)
    asked = _entry(scan, snapshot, now, seen, clock, past)
    if scan.direction is Direction.OUT:
        remark = asked.remark if asked.reason is Reason.OK else asked.reason
        return Verdict(open=True, reason=Reason.EXIT, serial=asked.serial, holder=asked.holder, remark=remark)
    return asked


def opens_first(scan: Scan) -> bool:
    """Say whether the door opens before anything is decided or written down: fire and the way out wait for nothing."""
    return scan.kind in (Kind.FIRE, Kind.EXIT) or scan.direction is Direction.OUT


def _entry(scan: Scan, snapshot: Snapshot, now: datetime, seen: Seen, clock: Clock, past: Past) -> Verdict:
    if scan.kind in _BY_HAND:
        if not scan.by.strip() or not scan.why.strip():
            return Verdict(open=False, reason=Reason.UNNAMED)
        return Verdict(open=True, reason=_BY_HAND[scan.kind])
    rule = snapshot.gates.get(scan.gate)
    if rule is not None and rule.ways and scan.kind not in rule.ways:
        return Verdict(open=False, reason=Reason.WAY_CLOSED)
    if scan.kind is Kind.PIN and past.tries.get(scan.gate, 0) >= MOST_TRIES:
        return Verdict(open=False, reason=Reason.TOO_MANY_TRIES)
    shown = _shown(scan, snapshot)
    if isinstance(shown, Reason):
        return Verdict(open=False, reason=shown)
    serial, claims = shown
    return _judge(
        _Case(
            scan=scan,
            serial=serial,
            claims=claims,
            entry=snapshot.passes.get(serial),
            rule=rule,
            mark=(scan.gate, scan.direction, serial, claims.window if claims else None),
            snapshot=snapshot,
            now=now,
            seen=seen,
            clock=clock,
            past=past,
        )
    )


def _shown(scan: Scan, snapshot: Snapshot) -> tuple[int, passes.PassClaims | None] | Reason:
    """Whose pass is that? Its serial, with the code's claims if it was a code, or why nobody can tell."""
    if scan.kind is not Kind.CODE:
        value = idcard_digest(scan.text, pepper=snapshot.house.pepper) if scan.kind is Kind.IDCARD else scan.text
        known = snapshot.credentials.get((scan.kind.value, value))
        return (known.serial, None) if known is not None and known.live else Reason.UNKNOWN_CREDENTIAL
    try:
        claims = passes.read(scan.text, keys=_keys(tuple(snapshot.keys.items())))
    except passes.PassProblem as problem:
        return _PROBLEMS[type(problem)]
    return claims.serial, claims


def _judge(case: _Case) -> Verdict:
    holder = case.entry.holder if case.entry else None
    for reason, applies in _REFUSALS:
        if applies(case):
            return Verdict(open=False, reason=reason, serial=case.serial, holder=holder)
    remark = next((reason for reason, applies in _REMARKS if applies(case)), None)
    return Verdict(open=True, reason=Reason.OK, serial=case.serial, holder=holder, mark=case.mark, remark=remark)


@lru_cache(maxsize=16)
def _keys(ring: tuple[tuple[int, bytes], ...]) -> Mapping[int, Ed25519PublicKey]:
    return {number: Ed25519PublicKey.from_public_bytes(raw) for number, raw in ring if len(raw) == 32}


_BY_HAND = {Kind.GUARD: Reason.GUARD_OPENED, Kind.REMOTE: Reason.REMOTE_OPENED}

_PROBLEMS: Mapping[type[passes.PassProblem], Reason] = {
    passes.Unreadable: Reason.UNREADABLE,
    passes.UnknownKey: Reason.UNKNOWN_KEY,
    passes.Forged: Reason.FORGED,
}


def _stands_as(state: PassState) -> Callable[[_Case], bool]:
    return lambda case: case.entry is not None and case.entry.state is state


def _unlisted(case: _Case) -> bool:
    return case.entry is None


def _not_yet(case: _Case) -> bool:
    return case.entry is not None and case.now < case.entry.start


def _expired(case: _Case) -> bool:
    return case.entry is not None and case.now >= case.entry.end


def _wrong_door(case: _Case) -> bool:
    return case.entry is None or case.rule is None or case.rule.groups.isdisjoint(case.entry.groups)


def _outside_hours(case: _Case) -> bool:
    if case.entry is None or not case.entry.hours:
        return False
    table, house = case.snapshot.hours.get(case.entry.hours), case.snapshot.house
    # A table that is not there yet admits nobody: whoever granted the pass meant it to be limited.
    return table is None or not covers(table, now=case.now, zone_minutes=house.zone_minutes, holidays=house.holidays)


def _used_up(case: _Case) -> bool:
    return case.entry is not None and 0 < case.entry.uses <= case.past.uses.get(case.serial, 0)


def _stale(case: _Case) -> bool:
    if case.claims is None:
        return False
    if case.claims.window is None:
        return case.entry is None or not case.entry.static
    return abs(case.claims.window - passes.window_at(case.now)) > 1


def _replayed(case: _Case) -> bool:
    last = case.seen.get(case.mark)
    return last is not None and abs(case.now - last) < timedelta(seconds=REPLAY_SECONDS)


def _is_inside(case: _Case) -> bool:
    return case.rule is not None and case.serial in case.past.inside.get(case.rule.area, ())


def _paired(pairing: Pairing) -> Callable[[_Case], bool]:
    return lambda case: case.rule is not None and case.rule.pairing is pairing and _is_inside(case)


def _full(case: _Case) -> bool:
    rule = case.rule
    return (
        rule is not None and 0 < rule.most_inside <= len(case.past.inside.get(rule.area, ())) and not _is_inside(case)
    )


def _health(case: _Case) -> HealthRule | None:
    rule = case.snapshot.house.health
    return rule if rule is not None and case.now < rule.until else None


def _unread(case: _Case) -> bool:
    rule = _health(case)
    return rule is not None and (
        (rule.most_c10 > 0 and case.scan.temperature_c10 is None) or (rule.code_wanted and not case.scan.health)
    )


def _feverish(case: _Case) -> bool:
    rule, read = _health(case), case.scan.temperature_c10
    return rule is not None and read is not None and 0 < rule.most_c10 <= read


def _not_green(case: _Case) -> bool:
    rule = _health(case)
    return rule is not None and rule.code_wanted and case.scan.health not in ("", "GREEN")


def _shut(applies: Callable[[_Case], bool]) -> Callable[[_Case], bool]:
    """Whom the health rule names it keeps out; everybody else it only remarks on."""

    def shuts(case: _Case) -> bool:
        rule = _health(case)
        return rule is not None and case.entry is not None and case.entry.holder in rule.holders and applies(case)

    return shuts


def _too_old(case: _Case) -> bool:
    return (
        case.rule is not None
        and (case.now - case.snapshot.made_at).total_seconds() > case.rule.max_age_s
        and _shuts_out(case)
    )


def _unsure(case: _Case) -> bool:
    return case.clock is Clock.UNSURE and _shuts_out(case)


def _shuts_out(case: _Case) -> bool:
    mode = case.rule.fail_mode if case.rule else FailMode.SECURE
    if mode is FailMode.LASTING:
        return case.entry is None or case.entry.holder not in LASTING_HOLDERS
    return mode is FailMode.SECURE


_REFUSALS: tuple[tuple[Reason, Callable[[_Case], bool]], ...] = (
    (Reason.REVOKED, _stands_as(PassState.REVOKED)),
    (Reason.SUSPENDED, _stands_as(PassState.SUSPENDED)),
    (Reason.NOT_ON_LIST, _unlisted),
    (Reason.NOT_YET, _not_yet),
    (Reason.EXPIRED, _expired),
    (Reason.WRONG_DOOR, _wrong_door),
    (Reason.OUTSIDE_HOURS, _outside_hours),
    (Reason.USES_EXHAUSTED, _used_up),
    (Reason.STALE_CODE, _stale),
    (Reason.REPLAYED, _replayed),
    (Reason.STILL_INSIDE, _paired(Pairing.HARD)),
    (Reason.FULL, _full),
    (Reason.HEALTH_UNREAD, _shut(_unread)),
    (Reason.TEMPERATURE, _shut(_feverish)),
    (Reason.HEALTH_CODE, _shut(_not_green)),
    (Reason.SNAPSHOT_TOO_OLD, _too_old),
    (Reason.CLOCK_UNSURE, _unsure),
)

_REMARKS: tuple[tuple[Reason, Callable[[_Case], bool]], ...] = (
    (Reason.STILL_INSIDE, _paired(Pairing.SOFT)),
    (Reason.HEALTH_UNREAD, _unread),
    (Reason.TEMPERATURE, _feverish),
    (Reason.HEALTH_CODE, _not_green),
)
