"""The outbox: nothing without its transaction, order per key, nothing dropped, a lost wake-up swept."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection, transaction

from linli.server.kernel import clock, outbox
from linli.server.kernel.models import OutboxEvent
from linli.server.kernel.outbox import Relay, publish

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rang:
    """A bell rang."""

    number: int
    at: datetime = NOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Unheard:
    """Something nobody knows."""

    number: int


def ring(number: int, *, key: str = "bell", estate: str = "e") -> None:
    publish(Rang(number=number), estate_id=estate, key=key, now=NOW)


class Ears:
    """A reaction that remembers what it heard and refuses some of it."""

    def __init__(self, *refused: int) -> None:
        self.heard: list[int] = []
        self.refused = set(refused)

    def __call__(self, event: Rang, now: datetime) -> None:
        if event.number in self.refused:
            raise RuntimeError("deaf \x00 \ud800")
        self.heard.append(event.number)


@pytest.mark.django_db
def test_what_was_rolled_back_never_happened() -> None:
    with transaction.atomic():
        ring(1)
        transaction.set_rollback(True)
    assert OutboxEvent.objects.count() == 0


@pytest.mark.django_db
def test_every_event_is_heard_once_in_order_with_what_it_said() -> None:
    ears = Ears()
    for number in range(5):
        ring(number)
    relay = Relay({Rang: (ears,)})
    assert (relay.drain(), relay.drain()) == (5, 0)
    assert ears.heard == [0, 1, 2, 3, 4]
    assert outbox.count_waiting() == 0


@pytest.mark.django_db
def test_a_failing_event_holds_back_its_own_key_and_nobody_elses() -> None:
    ears = Ears(1)
    ring(1, key="a")
    ring(2, key="a")
    ring(3, key="b")
    ring(4, key="a", estate="other")
    relay = Relay({Rang: (ears,)})
    swept = relay.sweep()
    assert (swept.done, swept.failed, ears.heard) == (2, 1, [3, 4])
    assert relay.sweep().failed == 0
    waiting = OutboxEvent.objects.filter(done_at__isnull=True).order_by("id")
    assert [(row.attempts, row.key) for row in waiting] == [(1, "a"), (0, "a")]
    assert "RuntimeError" in waiting[0].failure
    ears.refused.clear()
    OutboxEvent.objects.update(next_try_at=NOW)
    relay.drain()
    assert ears.heard == [3, 4, 1, 2]


@pytest.mark.django_db
def test_a_failing_event_is_tried_again_later_and_later_but_never_given_up() -> None:
    ring(1)
    relay = Relay({Rang: (Ears(1),)})
    pauses = []
    for _ in range(12):
        OutboxEvent.objects.update(next_try_at=NOW)
        relay.sweep()
        pauses.append(OutboxEvent.objects.get().next_try_at - clock.now())
    assert pauses[0] < pauses[3] < pauses[7]
    assert pauses[-1] <= timedelta(minutes=10)
    assert OutboxEvent.objects.get().attempts == 12


@pytest.mark.django_db
def test_half_a_reaction_is_undone_with_the_other_half() -> None:
    def write(event: Rang, now: datetime) -> None:
        publish(Unheard(number=event.number), estate_id="e", key="x", now=now)

    ring(1)
    Relay({Rang: (write, Ears(1))}).sweep()
    assert [row.type for row in OutboxEvent.objects.all()] == ["kernel.Rang"]


@pytest.mark.django_db
def test_an_event_of_an_unknown_kind_is_kept_and_shown() -> None:
    publish(Unheard(number=1), estate_id="e", key="k", now=NOW)
    ring(2, key="other")
    ears = Ears()
    Relay({Rang: (ears,)}).drain()
    assert ears.heard == [2]
    kept = OutboxEvent.objects.get(done_at__isnull=True)
    assert "no reaction is wired" in kept.failure


@pytest.mark.django_db
def test_an_event_that_cannot_be_read_any_more_is_kept_too() -> None:
    ring(1)
    OutboxEvent.objects.update(body={"nonsense": True})
    Relay({Rang: (Ears(),)}).drain()
    assert outbox.count_waiting() == 1


@pytest.mark.django_db
def test_an_event_with_nobody_to_react_is_done() -> None:
    ring(1)
    assert Relay({Rang: ()}).drain() == 1


@pytest.mark.django_db
def test_done_events_are_forgotten_after_a_week() -> None:
    ring(1)
    ring(2)
    Relay({Rang: (Ears(2),)}).drain()
    now = clock.now()
    assert outbox.forget_done(now=now + timedelta(days=6)) == 0
    assert outbox.forget_done(now=now + timedelta(days=8)) == 1
    assert outbox.count_waiting() == 1


@pytest.mark.django_db(transaction=True)
def test_a_commit_wakes_the_relay_and_a_lost_wake_up_is_swept() -> None:
    database = connection.get_connection_params()
    known = {key: database[key] for key in ("dbname", "user", "password", "host", "port") if database.get(key)}
    with psycopg.connect(**known, autocommit=True) as listener:
        listener.execute(f"LISTEN {outbox.CHANNEL}")
        with transaction.atomic():
            ring(1)
            assert list(listener.notifies(timeout=0.05)) == []
        assert len(list(listener.notifies(timeout=5, stop_after=1))) == 1
    # Nobody listens now: the row is the guarantee.
    ring(2)
    ears = Ears()
    assert Relay({Rang: (ears,)}).drain() == 2


@pytest.mark.django_db(transaction=True)
def test_two_relays_share_the_work_and_keep_the_order_of_a_key() -> None:
    for number in range(60):
        ring(number, key=f"k{number % 3}")
    heard: list[int] = []
    lock = threading.Lock()

    def hear(event: Rang, now: datetime) -> None:
        threading.Event().wait(0.002)
        with lock:
            heard.append(event.number)

    def run() -> None:
        try:
            relay = Relay({Rang: (hear,)})
            while outbox.count_waiting():
                relay.drain()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(heard) == list(range(60))
    for key in range(3):
        of_key = [number for number in heard if number % 3 == key]
        assert of_key == sorted(of_key)
