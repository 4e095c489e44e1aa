"""Decide whether a door opens. One total, pure function, called by the gate, the server and the console.

The list speaks, the code proves: a code's signature and window say that the estate made it for this serial, just now;
period, doors and standing are read from the snapshot, so that a change needs no new code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from linli.gate import passes
from linli.gate.snapshot import FailMode, GateRule, PassEntry, PassState, Snapshot

REPLAY_SECONDS = 10
LASTING_HOLDERS = frozenset({"resident", "child", "guard", "operator"})


class Direction(StrEnum):
    """Which way somebody wants to go."""

    IN = "in"
    OUT = "out"


class Kind(StrEnum):
    """What was presented to a gate. Card, PIN, face and identity card join here with their drivers."""

    CODE = "CODE"
    EXIT = "EXIT"
    FIRE = "FIRE"
    GUARD = "GUARD"
    REMOTE = "REMOTE"


class Clock(StrEnum):
    """Whether the box trusts its own time."""

    OK = "ok"
    UNSURE = "unsure"


class Reason(StrEnum):
    """Why a door opened or stayed shut, or what befell the box."""

    FIRE = "FIRE"
    EXIT = "EXIT"
    UNNAMED = "UNNAMED"
    GUARD_OPENED = "GUARD_OPENED"
    REMOTE_OPENED = "REMOTE_OPENED"
    UNREADABLE = "UNREADABLE"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    FORGED = "FORGED"
    REVOKED = "REVOKED"
    SUSPENDED = "SUSPENDED"
    NOT_ON_LIST = "NOT_ON_LIST"
    NOT_YET = "NOT_YET"
    EXPIRED = "EXPIRED"
    WRONG_DOOR = "WRONG_DOOR"
    STALE_CODE = "STALE_CODE"
    REPLAYED = "REPLAYED"
    SNAPSHOT_TOO_OLD = "SNAPSHOT_TOO_OLD"
    CLOCK_UNSURE = "CLOCK_UNSURE"
    OK = "OK"
    # The last four are never a verdict of `decide`; the agent writes them of the box itself.
    JOURNAL_FAILED = "JOURNAL_FAILED"
    DOOR_FAILED = "DOOR_FAILED"
    STRIKE_UNCONFIRMED = "STRIKE_UNCONFIRMED"
    RELEASED = "RELEASED"


# The first that applies is the answer. Life before order, order before law: fire, the way out, a named person's hand,
# then the code itself, then the list, and last what the box does not know.
PRECEDENCE: tuple[Reason, ...] = (
    Reason.FIRE,
    Reason.EXIT,
    Reason.UNNAMED,
    Reason.GUARD_OPENED,
    Reason.REMOTE_OPENED,
    Reason.UNREADABLE,
    Reason.UNKNOWN_KEY,
    Reason.FORGED,
    Reason.REVOKED,
    Reason.SUSPENDED,
    Reason.NOT_ON_LIST,
    Reason.NOT_YET,
    Reason.EXPIRED,
    Reason.WRONG_DOOR,
    Reason.STALE_CODE,
    Reason.REPLAYED,
    Reason.SNAPSHOT_TOO_OLD,
    Reason.CLOCK_UNSURE,
    Reason.OK,
)

OPENING: frozenset[Reason] = frozenset({Reason.FIRE, Reason.EXIT, Reason.GUARD_OPENED, Reason.REMOTE_OPENED, Reason.OK})

# What the door's display says: (中文, English).
TEXTS: Mapping[Reason, tuple[str, str]] = MappingProxyType(
    {
        Reason.FIRE: ("消防联动,门已打开", "Fire alarm: the door is open"),
        Reason.EXIT: ("请慢走", "Goodbye"),
        Reason.UNNAMED: ("人工开门须注明人员和原因", "A manual opening must say who and why"),
        Reason.GUARD_OPENED: ("值班人员已开门", "Opened by the guard"),
        Reason.REMOTE_OPENED: ("已远程开门", "Opened remotely"),
        Reason.UNREADABLE: ("无法识别此码", "This code cannot be read"),
        Reason.UNKNOWN_KEY: ("此码的签名密钥未知", "This code is signed with an unknown key"),
        Reason.FORGED: ("此码无效", "This code is not genuine"),
        Reason.REVOKED: ("通行授权已撤销", "This pass has been withdrawn"),
        Reason.SUSPENDED: ("通行授权已暂停", "This pass is suspended"),
        Reason.NOT_ON_LIST: ("本门没有此通行授权", "This pass is not on this gate's list"),
        Reason.NOT_YET: ("通行授权尚未生效", "This pass is not valid yet"),
        Reason.EXPIRED: ("通行授权已到期", "This pass has expired"),
        Reason.WRONG_DOOR: ("此授权不适用于本门", "This pass does not open this door"),
        Reason.STALE_CODE: ("此码已过时,请刷新", "This code is out of date, please refresh it"),
        Reason.REPLAYED: ("此码刚刚使用过", "This code was used a moment ago"),
        Reason.SNAPSHOT_TOO_OLD: ("门禁名单过旧,请联系值班人员", "The gate's list is too old, please call the guard"),
        Reason.CLOCK_UNSURE: ("门禁时钟不可信,请联系值班人员", "The gate's clock is unsure, please call the guard"),
        Reason.OK: ("欢迎", "Welcome"),
        Reason.JOURNAL_FAILED: (
            "门禁无法记录,请联系值班人员",
            "The gate cannot keep its journal, please call the guard",
        ),
        Reason.DOOR_FAILED: ("门锁无响应,请联系值班人员", "The door does not answer, please call the guard"),
        Reason.STRIKE_UNCONFIRMED: ("断电前的开门未确认", "An opening before a power cut is unconfirmed"),
        Reason.RELEASED: ("门已恢复正常", "The door works as usual again"),
    }
)

SeenKey = tuple[str, Direction, int, int | None]
Seen = Mapping[SeenKey, datetime]
NOTHING_SEEN: Seen = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a reader, a button or a person asked of a gate; `by` and `why` belong to an opening by hand."""

    gate: str
    kind: Kind
    direction: Direction = Direction.IN
    text: str = ""
    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer: `serial` only from a genuine code; `mark` is what to remember against a replay, once opened."""

    open: bool
    reason: Reason
    serial: int | None = None
    holder: str | None = None
    # On the way out the door opens whatever the code says; this keeps what it would have been refused for.
    remark: Reason | None = None
    mark: SeenKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A genuine code at a gate, with what the list says of it."""

    claims: passes.PassClaims
    entry: PassEntry | None
    rule: GateRule | None
    mark: SeenKey
    snapshot: Snapshot
    now: datetime
    seen: Seen
    clock: Clock


def decide(
    scan: Scan, snapshot: Snapshot, now: datetime, seen: Seen = NOTHING_SEEN, *, clock: Clock = Clock.OK
) -> Verdict:
    """Say whether this door opens now, and why: the first reason of PRECEDENCE that applies. Never raises."""
    if scan.kind is Kind.FIRE:
        return Verdict(open=True, reason=Reason.FIRE)
    if scan.kind is Kind.EXIT:
        return Verdict(open=True, reason=Reason.EXIT)
    if scan.direction is Direction.OUT:
        return _way_out(scan, snapshot, now, seen, clock)
    return _entry(scan, snapshot, now, seen, clock)


def opens_first(scan: Scan) -> bool:
    """Say whether the door opens before anything is decided or written down: fire and the way out wait for nothing."""
    return scan.kind in (Kind.FIRE, Kind.EXIT) or scan.direction is Direction.OUT


def _way_out(scan: Scan, snapshot: Snapshot, now: datetime, seen: Seen, clock: Clock) -> Verdict:
    asked = _entry(scan, snapshot, now, seen, clock)
    remark = None if asked.reason is Reason.OK else asked.reason
    return Verdict(open=True, reason=Reason.EXIT, serial=asked.serial, holder=asked.holder, remark=remark)


def _entry(scan: Scan, snapshot: Snapshot, now: datetime, seen: Seen, clock: Clock) -> Verdict:
    if scan.kind in _BY_HAND:
        if not scan.by.strip() or not scan.why.strip():
            return Verdict(open=False, reason=Reason.UNNAMED)
        return Verdict(open=True, reason=_BY_HAND[scan.kind])
    try:
        claims = passes.read(scan.text, keys=_keys(tuple(snapshot.keys.items())))
    except passes.PassProblem as problem:
        return Verdict(open=False, reason=_PROBLEMS[type(problem)])
    return _judge(
        _Case(
            claims=claims,
            entry=snapshot.passes.get(claims.serial),
            rule=snapshot.gates.get(scan.gate),
            mark=(scan.gate, scan.direction, claims.serial, claims.window),
            snapshot=snapshot,
            now=now,
            seen=seen,
            clock=clock,
        )
    )


def _judge(case: _Case) -> Verdict:
    holder = case.entry.holder if case.entry else None
    for reason, applies in _REFUSALS:
        if applies(case):
            return Verdict(open=False, reason=reason, serial=case.claims.serial, holder=holder)
    return Verdict(open=True, reason=Reason.OK, serial=case.claims.serial, holder=holder, mark=case.mark)


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


def _stale(case: _Case) -> bool:
    if case.claims.window is None:
        return case.entry is None or not case.entry.static
    return abs(case.claims.window - passes.window_at(case.now)) > 1


def _replayed(case: _Case) -> bool:
    last = case.seen.get(case.mark)
    return last is not None and abs(case.now - last) < timedelta(seconds=REPLAY_SECONDS)


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
    (Reason.STALE_CODE, _stale),
    (Reason.REPLAYED, _replayed),
    (Reason.SNAPSHOT_TOO_OLD, _too_old),
    (Reason.CLOCK_UNSURE, _unsure),
)
