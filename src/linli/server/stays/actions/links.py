"""Hooks by which a channel's orders come in, and calendars by which it reads which nights are taken: made, renewed, ended, used."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from linli.server.kernel import crypto, ids
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound, Refusal
from linli.server.kernel.periods import Period
from linli.server.lettings import queries as lettings
from linli.server.privacy import actions as privacy
from linli.server.stays import queries
from linli.server.stays.actions import intake_orders
from linli.server.stays.actions.feeds import require_unit
from linli.server.stays.actions.intake_orders import Whence
from linli.server.stays.models import CalendarBlock, CalendarLink, HookEvent, OrderHook
from linli.server.stays.queries import CalendarLinkView, HookView
from linli.server.stays.queries.links import HOOK_SECRET
from linli.server.stays.rules.beds import NotInThisUnit
from linli.server.stays.rules.feeds import FeedOrder, occupied
from linli.server.stays.rules.feeds.lines import plain, short_ref
from linli.server.stays.rules.feeds.occupied import Block

OLD_SECRET_LASTS = timedelta(hours=24)
EVENTS_KEPT = timedelta(days=30)
MOST_CALENDARS = 20


class HookThere(Refusal):
    """This operator has a hook for this channel already; renew its secret instead."""

    zh = "该经营者在此渠道已有接口，请更换密钥。"


class EventReused(Refusal):
    """This event id was already used for a different message."""

    zh = "该事件编号已用于另一条消息。"
    status = 422


class NoNights(Refusal):
    """This order has no dates."""

    zh = "该订单缺少日期。"
    status = 422


class TooManyCalendars(Refusal):
    """A flat has at most {at_most} calendar links; revoke one first."""

    zh = "每套房源最多 {at_most} 个日历链接，请先撤销一个。"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookMade:
    """A hook and its secret, which is shown here and never again."""

    hook: HookView
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookOrder:
    """An event as a channel tells it, neutral: what happened to which order, and the order as it now is."""

    event_id: str
    kind: str
    occurred_at: datetime
    ref: str
    unit: str
    arrive_at: datetime | None = None
    leave_at: datetime | None = None
    guests: int = 1
    booker_name: str = ""
    booker_phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookAnswer:
    """What became of an event: booked, changed, cancelled, unchanged, past, stale, or conflict, question, problem with a task."""

    event_id: str
    outcome: str
    code: str
    zh: str
    en: str
    booking_id: str | None
    task_id: str | None
    repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A calendar as it goes out, and its entity tag."""

    body: bytes
    etag: str


def make_hook(*, actor: Actor, operator_id: str, channel: str, now: datetime) -> HookMade:
    """This will open a hook for a channel's orders; refuses with `NotFound`, `NotAllowed` or `HookThere`."""
    _require_operator(actor, operator_id)
    secret = secrets.token_urlsafe(32)
    try:
        with transaction.atomic():
            row = OrderHook.objects.create(
                id=ids.new("hook"),
                estate_id=actor.estate_id,
                operator_id=operator_id,
                channel=channel,
                secret=crypto.seal(secret, context=HOOK_SECRET),
                made_at=now,
                made_by=actor.id,
            )
            privacy.record(actor=actor, verb="make_hook", subject=row.id, reason=channel, now=now)
    except IntegrityError as problem:
        raise HookThere(field="channel") from problem
    return HookMade(hook=queries.view_hook(row), secret=secret)


def _require_operator(actor: Actor, operator_id: str) -> None:
    if not actor.may(Role.OFFICE, Role.SYSTEM):
        actor.require(Role.OPERATOR, scope=f"operator:{operator_id}")
    lettings.get_operator(estate_id=actor.estate_id, operator_id=operator_id)


def rotate_hook(*, actor: Actor, hook_id: str, now: datetime) -> HookMade:
    """This will give a hook a new secret; the old one is good for another day, so that no order is lost on the way."""
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        row = _open_hook(actor, hook_id)
        row.old_secret, row.old_ends_at = row.secret, now + OLD_SECRET_LASTS
        row.secret, row.rotated_at = crypto.seal(secret, context=HOOK_SECRET), now
        row.save()
        privacy.record(actor=actor, verb="rotate_hook", subject=row.id, now=now)
    return HookMade(hook=queries.view_hook(row), secret=secret)


def end_hook(*, actor: Actor, hook_id: str, now: datetime) -> HookView:
    """This will close a hook at once; what it booked stays."""
    with transaction.atomic():
        row = _open_hook(actor, hook_id)
        row.ended_at, row.old_secret = now, None
        row.save()
        privacy.record(actor=actor, verb="end_hook", subject=row.id, now=now)
    return queries.view_hook(row)


def _open_hook(actor: Actor, hook_id: str) -> OrderHook:
    row = (
        OrderHook.objects.select_for_update()
        .filter(estate_id=actor.estate_id, id=hook_id, ended_at__isnull=True)
        .first()
    )
    if row is None:
        raise NotFound
    if not actor.may(Role.OFFICE, Role.SYSTEM):
        actor.require(Role.OPERATOR, scope=f"operator:{row.operator_id}")
    return row


def take_hook_order(*, actor: Actor, hook_id: str, event: HookOrder, now: datetime) -> HookAnswer:
    """This will do with a signed event what is safe, once; told again it is answered as before; refuses with `EventReused`."""
    digest = hashlib.sha256(repr(event).encode()).hexdigest()
    with transaction.atomic():
        row = OrderHook.objects.filter(estate_id=actor.estate_id, id=hook_id, ended_at__isnull=True).first()
        if row is None:
            raise NotFound
        actor.require(Role.OPERATOR, scope=f"operator:{row.operator_id}")
        noted, new = HookEvent.objects.get_or_create(
            estate_id=actor.estate_id,
            hook=row,
            event_id=event.event_id,
            defaults={"digest": digest, "received_at": now},
        )
        if not new:
            if noted.digest != digest:
                raise EventReused(field="event_id")
            return HookAnswer(**{**noted.answer, "repeated": True})
        answer = _answered(actor, row, event, now=now)
        HookEvent.objects.filter(id=noted.id).update(answer=asdict(answer))
    return answer


def _answered(actor: Actor, row: OrderHook, event: HookOrder, *, now: datetime) -> HookAnswer:
    whence = Whence(feed=f"hook:{row.channel}"[:40], operator_id=row.operator_id, told_at=event.occurred_at)
    taken = intake_orders.take_in(actor=actor, entry=_order(row, event, now=now), whence=whence, now=now)
    return HookAnswer(
        event_id=event.event_id,
        outcome=taken.outcome,
        code=taken.code,
        zh=taken.zh,
        en=taken.en,
        booking_id=taken.booking_id,
        task_id=taken.task_id,
    )


def _order(row: OrderHook, event: HookOrder, *, now: datetime) -> FeedOrder:
    arrive, leave = event.arrive_at, event.leave_at
    if event.kind == "order.cancelled" and (arrive is None or leave is None):
        # Whoever cancels need not repeat the dates: those that are booked are meant.
        known = intake_orders.find_entry(row.estate_id, f"orders:{row.operator_id}:{row.channel}", short_ref(event.ref))
        booking = known.booking if known is not None else None
        arrive, leave = (booking.arrive_at, booking.leave_at) if booking is not None else (now, now + timedelta(days=1))
    if arrive is None or leave is None:
        raise NoNights(field="arrive_at")
    period = Period(start=arrive, end=leave)
    return FeedOrder(
        line=0,
        ref=short_ref(event.ref),
        channel=row.channel,
        unit=event.unit,
        arrive_at=period.start,
        leave_at=period.end,
        guests=event.guests,
        booker_name=plain(event.booker_name)[:60],
        booker_phone=plain(event.booker_phone)[:30],
        cancelled=event.kind == "order.cancelled",
    )


def forget_old_events(*, now: datetime) -> int:
    """This will forget events of hooks that are older than thirty days, and return how many."""
    return HookEvent.objects.filter(received_at__lt=now - EVENTS_KEPT).delete()[0]


def make_calendar(*, actor: Actor, unit_id: str, room_id: str | None, name: str, now: datetime) -> CalendarLinkView:
    """This will make a link by which a channel reads a flat's or a room's occupied nights; one link a channel, so that one can go."""
    unit = require_unit(actor, unit_id)
    if room_id is not None and room_id not in {room.room_id for room in unit.rooms}:
        raise NotInThisUnit(field="room_id")
    with transaction.atomic():
        if CalendarLink.objects.filter(unit_id=unit.id, revoked_at__isnull=True).count() >= MOST_CALENDARS:
            raise TooManyCalendars(at_most=MOST_CALENDARS)
        row = CalendarLink.objects.create(
            id=ids.new("cal"),
            estate_id=actor.estate_id,
            unit_id=unit.id,
            room_id=room_id,
            name=name,
            made_at=now,
            made_by=actor.id,
        )
        privacy.record(actor=actor, verb="make_calendar", subject=row.id, reason=name, now=now)
    return queries.view_calendar(row, unit)


def revoke_calendar(*, actor: Actor, calendar_id: str, now: datetime) -> CalendarLinkView:
    """This will make a link open nothing any more, at once."""
    with transaction.atomic():
        row = queries.get_calendar(estate_id=actor.estate_id, calendar_id=calendar_id)
        unit = require_unit(actor, row.unit_id)
        CalendarLink.objects.filter(id=row.id).update(revoked_at=now)
        row.revoked_at = now
        CalendarBlock.objects.filter(calendar=row).delete()
        privacy.record(actor=actor, verb="revoke_calendar", subject=row.id, now=now)
    return queries.view_calendar(row, unit)


def publish_calendar(*, actor: Actor, calendar_id: str, now: datetime) -> Published:
    """This will tell which nights are occupied; what is new about them is stamped now, everything else stays as it was told."""
    row = queries.get_calendar(estate_id=actor.estate_id, calendar_id=calendar_id)
    today, zone = queries.today_and_zone(estate_id=row.estate_id, now=now)
    ending = occupied.own_ending(row.estate_id)

    def carried_on() -> tuple[list[Block], list[Block]]:
        before = queries.told_blocks(calendar_id=row.id)
        runs = queries.occupied_runs(row=row, today=today, zone=zone)
        new = occupied.restamped(before, runs, today=today, now=now, new_uid=lambda: f"{secrets.token_hex(12)}{ending}")
        return before, new

    before, blocks = carried_on()
    if sorted(before, key=lambda block: block.uid) != sorted(blocks, key=lambda block: block.uid):
        with transaction.atomic():
            # Two readers at once must be told the same: the second finds what the first has stamped.
            CalendarLink.objects.select_for_update().get(id=row.id)
            before, blocks = carried_on()
            _keep_blocks(row, before, blocks)
    body = occupied.written(blocks)
    return Published(body=body, etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _keep_blocks(row: CalendarLink, before: Sequence[Block], blocks: Sequence[Block]) -> None:
    old = {block.uid: block for block in before}
    changed = [block for block in blocks if old.get(block.uid) != block]
    gone = set(old) - {block.uid for block in blocks} | {block.uid for block in changed}
    CalendarBlock.objects.filter(calendar=row, uid__in=gone).delete()
    CalendarBlock.objects.bulk_create(
        CalendarBlock(
            estate_id=row.estate_id,
            calendar=row,
            uid=block.uid,
            begins_date=block.begins_date,
            ends_date=block.ends_date,
            sequence=block.sequence,
            stamped_at=block.stamped_at,
        )
        for block in changed
    )
