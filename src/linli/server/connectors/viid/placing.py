"""Orders of ours on their way: sent to the peer, called off there, and over when their time is; nothing is renewed by itself.

What gets no answer is sent again under the same number, which harms nobody: an order that is told twice is one order.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db.models import Q

from linli.server.connectors.models import ViidNotice, ViidPeer, ViidSubscription
from linli.server.connectors.protocol import Told
from linli.server.connectors.rules import Verdict
from linli.server.connectors.viid import catalogue, codes, posting, shapes
from linli.server.connectors.viid.client import Link, LinkDown, Login, Visit
from linli.server.connectors.viid.codes import Status
from linli.server.connectors.viid.dialects import dialect_of
from linli.server.connectors.viid.ours import LIVE, OURS, State
from linli.server.connectors.viid.posting import Parcel
from linli.server.places import queries as places

AGAIN = timedelta(seconds=30)
AT_ONCE = 10
ANSWER_SECONDS = 5.0
# Of an order: what makes it stand, and what ends it. After anything else nothing is known, and it is sent again.
SETTLES: Mapping[Verdict, State] = {
    Verdict.ACCEPTED: State.ACTIVE,
    Verdict.REJECTED: State.REFUSED,
    Verdict.NOT_A_MESSAGE: State.REFUSED,
}
LINK_FAILED = (Verdict.UNREACHABLE, Verdict.NO_ANSWER, Verdict.LOCKED_OUT, Verdict.BUSY)


def settle_orders(*, links: Mapping[str, Link], now: datetime) -> int:
    """This will end what has run out, send what is ordered or called off, and return how many were sent; `links` are ours by peer."""
    end_due_orders(now=now)
    waiting = ViidSubscription.objects.select_related("peer").filter(
        Q(pushed_at__isnull=True) | Q(pushed_at__lte=now - AGAIN),
        side=OURS,
        state__in=(State.ORDERED, State.CANCELLING),
        peer__enabled=True,
    )
    sent, deaf = 0, set[str]()
    for row in waiting.order_by("id"):
        if sent >= AT_ONCE:
            break
        if row.peer_id not in deaf:
            told = _send(row, links=links, now=now)
            sent += told is not None
            if told is not None and told.verdict in LINK_FAILED:
                # Whoever gave no answer to one order gives none to the next, and everybody else waits for it.
                deaf.add(row.peer_id)
    return sent


def end_due_orders(*, now: datetime) -> int:
    """This will end what has run out, forget the numbers of its notifications, and return how many ended."""
    due = ViidSubscription.objects.filter(side=OURS, ends_at__lte=now)
    ended = due.filter(state__in=LIVE).update(state=State.EXPIRED)
    ended += due.filter(state=State.CANCELLING).update(state=State.CANCELLED)
    if ended:
        ViidNotice.objects.filter(subscription__side=OURS, subscription__ends_at__lte=now).delete()
    return ended


def _send(row: ViidSubscription, *, links: Mapping[str, Link], now: datetime) -> Told | None:
    with _link_to(row.peer, links) as link:
        if link is None or not _claim(row, now=now):
            return None
        told = _order(row, link) if row.state == State.ORDERED else _call_off(row, link)
    # Only where nothing else was decided meanwhile: an order that was cancelled under way is not brought back by its answer.
    same = ViidSubscription.objects.filter(id=row.id, state=row.state)
    same.update(state=_after(row, told), answer=told.verdict.value, answer_code=told.code[:30])
    return told


def _claim(row: ViidSubscription, *, now: datetime) -> bool:
    mine = ViidSubscription.objects.filter(id=row.id, state=row.state, pushed_at=row.pushed_at)
    return mine.update(pushed_at=now) == 1


def _order(row: ViidSubscription, link: Link) -> Told:
    estate = places.get_estate(estate_id=row.estate_id)
    body = shapes.subscription(
        number=row.subscription_id,
        details=row.details,
        library=row.resource_uri,
        applicant=estate.name_zh,
        receive_at=row.receive_addr,
        begins=row.begins_at,
        ends=row.ends_at,
        every=row.every_seconds,
    )
    return posting.post(link, [_parcel(row, "POST", body)])[0]


def _call_off(row: ViidSubscription, link: Link) -> Told:
    """This will call an order off by DELETE ?IDList, and by PUT of it where a peer does not know that; the standard has both."""
    told = posting.post(link, [_parcel(row, "DELETE", {})])[0]
    if told.status == 200 and told.verdict is Verdict.ACCEPTED:
        return told
    if told.verdict in LINK_FAILED:
        return told
    body = link.dialect.listed(codes.SUBSCRIBE, [shapes.cancellation(number=row.subscription_id)])
    try:
        reply = link.exchange("PUT", f"{codes.SUBSCRIBE.path}/{row.subscription_id}", body)
    except LinkDown as down:
        return Told(verdict=down.verdict, code=down.code, status=down.status)
    status = reply.outcomes[0].status if reply.outcomes else None
    # One that it does not know is one that it has forgotten: that is what we asked for.
    done = status in (Status.OK, Status.INVALID_OPERATION) and reply.status == 200
    return Told(
        verdict=Verdict.ACCEPTED if done else Verdict.NONSENSE,
        code="" if status is None else str(int(status)),
        status=reply.status,
    )


def _after(row: ViidSubscription, told: Told) -> State:
    if row.state == State.ORDERED:
        return SETTLES.get(told.verdict, State.ORDERED)
    return State.CANCELLED if told.verdict is Verdict.ACCEPTED else State.CANCELLING


def _parcel(row: ViidSubscription, method: str, body: dict[str, object]) -> Parcel:
    return Parcel(method=method, kind=codes.SUBSCRIBE, number=row.subscription_id, object=body)


@contextmanager
def _link_to(peer: ViidPeer, links: Mapping[str, Link]) -> Iterator[Link | None]:
    """This will give the link to a library above, which is kept, or a visit to one below, which ends with this."""
    if peer.side == "up":
        yield links.get(peer.id)
        return
    if not peer.url:
        yield None
        return
    login = Login(url=peer.url, device_id=catalogue.library_number(estate_id=peer.estate_id), username="", password="")
    visit = Visit(login=login, dialect=dialect_of(peer.dialect), name="viid_peer", answer_seconds=ANSWER_SECONDS)
    try:
        yield visit
    finally:
        visit.close()
