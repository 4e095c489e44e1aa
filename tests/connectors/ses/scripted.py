"""A platform that answers whatever a test puts into its mouth, over real HTTP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Script:
    """What it will answer next (the last answer is repeated), and what it was sent."""

    answers: list[tuple[int, bytes]] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def next(self) -> tuple[int, bytes]:
        """The answer that is due."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def scripted() -> Iterator[Script]:
    """This will serve a script until the test is over."""
    script = Script()

    class Mouth(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            script.heard.append(self.rfile.read(int(self.headers["content-length"])))
            script.headers.append({name.lower(): value for name, value in self.headers.items()})
            status, body = script.next()
            self.send_response(status)
            self.send_header("content-type", "text/xml")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Mouth)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    script.url = f"http://127.0.0.1:{server.server_address[1]}/servicio"
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
