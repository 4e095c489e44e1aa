"""Why a door opened or stayed shut: every reason, their order of precedence, and what the display says."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Reason(StrEnum):
    """Why a door opened or stayed shut, or what befell the box."""

    FIRE = "FIRE"
    EXIT = "EXIT"
    UNNAMED = "UNNAMED"
    GUARD_OPENED = "GUARD_OPENED"
    REMOTE_OPENED = "REMOTE_OPENED"
    WAY_CLOSED = "WAY_CLOSED"
    TOO_MANY_TRIES = "TOO_MANY_TRIES"
    UNREADABLE = "UNREADABLE"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    FORGED = "FORGED"
    UNKNOWN_CREDENTIAL = "UNKNOWN_CREDENTIAL"
    REVOKED = "REVOKED"
    SUSPENDED = "SUSPENDED"
    NOT_ON_LIST = "NOT_ON_LIST"
    NOT_YET = "NOT_YET"
    EXPIRED = "EXPIRED"
    WRONG_DOOR = "WRONG_DOOR"
    OUTSIDE_HOURS = "OUTSIDE_HOURS"
    USES_EXHAUSTED = "USES_EXHAUSTED"
    STALE_CODE = "STALE_CODE"
    REPLAYED = "REPLAYED"
    STILL_INSIDE = "STILL_INSIDE"
    FULL = "FULL"
    TEMPERATURE = "TEMPERATURE"
    HEALTH_CODE = "HEALTH_CODE"
    HEALTH_UNREAD = "HEALTH_UNREAD"
    SNAPSHOT_TOO_OLD = "SNAPSHOT_TOO_OLD"
    CLOCK_UNSURE = "CLOCK_UNSURE"
    OK = "OK"
    # The rest are never a verdict of `decide`; the agent writes them of the box itself, its doors and its terminals.
    JOURNAL_FAILED = "JOURNAL_FAILED"
    DOOR_FAILED = "DOOR_FAILED"
    STRIKE_UNCONFIRMED = "STRIKE_UNCONFIRMED"
    RELEASED = "RELEASED"
    REFUSED_BY_DEVICE = "REFUSED_BY_DEVICE"
    ALARM = "ALARM"
    ALARM_OVER = "ALARM_OVER"


# The first that applies is the answer. Life before order, order before law: fire, the way out, a named person's hand,
# then what was shown, then the list, then the house, and last what the box does not know.
PRECEDENCE: tuple[Reason, ...] = (
    Reason.FIRE,
    Reason.EXIT,
    Reason.UNNAMED,
    Reason.GUARD_OPENED,
    Reason.REMOTE_OPENED,
    Reason.WAY_CLOSED,
    Reason.TOO_MANY_TRIES,
    Reason.UNREADABLE,
    Reason.UNKNOWN_KEY,
    Reason.FORGED,
    Reason.UNKNOWN_CREDENTIAL,
    Reason.REVOKED,
    Reason.SUSPENDED,
    Reason.NOT_ON_LIST,
    Reason.NOT_YET,
    Reason.EXPIRED,
    Reason.WRONG_DOOR,
    Reason.OUTSIDE_HOURS,
    Reason.USES_EXHAUSTED,
    Reason.STALE_CODE,
    Reason.REPLAYED,
    Reason.STILL_INSIDE,
    Reason.FULL,
    Reason.HEALTH_UNREAD,
    Reason.TEMPERATURE,
    Reason.HEALTH_CODE,
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
        Reason.WAY_CLOSED: ("本门不提供这种通行方式", "This door does not take that; please use another way"),
        Reason.TOO_MANY_TRIES: ("密码错误次数过多,请稍后再试", "Too many wrong PINs, please wait or use another way"),
        Reason.UNKNOWN_CREDENTIAL: ("本门不认识此凭证", "This is not known at this gate"),
        Reason.REVOKED: ("通行授权已撤销", "This pass has been withdrawn"),
        Reason.SUSPENDED: ("通行授权已暂停", "This pass is suspended"),
        Reason.NOT_ON_LIST: ("本门没有此通行授权", "This pass is not on this gate's list"),
        Reason.NOT_YET: ("通行授权尚未生效", "This pass is not valid yet"),
        Reason.EXPIRED: ("通行授权已到期", "This pass has expired"),
        Reason.WRONG_DOOR: ("此授权不适用于本门", "This pass does not open this door"),
        Reason.OUTSIDE_HOURS: ("现在不在允许通行的时段", "This pass does not count at this hour"),
        Reason.USES_EXHAUSTED: ("通行次数已用完", "This pass has been used up"),
        Reason.STALE_CODE: ("此码已过时,请刷新", "This code is out of date, please refresh it"),
        Reason.REPLAYED: ("此码刚刚使用过", "This code was used a moment ago"),
        Reason.STILL_INSIDE: ("此授权已在内,尚未离开", "This pass is inside already"),
        Reason.FULL: ("人数已满", "There is no more room inside"),
        Reason.TEMPERATURE: ("体温偏高,请联系值班人员", "Your temperature is high, please call the guard"),
        Reason.HEALTH_CODE: (
            "健康码状态不允许通行,请联系值班人员",
            "Your health code does not admit you, please call the guard",
        ),
        Reason.HEALTH_UNREAD: ("请测温或出示健康码", "Please have your temperature or health code read"),
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
        Reason.REFUSED_BY_DEVICE: ("设备拒绝通行", "The terminal refused"),
        Reason.ALARM: ("门禁报警", "An alarm at the door"),
        Reason.ALARM_OVER: ("报警已解除", "The alarm is over"),
    }
)
