"""Server-sent events: the wake-up call of the gates and the live view of the console.

One LISTEN connection a process, a bounded queue a client. A client that does not read is dropped; after a database restart every
client is told to resync, because a notification may have been missed.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import psycopg
import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections

from linli.server.access import queries as access
from linli.server.kernel import clock, tickets
from linli.server.kernel.errors import NotFound, Refusal, SignInNeeded

CHANNELS = ("linli_snapshot", "linli_console")
QUEUE = 256
HEARTBEAT_SECONDS = 15.0
RECONNECT_SECONDS = 0.5
log = structlog.get_logger(__name__)

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


@dataclass(eq=False, slots=True)
class Client:
    """One open stream: the estate and channel it hears, and what waits to be written to it.

    `hears` are the classes of events that its ticket names; what is of no class goes to every watcher, and a box hears all.
    """

    estate_id: str
    channel: str
    hears: frozenset[str] | None = None
    waiting: asyncio.Queue[tuple[str, str] | None] = field(default_factory=lambda: asyncio.Queue(QUEUE))

    def listens(self, event: str) -> bool:
        """This will say whether an event is for this client."""
        return self.hears is None or event not in access.HEARERS or event in self.hears

    def put(self, event: str, data: str) -> bool:
        """This will queue an event, or say that the client is stuck."""
        try:
            self.waiting.put_nowait((event, data))
        except asyncio.QueueFull:
            return False
        return True

    def end(self) -> None:
        """This will end the stream; when the queue is full its oldest entry makes way for the end mark."""
        with contextlib.suppress(asyncio.QueueEmpty):
            while self.waiting.full():
                self.waiting.get_nowait()
        self.waiting.put_nowait(None)


class Hub:
    """All clients of this process and the one connection that listens for them."""

    def __init__(self) -> None:
        self._clients: set[Client] = set()
        self._listener: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self.closing = False

    async def join(self, client: Client) -> None:
        """This will add a client and wait until its channel is really listened to, so that nothing falls in between."""
        self._clients.add(client)
        if self._listener is None or self._listener.done():
            self._ready.clear()
            self._listener = asyncio.create_task(self._listen())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), timeout=5)

    def leave(self, client: Client) -> None:
        """This will forget a client."""
        self._clients.discard(client)

    def close(self) -> None:
        """This will end every stream."""
        self.closing = True
        for client in tuple(self._clients):
            client.end()
        if self._listener is not None:
            self._listener.cancel()

    async def _listen(self) -> None:
        while not self.closing:
            try:
                async for channel, payload in _notifications(self._ready):
                    self._spread(channel, payload)
            except (psycopg.Error, OSError) as problem:
                log.warning("listener_lost", problem=type(problem).__name__)
            self._ready.clear()
            await asyncio.sleep(RECONNECT_SECONDS)
            for client in tuple(self._clients):
                client.put("resync", "{}")

    def _spread(self, channel: str, payload: str) -> None:
        body = json.loads(payload)
        for one in (body, *body.get("also", ())):
            self._send(channel, body["estate"], one["event"], json.dumps(one["data"], ensure_ascii=False))

    def _send(self, channel: str, estate_id: str, event: str, data: str) -> None:
        for client in tuple(self._clients):
            if client.channel != channel or client.estate_id != estate_id or not client.listens(event):
                continue
            if not client.put(event, data):
                log.warning("stream_client_dropped", channel=channel)
                client.end()


async def _notifications(ready: asyncio.Event) -> AsyncIterator[tuple[str, str]]:
    database = settings.DATABASES["default"]
    connection = await psycopg.AsyncConnection.connect(
        dbname=database["NAME"],
        user=database["USER"] or None,
        password=database["PASSWORD"] or None,
        host=database["HOST"] or None,
        port=database["PORT"] or None,
        autocommit=True,
    )
    async with connection:
        for channel in CHANNELS:
            await connection.execute(f"LISTEN {channel}")
        ready.set()
        async for notification in connection.notifies():
            yield notification.channel, notification.payload


_hub: Hub | None = None


def _the_hub() -> Hub:
    global _hub
    if _hub is None:
        _hub = Hub()
    return _hub


def close_all() -> None:
    """This will end every stream of this process; the server is stopping."""
    if _hub is not None:
        _hub.close()


async def serve(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """This will keep one event stream open until the client leaves, gets stuck, or the server stops."""
    try:
        client, greeting = await _welcome(scope)
    except Refusal as refusal:
        await _refuse(send, refusal)
        return
    hub = _the_hub()
    await hub.join(client)
    if greeting is not None:
        client.put("snapshot", json.dumps({"version": await _version(greeting)}))
    headers = [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    gone = asyncio.create_task(_gone(receive))
    try:
        await _pump(client, send, gone)
    finally:
        gone.cancel()
        hub.leave(client)


async def _pump(client: Client, send: Send, gone: asyncio.Task[None]) -> None:
    await _write(send, ": welcome\n\n")
    while not gone.done():
        waiting = asyncio.create_task(client.waiting.get())
        done, _ = await asyncio.wait({waiting, gone}, timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if waiting not in done:
            waiting.cancel()
            if gone in done:
                return
            await _write(send, ": still here\n\n")
            continue
        entry = waiting.result()
        if entry is None:
            break
        await _write(send, f"event: {entry[0]}\ndata: {entry[1]}\n\n")
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _write(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _welcome(scope: dict[str, Any]) -> tuple[Client, str | None]:
    path = scope["path"]
    if path == "/api/stream/gate":
        headers = dict(scope["headers"])
        box = await _box(headers.get(b"authorization", b"").decode("latin-1").removeprefix("Bearer "))
        return Client(estate_id=box.estate_id, channel="linli_snapshot"), box.estate_id
    if path == "/api/stream/console":
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        ticket = tickets.read("console-stream", query.get("ticket", [""])[0], max_age_seconds=60, now=clock.now())
        if ticket is None:
            raise SignInNeeded
        hears = frozenset(map(str, ticket.get("hears", ())))
        return Client(estate_id=ticket["estate_id"], channel="linli_console", hears=hears), None
    raise NotFound


@sync_to_async(thread_sensitive=False)
def _box(key: str) -> access.BoxView:
    close_old_connections()
    try:
        return access.authenticate_box(key=key)
    finally:
        close_old_connections()


@sync_to_async(thread_sensitive=False)
def _version(estate_id: str) -> int:
    try:
        return access.snapshot_version(estate_id=estate_id)
    finally:
        close_old_connections()


async def _refuse(send: Send, refusal: Refusal) -> None:
    headers = [(b"content-type", b"application/problem+json")]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(refusal.problem(), ensure_ascii=False).encode()})
