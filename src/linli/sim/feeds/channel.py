"""A simulated channel: it serves its orders as iCal over HTTP, with faults of the content and of the wire.

    GET  /calendar.ics?fault=NAME      the calendar; without `fault` by the plan in force
    GET  /orders · POST /orders [{uid, arrive_date, leave_date, summary?, sequence?, cancelled?}]    what the channel has let
    GET  /faults · POST /faults {"fault": NAME}      what is wrong from now on; "" for nothing. And how often it was fetched
    GET  /health

Faults of the content are those of `calendar.py`. Faults of the wire: `http_500`, `http_404`, `redirect` (to itself, once), `loop`
(a redirect without end), `inward` (a redirect to a private address), `gzip`, `bomb` (a gzip that unpacks to a gigabyte), `broken` (the
connection ends in the middle), `trickle` (a byte a second), `hang` (no answer).
A sound calendar carries an ETag and answers 304 to a reader that knows it.
"""

import asyncio
import gzip
import hashlib
import zlib
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from linli.sim.clock import Clock
from linli.sim.feeds.calendar import FAULTS, HEADERS, Order, calendar

OF_THE_WIRE = ("http_500", "http_404", "redirect", "loop", "inward", "gzip", "bomb", "broken", "trickle", "hang")
INWARD = "http://169.254.169.254/latest/meta-data/"
HANG_SECONDS = 60.0
BOMB_BYTES = 1 << 30


@dataclass(kw_only=True)
class Channel:
    """What the channel has let, what is wrong with it, and how often it was asked."""

    clock: Clock
    orders: list[Order] = field(default_factory=list)
    fault: str = ""
    fetched: int = 0
    unchanged: int = 0


def channel_app(*, channel: Channel) -> Starlette:
    """This will make the channel's web application."""

    async def show_calendar(request: Request) -> Response:
        channel.fetched += 1
        return await _calendar(channel, request, request.query_params.get("fault", channel.fault))

    async def orders(request: Request) -> Response:
        if request.method == "POST":
            channel.orders = [order_of(told) for told in await request.json()]
        return JSONResponse([{name: str(value) for name, value in asdict(order).items()} for order in channel.orders])

    async def faults(request: Request) -> Response:
        if request.method == "POST":
            wanted = str((await request.json()).get("fault", ""))
            if wanted and wanted not in (*FAULTS, *OF_THE_WIRE):
                return JSONResponse({"unknown": wanted}, status_code=422)
            channel.fault = wanted
        return JSONResponse({"fault": channel.fault, "fetched": channel.fetched, "unchanged": channel.unchanged})

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            Route("/calendar.ics", show_calendar),
            Route("/orders", orders, methods=["GET", "POST"]),
            Route("/faults", faults, methods=["GET", "POST"]),
            Route("/health", health),
        ]
    )


def order_of(told: dict[str, Any]) -> Order:
    """This will read an order as it is told over HTTP."""
    days = {name: date.fromisoformat(told[name]) for name in ("arrive_date", "leave_date")}
    return Order(**{**told, **days})


async def _calendar(channel: Channel, request: Request, fault: str) -> Response:
    if fault in OF_THE_WIRE:
        return await _spoilt_on_the_wire(channel, fault)
    body = calendar(channel.orders, fault=fault, now=channel.clock())
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    if request.headers.get("if-none-match") == etag:
        channel.unchanged += 1
        return Response(status_code=304, headers={"ETag": etag})
    return Response(body, headers={"ETag": etag, "Content-Type": HEADERS.get(fault, "text/calendar; charset=utf-8")})


async def _spoilt_on_the_wire(channel: Channel, fault: str) -> Response:
    if fault.startswith("http_"):
        return Response("sorry", status_code=int(fault.removeprefix("http_")))
    if fault in ("redirect", "loop", "inward"):
        target = {"redirect": "/calendar.ics?fault=stamped_now", "loop": "/calendar.ics?fault=loop", "inward": INWARD}
        return RedirectResponse(target[fault])
    if fault == "hang":
        await asyncio.sleep(HANG_SECONDS)
        return Response(status_code=504)
    body = calendar(channel.orders, now=channel.clock())
    if fault == "gzip":
        return Response(gzip.compress(body), headers={"Content-Encoding": "gzip", "Content-Type": "text/calendar"})
    if fault == "bomb":
        return StreamingResponse(_bomb(), headers={"Content-Encoding": "gzip", "Content-Type": "text/calendar"})
    if fault == "broken":
        # Told longer than it is: the reader waits for the rest and sees the connection end.
        return StreamingResponse(
            _half(body), headers={"Content-Length": str(len(body)), "Content-Type": "text/calendar"}
        )
    return StreamingResponse(_slowly(body), media_type="text/calendar")


async def _bomb() -> AsyncIterator[bytes]:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    zeros = bytes(1 << 20)
    for _ in range(BOMB_BYTES >> 20):
        yield packer.compress(zeros)
        await asyncio.sleep(0)
    yield packer.flush()


async def _half(body: bytes) -> AsyncIterator[bytes]:
    yield body[: len(body) // 2]
    raise ConnectionError("the line broke, on purpose")


async def _slowly(body: bytes) -> AsyncIterator[bytes]:
    for byte in body:
        yield bytes([byte])
        await asyncio.sleep(1)
