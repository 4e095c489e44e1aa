"""A peer that says what it was told to say, answer by answer: for what no proper library would ever do."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Scripted = tuple[int, Mapping[str, str], bytes]


@contextmanager
def scripted(answers: Sequence[Scripted]) -> Iterator[str]:
    """Its address while it answers; the last answer is given for ever."""
    left = list(answers)

    class Peer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, headers, body = left.pop(0) if len(left) > 1 else left[0]
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_DELETE = do_POST

        def log_message(self, format: str, *args: object) -> None:
            pass

    with _serving(Peer) as url:
        yield url


Collecting = list[tuple[str, Mapping[str, str], Any]]


@contextmanager
def collecting(answer: Any) -> Iterator[tuple[str, Collecting]]:
    """A subscriber: its address, and what it heard; None answers with what is no message."""
    heard: Collecting = []
    raw = b"<html>" if answer is None else json.dumps(answer).encode()

    class Subscriber(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            heard.append((self.path, {name.lower(): value for name, value in self.headers.items()}, json.loads(body)))
            self.send_response(200)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with _serving(Subscriber) as url:
        yield url, heard


@contextmanager
def _serving(kind: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
