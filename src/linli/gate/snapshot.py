"""What a gate must know, and how it learns more.

The server numbers its changes. A delta carries everything that changed after version `since` up to version `until`;
applying deltas in any order, repeated or late, ends in the server's own snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from linli.gate.hours import Hours
from linli.gate.passes import EPOCH

SHANGHAI_MINUTES = 480


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


class Pairing(StrEnum):
    """Whether who is inside may come in again before going out: never asked, remarked, or refused."""

    OFF = "off"
    SOFT = "soft"
    HARD = "hard"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassEntry:
    """One pass on the list; `version` is the server's change in which it last changed, times are whole seconds.

    `hours` numbers a weekly table, 0 is any hour; `uses` is how often it opens an entry of one box, 0 is without end.
    """

    serial: int
    version: int
    groups: tuple[int, ...]
    start: datetime
    end: datetime
    holder: str
    state: PassState = PassState.ACTIVE
    static: bool = False
    hours: int = 0
    uses: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """Who shows this card, PIN, identity card or face holds that pass; `live` false once it was taken back.

    `value` is the card's number, the digits, the keyed digest of an identity number, or the id of a face template.
    """

    kind: str
    value: str
    serial: int
    version: int
    live: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceRule:
    """What a camera door asks of a face: similarity and margin in thousandths, agreeing frames, and the largest gallery
    that may be searched; `report` names the evaluation that these figures come from.
    """

    threshold: int = 550
    margin: int = 50
    frames: int = 3
    gallery_cap: int = 200
    head_turn: bool = False
    report: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRule:
    """One access point: the door groups it belongs to and what it does when it knows too little.

    `ways` are the kinds of proof it offers, none named is all. Gates of one `area` count together who is inside: `pairing`
    says what that means for who comes in twice, `most_inside` how many there is room for, 0 is without end.
    """

    gate: str
    version: int
    groups: frozenset[int]
    fail_mode: FailMode = FailMode.LISTED
    max_age_s: int = 86_400
    strike_s: int = 5
    ways: frozenset[str] = frozenset()
    area: int = 0
    pairing: Pairing = Pairing.OFF
    most_inside: int = 0
    face: FaceRule = FaceRule()


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRule:
    """The public-health mode, while it is lawfully ordered: what a gate reads, whom it keeps out, and when that ends.

    `most_c10` is a temperature in tenths of a degree, 0 is not measured; `holders` are the kinds it shuts out, all others
    it lets in with a remark, for nobody is kept from his own home by a thermometer.
    """

    until: datetime
    most_c10: int = 0
    code_wanted: bool = False
    holders: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseRules:
    """What holds at every gate: the estate's time and holidays, and the key under which identity numbers are compared."""

    version: int = 0
    zone_minutes: int = SHANGHAI_MINUTES
    holidays: frozenset[date] = frozenset()
    pepper: bytes = field(default=b"", repr=False)
    health: HealthRule | None = None


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
    credentials: Mapping[tuple[str, str], Credential] = field(default_factory=dict)
    hours: Mapping[int, Hours] = field(default_factory=dict)
    house: HouseRules = HouseRules()
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
    credentials: tuple[Credential, ...] = ()
    hours: tuple[Hours, ...] = ()
    house: HouseRules | None = None


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
        gates=_newest(snapshot.gates, delta.gates, key=lambda rule: rule.gate),
        passes=_newest(snapshot.passes, delta.passes, key=lambda entry: entry.serial),
        credentials=_newest(snapshot.credentials, delta.credentials, key=lambda one: (one.kind, one.value)),
        hours=_newest(snapshot.hours, delta.hours, key=lambda table: table.number),
        house=delta.house if delta.house and delta.house.version > snapshot.house.version else snapshot.house,
    )


def without_ended(snapshot: Snapshot, *, before: datetime) -> Snapshot:
    """Forget passes that ended before an instant, and what opened by them, so that the list does not grow for ever."""
    kept = {serial: entry for serial, entry in snapshot.passes.items() if entry.end > before}
    credentials = {key: one for key, one in snapshot.credentials.items() if one.serial in kept}
    return replace(snapshot, passes=kept, credentials=credentials)


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


class _Numbered(Protocol):
    @property
    def version(self) -> int: ...


_Key = TypeVar("_Key", bound=Hashable)
_Row = TypeVar("_Row", bound=_Numbered)


def _newest(known: Mapping[_Key, _Row], changed: Iterable[_Row], *, key: Callable[[_Row], _Key]) -> Mapping[_Key, _Row]:
    newer: dict[_Key, _Row] = {}
    for row in changed:
        name = key(row)
        old = newer.get(name) or known.get(name)
        if old is None or row.version > old.version:
            newer[name] = row
    return {**known, **newer} if newer else known
