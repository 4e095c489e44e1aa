"""The simulated face layer: one person and one document a question, its own books without pictures, faults on demand."""

import base64
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.sim.face_layer.running import GREEN, GREY, RED, RunningLayer, picture, question

CHECKS = "/face/v1/checks"


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLayer]:
    running = RunningLayer(books=tmp_path_factory.mktemp("layer") / "books.sqlite").start()
    yield running
    running.stop()


@pytest.fixture
def client(layer: RunningLayer) -> Iterator[httpx.Client]:
    with layer.client() as opened:
        yield opened
        opened.post("/faults", json={})
        opened.post("/control/holders", json={})


def base64_of(colour: tuple[int, int, int]) -> str:
    return base64.b64encode(picture(colour)).decode()


@pytest.mark.parametrize(("colour", "answer"), [(GREEN, "SAME"), (RED, "NOT_SAME"), (GREY, "UNSURE")])
def test_a_picture_speaks_by_its_colour(client: httpx.Client, colour: tuple[int, int, int], answer: str) -> None:
    asked = question(picture=base64_of(colour))
    told = client.post(CHECKS, json=asked).json()
    assert (told["check_id"], told["answer"]) == (asked["check_id"], answer)
    assert 0 <= told["score"] <= 1000
    assert told["receipt"]


def test_a_holder_scores_what_was_scripted(client: httpx.Client) -> None:
    asked = question(document_number="510108199003070029")
    client.post(
        "/control/holders", json={"document_kind": "resident_id", "document_number": "510108199003070029", "score": 399}
    )
    assert client.post(CHECKS, json=asked).json()["answer"] == "NOT_SAME"


def test_the_same_question_is_answered_once_and_another_under_its_id_is_refused(client: httpx.Client) -> None:
    asked = question()
    count = client.get("/face/v1/books").json()["count"]
    first, again = client.post(CHECKS, json=asked), client.post(CHECKS, json=asked)
    assert first.json() == again.json()
    other = client.post(CHECKS, json={**asked, "picture": base64_of(RED)})
    assert (other.status_code, other.json()["code"]) == (409, "CHECK_REUSED")
    assert client.get("/face/v1/books").json()["count"] == count + 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"picture": None}, "picture"),
        ({"picture": "!!!"}, "picture"),
        ({"picture": base64.b64encode(b"GIF89a").decode()}, "picture"),
        ({"document_number": None}, "document_number"),
        ({"name": 7}, "name"),
        ({"check_id": ""}, "check_id"),
        ({"gallery": ["a", "b"]}, "gallery"),
        ({"search": True}, "search"),
    ],
)
def test_what_is_no_question_of_one_with_one_leaves_no_trace(
    client: httpx.Client, changes: dict[str, object], field: str
) -> None:
    before = client.get("/face/v1/books").json()["count"]
    refused = client.post(CHECKS, json=question(**changes))
    assert (refused.status_code, refused.json()) == (400, {"code": "BAD_CHECK", "field": field})
    assert client.get("/face/v1/books").json()["count"] == before


def test_its_books_hold_no_picture_no_name_and_no_number(client: httpx.Client, layer: RunningLayer) -> None:
    asked = question()
    client.post(CHECKS, json=asked)
    held = b"".join(path.read_bytes() for path in Path(layer.books).parent.iterdir())
    raw = base64.b64decode(asked["picture"])
    for secret in (
        asked["picture"].encode(),
        raw,
        raw[20:120],
        asked["document_number"].encode(),
        asked["name"].encode(),
    ):
        assert secret not in held


def test_a_wrong_token_is_refused(layer: RunningLayer) -> None:
    answer = httpx.post(f"{layer.url}{CHECKS}", json=question(), headers={"Authorization": "Bearer x"}, trust_env=False)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ("http_500", 500),
        ("refuse_auth", 401),
        ("expired_token", 401),
        ("reject", 422),
        ("duplicate", 200),
        ("pending", 200),
    ],
)
def test_each_fault_shows_as_it_says(client: httpx.Client, fault: str, seen: int) -> None:
    client.post("/faults", json={fault: 1})
    asked = question()
    answer = client.post(CHECKS, json=asked)
    assert answer.status_code == seen
    if fault == "duplicate":
        assert answer.json()["check_id"] != asked["check_id"]


def test_a_lost_answer_is_in_the_books_all_the_same(client: httpx.Client) -> None:
    before = client.get("/face/v1/books").json()["count"]
    client.post("/faults", json={"lost_answer": 1})
    with pytest.raises(httpx.HTTPError):
        client.post(CHECKS, json=question())
    assert client.get("/face/v1/books").json()["count"] == before + 1
