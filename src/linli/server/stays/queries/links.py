"""What is so about a flat's links with channels: hooks, calendars that go out, and which nights those call occupied."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from linli.server.kernel import crypto, tickets
from linli.server.kernel.actors import Actor, Grant, Role
from linli.server.kernel.errors import NotFound, Refusal
from linli.server.kernel.periods import Period
from linli.server.lettings import queries as lettings
from linli.server.places import queries as places
from linli.server.stays.models import BedHold, CalendarBlock, CalendarLink, OrderHook
from linli.server.stays.queries.feeds import owned, room_label, units_by_id
from linli.server.stays.rules.feeds import occupied
from linli.server.stays.rules.feeds.occupied import Block

SIGNED_WITHIN = timedelta(minutes=5)
HOOK_SECRET = "hook.secret"
TICKET = "calendar"


class SignatureWrong(Refusal):
    """This message is not signed by the hook's secret, or not within five minutes."""

    zh = "签名无效，或签名时间不在五分钟之内。"
    status = 401


@dataclass(frozen=True, slots=True, kw_only=True)
class HookView:
    """A hook for one channel's orders; its secret was shown once and is not shown again."""

    id: str
    operator_id: str
    channel: str
    path: str
    made_at: datetime
    rotated_at: datetime | None
    old_secret_ends_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarLinkView:
    """A link by which a channel reads when a flat or a room is occupied; the path holds its key."""

    id: str
    unit_id: str
    unit_label: str
    room_id: str | None
    room_label: str
    name: str
    path: str
    made_at: datetime
    revoked_at: datetime | None


def list_hooks(*, actor: Actor) -> tuple[HookView, ...]:
    """This will list the hooks that are open."""
    rows = OrderHook.objects.filter(estate_id=actor.estate_id, ended_at__isnull=True)
    mine = owned(actor)
    if mine is not None:
        rows = rows.filter(operator_id__in=mine)
    return tuple(view_hook(row) for row in rows.order_by("id")[:500])


def view_hook(row: OrderHook) -> HookView:
    """This will return a row as a view."""
    return HookView(
        id=row.id,
        operator_id=row.operator_id,
        channel=row.channel,
        path=f"/api/hooks/{row.id}",
        made_at=row.made_at,
        rotated_at=row.rotated_at,
        old_secret_ends_at=row.old_ends_at,
        ended_at=row.ended_at,
    )


def signature(secret: str, *, timestamp: str, body: bytes) -> str:
    """This will sign a message: HMAC-SHA256 over the timestamp, a full stop and the body, in hexadecimal."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, "sha256").hexdigest()


def authenticate_hook(*, hook_id: str, timestamp: str, signed: str, body: bytes, now: datetime) -> Actor:
    """This will return who speaks through a hook, its operator, or refuse with `SignatureWrong`; it never says what was wrong."""
    row = OrderHook.objects.filter(id=hook_id, ended_at__isnull=True).first()
    if row is None or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise SignatureWrong
    if abs(now.timestamp() - int(timestamp)) > SIGNED_WITHIN.total_seconds():
        raise SignatureWrong
    secrets = [row.secret]
    if row.old_secret is not None and row.old_ends_at is not None and now < row.old_ends_at:
        secrets.append(row.old_secret)
    given = signed.removeprefix("sha256=").encode("utf-8", "replace")
    right = [
        signature(crypto.unseal(bytes(sealed), context=HOOK_SECRET), timestamp=timestamp, body=body)
        for sealed in secrets
    ]
    if not any(hmac.compare_digest(given, expected.encode()) for expected in right):
        raise SignatureWrong
    grant = Grant(role=Role.OPERATOR, scope=f"operator:{row.operator_id}")
    return Actor(id=f"hook:{row.id}", estate_id=row.estate_id, grants=frozenset({grant}))


def list_calendars(*, actor: Actor, unit_id: str | None, now: datetime) -> tuple[CalendarLinkView, ...]:
    """This will list the links that are good, with their keys."""
    rows = CalendarLink.objects.filter(estate_id=actor.estate_id, revoked_at__isnull=True)
    mine = owned(actor)
    if mine is not None:
        rows = rows.filter(unit__operator_id__in=mine)
    if unit_id:
        rows = rows.filter(unit_id=unit_id)
    chosen = list(rows.order_by("id")[:500])
    units = units_by_id(actor.estate_id, {row.unit_id for row in chosen})
    return tuple(view_calendar(row, units.get(row.unit_id)) for row in chosen)


def view_calendar(row: CalendarLink, unit: lettings.UnitView | None) -> CalendarLinkView:
    """This will return a row as a view; the key is signed with the time the link was made, so that it never changes."""
    key = tickets.issue(TICKET, {"id": row.id, "estate_id": row.estate_id}, now=row.made_at)
    return CalendarLinkView(
        id=row.id,
        unit_id=row.unit_id,
        unit_label=unit.label_zh if unit is not None else "",
        room_id=row.room_id,
        room_label=room_label(unit, row.room_id),
        name=row.name,
        path=f"/api/calendars/{key}.ics",
        made_at=row.made_at,
        revoked_at=row.revoked_at,
    )


def find_calendar_reader(*, ticket: str, now: datetime) -> Actor | None:
    """This will return who reads by a calendar's key, or None when it opens nothing (any more)."""
    told = tickets.read(TICKET, ticket, now=now)
    if told is None:
        return None
    row = CalendarLink.objects.filter(
        id=str(told.get("id")), estate_id=str(told.get("estate_id")), revoked_at__isnull=True
    ).first()
    return Actor(id=f"calendar:{row.id}", estate_id=row.estate_id) if row is not None else None


def get_calendar(*, estate_id: str, calendar_id: str) -> CalendarLink:
    """This will return a calendar's row, for this domain's own actions; refuses with `NotFound`."""
    row = CalendarLink.objects.filter(estate_id=estate_id, id=calendar_id, revoked_at__isnull=True).first()
    if row is None:
        raise NotFound
    return row


def told_blocks(*, calendar_id: str) -> list[Block]:
    """This will return the blocks a calendar told last."""
    rows = CalendarBlock.objects.filter(calendar_id=calendar_id).order_by("begins_date", "uid")
    return [
        Block(
            uid=row.uid,
            begins_date=row.begins_date,
            ends_date=row.ends_date,
            sequence=row.sequence,
            stamped_at=row.stamped_at,
        )
        for row in rows
    ]


def occupied_runs(*, row: CalendarLink, today: date, zone: ZoneInfo) -> list[tuple[date, date]]:
    """This will say on which nights a calendar's flat or room can take nobody."""
    unit = lettings.get_unit(estate_id=row.estate_id, unit_id=row.unit_id)
    rooms = [room for room in unit.rooms if row.room_id in (None, room.room_id)]
    holds = BedHold.objects.filter(
        bed_id__in=[bed.bed_id for room in rooms for bed in room.beds],
        released_at__isnull=True,
        period__endswith__gt=occupied.start_of(today, zone=zone),
    )
    held: dict[str, set[date]] = {}
    for bed_id, period in holds.values_list("bed_id", "period"):
        nights = occupied.nights(Period(start=period.lower, end=period.upper), zone=zone)
        held.setdefault(bed_id, set()).update(nights)
    return occupied.runs(occupied.full_nights(_let(rooms), held), today=today)


def _let(rooms: Iterable[lettings.LetRoomView]) -> list[occupied.Room]:
    return [
        occupied.Room(room_id=room.room_id, by_the_bed=room.mode == "bed", bed_ids=[bed.bed_id for bed in room.beds])
        for room in rooms
    ]


def today_and_zone(*, estate_id: str, now: datetime) -> tuple[date, ZoneInfo]:
    """This will return the estate's day and zone."""
    zone = ZoneInfo(places.zone(estate_id=estate_id))
    return now.astimezone(zone).date(), zone
