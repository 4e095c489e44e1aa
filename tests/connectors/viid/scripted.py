"""A peer that says what it was told to say, answer by answer: for what no proper library would ever do."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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

    server = ThreadingHTTPServer(("127.0.0.1", 0), Peer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
