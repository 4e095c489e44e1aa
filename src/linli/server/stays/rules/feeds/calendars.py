"""Calendars as booking sites publish them (iCal, RFC 5545), read as tolerantly as is safe: what is cut short changes nothing.

Lines are unfolded before they are decoded, for a fold may fall inside a character. A time without a zone is the estate's; a zone
that nobody knows is a problem rather than a guess.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar
from icalendar.cal import Component

from linli.server.stays.rules.feeds import lines
from linli.server.stays.rules.feeds.lines import ARRIVE, LEAVE, FeedOrder, FeedProblem

BLOCKS = ("not available", "blocked", "unavailable", "closed", "不可订", "不可预订", "房东自留", "锁房", "关房")
# What a site writes where a name would stand: it names nobody.
NOBODY = frozenset(("", "reserved", "reservation", "booked", "booking", "busy", "已预订", "已订", "预订", "occupied"))
FOLD = re.compile(rb"(?:\r\n|\n|\r)[ \t]")
LINE_END = re.compile(rb"\r\n|\r")
GUESTS = re.compile(r"(\d{1,2})\s*(?:位|人|guests?)")
GUESTS_AND_REST = re.compile(r"\s*[\(（]?\d{1,2}\s*(?:位|人|guests?).*$")


def unfolded(content: bytes) -> bytes:
    """This will return the content with its folds undone and one kind of line end."""
    return LINE_END.sub(b"\n", FOLD.sub(b"", content))


def read(text: str, *, zone: ZoneInfo, own: str) -> Iterable[FeedOrder | FeedProblem]:
    """This will read every event of unfolded text; `own` is the ending of our own calendars' UIDs on this estate."""
    text = text[text.index("BEGIN:VCALENDAR") :]
    if not text.rstrip().upper().endswith("END:VCALENDAR"):
        return [lines.problem(0, "", lines.CUT_SHORT)]
    if text.count("\nBEGIN:VEVENT") > lines.MOST_ORDERS:
        return [lines.problem(0, "", lines.TOO_MANY)]
    try:
        calendars = Calendar.from_ical(text, multiple=True)
        found = [(calendar, event) for calendar in calendars for event in calendar.walk("VEVENT")]
    except (ValueError, KeyError, IndexError, AttributeError, TypeError):
        return [lines.problem(0, "", lines.NOT_A_FEED)]
    numbered = sorted(enumerate(found, start=1), key=lambda pair: _edition(pair[1][1]))
    return [_entry(number, calendar, event, zone, own) for number, (calendar, event) in numbered]


def _edition(event: Component) -> tuple[int, str]:
    # DTSTAMP says when the feed was asked, at many sites: it tells no edition from another.
    try:
        sequence = int(event.get("SEQUENCE", 0) or 0)
    except (TypeError, ValueError):
        sequence = 0
    changed = _value(event.get("LAST-MODIFIED"))
    return sequence, f"{changed:%Y%m%d%H%M%S}" if isinstance(changed, date) else ""


def _value(told: Any) -> Any:
    # What the reader could not make sense of raises when it is looked at.
    try:
        return getattr(told, "dt", None)
    except (ValueError, AttributeError, KeyError):
        return None


def _entry(number: int, calendar: Component, event: Component, zone: ZoneInfo, own: str) -> FeedOrder | FeedProblem:
    called_off = str(calendar.get("METHOD", "")).upper() == "CANCEL"
    uid = str(event.get("UID", ""))
    if own and uid.endswith(own):
        return lines.problem(number, uid, lines.OWN_CALENDAR)
    return lines.tried(number, uid, partial(_event, number, event, zone, called_off))


def _event(number: int, event: Component, zone: ZoneInfo, called_off: bool) -> FeedOrder:
    summary = lines.plain(str(event.get("SUMMARY", "")))
    if any(word in summary.lower() for word in BLOCKS):
        raise lines.BLOCK
    ref = str(event.get("UID", ""))
    if not lines.plain(ref):
        raise lines.NO_REF
    if any(event.get(name) is not None for name in ("RRULE", "RDATE", "RECURRENCE-ID")):
        raise lines.REPEATS
    arrive, leave = _period(event, zone)
    guests = GUESTS.search(summary)
    name = GUESTS_AND_REST.sub("", summary)
    return lines.order(
        number,
        ref=ref,
        channel="ical",
        unit=None,
        arrive=arrive,
        leave=leave,
        guests=guests.group(1) if guests else "1",
        name="" if name.lower() in NOBODY else name,
        phone="",
        cancelled=called_off or str(event.get("STATUS", "")).upper() == "CANCELLED",
    )


def _period(event: Component, zone: ZoneInfo) -> tuple[datetime, datetime]:
    broken = {name for name, _ in event.errors}
    if broken & {"DTSTART", "DTEND", "DURATION"}:
        raise lines.BAD_DATE
    start, end, lasts = (event.get(name) for name in ("DTSTART", "DTEND", "DURATION"))
    if start is None or isinstance(start, list):
        raise lines.NO_DATES
    begin = _moment(start)
    if end is not None:
        if isinstance(end, list):
            raise lines.BAD_DATE
        until = _moment(end)
    elif isinstance(_value(lasts), timedelta):
        until = _later(begin, _value(lasts))
    elif not isinstance(begin, datetime):
        # RFC 5545 § 3.6.1: a day without an end is that day.
        until = _later(begin, timedelta(days=1))
    else:
        raise lines.NO_DATES.in_field("leave_at")
    return lines.instant(begin, ARRIVE, zone), lines.instant(until, LEAVE, zone)


def _later(begin: date | datetime, lasts: timedelta) -> date | datetime:
    try:
        return begin + lasts
    except OverflowError as far:
        raise lines.BAD_DATE from far


def _moment(value: Any) -> date | datetime:
    when = _value(value)
    if not isinstance(when, date):
        raise lines.BAD_DATE
    named: Mapping[str, str] = getattr(value, "params", {})
    if isinstance(when, datetime) and when.tzinfo is None and named.get("TZID"):
        raise lines.UNKNOWN_ZONE
    return when
