"""The feed faults of the field, one by one: what a calendar may look like, and what is read of it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from linli.server.stays.rules.feeds import FeedOrder, FeedProblem, read_calendar, read_feed
from linli.sim.feeds.calendar import HEADERS, Order, calendar

NOW = datetime(2031, 4, 20, 3, 0, tzinfo=UTC)
ZONE = "Asia/Shanghai"
ORDERS = (
    Order(uid="A-1@channel.example", arrive_date=date(2031, 5, 1), leave_date=date(2031, 5, 3), summary="林小邻 2 位"),
    Order(uid="A-2@channel.example", arrive_date=date(2031, 5, 3), leave_date=date(2031, 5, 4), summary="Reserved"),
)
SOUND = (
    ("A-1@channel.example", datetime(2031, 5, 1, 6, tzinfo=UTC), datetime(2031, 5, 3, 4, tzinfo=UTC), 2, "林小邻"),
    ("A-2@channel.example", datetime(2031, 5, 3, 6, tzinfo=UTC), datetime(2031, 5, 4, 4, tzinfo=UTC), 1, ""),
)
WHOLE = [
    "stamped_now",
    "thrice",
    "rolling_block",
    "gb18030",
    "latin_header",
    "bom",
    "bare_lf",
    "folded",
    "floating",
    "utc",
    "zoned",
    "duration",
]


def read(fault: str = "", orders=ORDERS, *, now: datetime = NOW, own: str = "") -> list[FeedOrder | FeedProblem]:
    content = calendar(orders, fault=fault, now=now)
    kind = HEADERS.get(fault, "text/calendar; charset=utf-8")
    return read_calendar(content, zone=ZONE, content_type=kind, own=own)


def orders_of(found) -> tuple:
    return tuple(
        (entry.ref, entry.arrive_at, entry.leave_at, entry.guests, entry.booker_name)
        for entry in found
        if isinstance(entry, FeedOrder)
    )


def codes(found) -> list[str]:
    return [entry.code for entry in found if isinstance(entry, FeedProblem)]


def event(*lines: str) -> bytes:
    return "\r\n".join(("BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR")).encode()


@pytest.mark.parametrize("fault", ["", *WHOLE])
def test_the_same_orders_are_read_whatever_the_dress(fault: str) -> None:
    assert orders_of(read(fault)) == SOUND


def test_a_digest_does_not_change_with_the_time_of_the_fetch() -> None:
    first, later = read("stamped_now"), read("stamped_now", now=NOW + timedelta(hours=9))
    assert [entry.digest for entry in first] == [entry.digest for entry in later]


def test_a_moved_order_keeps_its_name_and_changes_its_digest() -> None:
    moved = Order(uid=ORDERS[0].uid, arrive_date=date(2031, 5, 2), leave_date=date(2031, 5, 4), summary="林小邻 2 位")
    (before, _), (after,) = read(), read(orders=[moved])
    assert before.ref == after.ref
    assert before.digest != after.digest


def test_a_window_that_rolls_daily_is_a_block_whatever_it_is_called_today() -> None:
    assert codes(read("rolling_block")) == ["block"]
    assert codes(read("rolling_block", now=NOW + timedelta(days=1))) == ["block"]


@pytest.mark.parametrize("word", ["Not available", "CLOSED - Not available", "Blocked", "房东自留", "锁房 维修"])
def test_a_hosts_own_block_is_no_booking(word: str) -> None:
    blocked = Order(uid="b", arrive_date=date(2031, 5, 1), leave_date=date(2031, 5, 3), summary=word)
    assert codes(read(orders=[blocked])) == ["block"]


def test_an_event_told_three_times_differently_counts_by_its_last_edition() -> None:
    old, new = (
        ORDERS[0],
        Order(uid=ORDERS[0].uid, arrive_date=date(2031, 5, 2), leave_date=date(2031, 5, 3), sequence=7),
    )
    (entry,) = read(orders=[new, old, old])
    assert entry.arrive_at == datetime(2031, 5, 2, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fault", "code"),
    [("cut_short", "cut_short"), ("page", "web_page"), ("nothing", "not_a_feed")],
)
def test_what_is_not_a_whole_calendar_is_one_problem_and_no_order(fault: str, code: str) -> None:
    found = read(fault)
    assert (codes(found), orders_of(found)) == ([code], ())


def test_every_cut_of_a_calendar_gives_all_of_its_orders_or_none() -> None:
    content = calendar(ORDERS, now=NOW)
    whole = content.rstrip()
    for end in range(len(content)):
        found = orders_of(read_feed(content[:end], zone=ZONE))
        assert found == (SOUND if content[:end].rstrip() == whole else ()), end


def test_an_empty_calendar_has_neither_orders_nor_problems() -> None:
    assert read("empty") == []


def test_days_without_an_end_are_one_night() -> None:
    assert [entry.leave_at - entry.arrive_at for entry in read("no_end")] == [timedelta(hours=22)] * 2


@pytest.mark.parametrize(("fault", "code"), [("unknown_zone", "unknown_zone"), ("repeating", "repeats")])
def test_what_cannot_be_an_order_is_a_problem_that_keeps_its_reference(fault: str, code: str) -> None:
    found = read(fault)
    assert codes(found) == [code] * 2
    assert [entry.ref for entry in found] == [order.uid for order in ORDERS]


def test_a_cancelled_event_and_a_cancelling_calendar_say_so() -> None:
    assert all(entry.cancelled for entry in read("called_off"))
    content = calendar(ORDERS, now=NOW).replace(b"VERSION:2.0", b"VERSION:2.0\r\nMETHOD:CANCEL")
    assert all(entry.cancelled for entry in read_feed(content, zone=ZONE))


def test_a_windows_zone_and_a_zone_told_in_the_file_are_understood() -> None:
    dates = (
        "UID:1",
        "DTSTART;TZID=China Standard Time:20310501T140000",
        "DTEND;TZID=China Standard Time:20310502T120000",
    )
    (entry,) = read_feed(event(*dates), zone="Europe/Madrid")
    assert entry.arrive_at == datetime(2031, 5, 1, 6, tzinfo=UTC)
    zone = "BEGIN:VTIMEZONE\r\nTZID:Hut\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0530\r\nTZOFFSETTO:+0530\r\n"
    zone += "END:STANDARD\r\nEND:VTIMEZONE\r\n"
    content = event("UID:1", "DTSTART;TZID=Hut:20310501T140000", "DTEND;TZID=Hut:20310502T120000")
    (entry,) = read_feed(content.replace(b"BEGIN:VEVENT", zone.encode() + b"BEGIN:VEVENT"), zone=ZONE)
    assert entry.arrive_at == datetime(2031, 5, 1, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (("DTSTART;VALUE=DATE:20310501", "DTEND;VALUE=DATE:20310502"), "no_reference"),
        (("UID:1", "SUMMARY:x"), "no_dates"),
        (("UID:1", "DTSTART:20310501T140000"), "no_dates"),
        (("UID:1", "DTSTART;VALUE=DATE:20310230", "DTEND;VALUE=DATE:20310301"), "impossible_date"),
        (("UID:1", "DTSTART;VALUE=DATE:20310503", "DTEND;VALUE=DATE:20310501"), "leaves_before_arriving"),
        (("UID:1", "DTSTART;VALUE=DATE:20310503", "DURATION:-P2D"), "leaves_before_arriving"),
        (("UID:1", "DTSTART;VALUE=DATE:20310503", "DURATION:P99999999999D"), "impossible_date"),
        (("UID:1", "DTSTART;VALUE=DATE:99991231"), "impossible_date"),
        (("UID:1", "DTSTART;VALUE=DATE:20310501", "DTEND;VALUE=DATE:20310502", "SUMMARY:=cmd()"), "not_a_name"),
        (
            ("UID:1", "DTSTART;VALUE=DATE:20310501", "DTEND;VALUE=DATE:20310502", "SUMMARY:客 99 位"),
            "guests_not_a_number",
        ),
    ],
)
def test_a_line_that_cannot_be_an_order_says_why_in_both_languages(lines: tuple[str, ...], code: str) -> None:
    (found,) = read_feed(event(*lines), zone=ZONE)
    assert isinstance(found, FeedProblem)
    assert (found.code, bool(found.zh), bool(found.en)) == (code, True, True)


def test_long_references_stay_apart() -> None:
    long = [Order(uid="x" * 200 + end, arrive_date=date(2031, 5, 1), leave_date=date(2031, 5, 2)) for end in "ab"]
    refs = [entry.ref for entry in read(orders=long)]
    assert len(set(refs)) == 2
    assert all(len(ref) <= 80 for ref in refs)


def test_a_calendar_of_thousands_is_refused_whole_rather_than_cut_in_silence() -> None:
    many = [Order(uid=f"u{n}", arrive_date=date(2031, 5, 1), leave_date=date(2031, 5, 2)) for n in range(2001)]
    assert codes(read(orders=many)) == ["too_many_orders"]


@pytest.mark.parametrize(
    "content", [b"\x00" * 99, b"\xff\xfe" * 40, b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\x00", b"\x1f\x8b\x08\x00junk"]
)
def test_bytes_that_are_nothing_give_no_order(content: bytes) -> None:
    assert orders_of(read_feed(content, zone=ZONE)) == ()


def test_our_own_calendar_come_back_is_known_by_its_names() -> None:
    mine = Order(uid="abc@est-1.linli", arrive_date=date(2031, 5, 1), leave_date=date(2031, 5, 2), summary="Busy")
    assert codes(read(orders=[mine, ORDERS[0]], own="@est-1.linli")) == ["own_calendar"]
    assert codes(read(orders=[mine], own="@est-2.linli")) == []
