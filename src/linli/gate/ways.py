"""The ladder shown at every door: which ways in it offers, in the order in which to try them, the guard always last."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from linli.gate.decision import Kind
from linli.gate.snapshot import GateRule

LADDER = (Kind.FACE, Kind.CODE, Kind.CARD, Kind.IDCARD, Kind.PIN, Kind.GUARD)

# What the door's display says of each: (中文, English).
NAMES: Mapping[Kind, tuple[str, str]] = MappingProxyType(
    {
        Kind.FACE: ("刷脸（自愿）", "face (voluntary)"),
        Kind.CODE: ("二维码", "QR code"),
        Kind.CARD: ("门禁卡", "card"),
        Kind.IDCARD: ("身份证", "identity card"),
        Kind.PIN: ("密码", "PIN"),
        Kind.GUARD: ("请值班人员开门", "ask the guard"),
    }
)


class FaceOnly(Exception):
    """That door would open to a face and to nothing else; every door needs another way at the same hours."""


def ladder(rule: GateRule | None) -> tuple[Kind, ...]:
    """Say which ways a gate offers, first to last; an unknown gate, or one that names none, offers all of them."""
    offered = rule.ways if rule is not None and rule.ways else frozenset(kind.value for kind in LADDER)
    return tuple(kind for kind in LADDER if kind is Kind.GUARD or kind.value in offered)


def check(ways: frozenset[str]) -> None:
    """Refuse a door for faces alone (人脸识别技术应用安全管理办法, 2025-06-01; P-05). Raises FaceOnly."""
    if ways == {Kind.FACE.value}:
        raise FaceOnly


def words(ways: tuple[Kind, ...]) -> tuple[str, str]:
    """Put a ladder in words for a display: (中文, English)."""
    return " → ".join(NAMES[kind][0] for kind in ways), " → ".join(NAMES[kind][1] for kind in ways)
