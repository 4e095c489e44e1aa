"""Standing orders of peers with us: what they may ask for, for how long, and where they may have it sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db import transaction

from linli.server.access import queries as access
from linli.server.connectors.actions.passing import whole_up_to
from linli.server.connectors.models import PassageMark, ViidPeer, ViidSubscription
from linli.server.connectors.platforms import link_settings
from linli.server.connectors.viid import codes, ids
from linli.server.connectors.viid.codes import Status
from linli.server.connectors.viid.dialects import Json
from linli.server.connectors.viid.reading import text, whole
from linli.server.kernel import addresses
from linli.server.kernel import ids as own_ids
from linli.server.privacy import queries as privacy

THEIRS = "theirs"
MOST_ORDERS = 16
LONGEST = timedelta(days=366)
SHORTEST_PAUSE, LONGEST_PAUSE, USUAL_PAUSE = 1, 86_400, 60
OFFERED = frozenset({codes.DEVICES, codes.DEVICE_STATES})
SEEN = frozenset({codes.PERSONS, codes.FACES})
FACES_PURPOSE = "view_library_faces"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What to answer about one order: its number, a status, and a few words of ours."""

    id: str
    status: Status
    why: str = ""


def take_order(*, peer: ViidPeer, told: Json, now: datetime) -> Answered:
    """This will take, change or cancel one order of a peer's, and say which or why not; what is not offered is refused whole."""
    number = text(told, "SubscribeID", most=33)
    if whole(told, "OperateType") == 1:
        return cancel_order(peer=peer, number=number, reason=text(told, "CancelReason", most=200))
    try:
        if ids.order_of(number).kind != ids.SUBSCRIPTION:
            return Answered(id=number, status=Status.INVALID_JSON_CONTENT, why="SubscribeID")
        ends = ids.moment_of(text(told, "EndTime"))
        begins = ids.moment_of(text(told, "BeginTime"))
    except ids.BadNumber:
        return Answered(id=number, status=Status.INVALID_JSON_CONTENT, why="SubscribeID, BeginTime or EndTime")
    details = [word.strip() for word in text(told, "SubscribeDetail", most=100).split(",") if word.strip()]
    flaw = _flaw(peer=peer, told=told, details=details, begins=begins, ends=ends, now=now)
    if flaw is not None:
        return Answered(id=number, status=flaw[0], why=flaw[1])
    return _keep(peer=peer, number=number, told=told, details=details, begins=begins, ends=ends, now=now)


def cancel_order(*, peer: ViidPeer, number: str, reason: str = "") -> Answered:
    """This will end an order of this peer's; of anybody else's it knows nothing."""
    rows = ViidSubscription.objects.filter(peer=peer, side=THEIRS, subscription_id=number, state=codes.ACTIVE)
    with transaction.atomic():
        gone = list(rows.select_for_update())
        rows.update(state=codes.CANCELLED, reason=reason)
        for row in gone:
            forget_marks(row)
    if gone:
        return Answered(id=number, status=Status.OK)
    return Answered(id=number, status=Status.INVALID_OPERATION, why="no such subscription")


def orders_of(*, peer: ViidPeer, number: str, now: datetime) -> list[Json]:
    """This will show a peer its own orders, and how each stands now."""
    rows = ViidSubscription.objects.filter(peer=peer, side=THEIRS).order_by("id")
    if number:
        rows = rows.filter(subscription_id=number)
    return [_shown(row, now=now) for row in rows[:1000]]


def end_due_orders(*, now: datetime) -> int:
    """This will end what has run out, and return how many."""
    due = ViidSubscription.objects.filter(side=THEIRS, state=codes.ACTIVE, ends_at__lte=now)
    for row in due:
        forget_marks(row)
    return due.update(state=codes.EXPIRED)


def faces_offered(*, estate_id: str) -> bool:
    """This will say whether passages may be told of at all: switched on for the link, and a purpose declared that rests on consent."""
    if link_settings().get("viid", {}).get("faces") != "on":
        return False
    try:
        return privacy.get_purpose(estate_id=estate_id, code=FACES_PURPOSE).rests_on_consent
    except privacy.NoPurpose:
        return False


def is_at_home(*, peer: ViidPeer, address: str) -> bool:
    """This will say whether an address lies where the peer does: an order sends nothing to third parties, and knocks at no door inside."""
    try:
        _, host, port = addresses.parts(address)
        if peer.url and host == (urlsplit(peer.url).hostname or "").lower():
            return True
        reached = addresses.resolved(host, port, nearby={host})
    except addresses.AddressRefused:
        return False
    return bool(peer.registered_from) and reached == (peer.registered_from,)


def mark_name(row: ViidSubscription) -> str:
    """This will name an order's own bookmark in the journals: eighteen signs of its id."""
    return f"s:{row.id[-16:]}"


def forget_marks(row: ViidSubscription) -> None:
    """This will take an order's bookmarks out of the journals."""
    PassageMark.objects.filter(estate_id=row.estate_id, platform=mark_name(row)).delete()


def _flaw(
    *, peer: ViidPeer, told: Json, details: Sequence[str], begins: datetime, ends: datetime, now: datetime
) -> tuple[Status, str] | None:
    if not details or not set(details) <= codes.DETAILS:
        return Status.INVALID_JSON_CONTENT, "SubscribeDetail"
    if not set(details) <= OFFERED | SEEN or (set(details) & SEEN and not faces_offered(estate_id=peer.estate_id)):
        return Status.INVALID_OPERATION, "not offered"
    if not begins < ends or ends <= now or ends - now > LONGEST:
        return Status.INVALID_JSON_CONTENT, "EndTime"
    if not is_at_home(peer=peer, address=text(told, "ReceiveAddr", most=256)):
        return Status.INVALID_OPERATION, "ReceiveAddr is not the subscriber's own"
    return None


def _keep(
    *,
    peer: ViidPeer,
    number: str,
    told: Json,
    details: Sequence[str],
    begins: datetime,
    ends: datetime,
    now: datetime,
) -> Answered:
    every = whole(told, "ReportInterval")
    news = {
        "title": text(told, "Title", most=256),
        "details": ",".join(dict.fromkeys(details)),
        "resource_uri": text(told, "ResourceURI", most=256),
        "receive_addr": text(told, "ReceiveAddr", most=256),
        "begins_at": begins,
        "ends_at": ends,
        "every_seconds": min(max(USUAL_PAUSE if every is None else every, SHORTEST_PAUSE), LONGEST_PAUSE),
        "state": codes.ACTIVE,
        "reason": text(told, "Reason", most=200),
        # Told once more, an order begins anew with everything that stands.
        "pushed_up_to": 0,
        "pushed_at": None,
    }
    with transaction.atomic():
        # One at a time for a peer: the limit holds for those that come at once too.
        ViidPeer.objects.select_for_update().get(id=peer.id)
        active = ViidSubscription.objects.filter(peer=peer, side=THEIRS, state=codes.ACTIVE)
        if active.exclude(subscription_id=number).count() >= MOST_ORDERS:
            return Answered(id=number, status=Status.INVALID_OPERATION, why="too many subscriptions")
        row, _ = ViidSubscription.objects.update_or_create(
            estate_id=peer.estate_id,
            peer=peer,
            side=THEIRS,
            subscription_id=number,
            defaults=news,
            create_defaults={"id": own_ids.new("vsub"), **news},
        )
        _begin_journals(row, now=now)
    return Answered(id=number, status=Status.OK)


def _begin_journals(row: ViidSubscription, *, now: datetime) -> None:
    forget_marks(row)
    if not set(row.details.split(",")) & SEEN:
        return
    # From here on: an order tells nobody of what was before it.
    PassageMark.objects.bulk_create(
        PassageMark(
            estate_id=row.estate_id,
            platform=mark_name(row),
            gate_id=journal.gate,
            sequence=whole_up_to(journal, now=now),
        )
        for journal in access.list_journals(estate_id=row.estate_id)
    )


def _shown(row: ViidSubscription, *, now: datetime) -> Json:
    state = codes.EXPIRED if row.state == codes.ACTIVE and row.ends_at <= now else row.state
    return {
        "SubscribeID": row.subscription_id,
        "Title": row.title,
        "SubscribeDetail": row.details,
        "ResourceURI": row.resource_uri,
        "BeginTime": ids.time_text(row.begins_at),
        "EndTime": ids.time_text(row.ends_at),
        "ReceiveAddr": row.receive_addr,
        "ReportInterval": row.every_seconds,
        "Reason": row.reason,
        "OperateType": 1 if state == codes.CANCELLED else 0,
        "SubscribeStatus": state,
    }
