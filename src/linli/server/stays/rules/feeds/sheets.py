"""Order lists: rows under headings in Chinese or English, from CSV or from a workbook; each row an order or a problem with its field.

A formula is never evaluated: where an order's fact should stand it is a problem. A number that a spreadsheet has rounded is one too.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from types import MappingProxyType
from zoneinfo import ZoneInfo

from linli.server.stays.rules.feeds import lines
from linli.server.stays.rules.feeds.lines import ARRIVE, LEAVE, FeedOrder, FeedProblem, LineWrong

Cell = str | int | float | bool | date | datetime | time | timedelta | None
Row = tuple[int, Sequence[Cell]]

HEADINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ref": (
            "order_no",
            "order no",
            "order number",
            "reservation",
            "confirmation code",
            "订单号",
            "订单编号",
            "预订号",
        ),
        "channel": ("channel", "source", "来源", "渠道", "平台"),
        "unit": ("unit", "listing", "flat", "door", "房源", "房号", "房源编号", "房屋"),
        "arrive_at": (
            "arrive_at",
            "arrival",
            "check-in",
            "check in",
            "到达",
            "入住",
            "入住日期",
            "入住时间",
            "到店日期",
        ),
        "leave_at": (
            "leave_at",
            "departure",
            "check-out",
            "check out",
            "离开",
            "退房",
            "退房日期",
            "退房时间",
            "离店日期",
        ),
        "guests": ("guests", "guests_expected", "人数", "入住人数", "客人数"),
        "booker_name": ("booker_name", "booker", "guest name", "预订人", "客人姓名", "联系人", "姓名"),
        "booker_phone": ("booker_phone", "phone", "电话", "手机", "手机号", "联系电话"),
        "state": ("state", "status", "状态", "订单状态"),
    }
)
NEEDED = ("ref", "unit", "arrive_at", "leave_at")
HEADING_WITHIN = 10
MOST_COLUMNS = 60
CELL_LENGTH = 500
EXACT_DIGITS = 10**15
# Day numbers of a spreadsheet from 2000 to 2099, counted from 1899-12-30.
FIRST_DAY, LAST_DAY = 36526, 73050
EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
DAY = re.compile(r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ]*(.*))?$")
CLOCK = re.compile(r"^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?$")


def read_csv(text: str, *, zone: ZoneInfo) -> Iterable[FeedOrder | FeedProblem]:
    """This will read comma, semicolon or tab separated text."""
    first = text.split("\n", 1)[0]
    mark = max(",;\t", key=first.count)
    try:
        told = csv.reader(io.StringIO(text), delimiter=mark)
        rows = [(number, row) for number, row in enumerate(told, start=1) if any(row)]
    except csv.Error:
        return [lines.problem(0, "", lines.NOT_A_FEED)]
    # A quote that is never closed swallows the rest of the file: the line that did so is named.
    if rows and text.count('"') % 2 and any("\n" in cell for cell in rows[-1][1]):
        return [*read_rows(rows[:-1], zone=zone), lines.problem(rows[-1][0], "", lines.OPEN_QUOTE)]
    return read_rows(rows, zone=zone)


def read_rows(rows: Iterable[Row], *, zone: ZoneInfo) -> Iterable[FeedOrder | FeedProblem]:
    """This will find the headings among the first rows and read what is below; a list without them is no order list."""
    rows = list(rows)
    found = next(
        ((place, columns) for place, (_, row) in enumerate(rows[:HEADING_WITHIN]) if (columns := _columns(row))), None
    )
    if found is None:
        return [lines.problem(0, "", lines.NOT_A_FEED)]
    place, columns = found
    below = [(number, row) for number, row in rows[place + 1 :] if any(cell not in (None, "") for cell in row)]
    if len(below) > lines.MOST_ORDERS:
        return [lines.problem(0, "", lines.TOO_MANY)]
    return [
        lines.tried(number, _shown(row, columns["ref"]), partial(_order, number, row, columns, zone))
        for number, row in below
    ]


def _columns(row: Sequence[Cell]) -> dict[str, int] | None:
    named = [str(cell).strip().lower() if isinstance(cell, str) else "" for cell in row[:MOST_COLUMNS]]
    found = {
        key: next(place for place, name in enumerate(named) if name in names)
        for key, names in HEADINGS.items()
        if any(name in names for name in named)
    }
    return found if all(key in found for key in NEEDED) else None


def _shown(row: Sequence[Cell], place: int) -> str:
    cell = row[place] if place < len(row) else None
    return "" if cell is None else str(cell)[: lines.REF_LENGTH]


def _order(number: int, row: Sequence[Cell], columns: Mapping[str, int], zone: ZoneInfo) -> FeedOrder:
    cells = {key: (row[place] if place < len(row) else None) for key, place in columns.items()}
    texts = {key: _text(cell, key) for key, cell in cells.items() if key not in ("arrive_at", "leave_at")}
    return lines.order(
        number,
        ref=texts["ref"],
        channel=lines.plain(texts.get("channel") or "list")[:20],
        unit=texts["unit"],
        arrive=_instant(cells["arrive_at"], "arrive_at", ARRIVE, zone),
        leave=_instant(cells["leave_at"], "leave_at", LEAVE, zone),
        guests=texts.get("guests") or "1",
        name=texts.get("booker_name", ""),
        phone=texts.get("booker_phone", ""),
        cancelled=texts.get("state", "").lower() in lines.CANCELLED,
    )


def _text(cell: Cell, field: str) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, int | float):
        if abs(cell) >= EXACT_DIGITS:
            raise lines.LOST_DIGITS.in_field(field)
        return str(int(cell)) if cell == int(cell) else str(cell)
    text = str(cell).strip()
    if len(text) > CELL_LENGTH or "\n" in text:
        raise lines.CELL_TOO_LONG.in_field(field)
    if field != "booker_phone" and text.startswith("="):
        raise lines.BAD_NAME if field == "booker_name" else lines.FORMULA_CELL.in_field(field)
    return text


def _instant(cell: Cell, field: str, at: time, zone: ZoneInfo) -> datetime:
    wrong = lines.BAD_DATE.in_field(field)
    if cell is None or cell == "":
        raise lines.NO_DATES.in_field(field)
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        if not FIRST_DAY <= cell <= LAST_DAY:
            return _typed(str(int(cell)), field, at, zone)
        cell = (EPOCH + timedelta(seconds=round(cell * 86400))).replace(tzinfo=None)
    if isinstance(cell, datetime):
        # A spreadsheet knows no days, only midnights.
        plain_day = cell.time() == time(0) and cell.tzinfo is None
        return lines.instant(cell.date() if plain_day else cell, at, zone)
    if isinstance(cell, date):
        return lines.instant(cell, at, zone)
    if not isinstance(cell, str):
        raise wrong
    return _typed(_text(cell, field), field, at, zone)


def _typed(text: str, field: str, at: time, zone: ZoneInfo) -> datetime:
    wrong: LineWrong = lines.BAD_DATE.in_field(field)
    if re.fullmatch(r"\d{8}", text):
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    told = DAY.match(text)
    if told is None:
        raise wrong
    year, month, day, rest = told.groups()
    try:
        when = date(int(year), int(month), int(day))
        if not (rest or "").strip():
            return lines.instant(when, at, zone)
        clock = CLOCK.match(rest.strip())
        if clock is None:
            raise wrong
        hour, minute, second, offset = clock.groups()
        written = f"{when.isoformat()}T{int(hour):02}:{minute}:{second or '00'}{offset or ''}"
        return lines.instant(datetime.fromisoformat(written), at, zone)
    except ValueError as problem:
        raise wrong from problem
