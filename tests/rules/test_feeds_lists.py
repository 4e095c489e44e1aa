"""Order lists: CSV and Excel, in Chinese and English, with dates as cells and as text; and files that only look like one."""

import io
import zipfile
from datetime import UTC, date, datetime, time

import openpyxl
import pytest
from tests.feeds import books

from linli.server.stays.rules.feeds import FeedOrder, FeedProblem, read_feed

ZONE = "Asia/Shanghai"
MAY_1, MAY_3 = datetime(2031, 5, 1, 6, tzinfo=UTC), datetime(2031, 5, 3, 4, tzinfo=UTC)
ROW = ("X-1", "ctrip", "07-2-1203", date(2031, 5, 1), date(2031, 5, 3), 2, "林小邻", "13700005678", "已确认")
CSV = "订单号,渠道,房源,入住日期,退房日期,人数,预订人,电话\nX-1,ctrip,07-2-1203,{},{},2,林小邻,13700005678\n"


def only(content: bytes) -> FeedOrder:
    (entry,) = read_feed(content, zone=ZONE)
    assert isinstance(entry, FeedOrder), entry
    return entry


def problem(content: bytes) -> FeedProblem:
    (entry,) = read_feed(content, zone=ZONE)
    assert isinstance(entry, FeedProblem), entry
    return entry


def with_cell(place: int, value: object) -> tuple:
    return (*ROW[:place], value, *ROW[place + 1 :])


@pytest.mark.parametrize("heading", [books.CHINESE, books.ENGLISH])
def test_a_workbook_is_read_under_chinese_and_english_headings(heading: tuple[str, ...]) -> None:
    entry = only(books.book([ROW], heading=heading))
    assert (entry.ref, entry.channel, entry.unit, entry.guests) == ("X-1", "ctrip", "07-2-1203", 2)
    assert (entry.arrive_at, entry.leave_at) == (MAY_1, MAY_3)
    assert (entry.booker_name, entry.booker_phone, entry.line) == ("林小邻", "13700005678", 2)


def test_titles_above_the_heading_and_empty_rows_do_no_harm_and_lines_are_the_sheets() -> None:
    content = books.book([(), ROW, (None,) * 9], above=[("五月订单",), ()])
    assert only(content).line == 5


@pytest.mark.parametrize(
    "told",
    [
        *(date(2031, 5, 1), datetime(2031, 5, 1), "2031-05-01", "2031/5/1", "2031.5.1", "2031年5月1日", "20310501"),
        *(20310501, 47969, 47969.0, datetime(2031, 5, 1, 14), "2031-05-01 14:00", "2031/5/1 14:00:00"),
        *("2031-05-01T06:00Z", "2031年5月1日 14:00", "2031-05-01T14:00+08:00"),
    ],
)
def test_a_day_is_understood_however_it_is_written(told: object) -> None:
    assert only(books.book([with_cell(3, told)])).arrive_at == MAY_1


@pytest.mark.parametrize(
    "told",
    ["1.5.31", "05/01/2031", "2031-02-30", "soon", "2031-05-01 25:00", True, time(14), 12, -1, 1e9, "2031-13-01"],
)
def test_a_day_that_could_mean_anything_is_a_problem_of_its_field(told: object) -> None:
    found = problem(books.book([with_cell(3, told)]))
    assert (found.code, found.field, found.line, found.ref) == ("impossible_date", "arrive_at", 2, "X-1")


@pytest.mark.parametrize(
    ("place", "value", "code", "field"),
    [
        (0, None, "no_reference", "ref"),
        (0, 12345678901234567, "digits_lost", "ref"),
        (0, "=A1&B1", "formula", "ref"),
        (2, "=VLOOKUP(1,A:B,2)", "formula", "unit"),
        (3, "=TODAY()", "formula", "arrive_at"),
        (3, None, "no_dates", "arrive_at"),
        (4, None, "no_dates", "leave_at"),
        (4, date(2031, 4, 30), "leaves_before_arriving", "leave_at"),
        (5, "many", "guests_not_a_number", "guests"),
        (5, 2.5, "guests_not_a_number", "guests"),
        (5, "=1+1", "formula", "guests"),
        (5, 10**14, "guests_not_a_number", "guests"),
        (6, "=HYPERLINK(1)", "not_a_name", "booker_name"),
        (6, "x" * 501, "cell_too_long", "booker_name"),
    ],
)
def test_a_bad_cell_is_told_by_line_and_field_and_spoils_no_other_row(
    place: int, value: object, code: str, field: str
) -> None:
    bad, good = read_feed(books.book([with_cell(place, value), with_cell(0, "X-2")]), zone=ZONE)
    assert isinstance(bad, FeedProblem)
    assert (bad.code, bad.field, bad.line) == (code, field, 2)
    assert bad.zh
    assert bad.en
    assert good.ref == "X-2"


def test_numbers_are_read_as_the_texts_they_stand_for() -> None:
    entry = only(
        books.book([("1001.0", "ctrip", 1203, date(2031, 5, 1), date(2031, 5, 3), 2.0, "林", 13700005678, "")])
    )
    assert (entry.ref, entry.unit, entry.guests, entry.booker_phone) == ("1001.0", "1203", 2, "13700005678")


def test_a_hidden_sheet_is_not_read() -> None:
    made = openpyxl.Workbook()
    made.active.append(["hidden"])
    made.active.sheet_state = "hidden"
    sheet = made.create_sheet("orders")
    sheet.append(list(books.CHINESE))
    sheet.append(list(ROW))
    assert only(books.saved(made)).ref == "X-1"


def test_a_row_far_down_is_not_waited_for() -> None:
    made = openpyxl.Workbook()
    made.active.append(list(books.CHINESE))
    made.active.cell(row=900_000, column=1, value="X-9")
    assert problem(books.saved(made)).code == "too_many_orders"


def test_more_orders_than_a_file_may_hold_are_refused_whole() -> None:
    assert problem(books.book([with_cell(0, f"X-{n}") for n in range(2001)])).code == "too_many_orders"
    text = CSV.splitlines()[0] + "\n" + "X,c,u,2031-05-01,2031-05-03\n" * 2001
    assert problem(text.encode()).code == "too_many_orders"


SHEET = "xl/worksheets/sheet1.xml"
DOCTYPE = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]>'


@pytest.mark.parametrize(
    "content",
    [
        books.repacked(books.book([ROW]), changed={SHEET: DOCTYPE + books.part(books.book([ROW]), SHEET)}),
        books.repacked(books.book([ROW]), changed={SHEET: ("<a>" + "x" * 40_000_000 + "</a>").encode()}),
        books.repacked(books.book([ROW]), changed={f"xl/media/{n}.bin": b"" for n in range(500)}),
        books.repacked(
            books.book([ROW]), changed={SHEET: books.part(books.book([ROW]), SHEET).decode().encode("utf-16")}
        ),
        books.repacked(books.book([ROW]), changed={SHEET: b"<not xml"}),
        books.repacked(books.book([ROW]), changed={"xl/workbook.xml": b"<workbook/>"}),
        books.book([ROW])[:-100],
        books.book([ROW])[:3000],
        b"PK\x03\x04" + b"junk" * 100,
    ],
    ids=["entities", "bomb", "many parts", "utf-16", "no xml", "no sheets", "no index", "cut", "junk"],
)
def test_a_workbook_that_is_a_trap_or_a_ruin_is_one_problem(content: bytes) -> None:
    assert problem(content).code in ("bad_workbook", "not_a_feed")


def test_an_old_or_locked_workbook_is_told_what_to_do() -> None:
    assert problem(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)).code == "old_or_locked_excel"


def test_another_zip_is_no_workbook_whatever_it_is_called() -> None:
    assert problem(books.repacked(_empty_zip(), changed={"word/document.xml": b"<a/>"})).code == "not_a_feed"


def _empty_zip() -> bytes:
    held = io.BytesIO()
    zipfile.ZipFile(held, "w").close()
    return held.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_text_list_is_read_in_the_charsets_and_by_the_marks_spreadsheets_write(encoding: str, mark: str) -> None:
    text = CSV.format("2031-05-01", "2031-05-03 12:00").replace(",", mark)
    entry = only(text.encode(encoding))
    assert (entry.booker_name, entry.arrive_at, entry.leave_at) == ("林小邻", MAY_1, MAY_3)


def test_a_quote_that_is_never_closed_is_told_and_swallows_nothing_in_silence() -> None:
    head, row, *_ = CSV.format("2031-05-01", "2031-05-03").splitlines()
    text = "\n".join((head, row, row.replace("X-1", '"X-2'), row.replace("X-1", "X-3")))
    good, bad = read_feed(text.encode(), zone=ZONE)
    assert (good.ref, bad.code) == ("X-1", "open_quote")


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "order_no,unit\n1,2\n", "<html>order_no,unit,arrive_at,leave_at"])
def test_text_without_the_headings_is_no_order_list(text: str) -> None:
    assert problem(text.encode()).code in ("not_a_feed", "web_page")
