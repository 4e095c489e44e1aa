"""Who is a guest of a night, which figures must be equal, and how a difference is asked about. Pure: tables and sums.

A guest of the night D is who was in the house at some time between midnight and six of the morning after D, in whole minutes of the
estate's clock, because that is how platforms are told. Who comes and goes by day is in no night; who never checked out is in all.
Both sides are held to this one sentence: the simulated platform counts by it from the messages it accepted.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from linli.server.kernel.errors import BadField, Refusal

NIGHT_ENDS = time(6)
# When a night is first counted; it is counted again until it is over.
COUNTED_FROM = time(4)
EVENING = timedelta(hours=6)
# A night whose figures are not even, or not known, is looked at again for so long.
LOOKED_AT_FOR = timedelta(days=7)
RECOUNT_AFTER = timedelta(hours=1)
ASK_AGAIN_AFTER = timedelta(minutes=10)
# An event needs a moment to become a report: only then is its absence silence.
MOMENT = timedelta(minutes=2)
ANSWER_WITHIN = timedelta(hours=24)
FIRST_YEAR, LAST_YEAR = 1900, 2200


class QuestionKind(StrEnum):
    """Between which two figures a difference lies."""

    BOOKED = "booked"  # guests expected by bookings, guests registered
    ENTERED = "entered"  # guests registered, guests who came in
    GATE = "gate"  # guests registered, people whom the gates let in on the flat's passes
    SILENT = "silent"  # guests who came in, reports queued
    RECEIPT = "receipt"  # reports queued, receipts
    COUNTED = "counted"  # receipts, guests in the platform's own books


class QuestionState(StrEnum):
    """Where a question stands: asked, answered by its owner, or settled because the figures became even."""

    OPEN = "OPEN"
    ANSWERED = "ANSWERED"
    SETTLED = "SETTLED"


WITHIN_THE_HOUSE = frozenset({QuestionKind.BOOKED, QuestionKind.ENTERED, QuestionKind.GATE})
OFFICE = "office"

# Asked as a question about numbers; nobody's name, and nobody's way through the gates, stands in it.
WORDS: Mapping[QuestionKind, tuple[str, str]] = MappingProxyType(
    {
        QuestionKind.BOOKED: (
            "{unit} 预订应到 {theirs} 位客人，已登记 {ours} 位，请核对。",
            "{unit}: {theirs} booked, {ours} registered. Is anybody still to be registered, or is the booking to be changed?",
        ),
        QuestionKind.ENTERED: (
            "{unit} 已登记 {theirs} 位客人，入住 {ours} 位，其余客人是否到店？请核对。",
            "{unit}: {theirs} registered, {ours} came in. Have the others arrived?",
        ),
        QuestionKind.GATE: (
            "{unit} 已登记 {theirs} 位客人，凭该房源通行授权进入 {ours} 人，是否有人未登记？请核对。",
            "{unit}: {theirs} registered, {ours} let in on this flat's passes. Is anybody not registered?",
        ),
        QuestionKind.SILENT: (
            "{unit} 有 {ours} 位客人应报，已生成报送 {theirs} 条，请核对。",
            "{unit}: {ours} guests to report, {theirs} reports queued. What became of the rest?",
        ),
        QuestionKind.RECEIPT: (
            "{unit} 已报送 {ours} 位客人，取得回执 {theirs} 份，请核对。",
            "{unit}: {ours} guests reported, {theirs} receipts. What holds the others up?",
        ),
        QuestionKind.COUNTED: (
            "{unit} 有 {ours} 位客人已取得回执，平台记载 {theirs} 位，请核对。",
            "{unit}: {ours} guests with a receipt, {theirs} in the platform's books. Which is right?",
        ),
    }
)
SETTLED_WORDS = ("经核对已一致，自动办结。", "The figures are even now; settled by itself.")


class NightNotYet(Refusal):
    """That night has not begun; it can be counted when guests have slept in it."""

    zh = "该夜尚未开始，入夜之后方可核对。"
    status = 422


class AnswerNeeded(Refusal):
    """Please say what was found."""

    zh = "请填写核对结果。"
    status = 422


class QuestionSettled(Refusal):
    """This question has settled itself; there is nothing left to answer."""

    zh = "该问题已办结，无需答复。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """One night: its date is the evening's; `begins` is midnight after it, `ends` six in the morning."""

    date: date
    begins: datetime
    ends: datetime

    @property
    def evening(self) -> datetime:
        """From when on entries of the evening count: six hours before midnight."""
        return self.begins - EVENING


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleeper:
    """One registered guest as the house knows them: planned from and to, came in and left at, or never will (`called_off`)."""

    stay_id: str
    unit_id: str
    booking_id: str
    arrive_at: datetime
    leave_at: datetime
    came_at: datetime | None
    left_at: datetime | None
    called_off: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """That a pass let somebody in: on whose account (`stay` or `visit`), by which holder, and when last. Never stored, only counted.

    `own`: the holder is the guest of the stay.
    """

    origin_kind: str
    origin_id: str
    holder_id: str
    unit_id: str
    last_at: datetime
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Where the report of one guest's arrival stands at one platform; `withheld` may not leave, by nobody's fault."""

    receipted: bool
    withheld: bool
    owner: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a flat's night came to; `due` of those who entered are to be told to the platform, `counted` None is not known."""

    booked: int = 0
    registered: int = 0
    entered: int = 0
    due: int = 0
    reported: int = 0
    receipted: int = 0
    counted: int | None = None
    passed: int = 0

    @property
    def silent(self) -> int:
        """Guests who are to be told of and are not: there must be none."""
        return self.due - self.reported


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two figures that should be one."""

    kind: QuestionKind
    ours: int
    theirs: int


def night_of(day: date, *, zone: str) -> Night:
    """This will give the night that begins in the evening of a day; refuses with `BadField` at the ends of the calendar."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise BadField(field="date")
    morning, local = day + timedelta(days=1), ZoneInfo(zone)
    begins, ends = (datetime.combine(morning, hour, tzinfo=local) for hour in (time(0), NIGHT_ENDS))
    return Night(date=day, begins=begins, ends=ends)


def last_night(*, now: datetime, zone: str) -> date:
    """This will name the newest night that is to be counted: from four in the morning on, the one that is just ending."""
    local = now.astimezone(ZoneInfo(zone))
    return local.date() - timedelta(days=1 if local.time() >= COUNTED_FROM else 2)


def evening_of(moment: datetime, *, zone: str) -> date:
    """This will name the evening to whose night an instant belongs; before six in the morning that is still yesterday's."""
    local = moment.astimezone(ZoneInfo(zone))
    return local.date() - timedelta(days=1 if local.time() < NIGHT_ENDS else 0)


def day_begins(day: date, *, zone: str) -> datetime:
    """This will say from when on an instant belongs to a day's evening: six in the morning, when the night before is over."""
    return night_of(day - timedelta(days=1), zone=zone).ends


def check_begun(night: Night, *, now: datetime) -> None:
    """This will refuse a night that has not begun with `NightNotYet`."""
    if now < night.begins:
        raise NightNotYet(field="date")


def slept(*, came_at: datetime | None, left_at: datetime | None, night: Night) -> bool:
    """This will say whether somebody was in the house at some time of the night, in whole minutes."""
    if came_at is None or _minute(came_at) >= night.ends:
        return False
    return left_at is None or _minute(left_at) > night.begins


def is_registered(guest: Sleeper, *, night: Night) -> bool:
    """This will say whether a registered guest belongs to the night: by plan or by presence, and not gone before it or called off."""
    if guest.called_off or _gone_before(guest, night=night):
        return False
    planned = guest.arrive_at < night.ends and guest.leave_at > night.begins
    return planned or slept(came_at=guest.came_at, left_at=guest.left_at, night=night)


def is_excused(guest: Sleeper, *, night: Night) -> bool:
    """This will say whether a booking no longer expects this guest: left before the night, or never came."""
    return guest.called_off or _gone_before(guest, night=night)


def figures_of(
    *,
    expected: Mapping[str, int],
    guests: Iterable[Sleeper],
    told: Mapping[str, Told],
    strangers: int = 0,
    counted: int | None = None,
    night: Night,
) -> Figures:
    """This will sum up a flat's night beside one platform: `expected` by booking, `told` by stay, `strangers` let in besides its guests."""
    everybody = list(guests)
    here = [guest for guest in everybody if is_registered(guest, night=night)]
    inside = [guest for guest in here if slept(came_at=guest.came_at, left_at=guest.left_at, night=night)]
    due = [guest for guest in inside if not (guest.stay_id in told and told[guest.stay_id].withheld)]
    sent = [told[guest.stay_id] for guest in due if guest.stay_id in told]
    excused = Counter(guest.booking_id for guest in everybody if is_excused(guest, night=night))
    return Figures(
        booked=sum(max(0, number - excused[booking]) for booking, number in expected.items()),
        registered=len(here),
        entered=len(inside),
        due=len(due),
        reported=len(sent),
        receipted=sum(one.receipted for one in sent),
        counted=counted,
        passed=len(inside) + strangers,
    )


def count_strangers(*, entries: Iterable[Entry], guests: Iterable[Sleeper], night: Night) -> int:
    """This will count who was let in on a flat's passes beside the guests registered for the night.

    Of a stay: another holder than its guest, or a guest gone or called off, who came in between the evening and the morning and whose
    check-out did not follow. Of a visit: who came in during the night itself; a visitor of the evening has gone home.
    """
    known = {guest.stay_id: guest for guest in guests}
    own = {guest.stay_id for guest in known.values() if is_registered(guest, night=night)}
    return len(
        {
            (entry.origin_id, entry.holder_id)
            for entry in entries
            if _counts_from(entry, night=night) <= entry.last_at < night.ends
            and not (entry.own and entry.origin_id in own)
            and not _has_left(known.get(entry.origin_id), entry.last_at)
        }
    )


def differences(figures: Figures) -> tuple[Difference, ...]:
    """This will name what is not equal; each link of the chain is judged for itself, so that one cause is asked about once."""
    found = [
        Difference(kind=QuestionKind.BOOKED, ours=figures.registered, theirs=figures.booked),
        Difference(kind=QuestionKind.ENTERED, ours=figures.entered, theirs=figures.registered),
        Difference(kind=QuestionKind.SILENT, ours=figures.due, theirs=figures.reported),
        Difference(kind=QuestionKind.RECEIPT, ours=figures.reported, theirs=figures.receipted),
    ]
    if figures.counted is not None:
        found.append(Difference(kind=QuestionKind.COUNTED, ours=figures.receipted, theirs=figures.counted))
    if figures.passed > figures.registered:
        found.append(Difference(kind=QuestionKind.GATE, ours=figures.passed, theirs=figures.registered))
    return tuple(one for one in found if one.ours != one.theirs)


def owner_of(*, kind: QuestionKind, operator_id: str, stuck: Iterable[Told]) -> str:
    """This will name who is asked: the operator for guests, the office for links; a receipt, whoever must mend what holds it up."""
    operator = f"operator:{operator_id}"
    if kind in WITHIN_THE_HOUSE:
        return operator
    owners = {one.owner for one in stuck if not one.receipted}
    return operator if kind is QuestionKind.RECEIPT and owners == {operator} else OFFICE


def due_at(*, kind: QuestionKind, stuck: Iterable[Told], night: Night, now: datetime) -> datetime:
    """This will say by when an answer is owed: by the term of what is missing, else a day from now."""
    terms = [one.due_at for one in stuck if not one.receipted]
    if kind is QuestionKind.RECEIPT and terms:
        return min(terms)
    # Silence has no report to take a term from: it is late as soon as it is seen.
    return now if kind is QuestionKind.SILENT else max(now, night.ends) + ANSWER_WITHIN


def is_to_be_counted_again(
    *, counted_at: datetime, known: bool | None, uneven: bool, night: Night, now: datetime
) -> bool:
    """This will say whether a night is counted again: once after its end, and for a week while it is uneven or not known."""
    if counted_at < night.ends:
        return now >= night.ends
    if now >= night.ends + LOOKED_AT_FOR:
        return False
    return (known is False and now >= counted_at + ASK_AGAIN_AFTER) or (uneven and now >= counted_at + RECOUNT_AFTER)


def words(*, kind: QuestionKind, unit: str, ours: int, theirs: int) -> tuple[str, str]:
    """This will phrase a difference as a question, in Chinese and English."""
    zh, en = WORDS[kind]
    return zh.format(unit=unit, ours=ours, theirs=theirs), en.format(unit=unit, ours=ours, theirs=theirs)


def _counts_from(entry: Entry, *, night: Night) -> datetime:
    return night.begins if entry.origin_kind == "visit" else night.evening


def _has_left(guest: Sleeper | None, last_at: datetime) -> bool:
    return guest is not None and guest.left_at is not None and guest.left_at >= last_at


def _gone_before(guest: Sleeper, *, night: Night) -> bool:
    return guest.left_at is not None and _minute(guest.left_at) <= night.begins


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
