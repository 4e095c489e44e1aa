"""Orders as booking sites tell them: iCal and CSV, read line by line, each line an order or a problem with a reason.

Stale feeds are the first cause of double bookings: a digest leaves out the timestamps that change at every fetch, the newest of
two tellings of one order counts, and an order that is missing is never cancelled by its absence.
"""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar
from icalendar.cal import Component

ARRIVE, LEAVE = time(14), time(12)
MOST_ORDERS = 2000
BLOCKS = ("not available", "blocked", "unavailable", "closed", "不可订", "不可预订", "房东自留", "锁房", "关房")
HEADINGS: Mapping[str, tuple[str, ...]] = {
    "ref": ("order_no", "订单号"),
    "channel": ("channel", "来源", "渠道"),
    "unit": ("unit", "房源"),
    "arrive_at": ("arrive_at", "到达", "入住"),
    "leave_at": ("leave_at", "离开", "退房"),
    "guests": ("guests", "人数"),
    "booker_name": ("booker_name", "预订人"),
    "booker_phone": ("booker_phone", "电话"),
    "state": ("state", "状态"),
}
CANCELLED = ("cancelled", "canceled", "已取消", "取消")
FORMULA = re.compile(r"^[=+\-@\t\r](?!\d[\d ]+$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOrder:
    """One order: where it stood in the file, its reference, period in UTC, guests, and whether it is cancelled."""

    line: int
    ref: str
    channel: str
    unit: str | None
    arrive_at: datetime
    leave_at: datetime
    guests: int
    booker_name: str = ""
    booker_phone: str = ""
    cancelled: bool = False

    @property
    def digest(self) -> str:
        """This will change when the order does, and not when only the feed's own timestamps do."""
        parts = (
            self.unit,
            self.arrive_at,
            self.leave_at,
            self.guests,
            self.booker_name,
            self.booker_phone,
            self.cancelled,
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedProblem:
    """A line that is no order: where, a stable code, and what to say. `block` is a host's own block, which is no fault."""

    line: int
    ref: str
    code: str
    zh: str
    en: str


class LineWrong(Exception):
    """A line cannot be an order."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(code)
        self.code, self.zh, self.en = code, zh, en


NO_REF = LineWrong("no_reference", "缺少订单号", "the order has no reference")
NO_DATES = LineWrong("no_dates", "缺少日期", "the order has no dates")
BAD_DATE = LineWrong("impossible_date", "日期不存在", "there is no such date")
BACKWARDS = LineWrong("leaves_before_arriving", "离开早于到达", "the guests leave before they arrive")
BAD_GUESTS = LineWrong("guests_not_a_number", "人数不是数字", "the number of guests is not a number from 1 to 60")
BAD_NAME = LineWrong("not_a_name", "预订人姓名像公式", "the booker's name looks like a formula")
BLOCK = LineWrong("block", "房东自留，不是预订", "the host's own block, not a booking")
NOT_A_FEED = LineWrong("not_a_feed", "不是 iCal 或 CSV 订单文件", "this is neither an iCal feed nor a CSV order list")


def read_feed(content: bytes, *, zone: str) -> list[FeedOrder | FeedProblem]:
    """This will read a feed of either kind; a file that is neither is one problem on line 0. Times without a zone are the estate's."""
    text = _decoded(content)
    if text is None:
        return [_problem(0, "", NOT_A_FEED)]
    if "BEGIN:VCALENDAR" in text[:2000]:
        return _newest(_read_ical(text, ZoneInfo(zone)))
    return _newest(_read_csv(text, ZoneInfo(zone)))


def _decoded(content: bytes) -> str | None:
    # Chinese spreadsheets export GB18030; UTF-8 refuses nearly all of it, so the order of trying decides.
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if "\x00" in text else text
    return None


def _newest(found: Iterable[FeedOrder | FeedProblem]) -> list[FeedOrder | FeedProblem]:
    # One order told twice: the later telling counts.
    kept: dict[object, FeedOrder | FeedProblem] = {}
    for entry in found:
        key: object = (entry.channel, entry.ref) if isinstance(entry, FeedOrder) else ("problem", entry.line)
        kept.pop(key, None)
        kept[key] = entry
        if len(kept) >= MOST_ORDERS:
            break
    return list(kept.values())


def _problem(line: int, ref: str, wrong: LineWrong) -> FeedProblem:
    return FeedProblem(line=line, ref=ref[:80], code=wrong.code, zh=wrong.zh, en=wrong.en)


def _read_ical(text: str, zone: ZoneInfo) -> Iterable[FeedOrder | FeedProblem]:
    try:
        events = Calendar.from_ical(text).walk("VEVENT")
    except ValueError:
        return [_problem(0, "", NOT_A_FEED)]
    numbered = sorted(enumerate(events, start=1), key=lambda pair: int(pair[1].get("SEQUENCE", 0) or 0))
    return [
        _tried(number, str(event.get("UID", "")), partial(_event, number, event, zone)) for number, event in numbered
    ]


def _tried(line: int, ref: str, read: Callable[[], FeedOrder]) -> FeedOrder | FeedProblem:
    try:
        return read()
    except LineWrong as wrong:
        return _problem(line, ref, wrong)


def _event(number: int, event: Component, zone: ZoneInfo) -> FeedOrder:
    summary = str(event.get("SUMMARY", ""))
    if any(word in summary.lower() for word in BLOCKS):
        raise BLOCK
    ref = str(event.get("UID", ""))[:80]
    if not ref:
        raise NO_REF
    if "DTSTART" in dict(event.errors) or "DTEND" in dict(event.errors):
        raise BAD_DATE
    if event.get("DTSTART") is None or event.get("DTEND") is None:
        raise NO_DATES
    start: Any = event["DTSTART"]
    end: Any = event["DTEND"]
    arrive, leave = _instant(start.dt, ARRIVE, zone), _instant(end.dt, LEAVE, zone)
    guests = re.search(r"(\d{1,2})\s*(?:位|guests?)", summary)
    return _order(
        number,
        ref=ref,
        channel="ical",
        unit=None,
        arrive=arrive,
        leave=leave,
        guests=guests.group(1) if guests else "1",
        name=re.sub(r"\s*[\(（]?\d{1,2}\s*(?:位|guests?).*$", "", summary),
        phone="",
        cancelled=str(event.get("STATUS", "")).upper() == "CANCELLED",
    )


def _instant(value: date | datetime, at: time, zone: ZoneInfo) -> datetime:
    if not isinstance(value, datetime):
        value = datetime.combine(value, at)
    return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)


def _read_csv(text: str, zone: ZoneInfo) -> Iterable[FeedOrder | FeedProblem]:
    rows = csv.DictReader(io.StringIO(text))
    columns = {
        key: next((name for name in rows.fieldnames or () if name.strip() in names), "")
        for key, names in HEADINGS.items()
    }
    if not all(columns[key] for key in ("ref", "unit", "arrive_at", "leave_at")):
        return [_problem(0, "", NOT_A_FEED)]
    cells = [{key: (row.get(name) or "").strip() if name else "" for key, name in columns.items()} for row in rows]
    return [_tried(line, row["ref"], partial(_line, line, row, zone)) for line, row in enumerate(cells, start=2)]


def _line(number: int, row: Mapping[str, str], zone: ZoneInfo) -> FeedOrder:
    return _order(
        number,
        ref=row["ref"][:80],
        channel=(row["channel"] or "csv")[:20],
        unit=row["unit"],
        arrive=_typed_instant(row["arrive_at"], ARRIVE, zone),
        leave=_typed_instant(row["leave_at"], LEAVE, zone),
        guests=row["guests"] or "1",
        name=row["booker_name"],
        phone=row["booker_phone"],
        cancelled=row["state"].lower() in CANCELLED,
    )


def _typed_instant(text: str, at: time, zone: ZoneInfo) -> datetime:
    if not text:
        raise NO_DATES
    try:
        if len(text) <= 10:
            return _instant(date.fromisoformat(text.replace("/", "-")), at, zone)
        return _instant(datetime.fromisoformat(text.replace("/", "-")), at, zone)
    except ValueError as problem:
        raise BAD_DATE from problem


def _order(
    number: int,
    *,
    ref: str,
    channel: str,
    unit: str | None,
    arrive: datetime,
    leave: datetime,
    guests: str,
    name: str,
    phone: str,
    cancelled: bool,
) -> FeedOrder:
    if not ref:
        raise NO_REF
    if arrive >= leave:
        raise BACKWARDS
    if not (guests.isascii() and guests.isdigit() and 1 <= int(guests) <= 60):
        raise BAD_GUESTS
    if FORMULA.match(name) or FORMULA.match(phone.removeprefix("+")):
        raise BAD_NAME
    return FeedOrder(
        line=number,
        ref=ref,
        channel=channel,
        unit=unit,
        arrive_at=arrive,
        leave_at=leave,
        guests=int(guests),
        booker_name=name[:60],
        booker_phone=phone[:30],
        cancelled=cancelled,
    )
