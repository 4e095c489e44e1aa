"""A view library over real HTTP, with faults on the wire and a desk by which a test reads its books and sends it out.

    /VIID/…                                 GA/T 1400: see `library`
    GET  /books?table=&kind=&after=&size=   counts, and the rows of one table: object, refusal, request, registration,
                                            subscription
    GET  /faults · POST /faults {…}         the fault plan and what was injected; a POST replaces the whole plan
    GET  /control                           who it is and how it speaks
    POST /control/ERRAND {…}                send it out to a `peer`: see `errands`; or one of
         forget {"device_id"}               forgets a registration; all of them without a number
         reboot {"times"}                   the next answers are status 9
         dialect {"dialect"}                speaks another one from now on
    GET  /health                            no token needed

The desk takes `Authorization: Bearer TOKEN` when the library was started with a token; /VIID has its digest.
"""

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from linli.sim.clock import Clock
from linli.sim.faults import BadFaultPlan
from linli.sim.platforms.viid.books import TABLES
from linli.sim.platforms.viid.dialects import Json, UnknownDialect, dialect_of
from linli.sim.platforms.viid.errands import ERRANDS, Errand
from linli.sim.platforms.viid.faults import ViidFault, ViidFaults, viid_plan
from linli.sim.platforms.viid.library import Answer, Asked, ViewLibrary

LONGEST_BODY = 12 * 1024 * 1024
LARGEST_PAGE = 1000
TRICKLES = 20
ERRANDS_AT_ONCE = 8

Told = TypeVar("Told")
Answering = Callable[["RunningLibrary", Request], Awaitable[Response]]

NONSENSE: tuple[tuple[str, bytes], ...] = (
    ("text/html", b"<html><body><h1>502 Bad Gateway</h1></body></html>"),
    ("application/VIID+JSON", b'{"ResponseStatusListObject": {"ResponseSta'),
    ("application/VIID+JSON", b'{"ResponseStatusObject": {"StatusCode": "77", "Id": 7}}'),
    ("application/VIID+JSON", b'[{"StatusCode": 0}]'),
    ("application/VIID+JSON", b'{"ResponseStatusListObject": {"ResponseStatusObject": []}}'),
    ("application/VIID+JSON", b"\xff\xfe\x00\x00"),
    ("application/xml", b"<?xml version='1.0'?><ResponseStatus><StatusCode>0</StatusCode></ResponseStatus>"),
)


class BadErrand(ValueError):
    """What the desk was asked for is not of its shape."""


@dataclass(slots=True, kw_only=True)
class RunningLibrary:
    """One running library: its books on one thread, its errands on others, its faults and its clock."""

    library: ViewLibrary
    faults: ViidFaults
    clock: Clock
    name: str
    token: str | None = None
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="books"))
    outside: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(ERRANDS_AT_ONCE))
    answers: list[Answer] = field(default_factory=list)
    nonsense: int = 0

    async def told(self, question: Callable[[], Told]) -> Told:
        """This will ask the library, one question at a time."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, question)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The faults of one request, in the form that the library takes them."""

    fault: ViidFault | None
    faults: ViidFaults

    def item_code(self, *, word: str, number: str) -> int:
        """This will draw the status of one sound item."""
        return self.faults.item_code(word=word)


class CutAnswer(Response):
    """An answer whose connection breaks in the middle: the sender cannot know whether it was heard."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send half of what was promised, and break."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})
        raise ConnectionAbortedError("cut on purpose")


class SlowAnswer(Response):
    """An answer that comes a few bytes at a time."""

    seconds = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it in so many pieces, with a pause before each."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        step = max(1, len(self.body) // TRICKLES)
        for start in range(0, len(self.body), step):
            await asyncio.sleep(self.seconds * step / max(1, len(self.body)))
            await send({"type": "http.response.body", "body": self.body[start : start + step], "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def library_application(running: RunningLibrary, *, more: dict[str, Answering] | None = None) -> Starlette:
    """This will make the library as an ASGI application; `more` are questions of its own to the desk."""
    routes = [
        Route("/VIID/{rest:path}", _viid(running), methods=["GET", "POST", "PUT", "DELETE"]),
        *(Route(path, _guarded(running, answer), methods=["GET"]) for path, answer in (more or {}).items()),
        Route("/books", _guarded(running, _show_books), methods=["GET"]),
        Route("/faults", _guarded(running, _show_faults), methods=["GET"]),
        Route("/faults", _guarded(running, _change_faults), methods=["POST"]),
        Route("/control", _guarded(running, _show_state), methods=["GET"]),
        Route("/control/{errand}", _guarded(running, _run_errand), methods=["POST"]),
        Route("/health", _health(running), methods=["GET"]),
    ]
    return Starlette(routes=routes)


def _viid(running: RunningLibrary) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        asked = await _asked(request)
        if asked is None:
            return JSONResponse({"code": "TOO_LARGE"}, status_code=413)
        await asyncio.sleep(running.faults.latency_s())
        fault = running.faults.draw(word=asked.word)
        if fault is ViidFault.UNHEARD:
            return await _held(running)
        if fault is ViidFault.HTTP_500:
            return JSONResponse({"code": "INTERNAL"}, status_code=500)
        if fault is ViidFault.NONSENSE and running.faults.toss():
            return _nonsense(running)
        answer = await running.told(lambda: _answer(running, asked, fault))
        return await _with_fault(running=running, answer=answer, fault=fault)

    return endpoint


def _answer(running: RunningLibrary, asked: Asked, fault: ViidFault | None) -> Answer:
    running.library.offset = timedelta(seconds=running.faults.plan.numbers["clock_offset_s"])
    drawn = Drawn(fault=fault, faults=running.faults)
    return running.library.answer(asked=asked, now=running.clock(), spoiling=drawn)


async def _with_fault(*, running: RunningLibrary, answer: Answer, fault: ViidFault | None) -> Response:
    earlier = running.answers[-1] if running.answers else answer
    running.answers[:] = [answer]
    if fault is ViidFault.TIMEOUT:
        return await _held(running)
    if fault is ViidFault.NONSENSE:
        return _nonsense(running)
    if fault is ViidFault.DUPLICATE:
        answer = earlier
    headers = dict(answer.headers)
    if fault is ViidFault.LOST_ANSWER:
        return CutAnswer(answer.body, status_code=answer.status, headers=headers)
    if fault is ViidFault.TRICKLE:
        slow = SlowAnswer(answer.body, status_code=answer.status, headers=headers)
        slow.seconds = running.faults.plan.numbers["trickle_s"]
        return slow
    return Response(answer.body, status_code=answer.status, headers=headers)


async def _held(running: RunningLibrary) -> Response:
    await asyncio.sleep(running.faults.plan.numbers["timeout_s"])
    return JSONResponse({"code": "TIMEOUT"}, status_code=504)


def _nonsense(running: RunningLibrary) -> Response:
    running.nonsense += 1
    kind, body = NONSENSE[running.nonsense % len(NONSENSE)]
    return Response(body, headers={"content-type": kind})


async def _asked(request: Request) -> Asked | None:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > LONGEST_BODY:
            return None
    query = request.url.query
    return Asked(
        method=request.method,
        path=request.url.path,
        query=dict(request.query_params),
        target=request.url.path + (f"?{query}" if query else ""),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=bytes(raw),
    )


def _guarded(running: RunningLibrary, answer: Answering) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        sent = request.headers.get("authorization", "").encode()
        if running.token is not None and not hmac.compare_digest(sent, f"Bearer {running.token}".encode()):
            return JSONResponse({"code": "UNAUTHORISED"}, status_code=401, headers={"www-authenticate": "Bearer"})
        try:
            return await answer(running, request)
        except (BadErrand, BadFaultPlan, UnknownDialect, KeyError, ValueError) as problem:
            detail = f"{type(problem).__name__}: {problem}"
            return JSONResponse({"code": "BAD_REQUEST", "detail": detail}, status_code=400)

    return endpoint


async def _show_books(running: RunningLibrary, request: Request) -> Response:
    asked = request.query_params
    table, after, size = asked.get("table", "object"), int(asked.get("after", "0")), int(asked.get("size", "200"))
    if table not in TABLES:
        raise BadErrand(f"no such table: {table}")
    size, books = min(max(size, 1), LARGEST_PAGE), running.library.books
    summary = await running.told(lambda: books.summary(now=running.clock()))
    rows = await running.told(lambda: books.rows(table=table, after=after, size=size, kind=asked.get("kind")))
    return JSONResponse({**summary, "rows": rows, "next": rows[-1]["position"] if len(rows) == size else None})


async def _show_faults(running: RunningLibrary, request: Request) -> Response:
    return JSONResponse({"plan": running.faults.plan.as_json(), "injected": running.faults.injected()})


async def _change_faults(running: RunningLibrary, request: Request) -> Response:
    running.faults.plan = viid_plan(await _json_of(request))
    return await _show_faults(running, request)


async def _show_state(running: RunningLibrary, request: Request) -> Response:
    library = running.library
    told = {"platform": running.name, "device_id": library.device_id, "dialect": library.dialect.name}
    return JSONResponse({**told, "reboots": library.reboots, "time": running.clock().isoformat()})


async def _run_errand(running: RunningLibrary, request: Request) -> Response:
    name, words = request.path_params["errand"], await _json_of(request)
    if name in AT_HOME:
        return JSONResponse(await running.told(lambda: AT_HOME[name](running.library, words)))
    if name not in ERRANDS:
        return JSONResponse({"code": "NOT_FOUND", "errands": sorted({*ERRANDS, *AT_HOME})}, status_code=404)
    errand = Errand(library=running.library, words=words, now=running.clock())
    loop = asyncio.get_running_loop()
    return JSONResponse(await loop.run_in_executor(running.outside, lambda: ERRANDS[name](errand)))


def _forget(library: ViewLibrary, words: Json) -> Json:
    with library.books.transaction():
        return {"forgotten": library.books.leave(device_id=str(words.get("device_id", "*")), state="FORGOTTEN")}


def _reboot(library: ViewLibrary, words: Json) -> Json:
    library.reboots = int(words.get("times", 1))
    return {"reboots": library.reboots}


def _change_dialect(library: ViewLibrary, words: Json) -> Json:
    library.dialect = dialect_of(str(words["dialect"]))
    return {"dialect": library.dialect.name}


AT_HOME: dict[str, Callable[[ViewLibrary, Json], Json]] = {
    "forget": _forget,
    "reboot": _reboot,
    "dialect": _change_dialect,
}


def _health(running: RunningLibrary) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return JSONResponse({"platform": running.name, "state": "up"})

    return endpoint


async def _json_of(request: Request) -> Json:
    raw = await request.body()
    try:
        told = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        raise BadErrand("not JSON") from None
    if not isinstance(told, dict):
        raise BadErrand("not a JSON object")
    return told
