"""Calendars that are followed: named by an operator for a flat or a room, paused, resumed, ended. Reading them is next door."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction

from linli.server.kernel import addresses, crypto, ids
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.addresses import AddressRefused
from linli.server.kernel.errors import NotFound, Refusal
from linli.server.lettings import queries as lettings
from linli.server.privacy import actions as privacy
from linli.server.stays import queries
from linli.server.stays.actions.intake_orders import PLACES, WHOLE
from linli.server.stays.models import FeedSource
from linli.server.stays.queries import FeedView
from linli.server.stays.rules.beds import NotInThisUnit
from linli.server.stays.rules.feeds import timing

SEALED_AS = "feed.url"
MOST_A_UNIT = 20


class AddressNotFollowed(Refusal):
    """Only public http and https addresses are followed."""

    zh = "只能订阅公网 http 或 https 地址。"
    status = 422


class OwnCalendar(Refusal):
    """This is a calendar of this system; it would only tell itself what it knows."""

    zh = "这是本系统自己的日历，无需订阅。"
    status = 422


class AlreadyFollowed(Refusal):
    """This calendar is already followed for this flat or room."""

    zh = "该房源或房间已订阅此日历。"


class TooManyFeeds(Refusal):
    """A flat follows at most {at_most} calendars."""

    zh = "每套房源最多订阅 {at_most} 个日历。"


class FeedEnded(Refusal):
    """This calendar is not followed any more."""

    zh = "该订阅已结束。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What to follow: an address, for a flat or one of its rooms; `takes` is `whole` (the flat) or `places` (what is free in it)."""

    unit_id: str
    url: str
    room_id: str | None = None
    takes: str | None = None
    name: str = ""
    every_minutes: int = int(timing.EVERY.total_seconds() // 60)


def follow_calendar(*, actor: Actor, wanted: Subscription, now: datetime) -> FeedView:
    """This will have the worker read a calendar from now on.

    Raises `NotAllowed`, `NotFound`, `NotInThisUnit`, `AddressNotFollowed`, `OwnCalendar`, `AlreadyFollowed` or `TooManyFeeds`.
    """
    unit = require_unit(actor, wanted.unit_id)
    if wanted.room_id is not None and wanted.room_id not in {room.room_id for room in unit.rooms}:
        raise NotInThisUnit(field="room_id")
    _check_address(wanted.url)
    every = min(max(timedelta(minutes=wanted.every_minutes), timing.SHORTEST), timing.LONGEST)
    try:
        with transaction.atomic():
            if FeedSource.objects.filter(unit_id=unit.id, ended_at__isnull=True).count() >= MOST_A_UNIT:
                raise TooManyFeeds(at_most=MOST_A_UNIT)
            row = FeedSource.objects.create(
                id=ids.new("feed"),
                estate_id=actor.estate_id,
                unit_id=unit.id,
                room_id=wanted.room_id,
                name=wanted.name or (urlsplit(wanted.url).hostname or "")[:60],
                url=crypto.seal(wanted.url, context=SEALED_AS),
                url_masked=masked(wanted.url),
                url_index=crypto.blind_index(wanted.url, context=SEALED_AS),
                takes=_takes(wanted, unit),
                state="ACTIVE",
                every_minutes=int(every.total_seconds() // 60),
                next_at=now,
                added_at=now,
                added_by=actor.id,
            )
            privacy.record(actor=actor, verb="follow_calendar", subject=row.id, reason=row.url_masked, now=now)
    except IntegrityError as problem:
        raise AlreadyFollowed(field="url") from problem
    return queries.get_feed(actor=actor, feed_id=row.id, now=now)


def require_unit(actor: Actor, unit_id: str) -> lettings.UnitView:
    """This will return a flat to the office or to whoever lets it; refuses with `NotFound` or `NotAllowed`."""
    unit = lettings.get_unit(estate_id=actor.estate_id, unit_id=unit_id)
    if not actor.may(Role.OFFICE, Role.SYSTEM):
        actor.require(Role.OPERATOR, scope=f"operator:{unit.operator_id}")
    return unit


def _check_address(url: str) -> None:
    try:
        _, host, port = addresses.parts(url)
        own = urlsplit(settings.LINLI_PUBLIC_URL)
        if host == own.hostname and "/api/calendars/" in url:
            raise OwnCalendar(field="url")
        # Looked at again at every reading: a name may lead elsewhere tomorrow.
        addresses.resolved(host, port, nearby=settings.LINLI_NEARBY_FEEDS)
    except AddressRefused as refused:
        if refused.reason != "unknown_host":
            raise AddressNotFollowed(field="url") from refused


def _takes(wanted: Subscription, unit: lettings.UnitView) -> str:
    if wanted.room_id is not None:
        return PLACES
    # A flat without beds to let is listed as one thing, unless its operator says otherwise.
    by_the_bed = any(room.mode == "bed" for room in unit.rooms)
    return wanted.takes or (PLACES if by_the_bed else WHOLE)


def masked(url: str) -> str:
    """This will show enough of an address to know it by: scheme, host and the last letters."""
    split = urlsplit(url)
    return f"{split.scheme}://{(split.hostname or '')[:80]}/…{url[-4:] if len(url) > 40 else ''}"


def pause_feed(*, actor: Actor, feed_id: str, now: datetime) -> FeedView:
    """This will stop reading a calendar for a while; what it booked stays."""
    return _turn(actor, feed_id, "pause_feed", {"state": "PAUSED"}, now=now)


def resume_feed(*, actor: Actor, feed_id: str, now: datetime) -> FeedView:
    """This will read it again, at once."""
    return _turn(actor, feed_id, "resume_feed", {"state": "ACTIVE", "next_at": now, "failures": 0}, now=now)


def read_soon(*, actor: Actor, feed_id: str, now: datetime) -> FeedView:
    """This will have a calendar read at the worker's next look rather than at its own time."""
    return _turn(actor, feed_id, "read_feed", {"next_at": now}, now=now)


def end_feed(*, actor: Actor, feed_id: str, now: datetime) -> FeedView:
    """This will follow a calendar no longer; what it booked stays."""
    ended = {"state": "ENDED", "ended_at": now, "etag": "", "modified": ""}
    return _turn(actor, feed_id, "end_feed", ended, now=now)


def _turn(actor: Actor, feed_id: str, verb: str, facts: dict[str, object], *, now: datetime) -> FeedView:
    with transaction.atomic():
        row = FeedSource.objects.select_for_update().filter(estate_id=actor.estate_id, id=feed_id).first()
        if row is None:
            raise NotFound
        require_unit(actor, row.unit_id)
        if row.state == "ENDED":
            raise FeedEnded
        # Whoever is reading it just now finds that its turn is over.
        FeedSource.objects.filter(id=row.id).update(turn=row.turn + 1, lease_until=None, **facts)
        privacy.record(actor=actor, verb=verb, subject=row.id, now=now)
    return queries.get_feed(actor=actor, feed_id=row.id, now=now)
