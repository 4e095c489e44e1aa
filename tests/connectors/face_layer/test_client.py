"""The face layer over real HTTP: every answer, and everything that is none, is a verdict and never an exception."""

import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from linli.server.connectors.delivery import Breaker
from linli.server.connectors.face_check import client
from linli.server.connectors.face_check.client import HttpFaceLayer, NoFaceLayer
from linli.server.connectors.face_check.rules import Asked, FaceVerdict
from linli.server.kernel import ids
from linli.server.kernel.http import Peer
from tests.sim.face_layer.running import GREEN, GREY, RED, TOKEN, RunningLayer, picture

NUMBER = "510108199003070010"


def asked(colour: tuple[int, int, int] = GREEN) -> Asked:
    return Asked(
        check_id=ids.new("face"),
        document_kind="resident_id",
        document_number=NUMBER,
        name="王甲子",
        picture=picture(colour),
    )


def hurried(url: str, *, token: str = TOKEN, timeout: float = 0.6, whole: float = 0.6) -> HttpFaceLayer:
    """A link that does not wait long."""
    return HttpFaceLayer(Peer(name="face_layer", url=url, token=token, timeout=timeout, whole=whole), Breaker())


@pytest.mark.parametrize(
    ("colour", "verdict"), [(GREEN, FaceVerdict.SAME), (RED, FaceVerdict.NOT_SAME), (GREY, FaceVerdict.UNSURE)]
)
def test_an_answer_has_a_verdict_a_score_and_a_receipt(
    layer: Any, colour: tuple[int, int, int], verdict: FaceVerdict
) -> None:
    heard = layer.ask(asked=asked(colour))
    assert heard.verdict is verdict
    assert 0 <= heard.score <= 1000
    assert heard.receipt.startswith("FL")
    assert (heard.code, heard.seconds > 0) == ("", True)


@pytest.mark.parametrize(
    ("fault", "verdict", "code"),
    [
        ("http_500", "NO_ANSWER", "busy"),
        ("refuse_auth", "REFUSED", "locked_out"),
        ("expired_token", "REFUSED", "locked_out"),
        ("reject", "REFUSED", "not_understood"),
        ("duplicate", "NO_ANSWER", "other_check"),
        ("lost_answer", "NO_ANSWER", "broken_connection"),
        ("stray_receipt", "NO_ANSWER", "no_receipt"),
        ("pending", "NO_ANSWER", "nonsense"),
        ("timeout", "NO_ANSWER", "timeout"),
        ("trickle", "NO_ANSWER", "timeout"),
    ],
)
def test_every_fault_is_a_verdict(
    other_side: RunningLayer, books: httpx.Client, fault: str, verdict: str, code: str
) -> None:
    books.post("/faults", json={fault: 1, "trickle_s": 30, "timeout_s": 5})
    heard = hurried(other_side.url).ask(asked=asked())
    assert (heard.verdict, heard.code, heard.score, heard.receipt) == (verdict, code, None, "")


def test_nonsense_of_every_kind_is_no_answer(other_side: RunningLayer, books: httpx.Client) -> None:
    books.post("/faults", json={"nonsense": 1})
    for length in range(8):
        question = asked()
        heard = hurried(other_side.url).ask(
            asked=Asked(
                check_id=question.check_id + "x" * length,
                document_kind=question.document_kind,
                document_number=NUMBER,
                name=question.name,
                picture=question.picture,
            )
        )
        assert (heard.verdict, heard.score) == ("NO_ANSWER", None)


@pytest.mark.parametrize("score", [1001, -1, "930", True, 930.5, None, [900], 10**400])
def test_a_score_that_is_none_is_no_answer(layer: Any, books: httpx.Client, score: object) -> None:
    books.post("/control/holders", json={"document_kind": "resident_id", "document_number": NUMBER, "score": score})
    heard = layer.ask(asked=asked())
    assert (heard.verdict, heard.score, heard.receipt) == ("NO_ANSWER", None, "")


def test_a_wrong_token_is_a_refusal(other_side: RunningLayer) -> None:
    heard = hurried(other_side.url, token="other").ask(asked=asked())
    assert (heard.verdict, heard.code, heard.score) == ("REFUSED", "locked_out", None)


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_a_dead_layer_is_found_out_once_and_then_left_alone_for_a_while(
    other_side: RunningLayer, books: httpx.Client, nobody: str
) -> None:
    now = [100.0]
    breaker = Breaker(failures_at_most=3, first_pause=5.0, longest_pause=60.0, seconds=lambda: now[0])
    dead = HttpFaceLayer(Peer(name="face_layer", url=nobody, timeout=1.0), breaker)
    for _ in range(3):
        with dead.turn() as free:
            assert free
            assert dead.ask(asked=asked()).code == "unreachable"
    with dead.turn() as free:
        assert not free
    now[0] += 6.0
    mended = HttpFaceLayer(Peer(name="face_layer", url=other_side.url, token=TOKEN, timeout=2.0), breaker)
    with mended.turn() as free, mended.turn() as second:
        # One try decides; a second guest is not made to wait for it.
        assert (free, second) == (True, False)
        assert mended.ask(asked=asked()).verdict is FaceVerdict.SAME
    with mended.turn() as free:
        assert free


def test_a_slow_layer_holds_few_guests_and_turns_the_next_away_at_once(other_side: RunningLayer) -> None:
    slow = hurried(other_side.url)
    turns = [slow.turn() for _ in range(client.AT_ONCE + 1)]
    free = [turn.__enter__() for turn in turns]
    assert free == [True] * client.AT_ONCE + [False]
    for turn in turns:
        turn.__exit__(None, None, None)
    with slow.turn() as again:
        assert again


@pytest.mark.parametrize(
    "url", ["", "http://face.example", "http://10.1.2.3:80", "ftp://face.example", "nonsense", "http://["]
)
def test_faces_never_leave_in_the_clear(url: str) -> None:
    assert isinstance(client.at(url=url, token="t"), NoFaceLayer)
    with client.at(url=url, token="t").turn() as free:
        assert not free


@pytest.mark.parametrize(
    "url", ["https://face.example/", "http://127.0.0.1:8200", "http://localhost:8200", "http://[::1]:8200"]
)
def test_a_private_address_is_linked(url: str) -> None:
    assert isinstance(client.at(url=url, token="t"), HttpFaceLayer)
