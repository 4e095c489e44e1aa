"""The worker's own loop: it reads what is due, a calendar that hangs holds up no other, and it ends when it is told to."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from linli.server.stays import actions as stays
from linli.server.stays import tasks
from linli.server.stays.actions import Subscription, feed_reading
from linli.server.stays.models import Booking, FeedSource
from tests.feeds.running import order, running
from tests.world import DAY, World

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_SECONDS = 60


def until(so: Callable[[], bool]) -> None:
    """Look until it is so, for a minute at most."""
    pause = threading.Event()
    for _ in range(PATIENCE_SECONDS * 10):
        if so():
            return
        pause.wait(0.1)
    raise AssertionError("it never came to be")


def test_the_worker_reads_what_is_due_beside_a_calendar_that_hangs(
    world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LINLI_NEARBY_FEEDS = frozenset({"127.0.0.1"})
    monkeypatch.setattr(feed_reading, "READING_SECONDS", 3.0)
    with running() as channel:
        start = world.now.date() + 5 * DAY
        channel.lets(order(1, start, start + DAY))
        for flat, fault in (("home", "hang"), ("dorm", ""), ("mixed", "trickle")):
            address = channel.url + (f"?fault={fault}" if fault else "")
            asked = Subscription(unit_id=world.units[flat].id, url=address)
            stays.follow_calendar(actor=world.operator, wanted=asked, now=world.now)
        stop = threading.Event()
        worker = threading.Thread(target=lambda: (tasks.follow_feeds(stop=stop), connection.close()), daemon=True)
        worker.start()
        try:
            until(lambda: FeedSource.objects.filter(tried_at__isnull=False, lease_until__isnull=True).count() == 3)
        finally:
            stop.set()
            worker.join(PATIENCE_SECONDS)
    assert not worker.is_alive()
    assert [row.unit_id for row in Booking.objects.all()] == [world.units["dorm"].id]
    assert sorted(FeedSource.objects.values_list("problem", flat=True)) == ["", "timeout", "timeout"]
