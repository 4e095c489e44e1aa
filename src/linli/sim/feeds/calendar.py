"""A channel's calendar as bytes, sound or spoilt. What is wrong is wrong on purpose, one named fault at a time.

| fault           | what the reader gets                                                       |
|-----------------|-----------------------------------------------------------------------------|
| `stamped_now`   | DTSTAMP, LAST-MODIFIED and PRODID differ at every fetch; the orders do not   |
| `thrice`        | every event three times                                                      |
| `rolling_block` | besides the orders a "Not available" window that begins tomorrow, every day  |
| `empty`         | a calendar without any event                                                 |
| `nothing`       | 200 and no byte                                                              |
| `cut_short`     | the calendar breaks off in the middle of an event                            |
| `page`          | a page to sign in at, with 200                                               |
| `gb18030`       | GB18030 without a word about it                                              |
| `latin_header`  | UTF-8 that the header calls ISO-8859-1                                       |
| `bom`           | a byte order mark before the first letter                                    |
| `bare_lf`       | lines that end in LF alone                                                   |
| `folded`        | lines folded after every twenty bytes, also inside a character               |
| `floating`      | times without a zone                                                         |
| `utc`           | times in UTC                                                                 |
| `zoned`         | times with TZID=Asia/Shanghai                                                |
| `no_end`        | days without DTEND                                                           |
| `duration`      | DURATION in place of DTEND                                                   |
| `unknown_zone`  | times with a TZID that nobody knows                                          |
| `repeating`     | events with an RRULE                                                         |
| `huge`          | three megabytes of remarks                                                   |
| `called_off`    | every order with STATUS:CANCELLED                                            |
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

DAY = timedelta(days=1)
EIGHT_HOURS = timedelta(hours=8)
PAGE = "<!DOCTYPE html><html><head><title>登录 Sign in</title></head><body><form></form></body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order of the channel, by nights."""

    uid: str
    arrive_date: date
    leave_date: date
    summary: str = "Reserved"
    sequence: int = 0
    cancelled: bool = False


def calendar(orders: Sequence[Order], *, fault: str = "", now: datetime) -> bytes:
    """This will publish the orders with one fault, or none; raises KeyError for a fault that is not in the table."""
    if fault:
        return FAULTS[fault](orders, now)
    return _bytes(_events(orders, now))


def _events(orders: Sequence[Order], now: datetime, *, dates: Callable[[Order], list[str]] | None = None) -> list[str]:
    told: list[str] = []
    for order in orders:
        told += ["BEGIN:VEVENT", f"UID:{order.uid}", "DTSTAMP:20260101T000000Z", f"SEQUENCE:{order.sequence}"]
        told += (dates or _days)(order)
        told += [f"SUMMARY:{order.summary}", f"STATUS:{'CANCELLED' if order.cancelled else 'CONFIRMED'}", "END:VEVENT"]
    return told


def _bytes(events: Sequence[str], *, end: str = "\r\n", product: str = "-//Fictional Channel//1.0//EN") -> bytes:
    whole = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{product}", "CALSCALE:GREGORIAN", *events, "END:VCALENDAR", ""]
    return end.join(whole).encode()


def _days(order: Order) -> list[str]:
    return [f"DTSTART;VALUE=DATE:{order.arrive_date:%Y%m%d}", f"DTEND;VALUE=DATE:{order.leave_date:%Y%m%d}"]


def _timed(parameter: str, mark: str, shift: timedelta) -> Callable[[Order], list[str]]:
    def dates(order: Order) -> list[str]:
        arrive = (
            datetime(order.arrive_date.year, order.arrive_date.month, order.arrive_date.day, 14, tzinfo=UTC) - shift
        )
        leave = datetime(order.leave_date.year, order.leave_date.month, order.leave_date.day, 12, tzinfo=UTC) - shift
        return [f"DTSTART{parameter}:{arrive:%Y%m%dT%H%M%S}{mark}", f"DTEND{parameter}:{leave:%Y%m%dT%H%M%S}{mark}"]

    return dates


def _with_dates(dates: Callable[[Order], list[str]]) -> Callable[[Sequence[Order], datetime], bytes]:
    return lambda orders, now: _bytes(_events(orders, now, dates=dates))


def _stamped_now(orders: Sequence[Order], now: datetime) -> bytes:
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    events = [line.replace("20260101T000000Z", stamp) for line in _events(orders, now)]
    return _bytes(events, product=f"-//Fictional Channel//{now.timestamp():.0f}//EN")


def _rolling_block(orders: Sequence[Order], now: datetime) -> bytes:
    tomorrow = now.date() + DAY
    block = Order(
        uid=f"block-{tomorrow:%Y%m%d}@channel.example",
        arrive_date=tomorrow,
        leave_date=tomorrow + 30 * DAY,
        summary="Airbnb (Not available)",
    )
    return _bytes(_events([*orders, block], now))


def _folded(orders: Sequence[Order], now: datetime) -> bytes:
    lines = []
    for line in _bytes(_events(orders, now)).split(b"\r\n"):
        pieces = [line[start : start + 20] for start in range(0, len(line), 20)] or [b""]
        lines.append(b"\r\n ".join(pieces))
    return b"\r\n".join(lines)


def _cut_short(orders: Sequence[Order], now: datetime) -> bytes:
    whole = _bytes(_events(orders, now))
    return whole[: whole.rindex(b"DTEND")]


def _repeating(orders: Sequence[Order], now: datetime) -> bytes:
    return _bytes(_events(orders, now, dates=lambda order: [*_days(order), "RRULE:FREQ=WEEKLY;COUNT=3"]))


def _huge(orders: Sequence[Order], now: datetime) -> bytes:
    return _bytes([f"X-REMARK:{'x' * 1000}"] * 3000 + _events(orders, now))


def _called_off(orders: Sequence[Order], now: datetime) -> bytes:
    return _bytes([line.replace("STATUS:CONFIRMED", "STATUS:CANCELLED") for line in _events(orders, now)])


FAULTS: Mapping[str, Callable[[Sequence[Order], datetime], bytes]] = MappingProxyType(
    {
        "stamped_now": _stamped_now,
        "thrice": lambda orders, now: _bytes(_events([*orders, *orders, *orders], now)),
        "rolling_block": _rolling_block,
        "empty": lambda orders, now: _bytes([]),
        "nothing": lambda orders, now: b"",
        "cut_short": _cut_short,
        "page": lambda orders, now: PAGE.encode(),
        "gb18030": lambda orders, now: _bytes(_events(orders, now)).decode().encode("gb18030"),
        "latin_header": lambda orders, now: _bytes(_events(orders, now)),
        "bom": lambda orders, now: b"\xef\xbb\xbf" + _bytes(_events(orders, now)),
        "bare_lf": lambda orders, now: _bytes(_events(orders, now), end="\n"),
        "folded": _folded,
        "floating": _with_dates(_timed("", "", timedelta(0))),
        "utc": _with_dates(_timed("", "Z", EIGHT_HOURS)),
        "zoned": _with_dates(_timed(";TZID=Asia/Shanghai", "", timedelta(0))),
        "no_end": _with_dates(lambda order: _days(order)[:1]),
        "duration": _with_dates(
            lambda order: [_days(order)[0], f"DURATION:P{(order.leave_date - order.arrive_date).days}D"]
        ),
        "unknown_zone": _with_dates(_timed(";TZID=Mars/Olympus", "", timedelta(0))),
        "repeating": _repeating,
        "huge": _huge,
        "called_off": _called_off,
    }
)
HEADERS: Mapping[str, str] = MappingProxyType(
    {"latin_header": "text/calendar; charset=iso-8859-1", "page": "text/html; charset=utf-8"}
)
