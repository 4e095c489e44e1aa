"""Listen for devices that call by themselves: one small HTTP server that the drivers of a box share.

    listener = Listener(host="0.0.0.0", port=8710)
    listener.on("POST", "/isapi/*", answer)     # answer: Call -> Reply; "/*" is everything below, the longest wins
    listener.start()                            # may be said by each driver; the last stop() closes the port

A body arrives parsed in `Call.words`: a JSON object, or the fields of a form as texts. Pictures in a form are read past and
thrown away, whatever their size: a driver never sees them. TLS is for a proxy before this port.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from linli.edge.doors import WELL, Health
from linli.edge.drivers.forms import LARGEST_FIELD, Bounded, TooLarge, inflated, read_form

LARGEST_BODY = 16 * 1024 * 1024  # of a form with pictures, which are not kept
LARGEST_WORDS = 1024 * 1024  # of what is kept
MOST_CONNECTIONS = 256
_IDLE_S = 75
_log = logging.getLogger("linli.gate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of a device: names of headers are in lower case, `words` is its JSON object or its form's fields."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Any] = field(default_factory=dict, repr=False)
    peer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer: a JSON object, or plain text when there are no words."""

    status: int = 200
    words: Mapping[str, Any] | None = None
    text: str = ""


Answer = Callable[[Call], Reply]


class Listener:
    """A port of the box. Answers come on a thread for each connection; an answer that raises is a 500, without a body."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._host, self._port = host, port
        self._answers: dict[tuple[str, str], Answer] = {}
        self._lock = threading.Lock()
        self._users = 0
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        """The port it listens on; known once it has started."""
        return self._port

    def on(self, method: str, path: str, answer: Answer) -> None:
        """Answer so what comes to a path, or, where the path ends in "/*", to all below it."""
        with self._lock:
            self._answers[method, path] = answer

    def off(self, method: str, path: str) -> None:
        """Answer nothing more there."""
        with self._lock:
            self._answers.pop((method, path), None)

    def start(self) -> None:
        """Listen. Raises OSError for a port that is taken."""
        with self._lock:
            if self._server is None:
                self._server = _Server((self._host, self._port), self.answer)
                self._port = int(self._server.server_address[1])
                threading.Thread(
                    target=self._server.serve_forever, args=(0.1,), name=f"listening {self._port}", daemon=True
                ).start()
            self._users += 1

    def stop(self) -> None:
        """Stop listening, once everybody who started has stopped."""
        with self._lock:
            self._users = max(0, self._users - 1)
            server = self._server if self._users == 0 else None
            if server is not None:
                self._server = None
        if server is not None:
            server.shutdown()
            server.server_close()
            server.hang_up()

    def health(self) -> Health:
        """Say whether it listens."""
        return WELL if self._server is not None else Health(well=False, words="not listening")

    def answer(self, call: Call) -> Reply:
        """Give a call to whoever takes that path. Raises nothing."""
        found = self._find(call.method, call.path)
        if found is None:
            return Reply(status=404, words={"code": "NOT_FOUND"})
        try:
            return found(call)
        except Exception:
            # A driver's mistake, or nonsense from a device; what was sent may be somebody's, and is not for a log.
            _log.exception("%s %s could not be answered", call.method, call.path[:100])
            return Reply(status=500, words={"code": "FAILED"})

    def _find(self, method: str, path: str) -> Answer | None:
        with self._lock:
            if (method, path) in self._answers:
                return self._answers[method, path]
            while "/" in path:
                path = path.rpartition("/")[0]
                if (method, f"{path}/*") in self._answers:
                    return self._answers[method, f"{path}/*"]
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], answer: Answer) -> None:
        self.answer = answer
        self._open: set[Any] = set()
        self._counting = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._counting:
            crowded = len(self._open) >= MOST_CONNECTIONS
            if not crowded:
                self._open.add(request)
        if crowded:
            # Whoever opens connections without end must not take the box's memory, nor its doors.
            self.shutdown_request(request)
        else:
            super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._counting:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End the connections that devices keep open."""
        with self._counting:
            kept = list(self._open)
        for request in kept:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a device that hangs up in the middle is an ordinary day."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_S
    server: _Server

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        try:
            words = self._words()
        except TooLarge as problem:
            self.close_connection = True
            self._send(Reply(status=413, words={"code": "TOO_LARGE", "detail": str(problem)}))
        except (ValueError, RecursionError):
            self.close_connection = True
            self._send(Reply(status=400, words={"code": "BAD_BODY"}))
        else:
            self._answer(words)

    do_PUT = do_POST

    def _answer(self, words: Mapping[str, Any]) -> None:
        address = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(
            method=self.command,
            path=unquote(address.path),
            query=dict(parse_qsl(address.query)),
            headers=headers,
            words=words,
            peer=str(self.client_address[0]),
        )
        self._send(self.server.answer(call))

    def _words(self) -> Mapping[str, Any]:
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            raise TooLarge("a body has a length")
        kind = self.headers.get_content_type()
        if kind == "multipart/form-data":
            if int(length) > LARGEST_BODY:
                raise TooLarge(f"at most {LARGEST_BODY} bytes")
            boundary = self.headers.get_param("boundary")
            return read_form(Bounded(self.rfile, int(length)), str(boundary or ""))
        if int(length) > LARGEST_WORDS:
            raise TooLarge(f"at most {LARGEST_WORDS} bytes")
        body = self.rfile.read(int(length))
        if self.headers.get("content-encoding", "").lower() == "gzip":
            body = inflated(body, most=LARGEST_WORDS)
        if kind == "application/x-www-form-urlencoded":
            return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=200))
        return _json(body)

    def _send(self, reply: Reply) -> None:
        words = reply.words
        body = (reply.text if words is None else json.dumps(words, ensure_ascii=False)).encode("utf-8", "replace")
        self.send_response(reply.status)
        self.send_header("content-type", f"{'text/plain' if words is None else 'application/json'}; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a token in an address or a card in a body is not for a log."""


def _json(body: bytes) -> Mapping[str, Any]:
    if not body.strip():
        return {}
    given = json.loads(body)
    if not isinstance(given, dict):
        raise ValueError("the body is a JSON object")
    return given


__all__ = ["LARGEST_BODY", "LARGEST_FIELD", "LARGEST_WORDS", "Answer", "Call", "Listener", "Reply"]
