"""One line of a booking feed: an order, or a problem with a stable code and words. Who reads which kind of file is next door."""

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

ARRIVE, LEAVE = time(14), time(12)
MOST_ORDERS = 2000
REF_LENGTH = 80
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
    """A line that is no order: where, which field, a stable code, and what to say. `block` and `own_calendar` are no faults."""

    line: int
    ref: str
    code: str
    zh: str
    en: str
    field: str = ""


class LineWrong(Exception):
    """A line cannot be an order."""

    def __init__(self, code: str, zh: str, en: str, *, field: str = "") -> None:
        super().__init__(code)
        self.code, self.zh, self.en, self.field = code, zh, en, field

    def in_field(self, field: str) -> "LineWrong":
        """This will return the same problem, told of another field."""
        return LineWrong(self.code, self.zh, self.en, field=field)


NO_REF = LineWrong("no_reference", "缺少订单号", "the order has no reference", field="ref")
NO_DATES = LineWrong("no_dates", "缺少日期", "the order has no dates", field="arrive_at")
BAD_DATE = LineWrong("impossible_date", "日期不存在", "there is no such date", field="arrive_at")
BACKWARDS = LineWrong("leaves_before_arriving", "离开早于到达", "the guests leave before they arrive", field="leave_at")
BAD_GUESTS = LineWrong(
    "guests_not_a_number", "人数不是数字", "the number of guests is not a number from 1 to 60", field="guests"
)
BAD_NAME = LineWrong("not_a_name", "预订人姓名像公式", "the booker's name looks like a formula", field="booker_name")
FORMULA_CELL = LineWrong("formula", "单元格是公式，请改为值", "the cell is a formula; please put the value there")
LOST_DIGITS = LineWrong(
    "digits_lost",
    "订单号被表格存成了数字，末位已丢失，请改为文本",
    "the spreadsheet stored the number with its last digits lost; please make the column text",
)
CELL_TOO_LONG = LineWrong("cell_too_long", "单元格内容过长", "the cell holds too much")
OPEN_QUOTE = LineWrong(
    "open_quote", "引号未闭合，其后的内容无法读取", "a quote is not closed; what follows could not be read"
)
UNKNOWN_ZONE = LineWrong("unknown_zone", "时区无法识别", "the time zone is not known", field="arrive_at")
REPEATS = LineWrong("repeats", "重复日程不是一个订单", "an event that repeats is not one order", field="arrive_at")
BLOCK = LineWrong("block", "房东自留，不是预订", "the host's own block, not a booking")
OWN_CALENDAR = LineWrong("own_calendar", "本系统导出的占用，已忽略", "our own calendar come back; ignored")
NOT_A_FEED = LineWrong("not_a_feed", "不是日历或订单表", "this is neither a calendar nor an order list")
CUT_SHORT = LineWrong("cut_short", "日历不完整，未作任何更改", "the calendar is cut short; nothing was changed")
WEB_PAGE = LineWrong(
    "web_page", "收到的是网页（可能需要登录），不是日历", "a web page came, perhaps to sign in, and no calendar"
)
OLD_EXCEL = LineWrong(
    "old_or_locked_excel", "旧版或加密的 Excel，请另存为 .xlsx", "an old or locked Excel file; please save it as .xlsx"
)
BAD_WORKBOOK = LineWrong("bad_workbook", "Excel 文件损坏或过大", "the Excel file is damaged or unpacks to too much")
TOO_MANY = LineWrong(
    "too_many_orders",
    f"超过 {MOST_ORDERS} 行，未作任何更改，请分开上传",
    f"more than {MOST_ORDERS} lines; nothing was changed, please split the file",
)
# A file of which nothing was taken; what any other problem leaves is taken.
WHOLE_FILE = frozenset(wrong.code for wrong in (NOT_A_FEED, CUT_SHORT, WEB_PAGE, OLD_EXCEL, BAD_WORKBOOK, TOO_MANY))
HARMLESS = frozenset((BLOCK.code, OWN_CALENDAR.code))


def problem(line: int, ref: str, wrong: LineWrong) -> FeedProblem:
    """This will tell what is wrong with a line."""
    return FeedProblem(line=line, ref=short_ref(ref), code=wrong.code, zh=wrong.zh, en=wrong.en, field=wrong.field)


def tried(line: int, ref: str, read: Callable[[], FeedOrder]) -> FeedOrder | FeedProblem:
    """This will read a line, or say why it is none."""
    try:
        return read()
    except LineWrong as wrong:
        return problem(line, ref, wrong)


def short_ref(ref: str) -> str:
    """This will return a reference that fits, and still differs from every other that was too long."""
    ref = plain(ref)
    if len(ref) <= REF_LENGTH:
        return ref
    return f"{ref[:47]}~{hashlib.sha256(ref.encode()).hexdigest()[:32]}"


def plain(text: str) -> str:
    """This will return text without what does not print: control, private and half characters."""
    kept = "".join(sign for sign in text if unicodedata.category(sign) not in ("Cc", "Cs", "Cn", "Co", "Cf"))
    return unicodedata.normalize("NFC", kept).strip()


def instant(value: date | datetime, at: time, zone: ZoneInfo) -> datetime:
    """This will return the instant in UTC; a day begins and ends at the house's hours, a time without a zone is the estate's."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, at)
    try:
        return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
    except (OverflowError, ValueError) as far:
        raise BAD_DATE from far


def order(
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
    """This will put an order together, or raise what is wrong with it."""
    if not short_ref(ref):
        raise NO_REF
    if arrive >= leave:
        raise BACKWARDS
    if not (guests.isascii() and guests.isdigit() and len(guests) <= 3 and 1 <= int(guests) <= 60):
        raise BAD_GUESTS
    if FORMULA.match(name) or FORMULA.match(phone.removeprefix("+")):
        raise BAD_NAME
    return FeedOrder(
        line=number,
        ref=short_ref(ref),
        channel=channel,
        unit=unit,
        arrive_at=arrive,
        leave_at=leave,
        guests=int(guests),
        booker_name=plain(name)[:60],
        booker_phone=plain(phone)[:30],
        cancelled=cancelled,
    )
