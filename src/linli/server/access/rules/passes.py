"""What a pass is at the doors: its kinds of doors, its number, a guard's own hand, and when a code may be shown."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from linli.gate.passes import MOST_GROUPS
from linli.gate.snapshot import PassState
from linli.server.kernel.errors import Refusal
from linli.server.kernel.periods import Period

__all__ = ["MOST_GROUPS"]

LAST_GROUP = 65_535
MOST_CODES = 240
# No 0 O, 1 I L, U V: what is read from paper over a counter is not to be misread.
NUMBER_LETTERS = "23456789ABCDEFGHJKMNPQRSTWXYZ"
OVERRIDE_LONGEST = timedelta(hours=2)
# What a pass of somebody who lives here comes from, and who holds it: a resident, or a child under fourteen.
RESIDENCY, GROWN, YOUNG = "residency", "resident", "child"
_SECOND = timedelta(seconds=1)
_GATE_CODE = re.compile(r"[A-Z0-9-]{1,16}", re.ASCII)


class DoorKind(StrEnum):
    """What kind of access point a gate or a door group is; `COMMON` is a group only, of every door that is not a flat's own."""

    ESTATE = "estate"
    GARAGE = "garage"
    ENTRANCE = "entrance"
    DWELLING = "dwelling"
    COMMON = "common"


class UnknownHolder(Refusal):
    """There is no pass for that kind of holder."""

    zh = "该类持有人没有通行授权。"
    status = 422


class NoSuchDoor(Refusal):
    """No door group of this estate fits."""

    zh = "小区内没有相应的门组。"
    status = 422


class LivesNot(Refusal):
    """Nobody lives here by that residency now."""

    zh = "该居住登记目前无效，此人不在住。"


class ResidentHasPass(Refusal):
    """There is a pass for that residency already; withdraw it before another is given."""

    zh = "该居住登记已有通行授权，请先撤销再重发。"


class GateCodeUnreadable(Refusal):
    """The code of an access point is one to sixteen capital letters, digits and hyphens."""

    zh = "门禁点编号应为 1 至 16 位大写字母、数字或连字符。"
    status = 422


class GateCodeTaken(Refusal):
    """There is an access point of that code already."""

    zh = "该门禁点编号已被使用。"


class OverrideTooLong(Refusal):
    """A guard may let somebody in for at most two hours, beginning now."""

    zh = "保安临时放行最长两小时，且须从现在开始。"
    status = 422


class ReasonNeeded(Refusal):
    """Please say why."""

    zh = "请填写原因。"
    status = 422


class PassWithdrawn(Refusal):
    """This pass has been withdrawn; a new one must be granted."""

    zh = "该通行授权已撤销，须重新授权。"


class PassNotActive(Refusal):
    """This pass opens no door at present."""

    zh = "该通行授权目前不可用。"


class PassOver(Refusal):
    """This pass has ended."""

    zh = "该通行授权已到期。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a pass comes from, told by its own domain: `Origin(kind="stay", id="stay_01J…")`. Access looks no further."""

    kind: str
    id: str


def check_override(*, period: Period, now: datetime) -> None:
    """This will refuse an override that is longer than two hours or begins later (issue "A guest arrives", row "Stays")."""
    if period.end - min(period.start, now) > OVERRIDE_LONGEST or period.end <= now:
        raise OverrideTooLong(field="period")


def check_reason(reason: str) -> str:
    """This will return the reason without blanks around it, or refuse with `ReasonNeeded` when nothing is left."""
    text = " ".join(reason.split())
    if not text:
        raise ReasonNeeded(field="reason")
    return text[:200]


def check_code(*, state: PassState, end: datetime, now: datetime) -> None:
    """This will refuse to show a code of a pass that would open nothing: withdrawn, suspended or over."""
    if state is not PassState.ACTIVE:
        raise PassNotActive
    if now >= end:
        raise PassOver


def check_gate_code(text: str) -> str:
    """This will return an access point's code, or refuse with `GateCodeUnreadable`."""
    if _GATE_CODE.fullmatch(text) is None:
        raise GateCodeUnreadable(field="code")
    return text


def whole_seconds(period: Period) -> Period:
    """This will widen a period to whole seconds, in which gates count."""
    start, end = period.start.replace(microsecond=0), period.end.replace(microsecond=0)
    return Period(start=start, end=end if end == period.end else end + _SECOND)


def pass_number(draw: Callable[[str], str]) -> str:
    """This will draw what stands on paper and what a guard types, such as `K7QM-3XWD`."""
    letters = "".join(draw(NUMBER_LETTERS) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def read_number(text: str) -> str:
    """This will read a typed pass number whatever its capitals, blanks and hyphens; nothing where it cannot be one."""
    letters = "".join(text.upper().split()).replace("-", "")
    if len(letters) != 8 or not set(letters) <= set(NUMBER_LETTERS):
        return ""
    return f"{letters[:4]}-{letters[4:]}"
