"""What goes over the wire to the lodging platform, against its simulator over real HTTP, and how what comes back is read."""

import itertools
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from linli.server.connectors.platforms.lodging import LodgingPlatform, at, make
from linli.server.connectors.profiles import ProfileRefused
from linli.server.connectors.protocol import CountsNights, Facts, Message, Occasion, Told
from linli.server.connectors.rules import MessageKind, Verdict
from linli.server.kernel.http import Answer, Peer
from linli.sim.serving import free_port
from tests.connectors.guests import ESTATE, GUESTS, facts
from tests.connectors.lodging.others import STAFF, UNIT, VISIT
from tests.sim.running import TOKEN, RunningPlatform

WANTED = GUESTS["resident"].document_number
_serial = itertools.count(1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    """The other side."""
    started = RunningPlatform(books=tmp_path_factory.mktemp("platform") / "books.sqlite").start()
    yield started
    started.stop()


@pytest.fixture
def books(running: RunningPlatform) -> Iterator[httpx.Client]:
    """A look into the other side's books; its faults and its list of the wanted are cleared afterwards."""
    with running.client() as client:
        yield client
        client.post("/faults", json={})
        client.post("/hits", json={"zjhm": []})


@pytest.fixture
def platform(running: RunningPlatform) -> LodgingPlatform:
    """Our side."""
    return at(url=running.url, token=TOKEN)


def message(platform: LodgingPlatform, kind: MessageKind, subject: Facts, *, gone: bool = False) -> Message:
    """A message about a subject, as of now."""
    occasion = Occasion(kind=kind, happened_at=datetime.now(UTC), gone=gone)
    return Message(
        message_id=f"rep_{next(_serial):06d}-1",
        kind=kind,
        queued_at=datetime.now(UTC),
        subject_id="subject",
        estate=ESTATE,
        fields=platform.render(occasion=occasion, facts=subject),
    )


def send(platform: LodgingPlatform, kind: MessageKind, subject: Facts, *, gone: bool = False) -> Told:
    """Send one message and give what was told."""
    (told,) = platform.send(messages=[message(platform, kind, subject, gone=gone)])
    return told


def arrived(guest: str = "resident", *, hours: float = 1) -> Facts:
    """A guest who came some hours ago."""
    came = datetime.now(UTC) - timedelta(hours=hours)
    return facts(GUESTS[guest], stay_id=f"stay_{next(_serial):06d}", arrived=came)


def visit() -> Facts:
    """A visitor who came an hour ago and has just left."""
    came = datetime.now(UTC) - timedelta(hours=1)
    leaves = came + timedelta(hours=3)
    return replace(
        VISIT, visit_id=f"visit_{next(_serial):06d}", came_at=came, leave_by=leaves, left_at=datetime.now(UTC)
    )


def test_a_visit_from_coming_to_going_gets_its_receipts(platform: LodgingPlatform, books: httpx.Client) -> None:
    subject = visit()
    early = send(platform, MessageKind.VISITOR_OUT, subject)
    assert (early.verdict, early.code) == (Verdict.REJECTED, "NOT_VISITING")
    for kind in (MessageKind.VISITOR_IN, MessageKind.VISITOR_OUT):
        assert send(platform, kind, subject).verdict is Verdict.ACCEPTED, kind


def test_staff_come_and_go(platform: LodgingPlatform, books: httpx.Client) -> None:
    subject = replace(STAFF, staff_id=f"op_{next(_serial):06d}")
    assert send(platform, MessageKind.STAFF, subject).verdict is Verdict.ACCEPTED
    assert send(platform, MessageKind.STAFF, subject, gone=True).verdict is Verdict.ACCEPTED


def test_a_flat_is_told_when_it_is_new_changes_and_closes(platform: LodgingPlatform, books: httpx.Client) -> None:
    subject = replace(UNIT, unit_mark=f"W{next(_serial):07d}")
    for kind in (MessageKind.UNIT_CREATE, MessageKind.UNIT_UPDATE, MessageKind.UNIT_CLOSE):
        assert send(platform, kind, subject).verdict is Verdict.ACCEPTED, kind
    again = send(platform, MessageKind.UNIT_UPDATE, subject)
    assert (again.verdict, again.code, again.field) == (Verdict.REJECTED, "UNIT_CLOSED", "lgdm")


def test_several_messages_get_an_answer_each_in_their_order(platform: LodgingPlatform, books: httpx.Client) -> None:
    good, wrong = arrived(), visit()
    sent = [
        message(platform, MessageKind.CHECK_IN, good),
        message(platform, MessageKind.VISITOR_OUT, wrong),
        message(platform, MessageKind.CHECK_OUT, good),
    ]
    told = platform.send(messages=sent)
    assert [one.verdict for one in told] == [Verdict.ACCEPTED, Verdict.REJECTED, Verdict.ACCEPTED]
    # By which edition of which profile each was told is kept with it.
    assert {one.dialect for one in told} == {platform.ask(message=sent[0]).dialect} == {"sichuan 2026-2"}


def test_a_hit_changes_nothing_but_itself(platform: LodgingPlatform, books: httpx.Client) -> None:
    books.post("/hits", json={"zjhm": [WANTED]})
    sent = message(platform, MessageKind.CHECK_IN, arrived())
    (told,), asked = platform.send(messages=[sent]), platform.ask(message=sent)
    assert told.hit
    assert asked.hit
    (other,) = platform.send(messages=[message(platform, MessageKind.CHECK_IN, arrived("passport"))])
    assert not other.hit
    plain = {name: getattr(told, name) for name in ("verdict", "code", "field", "status", "ticket")}
    assert plain == {name: getattr(other, name) for name in plain}


def test_neither_a_hit_nor_an_answer_stands_in_a_log(
    platform: LodgingPlatform, books: httpx.Client, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    books.post("/hits", json={"zjhm": [WANTED]})
    with caplog.at_level(logging.DEBUG):
        told = send(platform, MessageKind.CHECK_IN, arrived())
    seen = caplog.text + "".join(capfd.readouterr())
    assert told.hit
    assert "hit" not in repr(told)
    for secret in (WANTED, "王甲子", TOKEN, told.receipt, '"hit"'):
        assert secret not in seen


class Saying:
    """A peer that says one thing, whatever it is sent."""

    def __init__(self, **parts: object) -> None:
        """Take the parts of its answer."""
        self._body = json.dumps(parts).encode()

    def post(self, path: str, body: object) -> Answer:
        """Say it."""
        return Answer(status=200, content_type="application/json", body=self._body, seconds=0.0)


@pytest.mark.parametrize("hit", ["true", 1, None, "yes", False])
def test_only_a_plain_true_beside_accepted_is_a_hit(platform: LodgingPlatform, hit: object) -> None:
    sent = message(platform, MessageKind.CHECK_IN, arrived())

    def told(**parts: object) -> Told:
        peer: Any = Saying(**{"lsh": sent.message_id, **parts})
        return replace(platform, peer=peer).send(messages=[sent])[0]

    assert told(answer="ACCEPTED", receipt="LG1", hit=True).hit
    assert not told(answer="ACCEPTED", receipt="LG1", hit=hit).hit
    assert not told(answer="REJECTED", code="MISSING", hit=True).hit
    assert not told(answer="PENDING", hit=True).hit
    stray = told(answer="ACCEPTED", receipt="LG1", hit=True, lsh="another")
    assert (stray.verdict, stray.hit, stray.receipt) == (Verdict.NONSENSE, False, "")


FAULTS = [
    ({"refuse_auth": 1}, Verdict.LOCKED_OUT),
    ({"expired_token": 1}, Verdict.LOCKED_OUT),
    ({"stray_receipt": 1}, Verdict.NONSENSE),
    ({"clock_offset_s": -7200}, Verdict.REJECTED),
    ({"trickle": 1, "trickle_s": 0.3}, Verdict.ACCEPTED),
]


@pytest.mark.parametrize(("plan", "verdict"), FAULTS)
def test_every_fault_is_read_for_what_it_is(
    platform: LodgingPlatform, books: httpx.Client, plan: dict[str, float], verdict: Verdict
) -> None:
    books.post("/faults", json=plan)
    assert send(platform, MessageKind.CHECK_IN, arrived()).verdict is verdict


def test_an_answer_that_trickles_for_ever_is_no_answer(platform: LodgingPlatform, books: httpx.Client) -> None:
    books.post("/faults", json={"trickle": 1, "trickle_s": 60})
    hasty = replace(platform, peer=Peer(name="lodging", url=platform_url(books), token=TOKEN, whole=1.0))
    sent = message(hasty, MessageKind.CHECK_IN, arrived())
    (told,) = hasty.send(messages=[sent])
    assert told.verdict is Verdict.NO_ANSWER
    books.post("/faults", json={})
    assert platform.ask(message=sent).verdict is Verdict.ACCEPTED


def test_a_platform_that_accepts_and_then_denies_is_found_out_by_asking_and_by_counting(
    platform: LodgingPlatform, books: httpx.Client
) -> None:
    books.post("/faults", json={"deny": 1})
    mark = f"W{next(_serial):07d}"
    night = (datetime.now(UTC) - timedelta(days=2)).date()
    came = datetime(night.year, night.month, night.day, 14, 0, tzinfo=UTC)  # 22:00 in Chengdu
    stay = replace(facts(arrived=came, stay_id=f"stay_{next(_serial):06d}"), unit_mark=mark)
    sent = message(platform, MessageKind.CHECK_IN, stay)
    (told,) = platform.send(messages=[sent])
    assert told.verdict is Verdict.ACCEPTED
    books.post("/faults", json={})
    assert platform.ask(message=sent).verdict is Verdict.UNHEARD_OF
    assert mark not in (platform.count_guests(night=night) or {})
    platform.send(messages=[sent])
    assert (platform.count_guests(night=night) or {})[mark] == 1


def test_a_night_that_cannot_be_counted_is_not_counted_as_empty(platform: LodgingPlatform, books: httpx.Client) -> None:
    assert isinstance(platform, CountsNights)
    night = datetime.now(UTC).date()
    assert platform.count_guests(night=night) is not None
    assert at(url=platform_url(books), token="wrong").count_guests(night=night) is None
    nobody = at(url=f"http://127.0.0.1:{free_port(host='127.0.0.1')}", token="")
    assert nobody.count_guests(night=night) is None


def platform_url(books: httpx.Client) -> str:
    """Where the other side is."""
    return str(books.base_url)


def test_a_table_of_the_links_file_makes_the_link(running: RunningPlatform, books: httpx.Client) -> None:
    linked = make({"url": running.url, "token": TOKEN})
    assert isinstance(linked, LodgingPlatform)
    assert send(linked, MessageKind.CHECK_IN, arrived()).verdict is Verdict.ACCEPTED
    with pytest.raises(ProfileRefused):
        make({"url": running.url, "profile": "nowhere"})
