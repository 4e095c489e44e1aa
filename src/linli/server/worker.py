"""`linli work`: the relay that carries events to their reactions, the deliveries, and the timers.

Timers are procrastinate's periodic jobs, so that of several workers one runs each. The relay and the deliveries are loops of our
own: they are woken by NOTIFY and swept by the clock, and what they must not lose is a row, not a job.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "linli.server.settings")
django.setup()

import psycopg  # noqa: E402
import structlog  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import close_old_connections, connection, transaction  # noqa: E402
from procrastinate.contrib.django import app  # noqa: E402

from linli.server.access import actions as access  # noqa: E402
from linli.server.connectors import tasks as connectors  # noqa: E402
from linli.server.connectors.reconciling import tasks as reconciling  # noqa: E402
from linli.server.connectors.viid import tasks as viid  # noqa: E402
from linli.server.kernel import clock, once, outbox  # noqa: E402
from linli.server.kernel.actors import system  # noqa: E402
from linli.server.people import actions as people  # noqa: E402
from linli.server.places import queries as places  # noqa: E402
from linli.server.privacy import actions as privacy  # noqa: E402
from linli.server.stays import tasks as stays  # noqa: E402
from linli.server.wiring import REACTIONS  # noqa: E402

RELAY_LOCK = 7_145_001
POLL_SECONDS = 0.3
log = structlog.get_logger(__name__)


class Wake:
    """Waits for a NOTIFY on a channel; a wait that ends for nothing is harmless, one that never ends is impossible."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._listening: psycopg.Connection[Any] | None = None

    def wait(self, seconds: float) -> None:
        """This will return when somebody notifies, and after so many seconds at the latest."""
        try:
            if self._listening is None or self._listening.closed:
                self._listening = psycopg.connect(**_parameters(), autocommit=True)
                self._listening.execute(f"LISTEN {self._channel}")
                return
            for _ in self._listening.notifies(timeout=seconds, stop_after=1):
                return
        except psycopg.Error:
            self._listening = None
            threading.Event().wait(min(seconds, 0.5))


def _parameters() -> dict[str, Any]:
    database = settings.DATABASES["default"]
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    return {name: database[key] for name, key in names.items() if database[key]}


def relay(stop: threading.Event) -> None:
    """This will react to the outbox; of several workers one does, by a lock that dies with its connection."""
    while not stop.is_set():
        try:
            with psycopg.connect(**_parameters(), autocommit=True) as guard:
                got = guard.execute("SELECT pg_try_advisory_lock(%s)", [RELAY_LOCK]).fetchone()
                if got and got[0]:
                    wake = Wake(outbox.CHANNEL)
                    _sweep_while_held(guard, wake, stop)
        except psycopg.Error as problem:
            log.warning("relay_waits_for_database", problem=type(problem).__name__)
        stop.wait(1.0)


def _sweep_while_held(guard: psycopg.Connection[Any], wake: Wake, stop: threading.Event) -> None:
    carrier = outbox.Relay(REACTIONS)
    while not stop.is_set():
        try:
            guard.execute("SELECT 1")
            if carrier.drain() == 0:
                wake.wait(1.0)
        except psycopg.Error:
            raise
        except Exception as problem:
            log.warning("relay_paused", problem=type(problem).__name__)
            connection.close()
            stop.wait(0.5)


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="close_overdue", pass_context=False)
def close_overdue(timestamp: int) -> None:
    """This will close stays that nobody checked out."""
    stays.close_overdue(now=clock.now())


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="watch_deadlines")
def watch_deadlines(timestamp: int) -> None:
    """This will raise the alarm for reports that come near their deadline."""
    connectors.watch_deadlines(now=clock.now())


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="queue_standing")
def queue_standing(timestamp: int) -> None:
    """This will tell the platforms what has changed among flats, staff, residents, doors and devices, and which visitors have gone."""
    for estate_id in places.estate_ids():
        connectors.queue_standing(estate_id=estate_id, now=clock.now())
        connectors.queue_ended_visits(estate_id=estate_id, now=clock.now())


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="queue_passages")
def queue_passages(timestamp: int) -> None:
    """This will tell the platforms that may know of them which passages came in."""
    for estate_id in places.estate_ids():
        connectors.queue_passages(estate_id=estate_id, now=clock.now())


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="watch_nights")
def watch_nights(timestamp: int) -> None:
    """This will ask about guests nobody was told of, and from four in the morning on count the night that is ending."""
    reconciling.watch_nights(now=clock.now())


@app.periodic(cron="*/15 * * * *")
@app.task(queueing_lock="unlist_ended_passes")
def unlist_ended_passes(timestamp: int) -> None:
    """This will take passes that ended long ago off the gates' lists."""
    for estate_id in places.estate_ids():
        access.unlist_ended_passes(actor=system(estate_id), now=clock.now())


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="watch_gates")
def watch_gates(timestamp: int) -> None:
    """This will raise the alarm for boxes that fell silent, close commands nobody did in time, and end health orders that are over."""
    for estate_id in places.estate_ids():
        hand, now = system(estate_id), clock.now()
        access.watch_silence(actor=hand, now=now)
        access.close_expired_commands(actor=hand, now=now)
        access.end_due_health_orders(actor=hand, now=now)


@app.periodic(cron="37 18 * * *")
@app.task(queueing_lock="compare_terminals")
def compare_terminals(timestamp: int) -> None:
    """This will ask every box to compare its terminals with the list, while the estate sleeps: 18:37 UTC is 02:37 in Chengdu."""
    for estate_id in places.estate_ids():
        access.ask_for_compares(actor=system(estate_id), now=clock.now())


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="remove_due_faces")
def remove_due_faces(timestamp: int) -> None:
    """This will remove faces whose pass, consent or residency has ended."""
    for estate_id in places.estate_ids():
        access.remove_due_faces(actor=system(estate_id), now=clock.now())


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="keep_resident_passes")
def keep_resident_passes(timestamp: int) -> None:
    """This will give whoever lives here a pass, and take it from whoever moved out."""
    for estate_id in places.estate_ids():
        access.keep_resident_passes(actor=system(estate_id), now=clock.now())


@app.periodic(cron="17 3 * * *")
@app.task(queueing_lock="enforce_retention")
def enforce_retention(timestamp: int) -> None:
    """This will erase what is past its time."""
    now = clock.now()
    erased = privacy.enforce_retention(now=now)
    log.info(
        "retention_enforced", **{name.replace(".", "_"): count for name, count in erased.items()}, keys=_forget(now)
    )


def _forget(now: datetime) -> int:
    with transaction.atomic():
        forgotten = once.forget_old(now=now) + outbox.forget_done(now=now) + people.forget_failures(now=now)
        return forgotten + sum(
            access.forget_old_receipts(actor=system(estate_id), now=now)
            + access.purge_health_events(actor=system(estate_id), now=now)
            for estate_id in places.estate_ids()
        )


def main() -> int:
    """This will work until SIGTERM or SIGINT, then finish what is under way."""
    stop = threading.Event()
    loops: list[Callable[[], None]] = [
        lambda: relay(stop),
        lambda: connectors.deliver(stop=stop, wait=Wake("linli_reports").wait),
        lambda: viid.watch_links(stop=stop),
        lambda: stays.follow_feeds(stop=stop),
    ]
    threads = [threading.Thread(target=loop, daemon=True) for loop in loops]
    for thread in threads:
        thread.start()
    try:
        asyncio.run(_jobs(stop))
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=10)
        close_old_connections()
    return 0


async def _jobs(stop: threading.Event) -> None:
    loop = asyncio.get_running_loop()
    worker: asyncio.Task[None] | None = None

    def ask_to_stop() -> None:
        stop.set()
        if worker is not None:
            worker.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask_to_stop)
    jobs = app.with_connector(app.connector.get_worker_connector())
    while not stop.is_set():
        try:
            async with jobs.open_async():
                worker = asyncio.create_task(
                    jobs.run_worker_async(install_signal_handlers=False, fetch_job_polling_interval=POLL_SECONDS)
                )
                await worker
        except asyncio.CancelledError:
            break
        except Exception as problem:
            # The database may be restarting: the relay and the deliveries wait by themselves, the timers come back here.
            log.warning("timers_paused", problem=type(problem).__name__)
            await asyncio.sleep(1.0)


if __name__ == "__main__":
    raise SystemExit(main())
