"""What tests of followed calendars share: a flat that follows the simulated channel, and a worker that looks when it is told to."""

from datetime import date, timedelta
from typing import Any

from linli.server.stays import actions as stays
from linli.server.stays import queries
from linli.server.stays.actions import Subscription
from linli.server.stays.models import Booking, IntakeTask
from linli.server.stays.queries import FeedView
from tests.feeds.running import RunningChannel, order
from tests.world import DAY, World

HOUR = timedelta(hours=1)
FINE = ("good", "unchanged")


def day(world: World, ahead: int) -> date:
    return world.now.date() + ahead * DAY


def follow(world: World, channel: RunningChannel, flat: str = "home", **wanted: Any) -> FeedView:
    asked = Subscription(**{"unit_id": world.units[flat].id, "url": channel.url, **wanted})
    return stays.follow_calendar(actor=world.operator, wanted=asked, now=world.now)


def read(world: World, *, later: timedelta = HOUR) -> str:
    """Let the worker look, then let time pass."""
    (turn,) = stays.claim_due_feeds(most=9, now=world.now)
    outcome = stays.read_followed(turn=turn, draw=0.5, now=world.now)
    world.now += later
    return outcome


def see(world: World, feed: FeedView) -> FeedView:
    return queries.get_feed(actor=world.operator, feed_id=feed.id, now=world.now)


def booked() -> list[Booking]:
    return list(Booking.objects.filter(state="BOOKED").order_by("arrive_at"))


def tasks(kind: str) -> list[IntakeTask]:
    return list(IntakeTask.objects.filter(kind=kind, closed_at__isnull=True))


def two_orders(world: World) -> tuple:
    return order(1, day(world, 5), day(world, 7)), order(2, day(world, 9), day(world, 10))
