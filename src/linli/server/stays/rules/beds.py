"""Which beds a booking takes, and why it cannot have them. The exclusion constraint has the last word; this explains first."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from linli.server.kernel.errors import Refusal
from linli.server.kernel.periods import Period

# A flat let by the night is not a tenancy (民法典 art. 707: from six months on, a lease in writing); a year leaves room for both.
LONGEST_STAY = timedelta(days=366)
FARTHEST_AHEAD = timedelta(days=3653)


class BedTaken(Refusal):
    """That bed is already let for part of this period."""

    zh = "该床位在所选时间段内已被预订。"


class NoFreeBed(Refusal):
    """No bed is free in this flat for this period and number of guests."""

    zh = "该房源在所选时间段内没有足够的空床位。"


class NotInThisUnit(Refusal):
    """That room or bed is not let in this flat."""

    zh = "该房间或床位不属于此房源。"
    status = 422


class WholeRoomOnly(Refusal):
    """This room is let whole, not by the bed."""

    zh = "该房间为整间出租，不能单独预订床位。"
    status = 422


class TooManyGuests(Refusal):
    """These rooms sleep at most {at_most} guests."""

    zh = "所选房间最多可住 {at_most} 人。"
    status = 422


class RoomFull(Refusal):
    """This room is full; please choose another bed."""

    zh = "该房间已满，请选择其他床位。"


class PeriodImpossible(Refusal):
    """A booking lasts a year at most, begins within ten years, and is not over before it is made."""

    zh = "预订最长一年，须在十年内入住，且不得早于当前时间结束。"
    status = 422


class LetBed(Protocol):
    """A bed as lettings shows it."""

    @property
    def bed_id(self) -> str: ...
    @property
    def label(self) -> str: ...


class LetRoom(Protocol):
    """A room as lettings shows it: its mode is `room` (let whole) or `bed`."""

    @property
    def room_id(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def mode(self) -> str: ...
    @property
    def max_occupancy(self) -> int: ...
    @property
    def beds(self) -> Sequence[LetBed]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A bed in its room, held by a booking."""

    room_id: str
    bed_id: str


def check_period(period: Period, *, now: datetime) -> None:
    """This will refuse a period that no booking can have with `PeriodImpossible`; a pass could not carry it either."""
    if period.end <= now or period.start > now + FARTHEST_AHEAD or period.end - period.start > LONGEST_STAY:
        raise PeriodImpossible(field="leave_at")


def chosen_holds(
    rooms: Sequence[LetRoom],
    *,
    room_ids: Collection[str],
    bed_ids: Collection[str],
    taken: Collection[str],
    guests: int,
) -> tuple[Hold, ...]:
    """This will return the beds a booking takes: those named, or else the first free rooms and beds that sleep everybody.

    Raises `NotInThisUnit`, `WholeRoomOnly`, `BedTaken`, `TooManyGuests` or `NoFreeBed`.
    """
    if room_ids or bed_ids:
        holds = _named(rooms, room_ids=room_ids, bed_ids=bed_ids)
        if any(hold.bed_id in taken for hold in holds):
            raise BedTaken(field="bed_ids" if bed_ids else "room_ids")
        at_most = places(rooms, holds)
        if guests > at_most:
            raise TooManyGuests(field="guests_expected", at_most=at_most)
        return holds
    return _first_free(rooms, taken=taken, guests=guests)


def _named(rooms: Sequence[LetRoom], *, room_ids: Collection[str], bed_ids: Collection[str]) -> tuple[Hold, ...]:
    known_beds = {bed.bed_id: room for room in rooms for bed in room.beds}
    if not set(bed_ids) <= known_beds.keys() or not set(room_ids) <= {room.room_id for room in rooms}:
        raise NotInThisUnit(field="bed_ids" if bed_ids else "room_ids")
    if any(known_beds[bed_id].mode == "room" and known_beds[bed_id].room_id not in room_ids for bed_id in bed_ids):
        raise WholeRoomOnly(field="bed_ids")
    return tuple(
        Hold(room_id=room.room_id, bed_id=bed.bed_id)
        for room in rooms
        for bed in room.beds
        if room.room_id in room_ids or bed.bed_id in bed_ids
    )


def _first_free(rooms: Sequence[LetRoom], *, taken: Collection[str], guests: int) -> tuple[Hold, ...]:
    chosen: list[Hold] = []
    for room in rooms:
        free = [Hold(room_id=room.room_id, bed_id=bed.bed_id) for bed in room.beds if bed.bed_id not in taken]
        if room.mode == "room" and len(free) < len(room.beds):
            continue
        for hold in free if room.mode == "bed" else [None]:
            chosen += free if hold is None else [hold]
            if places(rooms, chosen) >= guests:
                return tuple(chosen)
    raise NoFreeBed


def places(rooms: Sequence[LetRoom], holds: Iterable[Hold]) -> int:
    """This will count how many guests may sleep in what is held: a whole room its maximum, a bed by the bed one."""
    held: dict[str, int] = {}
    for hold in holds:
        held[hold.room_id] = held.get(hold.room_id, 0) + 1
    return sum(
        room.max_occupancy if room.mode == "room" else held[room.room_id] for room in rooms if room.room_id in held
    )


def place_for(
    rooms: Sequence[LetRoom],
    *,
    holds: Sequence[Hold],
    sleeping: Collection[tuple[str, str | None]],
    room_id: str | None,
    bed_id: str | None,
) -> tuple[str, str | None] | None:
    """This will return the (room, bed) for one more guest of a booking, or None when what was asked for is full.

    `sleeping` names the (room, bed) of the booking's guests so far. In a room let whole, guests beyond the beds share.
    """
    used = {bed for _, bed in sleeping}
    for room in rooms:
        beds = [hold.bed_id for hold in holds if hold.room_id == room.room_id]
        if not beds or (room_id is not None and room.room_id != room_id) or (bed_id is not None and bed_id not in beds):
            continue
        most = room.max_occupancy if room.mode == "room" else len(beds)
        if sum(1 for place, _ in sleeping if place == room.room_id) >= most:
            continue
        free = [bed for bed in beds if bed not in used and bed_id in (None, bed)]
        if free:
            return room.room_id, free[0]
        if bed_id is None and room.mode == "room":
            return room.room_id, None
    return None
