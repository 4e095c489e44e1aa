"""What an estate orders at a peer: to be told of its devices and whether they are online, until a day that is named; nothing else, ever.

A view library has far more to give: faces, persons, vehicles, watch lists. No purpose of an estate names any of it, so that none can be
asked for: not by a person here, not by a row in the database. An order is written down here and sent by the worker, which holds the link.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from types import MappingProxyType

from django.conf import settings
from django.db import transaction

from linli.server.connectors.models import ViidDevice, ViidNotice, ViidPeer, ViidSubscription
from linli.server.connectors.viid import codes, ids, orders, shapes
from linli.server.connectors.viid.codes import Kind
from linli.server.connectors.viid.peers import READERS
from linli.server.kernel import ids as own_ids
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound, Refusal
from linli.server.places import queries as places
from linli.server.privacy import actions as privacy

OURS = "ours"
RECEIVE_AT = codes.NOTIFICATION.path
KEEPERS = (Role.ESTATE_ADMIN, Role.OFFICE)
MOST_DEVICES_SHOWN = 1000
# The closed list: what may be ordered (SubscribeDetail), and the objects that come of it.
ORDERABLE: Mapping[str, Kind] = MappingProxyType({codes.DEVICES: codes.APE, codes.DEVICE_STATES: codes.APE_STATUS})


class State(IntEnum):
    """Where an order of ours stands; the first four are SubscribeStatus of GA/T 1400.4, the others are known here alone."""

    ACTIVE = codes.ACTIVE
    CANCELLED = codes.CANCELLED
    EXPIRED = codes.EXPIRED
    ORDERED = codes.UNKNOWN  # the peer has not said yes or no
    REFUSED = 10
    CANCELLING = 11  # over for us; the peer has not said that it knows


# In these a notification counts: the first one may come before the answer to the order does.
LIVE = (State.ACTIVE, State.ORDERED)
OPEN = (*LIVE, State.CANCELLING)


class OnlyDevicesMayBeOrdered(Refusal):
    """Of a peer only its devices (3) and their state (4) may be ordered: no faces, no persons, no vehicles, no watch lists."""

    zh = "向对端只可订阅设备目录（3）和设备状态（4）：不订阅人脸、人员、车辆和布控。"
    status = 422


class OrderReasonNeeded(Refusal):
    """Say what this order is for."""

    zh = "请说明订阅的用途。"
    status = 422


class OrderPeriodWrong(Refusal):
    """An order begins before it ends, ends in the future, and lasts a year at most."""

    zh = "订阅的开始须早于结束，结束须在将来，且最长一年。"
    status = 422


class PeerCannotBeAsked(Refusal):
    """This peer has no address or is switched off: nothing can be ordered there."""

    zh = "该对端没有地址或已停用，无法向其订阅。"


class TooManyOrders(Refusal):
    """There are {most} open orders at this peer already; cancel one first."""

    zh = "在该对端已有 {most} 个未结束的订阅，请先取消其中之一。"


class OrderIsOver(Refusal):
    """This order has already ended."""

    zh = "该订阅已经结束。"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDraft:
    """What is to be ordered of whom: SubscribeDetail codes, from when (now, if it is not said) until when, and what it is for."""

    peer_id: str
    details: tuple[str, ...]
    begins_at: datetime | None
    ends_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """An order of ours: where it stands, what the peer answered, and what has come of it; `unwanted` counts what was refused unread."""

    id: str
    peer_id: str
    peer_name: str
    number: str
    details: tuple[str, ...]
    begins_at: datetime
    ends_at: datetime
    state: str
    reason: str
    sent_at: datetime | None
    answer: str | None
    answer_code: str | None
    notices: int
    noticed_at: datetime | None
    unwanted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerDeviceView:
    """A device of a peer's, as the peer tells of it: online, offline or not known (None), and since when it says so."""

    peer_id: str
    peer_name: str
    number: str
    name: str
    online: bool | None
    changed_at: datetime | None
    told_at: datetime


def list_our_orders(*, actor: Actor, now: datetime) -> tuple[OrderView, ...]:
    """This will list what the estate has ordered of peers, the newest first, to whoever may see the peers."""
    actor.require(*READERS)
    rows = ViidSubscription.objects.select_related("peer").filter(estate_id=actor.estate_id, side=OURS)
    return tuple(_view(row, now=now) for row in rows.order_by("-id")[:200])


def list_peer_devices(*, actor: Actor) -> tuple[PeerDeviceView, ...]:
    """This will list the devices that peers have told of by peer and number, a thousand at most, to whoever may see the peers."""
    actor.require(*READERS)
    rows = ViidDevice.objects.select_related("peer").filter(estate_id=actor.estate_id).order_by("peer_id", "ape_id")
    return tuple(
        PeerDeviceView(
            peer_id=row.peer_id,
            peer_name=row.peer.name,
            number=row.ape_id,
            name=row.name,
            online=row.online,
            changed_at=row.changed_at,
            told_at=row.told_at,
        )
        for row in rows[:MOST_DEVICES_SHOWN]
    )


def order_devices(*, actor: Actor, draft: OrderDraft, now: datetime) -> OrderView:
    """This will order at a peer to be told of its devices; the worker sends it within seconds.

    Refuses with `OnlyDevicesMayBeOrdered`, `OrderReasonNeeded`, `OrderPeriodWrong`, `PeerCannotBeAsked`, `TooManyOrders` or `NotFound`.
    """
    actor.require(*KEEPERS)
    details = _checked_details(draft.details)
    reason = _checked_reason(draft.reason)
    begins_at = max(draft.begins_at or now, now)
    if not begins_at < draft.ends_at or draft.ends_at - now > orders.LONGEST:
        raise OrderPeriodWrong(field="ends_at")
    with transaction.atomic():
        peer = _locked_peer(actor, draft.peer_id)
        mine = ViidSubscription.objects.filter(peer=peer, side=OURS)
        if mine.filter(state__in=OPEN, ends_at__gt=now).count() >= orders.MOST_ORDERS:
            raise TooManyOrders(field="peer_id", most=orders.MOST_ORDERS)
        row = ViidSubscription.objects.create(
            id=own_ids.new("vsub"),
            estate_id=actor.estate_id,
            peer=peer,
            side=OURS,
            # Counted under the peer's lock: no two orders of one second share a number.
            subscription_id=ids.order_id(
                office=f"{places.get_estate(estate_id=actor.estate_id).division_code[:6]}000000",
                kind=ids.SUBSCRIPTION,
                at=now,
                serial=mine.count() % ids.SERIALS,
            ),
            title=shapes.ORDERED_TITLE,
            details=details,
            resource_uri=peer.device_id,
            receive_addr=f"{settings.LINLI_PUBLIC_URL}{RECEIVE_AT}",
            begins_at=begins_at,
            ends_at=draft.ends_at,
            every_seconds=orders.USUAL_PAUSE,
            state=State.ORDERED,
            reason=reason,
        )
        privacy.record(actor=actor, verb="order_viid_devices", subject=row.id, reason=reason, now=now)
    return _view(row, now=now)


def cancel_our_order(*, actor: Actor, order_id: str, reason: str, now: datetime) -> OrderView:
    """This will end an order of ours: from now on nothing that comes of it is taken, and the worker tells the peer.

    Refuses with `OrderReasonNeeded`, `OrderIsOver` or `NotFound`.
    """
    actor.require(*KEEPERS)
    reason = _checked_reason(reason)
    with transaction.atomic():
        row = _locked_order(actor, order_id)
        if row.state not in LIVE or row.ends_at <= now:
            raise OrderIsOver
        if row.pushed_at is None:
            # It has never left: there is nothing for the peer to forget.
            row.state = State.CANCELLED
        else:
            row.state, row.pushed_at = State.CANCELLING, None
        row.save(update_fields=["state", "pushed_at"])
        ViidNotice.objects.filter(subscription=row).delete()
        privacy.record(actor=actor, verb="cancel_viid_order", subject=row.id, reason=reason, now=now)
    return _view(row, now=now)


def _checked_details(details: Sequence[str]) -> str:
    if not details or not set(details) <= set(ORDERABLE):
        raise OnlyDevicesMayBeOrdered(field="details")
    return ",".join(sorted(set(details)))


def _checked_reason(reason: str) -> str:
    if not reason.strip():
        raise OrderReasonNeeded(field="reason")
    return reason.strip()[:200]


def _locked_peer(actor: Actor, peer_id: str) -> ViidPeer:
    peer = ViidPeer.objects.select_for_update().filter(estate_id=actor.estate_id, id=peer_id).first()
    if peer is None:
        raise NotFound(field="peer_id")
    if not peer.url or not peer.enabled:
        raise PeerCannotBeAsked(field="peer_id")
    return peer


def _locked_order(actor: Actor, order_id: str) -> ViidSubscription:
    rows = ViidSubscription.objects.select_for_update(of=("self",)).select_related("peer")
    row = rows.filter(estate_id=actor.estate_id, side=OURS, id=order_id).first()
    if row is None:
        raise NotFound
    return row


def _view(row: ViidSubscription, *, now: datetime) -> OrderView:
    state = State(row.state)
    return OrderView(
        id=row.id,
        peer_id=row.peer_id,
        peer_name=row.peer.name,
        number=row.subscription_id,
        details=tuple(row.details.split(",")),
        begins_at=row.begins_at,
        ends_at=row.ends_at,
        state=(State.EXPIRED if state in LIVE and row.ends_at <= now else state).name,
        reason=row.reason,
        sent_at=row.pushed_at,
        answer=row.answer or None,
        answer_code=row.answer_code or None,
        notices=row.notices,
        noticed_at=row.noticed_at,
        unwanted=row.unwanted,
    )
