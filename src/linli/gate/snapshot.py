"""What a gate must know, and how it learns more.

The server numbers its changes. A delta carries everything that changed after version `since` up to version `until`;
applying deltas in any order, repeated or late, ends in the server's own snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from linli.gate.passes import EPOCH


class PassState(StrEnum):
    """The standing of a pass on the list."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class FailMode(StrEnum):
    """Whom an entry still admits when the list is too old or the clock is unsure; the way out never asks."""

    LISTED = "listed"
    LASTING = "lasting"
    SECURE = "secure"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassEntry:
    """One pass on the list; `version` is the server's change in which it last changed, times are whole seconds."""

    serial: int
    version: int
    groups: tuple[int, ...]
    start: datetime
    end: datetime
    holder: str
    state: PassState = PassState.ACTIVE
    static: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRule:
    """One access point: the door groups it belongs to and what it does when it knows too little."""

    gate: str
    version: int
    groups: frozenset[int]
    fail_mode: FailMode = FailMode.LISTED
    max_age_s: int = 86_400
    strike_s: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A run of versions that arrived before the ones leading up to it."""

    since: int
    until: int
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that one box knows. Everything up to `version` is here; `made_at` is when the server stood there."""

    estate: str
    version: int = 0
    made_at: datetime = EPOCH
    keys: Mapping[int, bytes] = field(default_factory=dict)
    keys_version: int = -1
    keys_made_at: datetime = EPOCH
    gates: Mapping[str, GateRule] = field(default_factory=dict)
    passes: Mapping[int, PassEntry] = field(default_factory=dict)
    ahead: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What changed after `since` up to `until`. `keys` is the whole key ring at `until`, or empty if unchanged."""

    estate: str
    since: int
    until: int
    made_at: datetime
    passes: tuple[PassEntry, ...] = ()
    gates: tuple[GateRule, ...] = ()
    keys: Mapping[int, bytes] = field(default_factory=dict)


class WrongEstate(Exception):
    """That delta belongs to another estate."""


def apply(snapshot: Snapshot, delta: Delta) -> Snapshot:
    """Take a delta in: of each entry the highest version stays, and the version advances when no change is missing.

    Raises WrongEstate. A delta from the future is kept, and counted once the versions before it have arrived.
    """
    if delta.estate != snapshot.estate:
        raise WrongEstate(delta.estate)
    # By time too: a key may change while the list does not.
    keys_newer = bool(delta.keys) and (delta.until, delta.made_at) > (snapshot.keys_version, snapshot.keys_made_at)
    version, made_at, ahead = _advance(snapshot, Span(since=delta.since, until=delta.until, made_at=delta.made_at))
    return replace(
        snapshot,
        version=version,
        made_at=made_at,
        ahead=ahead,
        keys=dict(delta.keys) if keys_newer else snapshot.keys,
        keys_version=delta.until if keys_newer else snapshot.keys_version,
        keys_made_at=delta.made_at if keys_newer else snapshot.keys_made_at,
        gates=_newest_gates(snapshot.gates, delta.gates),
        passes=_newest_passes(snapshot.passes, delta.passes),
    )


def without_ended(snapshot: Snapshot, *, before: datetime) -> Snapshot:
    """Forget passes that ended before an instant, so that the list does not grow for ever."""
    kept = {serial: entry for serial, entry in snapshot.passes.items() if entry.end > before}
    return replace(snapshot, passes=kept)


def _advance(snapshot: Snapshot, arrived: Span) -> tuple[int, datetime, tuple[Span, ...]]:
    version, made_at = snapshot.version, snapshot.made_at
    waiting = []
    for span in sorted({*snapshot.ahead, arrived}, key=lambda span: (span.since, span.until, span.made_at)):
        if span.since > version:
            waiting.append(span)
        else:
            # The time belongs to the highest version: an old list sent late does not make a gate look fresh.
            version, made_at = max((version, made_at), (span.until, span.made_at))
    return version, made_at, tuple(waiting)


def _newest_passes(known: Mapping[int, PassEntry], changed: Iterable[PassEntry]) -> Mapping[int, PassEntry]:
    newer: dict[int, PassEntry] = {}
    for entry in changed:
        old = newer.get(entry.serial) or known.get(entry.serial)
        if old is None or entry.version > old.version:
            newer[entry.serial] = entry
    return {**known, **newer} if newer else known


def _newest_gates(known: Mapping[str, GateRule], changed: Iterable[GateRule]) -> Mapping[str, GateRule]:
    newer: dict[str, GateRule] = {}
    for rule in changed:
        old = newer.get(rule.gate) or known.get(rule.gate)
        if old is None or rule.version > old.version:
            newer[rule.gate] = rule
    return {**known, **newer} if newer else known
