"""On what terms each kind of holder gets a pass: doors, ways, how long, at which hours (domain sheet, appendix A4).

The table below is what an estate begins with. It is written into the estate's own records, and from then on changed there, with
a source and from a day on; what was decided before stays readable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from linli.gate.decision import WAYS, Kind
from linli.gate.hours import DAY_MINUTES, Slot
from linli.server.access.rules.passes import DoorKind, UnknownHolder
from linli.server.kernel.errors import Refusal
from linli.server.kernel.periods import Period

DAYTIME = 1
NOTHING, HALF_AN_HOUR, TWO_HOURS = timedelta(0), timedelta(minutes=30), timedelta(hours=2)
TWELVE_HOURS, A_YEAR = timedelta(hours=12), timedelta(days=365)
ELEVEN_AT_NIGHT = 23 * 60

_GATES = (DoorKind.ESTATE,)
_EVERYDAY = (DoorKind.ESTATE, DoorKind.GARAGE, DoorKind.ENTRANCE, DoorKind.DWELLING)
_ON_FOOT = (DoorKind.ESTATE, DoorKind.ENTRANCE, DoorKind.DWELLING)
# Every door of the house and nobody's flat.
_ROUNDS = (DoorKind.ESTATE, DoorKind.GARAGE, DoorKind.COMMON)
ALL_WAYS = tuple(way.value for way in WAYS)
_NO_FACE = tuple(way for way in ALL_WAYS if way != Kind.FACE)
_CARD_OR_CODE = (Kind.CODE.value, Kind.CARD.value)
_CODE_OR_PIN = (Kind.CODE.value, Kind.PIN.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of one kind of holder; a `longest` or `review` of nothing is as long as its origin lasts.

    `ends_by` is a minute of the local day that no such pass outlasts; `hours` numbers a weekly table, 0 is any hour.
    """

    holder_kind: str
    doors: tuple[DoorKind, ...]
    ways: tuple[str, ...]
    early: timedelta = NOTHING
    late: timedelta = NOTHING
    longest: timedelta = NOTHING
    ends_by: int | None = None
    review: timedelta = NOTHING
    hours: int = 0
    uses: int = 0
    source: str = "appendix A4"


# A guest's two hours of grace before and after belong to the stay's own policy, which asks for them.
_TABLE = (
    Terms(holder_kind="guest", doors=_EVERYDAY, ways=ALL_WAYS),
    Terms(holder_kind="companion", doors=_EVERYDAY, ways=ALL_WAYS),
    Terms(holder_kind="visitor", doors=_ON_FOOT, ways=_CODE_OR_PIN, longest=TWELVE_HOURS, ends_by=ELEVEN_AT_NIGHT),
    Terms(holder_kind="resident", doors=_EVERYDAY, ways=ALL_WAYS, review=A_YEAR),
    Terms(holder_kind="child", doors=_EVERYDAY, ways=_CARD_OR_CODE, review=A_YEAR),
    Terms(holder_kind="operator", doors=_EVERYDAY, ways=_NO_FACE, hours=DAYTIME),
    Terms(holder_kind="cleaner", doors=_EVERYDAY, ways=_NO_FACE, hours=DAYTIME),
    Terms(holder_kind="courier", doors=_GATES, ways=_CODE_OR_PIN, longest=HALF_AN_HOUR),
    Terms(holder_kind="guard", doors=_ROUNDS, ways=ALL_WAYS, longest=TWELVE_HOURS),
    Terms(holder_kind="staff", doors=_ROUNDS, ways=ALL_WAYS, longest=TWELVE_HOURS),
    Terms(holder_kind="emergency", doors=_ROUNDS, ways=_CARD_OR_CODE, longest=TWO_HOURS),
)
DEFAULTS: Mapping[str, Terms] = MappingProxyType({terms.holder_kind: terms for terms in _TABLE})

# 07:00 to 22:00 on every day of the week, holidays too: who may clean on them is a matter of the contract.
DAYTIME_SLOTS = tuple(Slot(weekday=day, start=7 * 60, end=22 * 60) for day in range(7))


class TooLateToday(Refusal):
    """At this hour no such pass is given any more; the day's end for it has passed."""

    zh = "已过当日该类通行授权的截止时间，不能再发放。"


class SourceNeeded(Refusal):
    """Please name where these terms come from: a decision, a contract, a rule."""

    zh = "请注明依据（决议、合同或规定）。"
    status = 422


class TermsUnsound(Refusal):
    """These terms cannot hold: they need a door, a way besides the face, and figures that are possible."""

    zh = "条款不成立：须至少包含一类门、人脸以外的一种通行方式，且数值合理。"
    status = 422


class FaceNotForChildren(Refusal):
    """A child's face is not a way in; a card or a code is (PIPL art. 31)."""

    zh = "不得以人脸作为儿童的通行方式，请使用卡或二维码。"
    status = 422


class TermsBackdated(Refusal):
    """Terms begin now or later; what was in force stays as it was."""

    zh = "条款只能从现在或以后起生效，不能追溯更改。"
    status = 422


class TermsTaken(Refusal):
    """Terms for this kind of holder begin at that very instant already."""

    zh = "该类持有人在该时刻已有生效的条款。"


class HoursUnsound(Refusal):
    """A weekly table lists stretches of one day each, from an earlier minute to a later one."""

    zh = "每周时段表须逐日列出，起始时间早于结束时间。"
    status = 422


def default_terms(*, holder_kind: str) -> Terms:
    """This will return what an estate begins with for a kind of holder; refuses with `UnknownHolder`."""
    terms = DEFAULTS.get(holder_kind)
    if terms is None:
        raise UnknownHolder(field="holder_kind")
    return terms


def check_terms(terms: Terms, *, in_force_from: datetime, now: datetime) -> Terms:
    """This will return terms that may be decided, tidied; refuses when they lack a source, a door, a way, or are in the past."""
    default_terms(holder_kind=terms.holder_kind)
    source = " ".join(terms.source.split())[:300]
    if not source:
        raise SourceNeeded(field="source")
    if in_force_from < now:
        raise TermsBackdated(field="in_force_from")
    ways = tuple(way for way in ALL_WAYS if way in terms.ways)
    if terms.holder_kind == "child" and Kind.FACE in ways:
        raise FaceNotForChildren(field="ways")
    if not terms.doors or len(ways) != len(set(terms.ways)) or not set(ways) - {Kind.FACE.value}:
        raise TermsUnsound(field="ways" if terms.doors else "doors")
    spans = (terms.early, terms.late, terms.longest, terms.review)
    if any(not NOTHING <= span <= 10 * A_YEAR for span in spans):
        raise TermsUnsound(field="longest")
    if terms.ends_by is not None and not 0 < terms.ends_by < DAY_MINUTES:
        raise TermsUnsound(field="ends_by")
    return replace(terms, source=source, ways=ways)


def check_slots(slots: tuple[Slot, ...]) -> tuple[Slot, ...]:
    """This will return a weekly table in order, or refuse with `HoursUnsound`."""
    if not 1 <= len(slots) <= 70:
        raise HoursUnsound(field="slots")
    for slot in slots:
        if not (0 <= slot.weekday < 7 and 0 <= slot.start < slot.end <= DAY_MINUTES):
            raise HoursUnsound(field="slots")
    return tuple(sorted(slots, key=lambda slot: (slot.weekday, slot.start)))


def fitted(terms: Terms, period: Period, *, zone: str, now: datetime) -> Period:
    """This will cut a period to what the terms allow, counted from its start or from now, or refuse with `TooLateToday`."""
    wide = period.widened(before=terms.early, after=terms.late)
    begin = max(wide.start, now)
    limits = [begin + span for span in (terms.longest, terms.review) if span]
    if terms.ends_by is not None:
        limits.append(_local_minute(begin, terms.ends_by, zone))
    if any(limit <= begin for limit in limits):
        raise TooLateToday(field="period")
    return Period(start=wide.start, end=min([wide.end, *limits]))


def _local_minute(day_of: datetime, minute: int, zone: str) -> datetime:
    there = ZoneInfo(zone)
    clock = time(hour=minute // 60, minute=minute % 60)
    return datetime.combine(day_of.astimezone(there).date(), clock, tzinfo=there).astimezone(day_of.tzinfo)
