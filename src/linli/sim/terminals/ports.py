"""A small HTTP port for simulated devices: one for the device itself, one by which a test plays the people at its door."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

LARGEST_BODY = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked; names of headers are in lower case."""

    method: str
    path: str
    target: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def as_json(self) -> dict[str, Any]:
        """Read the body as a JSON object, or raise ValueError."""
        told = json.loads(self.body or b"{}")
        if not isinstance(told, dict):
            raise ValueError("not a JSON object")
        return told

    def as_form(self) -> dict[str, str]:
        """Read the body as the fields of a form."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What to answer."""

    status: int = 200
    kind: str = "application/json"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def in_json(words: object, *, status: int = 200) -> Response:
    """This will make a response of words."""
    return Response(status=status, body=json.dumps(words, ensure_ascii=False).encode())


# None is a device that does not answer: the connection is broken off.
Answer = Callable[[Request], Response | None]
Deed = Callable[[dict[str, Any]], object]


class Startable(Protocol):
    """Something that begins and ends."""

    def start(self) -> None:
        """This will begin it."""

    def stop(self) -> None:
        """This will end it."""


class Port:
    """An HTTP port of its own thread; a thread more for each connection."""

    def __init__(self, *, answer: Answer, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen at once, and answer once started; raises OSError for a port that is taken."""
        self._server = _Server((host, port), answer)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> None:
        """This will begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """This will stop answering."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


def control(deeds: Mapping[str, Deed], *, state: Callable[[], object]) -> Answer:
    """This will answer GET /state, and do POST /NAME with a JSON object for each deed."""

    def answer(request: Request) -> Response:
        name = request.path.strip("/")
        if request.method == "GET" and name == "state":
            return in_json(state())
        if request.method != "POST" or name not in deeds:
            return in_json({"code": "NOT_FOUND", "deeds": sorted(deeds)}, status=404)
        try:
            return in_json({"done": deeds[name](request.as_json())})
        except (ValueError, TypeError, KeyError) as problem:
            return in_json({"code": "BAD_REQUEST", "detail": f"{type(problem).__name__}: {problem}"}, status=422)

    return answer


def serve(device: Startable, *, words: str) -> None:
    """This will run a device until SIGTERM or Ctrl-C, having said in one line where it is."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    device.start()
    print(words, flush=True)
    stopping.wait()
    device.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], answer: Answer) -> None:
        self.answer = answer
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: whoever hangs up in the middle is part of the play."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60
    server: _Server

    def do_GET(self) -> None:
        length = self.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            self.close_connection = True
            self._send(in_json({"code": "TOO_LARGE"}, status=413))
            return
        address = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=address.path,
            target=self.path,
            query=dict(parse_qsl(address.query)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(length)),
        )
        response = self.server.answer(request)
        if response is None:
            self.close_connection = True
        else:
            self._send(response)

    do_POST = do_PUT = do_DELETE = do_GET

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in {"content-type": response.kind, **response.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
