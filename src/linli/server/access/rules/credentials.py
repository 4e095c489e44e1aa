"""What may prove a pass besides its code, how many of each, and which ways a gate must offer besides the face."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from linli.gate.decision import Kind
from linli.gate.snapshot import FaceRule
from linli.server.access.rules.passes import DoorKind
from linli.server.access.rules.terms import ALL_WAYS, Terms
from linli.server.kernel.errors import Refusal

PIN_DIGITS = 6
# How many of each may prove one pass at a time: a spare card, nothing else twice.
MOST_LIVE: Mapping[Kind, int] = MappingProxyType({Kind.CARD: 2, Kind.PIN: 1, Kind.IDCARD: 1, Kind.FACE: 1})
_CARD = re.compile(r"[0-9A-F]{4,32}", re.ASCII)
_IDCARD = re.compile(r"[0-9A-Z]{6,20}", re.ASCII)
_PIN_TRIED_FIRST = frozenset({"123456", "654321", "112233", "123123", "121212", "101010"})

# The order in which a door offers its ways (domain sheet 6.4); the guard comes last and is always there.
FALLBACK: tuple[tuple[str, frozenset[str]], ...] = (
    ("face", frozenset({Kind.FACE})),
    ("code", frozenset({Kind.CODE})),
    ("card", frozenset({Kind.CARD, Kind.IDCARD})),
    ("pin", frozenset({Kind.PIN})),
)


class CardUnreadable(Refusal):
    """This is no card number as a reader gives it: digits and the letters A to F, at least four."""

    zh = "卡号格式有误，应为读卡器输出的数字或十六进制。"
    status = 422


class NumberUnreadable(Refusal):
    """This is no number of an identity document."""

    zh = "证件号码格式有误。"
    status = 422


class CredentialTaken(Refusal):
    """This already proves another pass; take it back there first."""

    zh = "该凭证已绑定其他通行授权，请先收回。"


class CredentialOver(Refusal):
    """This has been taken back already."""

    zh = "该凭证已收回。"


class TooManyCredentials(Refusal):
    """This pass has as many of these as one pass may have; take one back or replace it."""

    zh = "该通行授权的此类凭证已达上限，请先收回或更换。"


class WayNotForHolder(Refusal):
    """This kind of holder does not get in this way."""

    zh = "该类持有人不能使用此通行方式。"
    status = 422


class FaceOnly(Refusal):
    """A gate that knows faces offers another way at the same hours to everybody who may pass there."""

    zh = "支持人脸的门须在相同时段为每类可通行的人同时提供人脸以外的方式。"
    status = 422


class UnknownWay(Refusal):
    """There is no such way in."""

    zh = "没有该通行方式。"
    status = 422


class FaceTooLenient(Refusal):
    """These figures are more lenient than the evaluation they refer to allows."""

    zh = "人脸参数比所依据的评测报告宽松，不予保存。"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackStep:
    """One step of a door's order of ways: `face`, `code`, `card`, `pin` or `guard`, and the kinds of proof behind it."""

    way: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderWays:
    """By which of a gate's ways one kind of holder gets in, in the order to try them; `hours` numbers their weekly table, 0 is any hour."""

    holder_kind: str
    ways: tuple[str, ...]
    hours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WayProblem:
    """What is wrong at a gate, and for which kind of holder: `FACE_ONLY`, `NO_WAY`, `NO_TABLE` or, for everybody, `UNKNOWN_WAY`."""

    code: str
    holder_kind: str = ""


def check_card(text: str) -> str:
    """This will return a card's number as gates compare it, upper case; refuses with `CardUnreadable`."""
    number = "".join(text.upper().split()).replace(":", "").replace("-", "")
    if not _CARD.fullmatch(number):
        raise CardUnreadable(field="number")
    return number


def check_idcard(text: str) -> str:
    """This will return an identity number as a reader gives it; refuses with `NumberUnreadable`."""
    number = "".join(text.upper().split())
    if not _IDCARD.fullmatch(number):
        raise NumberUnreadable(field="number")
    return number


def draw_pin(below: Callable[[int], int]) -> str:
    """This will draw six digits that nobody tries first: not one digit six times, no run, no year's classic."""
    while True:
        digits = f"{below(10**PIN_DIGITS):0{PIN_DIGITS}d}"
        if len(set(digits)) > 2 and digits not in _PIN_TRIED_FIRST and not _runs(digits):
            return digits


def label(kind: Kind, value: str) -> str:
    """This will say what people see of a credential: a card's last four; of digits that open doors, nothing."""
    if kind in (Kind.CARD, Kind.IDCARD):
        return f"••••{value[-4:]}" if len(value) >= 8 else "••••"
    return {Kind.PIN: "••••••", Kind.FACE: "face"}.get(kind, "")


def check_way(terms: Terms, kind: Kind) -> None:
    """This will refuse a way that is not for this kind of holder; a child's face never is."""
    if kind not in terms.ways or (kind is Kind.FACE and terms.holder_kind == "child"):
        raise WayNotForHolder(field="kind", way=kind.value)


def check_room(kind: Kind, *, live: int) -> None:
    """This will refuse one more of a kind than a pass may have."""
    if live >= MOST_LIVE[kind]:
        raise TooManyCredentials(field="kind", way=kind.value)


def check_ways(*, door: DoorKind, ways: Iterable[str], terms: Iterable[Terms]) -> tuple[str, ...]:
    """This will return a gate's ways in order (none named is all), or refuse with `UnknownWay` or `FaceOnly`.

    The hours belong to the pass and not to the way, so another way is open at the same hours as the face exactly when everybody whose
    face may open the gate has one of its other ways too.
    """
    named = frozenset(ways)
    if not named <= set(ALL_WAYS):
        raise UnknownWay(field="ways")
    offered = named or frozenset(ALL_WAYS)
    if Kind.FACE in offered:
        others = offered - {Kind.FACE.value}
        stranded = [one.holder_kind for one in terms if _by_face(one, door) and others.isdisjoint(one.ways)]
        if not others or stranded:
            raise FaceOnly(field="ways", holders=sorted(stranded))
    return tuple(way for way in ALL_WAYS if way in named)


def check_face(face: FaceRule, *, floor: FaceRule) -> FaceRule:
    """This will return a gate's face figures, or refuse with `FaceTooLenient` when the evaluation asks for more."""
    for field, lenient in (
        ("face_threshold", face.threshold < floor.threshold),
        ("face_margin", face.margin < floor.margin),
        ("face_frames", face.frames < 2),
        ("face_gallery_cap", face.gallery_cap > floor.gallery_cap),
    ):
        if lenient:
            raise FaceTooLenient(field=field)
    return face


def holder_ways(*, door: DoorKind, ways: Iterable[str], terms: Iterable[Terms]) -> tuple[HolderWays, ...]:
    """This will say of everybody who may pass a door by which of its ways, and at which hours; the guard is always there besides."""
    offered = frozenset(ways) or frozenset(ALL_WAYS)
    return tuple(
        HolderWays(
            holder_kind=one.holder_kind,
            ways=tuple(str(kind) for _, kinds in FALLBACK for kind in sorted(kinds & offered & set(one.ways))),
            hours=one.hours,
        )
        for one in terms
        if opens(one, door)
    )


def way_problems(
    *, ways: Iterable[str], holders: Iterable[HolderWays], tables: Iterable[int]
) -> tuple[WayProblem, ...]:
    """This will name what a look over a gate's ways finds: nothing, or each fault with the kind of holder it strands.

    The hours belong to the pass: whoever has another way besides the face has it at the same hours, if the weekly table is there at all.
    """
    known = frozenset(tables)
    found = [WayProblem(code="UNKNOWN_WAY")] if not frozenset(ways) <= set(ALL_WAYS) else []
    for one in holders:
        if not one.ways:
            found.append(WayProblem(code="NO_WAY", holder_kind=one.holder_kind))
        elif set(one.ways) == {Kind.FACE.value}:
            found.append(WayProblem(code="FACE_ONLY", holder_kind=one.holder_kind))
        if one.hours and one.hours not in known:
            found.append(WayProblem(code="NO_TABLE", holder_kind=one.holder_kind))
    return tuple(found)


def fallback(ways: Iterable[str]) -> tuple[FallbackStep, ...]:
    """This will order what a door offers, the face first where it does, the guard last and always."""
    offered = frozenset(ways) or frozenset(ALL_WAYS)
    steps = [FallbackStep(way=way, kinds=tuple(sorted(kinds & offered))) for way, kinds in FALLBACK if kinds & offered]
    return (*steps, FallbackStep(way="guard", kinds=(Kind.GUARD.value,)))


def opens(terms: Terms, door: DoorKind) -> bool:
    """This will say whether these terms open that kind of door; what is common to all is every door but a flat's own."""
    return door in terms.doors or (DoorKind.COMMON in terms.doors and door is not DoorKind.DWELLING)


def _by_face(terms: Terms, door: DoorKind) -> bool:
    return opens(terms, door) and Kind.FACE in terms.ways


def _runs(digits: str) -> bool:
    steps = {int(after) - int(before) for before, after in pairwise(digits)}
    return steps in ({1}, {-1})
