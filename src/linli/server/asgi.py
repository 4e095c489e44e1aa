"""One port: streams on the event loop, everything else on threads (Django's ORM under ASGI costs twice the CPU for nothing)."""

import asyncio
import io
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from linli.server import streams
from linli.server.kernel.errors import Refusal
from linli.server.wsgi import application as django

THREADS = 16
BODY_BYTES = 12 * 1024 * 1024


class RequestTooBig(Refusal):
    """This request is too big; at most 12 MB."""

    zh = "请求过大，最多 12 MB。"
    status = 413


Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """This will serve a stream on the loop and anything else on a thread."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "http" and scope["path"].startswith("/api/stream/"):
        await streams.serve(scope, receive, send)
    elif scope["type"] == "http":
        await _bridge(scope, receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            _close_streams_first()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            streams.close_all()
            await send({"type": "lifespan.shutdown.complete"})
            return


def _close_streams_first() -> None:
    # An open stream would hold up a graceful stop until the kill timeout: close them before the server's own handler runs.
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def close_then(signum: int, frame: Any, before: Any = before) -> None:
            loop.call_soon_threadsafe(streams.close_all)
            if callable(before):
                before(signum, frame)

        try:
            signal.signal(number, close_then)
        except ValueError:
            # Not the main thread: whoever runs us there stops us another way.
            return


async def _bridge(scope: Scope, receive: Receive, send: Send) -> None:
    body = await _body(receive)
    if body is None:
        await send(
            {"type": "http.response.start", "status": 413, "headers": [(b"content-type", b"application/problem+json")]}
        )
        await send({"type": "http.response.body", "body": json.dumps(RequestTooBig().problem()).encode()})
        return
    status, headers, content = await asyncio.get_running_loop().run_in_executor(_threads, _call, _environ(scope, body))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _body(receive: Receive) -> bytes | None:
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= BODY_BYTES:
            chunks.append(chunk)
        if not message.get("more_body"):
            break
    return b"".join(chunks) if size <= BODY_BYTES else None


def _call(environ: dict[str, Any]) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        started[:] = [
            int(status.split(" ", 1)[0]),
            [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in headers],
        ]

    answer: Iterable[bytes] = django(environ, start_response)
    try:
        content = b"".join(answer)
    finally:
        close = getattr(answer, "close", None)
        if close is not None:
            close()
    return started[0], started[1], content


def _environ(scope: Scope, body: bytes) -> dict[str, Any]:
    server = scope.get("server") or ("127.0.0.1", 80)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        # ASGI paths are already unquoted text; WSGI wants their UTF-8 bytes shown as latin-1.
        "PATH_INFO": scope["path"].encode("utf-8", "replace").decode("latin-1"),
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 80),
        "REMOTE_ADDR": (scope.get("client") or ("", 0))[0],
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        text, shown = name.decode("latin-1"), value.decode("latin-1")
        if text == "content-type":
            environ["CONTENT_TYPE"] = shown
        elif text != "content-length":
            key = f"HTTP_{text.upper().replace('-', '_')}"
            environ[key] = f"{environ[key]},{shown}" if key in environ else shown
    return environ
