"""The port on which devices call: what it reads, what it throws away, and what it refuses to read."""

import gzip
import json
import socket

import httpx
import pytest

from linli.edge.drivers.forms import LARGEST_FIELD
from linli.edge.drivers.listening import LARGEST_WORDS, Listener, Reply


@pytest.fixture
def listener():
    listener = Listener()
    listener.calls = []

    def answer(call):
        listener.calls.append(call)
        return Reply(words={"heard": len(call.words)})

    listener.on("POST", "/below/*", answer)
    listener.start()
    yield listener
    listener.stop()


@pytest.fixture
def client(listener):
    with httpx.Client(base_url=f"http://127.0.0.1:{listener.port}", trust_env=False) as client:
        yield client


def test_json_arrives_as_words(client, listener):
    assert client.post("/below/deep/er?a=1", json={"SN": "1", "n": 2}).json() == {"heard": 2}
    call = listener.calls[0]
    assert (call.path, call.query, call.words) == ("/below/deep/er", {"a": "1"}, {"SN": "1", "n": 2})


def test_a_form_keeps_its_texts_and_loses_its_pictures_whatever_their_size(client, listener):
    packed = (
        "RecordDetail",
        (None, gzip.compress(b'{"a":1}'), "application/octet-stream", {"Content-Encoding": "gzip"}),
    )
    picture = ("Photo", ("x.jpg", b"\r\n--\r\n" + b"\xff" * 3_000_000, "image/jpeg"))
    unnamed = ("pic", ("x.bin", b"\x00" * 300_000, "application/octet-stream"))
    files = [("SN", (None, "FC-1")), packed, picture, unnamed, ("last", (None, "two\r\nlines"))]
    assert client.post("/below/form", files=files).status_code == 200
    assert listener.calls[0].words == {"SN": "FC-1", "RecordDetail": '{"a":1}', "last": "two\r\nlines"}


def test_a_url_form_and_a_packed_body_are_read(client, listener):
    client.post("/below/a", data={"lockId": "7", "empty": ""})
    client.post(
        "/below/b", content=gzip.compress(json.dumps({"SN": "1"}).encode()), headers={"Content-Encoding": "gzip"}
    )
    assert [call.words for call in listener.calls] == [{"lockId": "7", "empty": ""}, {"SN": "1"}]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[1]", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b" " * (LARGEST_WORDS + 1), {}, 413),
        (gzip.compress(b" " * (LARGEST_WORDS + 1)), {"content-encoding": "gzip"}, 413),
        (b"not gzip", {"content-encoding": "gzip"}, 400),
        (b"--x\r\n", {"content-type": "multipart/form-data"}, 400),
        (b"--x\r\nbroken off", {"content-type": "multipart/form-data; boundary=x"}, 400),
        (
            b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n' + b"y" * (LARGEST_FIELD + 9) + b"\r\n--x--\r\n",
            {"content-type": "multipart/form-data; boundary=x"},
            413,
        ),
    ],
)
def test_nonsense_and_too_much_are_refused_unheard(client, listener, body, headers, status):
    assert (
        client.post("/below/a", content=body, headers={"content-type": "application/json", **headers}).status_code
        == status
    )
    assert listener.calls == []


def test_the_longest_path_wins_and_other_paths_are_not_there(client, listener):
    listener.on("POST", "/below/own", lambda call: Reply(text="success"))
    listener.on("POST", "/below/near/*", lambda call: Reply(status=202))
    assert client.post("/below/own").text == "success"
    assert client.post("/below/near/x").status_code == 202
    assert [client.post("/above").status_code, client.get("/below/x").status_code] == [404, 404]
    assert listener.calls == []


def test_a_driver_that_fails_costs_one_answer_and_not_the_port(client, listener):
    listener.on("POST", "/bad", lambda call: 1 / 0)
    assert client.post("/bad").status_code == 500
    assert client.post("/below/a", json={}).status_code == 200


def test_the_port_stays_open_until_the_last_driver_stops(client, listener):
    listener.start()
    listener.stop()
    assert client.post("/below/a", json={}).status_code == 200
    assert listener.health().well
    listener.stop()
    assert not listener.health().well
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", listener.port), timeout=1)
    with pytest.raises(httpx.TransportError):
        client.post("/below/a", json={})
    listener.start()
