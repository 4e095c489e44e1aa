"""Couriers at work: many hands, two at once, a dead platform beside a living one, an outage and what follows, and kill -9 at every step."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import pytest
from django.conf import settings
from django.db import connection

from linli.server.connectors import queries, tasks
from linli.server.connectors.delivery import Breaker, Courier
from linli.server.connectors.models import Report
from linli.server.connectors.platforms.lodging import LodgingPlatform, at
from linli.server.connectors.rules import MessageKind
from linli.server.kernel import clock
from tests.server.connectors.hostel import Hostel
from tests.sim.running import TOKEN, RunningPlatform

pytestmark = pytest.mark.django_db(transaction=True)


def work(couriers: list[Courier], *, until: Callable[[], bool], seconds: float = 60) -> None:
    """Let couriers work in threads until something is so."""
    stop = threading.Event()
    threads = [threading.Thread(target=courier.run, kwargs={"stop": stop}) for courier in couriers]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    while not until() and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    assert until(), queries.count_by_state(estate_id=Report.objects.values_list("estate_id", flat=True)[0])


def all_accepted(platform: str = "lodging") -> bool:
    """Whether every report to the platform has its receipt."""
    return not Report.objects.filter(platform=platform).exclude(state="ACCEPTED").exists()


def rows_of(books: httpx.Client) -> dict[str, str]:
    """Every message the other side has ever booked, with its answer."""
    rows: dict[str, str] = {}
    after: int | None = 0
    while after is not None:
        page = books.get("/lodging/v1/books", params={"after": after, "size": 1000}).json()
        rows |= {row["lsh"]: row["answer"] for row in page["rows"]}
        after = page["next"]
    return rows


def test_two_couriers_under_heavy_faults_lose_nothing_and_repeat_nothing(
    hostel: Hostel, platform: LodgingPlatform, books: httpx.Client
) -> None:
    stay_ids = [hostel.arrive() for _ in range(30)]
    for stay_id in stay_ids[:20]:
        hostel.leave(stay_id)
    hostel.relay()
    before = len(rows_of(books))
    books.post("/faults", json={"all": 0.3, "timeout_s": 6, "pending_s": 0.3})
    work([Courier(platform=platform), Courier(platform=platform)], until=all_accepted, seconds=120)
    books.post("/faults", json={})
    there = rows_of(books)
    ours = dict(Report.objects.values_list("message_id", "state"))
    assert len(ours) == 50
    assert len(there) - before == 50
    assert {lsh: there[lsh] for lsh in ours} == ours
    in_house = [books.get(f"/lodging/v1/stays/{stay_id}").json()["state"] for stay_id in stay_ids]
    assert in_house == ["OUT"] * 20 + ["IN"] * 10


def test_a_dead_platform_delays_no_other(hostel: Hostel, platform: LodgingPlatform, books: httpx.Client) -> None:
    dead = replace(at(url="http://127.0.0.1:9", token=""), name="dead")
    stay_ids = [hostel.arrive() for _ in range(10)]
    for stay_id in stay_ids:
        hostel.tell(stay_id, MessageKind.CHECK_IN, {"dead": dead, "lodging": platform}, at=clock.now())
    started = time.monotonic()
    work([Courier(platform=dead), Courier(platform=platform)], until=all_accepted)
    assert time.monotonic() - started < 20
    states = set(Report.objects.filter(platform="dead").values_list("state", flat=True))
    assert states == {"QUEUED"}


def test_what_queued_up_in_an_outage_drains_after_it(
    hostel: Hostel, tmp_path: object, other_side: RunningPlatform
) -> None:
    outage = RunningPlatform(books=other_side.books.with_name("outage.sqlite")).start()
    outage.kill()
    for _ in range(40):
        hostel.arrive()
    hostel.relay()
    courier = Courier(platform=at(url=outage.url, token=TOKEN), breaker=Breaker(first_pause=0.2, longest_pause=0.5))
    restarted: list[float] = []

    def drained() -> bool:
        if not restarted and Report.objects.filter(attempts__gte=1).count() >= 5:
            outage.start()
            restarted.append(time.monotonic())
        return bool(restarted) and all_accepted()

    try:
        work([courier], until=drained, seconds=60)
        with outage.client() as books:
            assert len(rows_of(books)) == 40
    finally:
        outage.stop()


def test_the_task_delivers_until_it_is_told_to_stop(hostel: Hostel) -> None:
    hostel.arrive()
    hostel.relay()
    stop, looked = threading.Event(), threading.Event()

    def wait(seconds: float) -> None:
        looked.set()
        time.sleep(0.05)

    worker = threading.Thread(target=tasks.deliver, kwargs={"stop": stop, "wait": wait})
    worker.start()
    assert looked.wait(10)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not Report.objects.filter(attempts__gte=1).exists():
        time.sleep(0.05)
    stop.set()
    worker.join(timeout=30)
    assert not worker.is_alive()
    # No platform is linked in a test: the report has been tried, waits, and says why.
    (report,) = Report.objects.all()
    assert (report.state, report.reason) == ("QUEUED", "unreachable")


@pytest.fixture
def dying(other_side: RunningPlatform) -> Iterator[Callable[[str], str]]:
    """Have one delivery killed at a step; says whether it was killed or lived through."""
    database = settings.DATABASES["default"]
    address = f"postgresql://{database['USER']}@/{connection.settings_dict['NAME']}?host={database['HOST']}&port={database['PORT']}"
    if database["PASSWORD"]:
        address = f"postgresql://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{connection.settings_dict['NAME']}"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.server.connectors.dying", other_side.url, TOKEN],
        env={**os.environ, "DATABASE_URL": address},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"

    def at_step(step: str) -> str:
        assert process.stdin is not None
        assert process.stdout is not None
        print(step, file=process.stdin, flush=True)
        return process.stdout.readline().strip()

    yield at_step
    process.stdin.close()
    process.wait(timeout=20)
    process.stdout.close()


def test_a_courier_killed_at_any_step_of_a_delivery_loses_nothing_and_repeats_nothing(
    hostel: Hostel, platform: LodgingPlatform, books: httpx.Client, dying: Callable[[str], str]
) -> None:
    before = len(rows_of(books))
    killed = 0
    for step in _steps():
        hostel.arrive()
        hostel.relay()
        if dying(step) == "lived":
            assert step.startswith(("before", "after"))
            if step.startswith("after"):
                break
        else:
            killed += 1
        # Whatever it left, the next courier finds when the lease is over.
        Report.objects.exclude(state="ACCEPTED").update(next_try_at=clock.now())
        courier = Courier(platform=platform)
        while courier.deliver_one() is not None:
            Report.objects.exclude(state="ACCEPTED").update(next_try_at=clock.now())
        assert all_accepted(), step
    assert killed >= 20
    ours = dict(Report.objects.values_list("message_id", "state"))
    there = rows_of(books)
    assert {lsh: there.get(lsh) for lsh in ours} == ours
    assert len(there) - before == len(ours)


def _steps() -> Iterator[str]:
    yield "before-send"
    yield "after-send"
    for number in range(1, 100):
        yield f"before {number}"
        yield f"after {number}"


class Seconds:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        """Start at zero."""
        self.now = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def test_the_breaker_opens_after_five_failures_tries_one_at_a_time_and_closes_on_an_answer() -> None:
    seconds = Seconds()
    breaker = Breaker(seconds=seconds)
    assert [breaker.note_failure() for _ in range(5)] == [False] * 4 + [True]
    assert [breaker.note_failure() for _ in range(11)] == [False] * 11
    assert breaker.room(free=16) == 0
    seconds.now = 2.1
    assert [breaker.room(free=16), breaker.room(free=16)] == [1, 0]
    assert not breaker.note_failure()
    seconds.now = 6.0
    assert breaker.room(free=16) == 0
    seconds.now = 6.2
    assert breaker.room(free=16) == 1
    assert breaker.note_success()
    assert not breaker.note_success()
    assert breaker.room(free=16) == 16
