"""One suite over all platforms, against their simulators over real HTTP: what comes back is read for what it is."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from linli.server.connectors.platforms.lodging import at
from linli.server.connectors.protocol import Message, Platform, Told
from linli.server.connectors.rules import MessageKind, Verdict
from linli.server.kernel import ids
from linli.sim.serving import free_port
from tests.connectors.guests import ESTATE, GUESTS, facts, occasion
from tests.sim.running import TOKEN, RunningPlatform

OF_A_STAY = (
    MessageKind.CHECK_IN,
    MessageKind.AMEND,
    MessageKind.ROOM_CHANGE,
    MessageKind.EXTEND,
    MessageKind.CHECK_OUT,
    MessageKind.CANCEL,
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    """The other side."""
    started = RunningPlatform(books=tmp_path_factory.mktemp("platform") / "books.sqlite").start()
    yield started
    started.stop()


@pytest.fixture
def books(running: RunningPlatform) -> Iterator[httpx.Client]:
    """A look into the other side's books; faults are cleared afterwards."""
    with running.client() as client:
        yield client
        client.post("/faults", json={})


@pytest.fixture(params=["lodging"])
def platform(running: RunningPlatform) -> Platform:
    """Our side."""
    return at(url=running.url, token=TOKEN)


def message(
    platform: Platform, kind: MessageKind = MessageKind.CHECK_IN, *, stay: str, guest: str = "resident"
) -> Message:
    """A message about a stay that began an hour ago."""
    arrived = datetime.now(UTC) - timedelta(hours=1)
    happened = arrived if kind is MessageKind.CHECK_IN else datetime.now(UTC)
    fields = platform.render(
        occasion=occasion(kind, at=happened), facts=facts(GUESTS[guest], stay_id=stay, arrived=arrived)
    )
    return Message(
        message_id=ids.new("rep") + "-1",
        kind=kind,
        queued_at=arrived,
        subject_id=stay,
        estate=ESTATE,
        fields=fields,
    )


def send(platform: Platform, sent: Message) -> Told:
    """One message alone."""
    (told,) = platform.send(messages=[sent])
    return told


def never_sent(sent: Message) -> Message:
    """A message under an id that was never used."""
    return replace(sent, message_id="never-sent")


@pytest.mark.parametrize("guest", list(GUESTS))
def test_every_kind_of_guest_gets_a_receipt(platform: Platform, books: httpx.Client, guest: str) -> None:
    told = send(platform, message(platform, stay=ids.new("stay"), guest=guest))
    assert (told.verdict, bool(told.receipt)) == (Verdict.ACCEPTED, True), told.raw


def test_a_whole_stay_is_accepted_message_by_message(platform: Platform, books: httpx.Client) -> None:
    stay = ids.new("stay")
    kinds = [kind for kind in OF_A_STAY if kind is not MessageKind.CANCEL]
    for kind in kinds:
        assert send(platform, message(platform, kind, stay=stay)).verdict is Verdict.ACCEPTED, kind
    cancelled = ids.new("stay")
    send(platform, message(platform, stay=cancelled))
    assert send(platform, message(platform, MessageKind.CANCEL, stay=cancelled)).verdict is Verdict.ACCEPTED


def test_sending_again_and_asking_give_the_same_receipt(platform: Platform, books: httpx.Client) -> None:
    sent = message(platform, stay=ids.new("stay"))
    first, second = send(platform, sent), send(platform, sent)
    asked = platform.ask(message=sent)
    assert first.receipt == second.receipt == asked.receipt != ""


def test_a_refusal_names_code_and_field(platform: Platform, books: httpx.Client) -> None:
    told = send(platform, message(platform, MessageKind.CHECK_OUT, stay=ids.new("stay")))
    assert (told.verdict, told.code, told.field) == (Verdict.REJECTED, "NOT_CHECKED_IN", "zsbh")


def test_a_message_that_never_arrived_is_unheard_of(platform: Platform, books: httpx.Client) -> None:
    assert platform.ask(message=never_sent(message(platform, stay="stay_x"))).verdict is Verdict.UNHEARD_OF


def test_a_wrong_token_locks_us_out_and_says_nothing_of_the_message(running: RunningPlatform) -> None:
    stranger = at(url=running.url, token="wrong")
    assert send(stranger, message(stranger, stay=ids.new("stay"))).verdict is Verdict.LOCKED_OUT
    assert stranger.ask(message=message(stranger, stay="stay_x")).verdict is Verdict.LOCKED_OUT


def test_nobody_there_is_unreachable_and_nothing_was_sent() -> None:
    nobody = at(url=f"http://127.0.0.1:{free_port(host='127.0.0.1')}", token="")
    assert send(nobody, message(nobody, stay=ids.new("stay"))).verdict is Verdict.UNREACHABLE


FAULTS = [
    ({"http_500": 1}, {Verdict.BUSY}),
    ({"lost_answer": 1}, {Verdict.NO_ANSWER}),
    ({"nonsense": 1}, {Verdict.NONSENSE}),
    ({"pending": 1, "pending_s": 60}, {Verdict.PENDING}),
    ({"duplicate": 1}, {Verdict.NONSENSE}),
    ({"reject": 1}, {Verdict.REJECTED}),
]


@pytest.mark.parametrize(("plan", "verdicts"), FAULTS)
def test_every_fault_is_read_for_what_it_is(
    platform: Platform, books: httpx.Client, plan: dict[str, float], verdicts: set[Verdict]
) -> None:
    send(platform, message(platform, stay=ids.new("stay")))
    books.post("/faults", json=plan)
    told = {send(platform, message(platform, stay=ids.new("stay"))).verdict for _ in range(8)}
    assert told == verdicts


def test_an_answer_that_takes_too_long_is_no_answer(platform: Platform, books: httpx.Client) -> None:
    books.post("/faults", json={"timeout": 1, "timeout_s": 20})
    assert send(platform, message(platform, stay=ids.new("stay"))).verdict is Verdict.NO_ANSWER


def test_after_a_lost_answer_the_question_finds_the_receipt(platform: Platform, books: httpx.Client) -> None:
    books.post("/faults", json={"lost_answer": 1})
    sent = message(platform, stay=ids.new("stay"))
    assert send(platform, sent).verdict is Verdict.NO_ANSWER
    books.post("/faults", json={})
    assert platform.ask(message=sent).verdict is Verdict.ACCEPTED
