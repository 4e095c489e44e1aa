"""What a peer notifies us of: taken where an order of ours stands with that very peer, of what was ordered, and once; else refused unread.

Nothing here raises but `Unreadable`. Of what is refused only the number is read, to name it in the answer, and how many there were is counted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F

from linli.server.connectors.models import ViidNotice, ViidPeer, ViidSubscription
from linli.server.connectors.viid import catalogue, codes, ids, ours
from linli.server.connectors.viid.codes import Kind, Status
from linli.server.connectors.viid.dialects import Json
from linli.server.connectors.viid.orders import Answered
from linli.server.connectors.viid.reading import Reader, text, whole
from linli.server.kernel import ids as own_ids

# For so long a repeated notification is known by its number; after that its devices are only told of again.
REMEMBERED = timedelta(days=2)
OPERATIONS = (codes.ADDED, codes.CHANGED, codes.REMOVED)
TAKEN = tuple(ours.ORDERABLE.values())
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notification as it was read: its two numbers, what it does, since when, what it tells of devices, and what nobody asked for."""

    number: str
    order: str
    operation: int
    at: datetime | None
    devices: Sequence[tuple[Kind, Json]]
    unasked: Sequence[Answered]


def take_notification(*, peer: ViidPeer, told: Json, reader: Reader, now: datetime) -> list[Answered]:
    """This will keep what a notification tells of the peer's devices, and say what became of it, and of each thing that was not ordered."""
    number, order = text(told, "NotificationID", most=34), text(told, "SubscribeID", most=34)
    operation = codes.ADDED if told.get("ExecuteOperation") is None else whole(told, "ExecuteOperation")
    if not (_is_number(number) and _is_number(order)) or operation not in OPERATIONS:
        why = "NotificationID, SubscribeID or ExecuteOperation"
        return [Answered(id=number[:33], status=Status.INVALID_JSON_CONTENT, why=why)]
    notice = Notice(
        number=number,
        order=order,
        operation=operation,
        at=reader.moment(told.get("TriggerTime")),
        devices=[(kind, one) for kind in TAKEN for one in reader.objects(told, kind, notified=True) or []],
        unasked=list(_unasked(told, reader)),
    )
    answers = _take(peer, notice, reader=reader, now=now)
    refused = sum(one.status is not Status.OK for one in answers)
    if refused:
        log.info("viid_notification_refused", peer=peer.id, refused=refused)
    return answers


def unwanted(told: Json, kind: Kind) -> Answered:
    """This will refuse one object that an estate keeps for no purpose."""
    return Answered(id=text(told, kind.number, most=48), status=Status.INVALID_OPERATION, why="not kept here")


def _take(peer: ViidPeer, notice: Notice, *, reader: Reader, now: datetime) -> list[Answered]:
    with transaction.atomic():
        order = _live_order(peer, notice.order, now=now)
        if order is None:
            why = "no such subscription, or it has ended"
            return [Answered(id=notice.number, status=Status.INVALID_OPERATION, why=why), *notice.unasked]
        if ViidNotice.objects.filter(subscription=order, number=notice.number).exists():
            return [Answered(id=notice.number, status=Status.OK), *notice.unasked]
        ordered = [ours.ORDERABLE[detail] for detail in order.details.split(",")]
        wanted = [(kind, one) for kind, one in notice.devices if kind in ordered]
        refused = [unwanted(one, kind) for kind, one in notice.devices if kind not in ordered] + [*notice.unasked]
        status = _status(peer, wanted, refused, notice=notice, reader=reader, now=now)
        _note(order, notice, taken=status is Status.OK, refused=len(refused), now=now)
    return [Answered(id=notice.number, status=status), *refused]


def _live_order(peer: ViidPeer, number: str, *, now: datetime) -> ViidSubscription | None:
    # Locked: of two notifications with one number that come at once, the second finds the first.
    rows = ViidSubscription.objects.select_for_update().filter(
        peer=peer, side=ours.OURS, subscription_id=number, state__in=ours.LIVE, begins_at__lte=now, ends_at__gt=now
    )
    return rows.first()


def _status(
    peer: ViidPeer,
    wanted: Sequence[tuple[Kind, Json]],
    refused: Sequence[Answered],
    *,
    notice: Notice,
    reader: Reader,
    now: datetime,
) -> Status:
    if not wanted:
        return Status.INVALID_OPERATION if refused else Status.INVALID_JSON_CONTENT
    kept = [_keep(peer, kind, one, notice=notice, reader=reader, now=now) for kind, one in wanted]
    return next((status for status in kept if status is not Status.OK), Status.OK)


def _keep(peer: ViidPeer, kind: Kind, told: Json, *, notice: Notice, reader: Reader, now: datetime) -> Status:
    if notice.operation == codes.REMOVED:
        return catalogue.forget_device(peer=peer, told=told)
    at = reader.moment(told.get("CurrentTime")) if kind is codes.APE_STATUS else None
    return catalogue.keep_device(peer=peer, told=told, now=now, said_at=at or notice.at)


def _note(order: ViidSubscription, notice: Notice, *, taken: bool, refused: int, now: datetime) -> None:
    news: dict[str, object] = {"unwanted": F("unwanted") + refused}
    if taken:
        news |= {"notices": F("notices") + 1, "noticed_at": now}
        ViidNotice.objects.filter(subscription=order, heard_at__lt=now - REMEMBERED).delete()
        ViidNotice.objects.create(
            id=own_ids.new("vnot"),
            estate_id=order.estate_id,
            subscription=order,
            number=notice.number,
            heard_at=now,
        )
    ViidSubscription.objects.filter(id=order.id).update(**news)


def _unasked(told: Json, reader: Reader) -> Iterator[Answered]:
    for kind in codes.UNWANTED:
        for one in reader.objects(told, kind, notified=True) or []:
            yield unwanted(one, kind)
    # Whatever else has things in it: a list that this page has never heard of is not ordered either.
    for name, value in told.items():
        if isinstance(value, dict | list) and name.lower() not in KNOWN:
            yield Answered(id="", status=Status.INVALID_OPERATION, why="not kept here")


def _is_number(number: str) -> bool:
    try:
        ids.order_of(number)
    except ids.BadNumber:
        return False
    return True


KNOWN = frozenset(
    name.lower()
    for kind in (*TAKEN, *codes.UNWANTED)
    for name in (kind.notified, kind.listed, kind.turned, f"{kind.word}List")
)
