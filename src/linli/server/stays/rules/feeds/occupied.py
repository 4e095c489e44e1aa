"""What a flat or a room tells the world: which nights it is occupied, and nothing about whom by (iCal, RFC 5545).

Nights that follow one another are one block. A block keeps its UID while it grows or shrinks, counts its changes in SEQUENCE, and
carries the time of its last change as DTSTAMP, so that a calendar in which nothing changed is the same to the byte.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from linli.server.kernel.periods import Period

# Whoever comes at one in the morning sleeps the night before.
NIGHT_ENDS = timedelta(hours=6)
DAY = timedelta(days=1)
# The word by which every reader, our own too, knows a block and not a booking.
SUMMARY = "Not available 已占用"


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A room as it is let: whole, or by the bed, and its beds."""

    room_id: str
    by_the_bed: bool
    bed_ids: Collection[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Nights in a row, from the first to the morning after the last, as last told."""

    uid: str
    begins_date: date
    ends_date: date
    sequence: int
    stamped_at: datetime


def own_ending(estate_id: str) -> str:
    """This will return how the UIDs of our own calendars end on an estate; by it they are known when they come back."""
    return f"@{estate_id.lower().replace('_', '-')}.linli"


def nights(period: Period, *, zone: ZoneInfo) -> Iterable[date]:
    """This will list the nights of a period by the day they begin; an hour by day counts as the night of that day."""
    first = (period.start.astimezone(zone) - NIGHT_ENDS).date()
    last = max(period.end.astimezone(zone).date(), first + DAY)
    return (first + DAY * number for number in range((last - first).days))


def full_nights(rooms: Sequence[Room], held: Mapping[str, set[date]]) -> set[date]:
    """This will return the nights on which nothing more can be let; `held` gives the nights of each bed.

    A room let whole is full when any of its beds is held, one by the bed when all are. Of a flat all of whose rooms are let whole the
    calendar is the whole flat's: one held room occupies it. A flat with beds to let is full when every room is.
    """
    each = [_room_nights(room, held) for room in rooms]
    if not each:
        return set()
    if not any(room.by_the_bed for room in rooms):
        return set().union(*each)
    return set(each[0]).intersection(*each[1:])


def _room_nights(room: Room, held: Mapping[str, set[date]]) -> set[date]:
    beds = [held.get(bed_id, set()) for bed_id in room.bed_ids]
    if not beds:
        return set()
    return set(beds[0]).intersection(*beds[1:]) if room.by_the_bed else set().union(*beds)


def runs(found: Iterable[date], *, today: date) -> list[tuple[date, date]]:
    """This will join nights that follow one another, and leave out what is over."""
    joined: list[tuple[date, date]] = []
    for night in sorted(found):
        if joined and joined[-1][1] == night:
            joined[-1] = (joined[-1][0], night + DAY)
        else:
            joined.append((night, night + DAY))
    return [run for run in joined if run[1] > today]


def restamped(
    before: Sequence[Block],
    found: Sequence[tuple[date, date]],
    *,
    today: date,
    now: datetime,
    new_uid: Callable[[], str],
) -> list[Block]:
    """This will carry the known blocks on: unchanged ones as they are, changed ones one SEQUENCE later, new ones with a new UID."""
    left = {block.uid: block for block in before}
    told = []
    for begin, end in found:
        block = _known(left, begin, end, today)
        if block is None:
            told.append(Block(uid=new_uid(), begins_date=begin, ends_date=end, sequence=0, stamped_at=now))
            continue
        del left[block.uid]
        same_begin = max(block.begins_date, today) == max(begin, today)
        if same_begin and block.ends_date == end:
            told.append(block)
            continue
        # What of a block is past is nobody's business: it does not make it a changed one.
        begins = block.begins_date if same_begin else begin
        told.append(replace(block, begins_date=begins, ends_date=end, sequence=block.sequence + 1, stamped_at=now))
    return told


def _known(left: Mapping[str, Block], begin: date, end: date, today: date) -> Block | None:
    same = (block for block in left.values() if max(block.begins_date, today) == max(begin, today))
    ending = (block for block in left.values() if block.ends_date == end)
    return next(same, None) or next(ending, None)


def written(blocks: Sequence[Block]) -> bytes:
    """This will write the calendar; equal blocks give equal bytes."""
    told = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Linli//Occupied 1//ZH", "CALSCALE:GREGORIAN", "METHOD:PUBLISH"]
    for block in sorted(blocks, key=lambda block: (block.begins_date, block.uid)):
        stamp = block.stamped_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        told += [
            "BEGIN:VEVENT",
            f"UID:{block.uid}",
            f"DTSTAMP:{stamp}",
            f"LAST-MODIFIED:{stamp}",
            f"SEQUENCE:{block.sequence}",
            f"DTSTART;VALUE=DATE:{block.begins_date:%Y%m%d}",
            f"DTEND;VALUE=DATE:{block.ends_date:%Y%m%d}",
            f"SUMMARY:{SUMMARY}",
            "TRANSP:OPAQUE",
            "END:VEVENT",
        ]
    told.append("END:VCALENDAR")
    return ("\r\n".join(told) + "\r\n").encode()


def start_of(day: date, *, zone: ZoneInfo) -> datetime:
    """This will return the instant at which a local day begins."""
    return datetime.combine(day, time(0), tzinfo=zone).astimezone(UTC)
