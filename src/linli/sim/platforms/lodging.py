"""The lodging platform 旅综 as a simulator: Linli's neutral contract over real HTTP. The real interface is not public.

    POST /lodging/v1/messages              {"lsh", "kind", "sent_at", "body"}  →  an answer
    GET  /lodging/v1/messages/{lsh}        the answer given to that message id, or 404
    GET  /lodging/v1/stays/{zsbh}          what is registered of one stay, or 404
    GET  /lodging/v1/stays?after=&size=    all stays, by reference
    GET  /lodging/v1/books?after=&size=&kind=&answer=   counts, and the messages as they came in
    GET  /lodging/v1/codes                 the catalogue of refusals, in Chinese and English
    GET  /faults · POST /faults {…}        the fault plan and what was injected; a POST replaces the whole plan
    GET  /health                           no token needed

Every request but /health takes `Authorization: Bearer TOKEN` when the platform was started with a token.

An answer is `{"answer": "ACCEPTED", "receipt", "lsh"}`, `{"answer": "REJECTED", "code", "field", "lsh"}` or
`{"answer": "PENDING", "lsh"}`. The same `lsh` again gets the same answer and is never booked twice; the same `lsh` with
another kind or body is REJECTED with LSH_REUSED and changes nothing. A PENDING answer settles by itself: ask for it, or
send it again. A request that is no message at all (not JSON, no `lsh`) gets 400 and leaves no trace in the books.

The body, in pinyin initials as Chinese police applications name things. R required, o optional, in
CHECK_IN (CI), AMEND (AM), ROOM_CHANGE (RC), EXTEND (EX), CHECK_OUT (CO), CANCEL (CA):

| field  | 中文       | meaning                                               | form               | CI AM RC EX CO CA |
|--------|------------|-------------------------------------------------------|--------------------|-------------------|
| zsbh   | 住宿编号   | the sender's reference of one guest's stay            | ≤ 40 0-9A-Za-z_-   | R  R  R  R  R  R  |
| lgdm   | 旅馆代码   | the unit's code                                       | ≤ 32 0-9A-Za-z-    | R  R  R  R  R  R  |
| xm     | 姓名       | name; required of guests from China                   | ≤ 60, no signs     | o  o  -  -  -  -  |
| ywx    | 英文姓     | surname in Latin; required of guests from abroad      | ≤ 50 Latin         | o  o  -  -  -  -  |
| ywm    | 英文名     | given names in Latin                                  | ≤ 50 Latin         | o  o  -  -  -  -  |
| xb     | 性别       | sex, GB/T 2261.1: 0 unknown 1 male 2 female 9 none | one digit          | R  R  -  -  -  -  |
| csrq   | 出生日期   | birth date                                            | yyyyMMdd           | R  R  -  -  -  -  |
| gj     | 国家地区   | nationality or region, ISO 3166 alpha-3 or ICAO       | AAA                | R  R  -  -  -  -  |
| zjlx   | 证件类型   | document type, GA/T 517; 990 for what it lacks        | 3 digits           | R  R  -  -  -  -  |
| zjhm   | 证件号码   | document number, with its check digit                 | by document type   | R  R  -  -  -  -  |
| rjrq   | 入境日期   | entered China on                                      | yyyyMMdd           | o  o  -  -  -  -  |
| nlkrq  | 拟离开日期 | may stay until                                        | yyyyMMdd           | o  o  -  -  -  -  |
| fh     | 房号       | room                                                  | ≤ 20               | R  -  R  -  -  -  |
| cw     | 床位       | bed                                                   | ≤ 20               | o  -  o  -  -  -  |
| rzsj   | 入住时间   | arrived at, in the estate's zone                      | yyyyMMddHHmm       | R  o  -  -  -  -  |
| ydtfsj | 预订退房   | will leave at                                         | yyyyMMddHHmm       | R  -  -  R  -  -  |
| hfsj   | 换房时间   | moved at                                              | yyyyMMddHHmm       | -  -  R  -  -  -  |
| tfsj   | 退房时间   | left at                                               | yyyyMMddHHmm       | -  -  -  -  R  -  |
| tdtf   | 推定退房   | 1: nobody saw the guest leave, the clock closed it    | 0 or 1             | -  -  -  -  o  -  |
| cxyy   | 撤销原因   | why the registration is withdrawn                     | ≤ 100              | -  -  -  -  -  R  |
| czr    | 操作人     | who entered it                                        | ≤ 40               | R  R  R  R  R  R  |
| czsj   | 操作时间   | when it was entered                                   | yyyyMMddHHmm       | R  R  R  R  R  R  |

AMEND replaces the person as a whole. Ethnicity (mz), address, faith and photographs have no field: they are refused as
UNKNOWN_FIELD. Order: all but CHECK_IN need an accepted check-in of the same `zsbh`; one still PENDING is none yet.
"""

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from linli.sim.clock import Clock
from linli.sim.faults import BadFaultPlan, Fault, FaultInjector, plan_of
from linli.sim.platforms.lodging_books import BookedAnswer, Books, Message
from linli.sim.platforms.lodging_fields import CATALOGUE

LONGEST_BODY = 64 * 1024
LARGEST_PAGE = 1000
LSH_LENGTH = 80

Told = TypeVar("Told")

NONSENSE: tuple[tuple[str, bytes], ...] = (
    ("text/html", b"<html><body><h1>502 Bad Gateway</h1></body></html>"),
    ("application/json", b'{"answer": "ACCEP'),
    ("application/json", b'{"answer": "MAYBE", "lsh": 7}'),
    ("application/json", b'[{"answer": "ACCEPTED"}]'),
    ("application/json", b'{"answer": "ACCEPTED"}'),
    ("application/json", b"\xff\xfe\x00\x00"),
)


class BadEnvelope(ValueError):
    """The request is not a message: not JSON, or without a proper lsh, kind, sent_at and body."""

    def __init__(self, field: str) -> None:
        """Say which part of the envelope is wrong."""
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class LodgingPlatform:
    """One running platform: its books on one thread, its faults, its clock and its token."""

    books: Books
    faults: FaultInjector
    clock: Clock
    token: str | None
    thread: ThreadPoolExecutor
    answers: list[BookedAnswer]

    async def told(self, question: Callable[[], Told]) -> Told:
        """This will ask the books, one question at a time."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, question)


class CutAnswer(Response):
    """An answer whose connection breaks in the middle: the sender cannot know whether it was heard."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send half of what was promised, and break."""
        half = self.body[: len(self.body) // 2]
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(self.body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": half, "more_body": True})
        raise ConnectionAbortedError("cut on purpose")


def lodging_platform(*, books_file: Path, faults: FaultInjector, clock: Clock, token: str | None) -> Starlette:
    """This will make the platform as an ASGI application over the given books."""
    platform = LodgingPlatform(
        books=Books(file=books_file),
        faults=faults,
        clock=clock,
        token=token,
        thread=ThreadPoolExecutor(max_workers=1, thread_name_prefix="books"),
        answers=[],
    )
    routes = [
        Route("/lodging/v1/messages", _guarded(platform, _take_message), methods=["POST"]),
        Route("/lodging/v1/messages/{lsh}", _guarded(platform, _show_answer), methods=["GET"]),
        Route("/lodging/v1/stays", _guarded(platform, _list_stays), methods=["GET"]),
        Route("/lodging/v1/stays/{zsbh}", _guarded(platform, _show_stay), methods=["GET"]),
        Route("/lodging/v1/books", _guarded(platform, _show_books), methods=["GET"]),
        Route("/lodging/v1/codes", _guarded(platform, _show_codes), methods=["GET"]),
        Route("/faults", _guarded(platform, _show_faults), methods=["GET"]),
        Route("/faults", _guarded(platform, _change_faults), methods=["POST"]),
        Route("/health", _show_health, methods=["GET"]),
    ]
    return Starlette(routes=routes)


Answering = Callable[[LodgingPlatform, Request], Awaitable[Response]]


def _guarded(platform: LodgingPlatform, answer: Answering) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        sent = request.headers.get("authorization", "")
        if platform.token is not None and not hmac.compare_digest(sent.encode(), f"Bearer {platform.token}".encode()):
            return JSONResponse({"code": "UNAUTHORISED"}, status_code=401, headers={"www-authenticate": "Bearer"})
        try:
            return await answer(platform, request)
        except BadEnvelope as problem:
            refused = {"answer": "REJECTED", "code": "BAD_ENVELOPE", "field": problem.field}
            return JSONResponse(refused, status_code=400)

    return endpoint


async def _take_message(platform: LodgingPlatform, request: Request) -> Response:
    message = await _message_of(request)
    await asyncio.sleep(platform.faults.latency_s())
    fault = platform.faults.draw(kind=message.kind)
    if fault is Fault.NONSENSE and platform.faults.toss():
        return _nonsense(position=len(message.lsh))
    if fault in BEFORE_BOOKING:
        return await BEFORE_BOOKING[fault](platform)
    now = platform.clock()
    settles_at = now + timedelta(seconds=platform.faults.plan.pending_s) if fault is Fault.PENDING else None
    answer = await platform.told(
        lambda: platform.books.submit(message=message, now=now, settles_at=settles_at, review=fault is Fault.REJECT)
    )
    return _with_fault(platform=platform, answer=answer, fault=fault)


async def _show_answer(platform: LodgingPlatform, request: Request) -> Response:
    await asyncio.sleep(platform.faults.latency_s())
    fault = platform.faults.draw()
    if fault in BEFORE_BOOKING:
        return await BEFORE_BOOKING[fault](platform)
    lsh = request.path_params["lsh"]
    answer = await platform.told(lambda: platform.books.answer_of(lsh=lsh, now=platform.clock()))
    if answer is None:
        return JSONResponse({"code": "UNKNOWN_MESSAGE", "field": "lsh"}, status_code=404)
    return _with_fault(platform=platform, answer=answer, fault=fault)


async def _show_stay(platform: LodgingPlatform, request: Request) -> Response:
    zsbh = request.path_params["zsbh"]
    stay = await platform.told(lambda: platform.books.stay(zsbh=zsbh, now=platform.clock()))
    if stay is None:
        return JSONResponse({"code": "UNKNOWN_STAY", "field": "zsbh"}, status_code=404)
    return JSONResponse(stay)


async def _list_stays(platform: LodgingPlatform, request: Request) -> Response:
    after, size = request.query_params.get("after", ""), _page_size(request)
    rows = await platform.told(lambda: platform.books.stays(after=after, size=size, now=platform.clock()))
    return JSONResponse({"rows": rows, "next": rows[-1]["zsbh"] if len(rows) == size else None})


async def _show_books(platform: LodgingPlatform, request: Request) -> Response:
    asked, size, now = request.query_params, _page_size(request), platform.clock()
    after = _whole_number(asked.get("after", "0"), field="after")
    summary = await platform.told(lambda: platform.books.summary(now=now))
    rows = await platform.told(
        lambda: platform.books.rows(
            after=after, size=size, now=now, kind=asked.get("kind") or None, answer=asked.get("answer") or None
        )
    )
    return JSONResponse({**summary, "rows": rows, "next": rows[-1]["position"] if len(rows) == size else None})


async def _show_codes(platform: LodgingPlatform, request: Request) -> Response:
    return JSONResponse({code: {"zh": zh, "en": en} for code, (zh, en) in CATALOGUE.items()})


async def _show_faults(platform: LodgingPlatform, request: Request) -> Response:
    return JSONResponse({"plan": platform.faults.plan.as_json(), "injected": platform.faults.injected()})


async def _change_faults(platform: LodgingPlatform, request: Request) -> Response:
    wishes = await _json_of(request)
    try:
        platform.faults.change(plan=plan_of(wishes))
    except BadFaultPlan as problem:
        return JSONResponse({"code": "BAD_FAULT_PLAN", "detail": str(problem)}, status_code=400)
    return await _show_faults(platform, request)


async def _show_health(request: Request) -> Response:
    return JSONResponse({"platform": "lodging", "state": "up"})


async def _hold(platform: LodgingPlatform) -> Response:
    await asyncio.sleep(platform.faults.plan.timeout_s)
    return JSONResponse({"code": "TIMEOUT"}, status_code=504)


async def _fail(platform: LodgingPlatform) -> Response:
    return JSONResponse({"code": "INTERNAL"}, status_code=500)


BEFORE_BOOKING: Mapping[Fault | None, Callable[[LodgingPlatform], Awaitable[Response]]] = {
    Fault.TIMEOUT: _hold,
    Fault.HTTP_500: _fail,
}


def _with_fault(*, platform: LodgingPlatform, answer: BookedAnswer, fault: Fault | None) -> Response:
    earlier = platform.answers[-1] if platform.answers else answer
    platform.answers[:] = [answer]
    if fault is Fault.LOST_ANSWER:
        return CutAnswer(json.dumps(answer.as_json()).encode())
    if fault is Fault.DUPLICATE:
        return JSONResponse(earlier.as_json())
    if fault is Fault.NONSENSE:
        return _nonsense(position=answer.position)
    return JSONResponse(answer.as_json())


def _nonsense(*, position: int) -> Response:
    kind, body = NONSENSE[position % len(NONSENSE)]
    return Response(body, media_type=kind)


async def _message_of(request: Request) -> Message:
    envelope = await _json_of(request)
    for name in sorted(envelope.keys() - {"lsh", "kind", "sent_at", "body"}):
        raise BadEnvelope(name[:40])
    texts = {name: _short_text(envelope.get(name), field=name) for name in ("lsh", "kind", "sent_at")}
    body = envelope.get("body")
    if not isinstance(body, dict):
        raise BadEnvelope("body")
    return Message(body=body, **texts)


async def _json_of(request: Request) -> dict[str, object]:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > LONGEST_BODY:
            raise BadEnvelope("too_long")
    try:
        read = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadEnvelope("json") from None
    if not isinstance(read, dict):
        raise BadEnvelope("json")
    return read


def _short_text(value: object, *, field: str) -> str:
    if (
        not isinstance(value, str)
        or not 1 <= len(value) <= LSH_LENGTH
        or not value.isascii()
        or not value.isprintable()
    ):
        raise BadEnvelope(field)
    return value


def _page_size(request: Request) -> int:
    return min(max(_whole_number(request.query_params.get("size", "200"), field="size"), 1), LARGEST_PAGE)


def _whole_number(text: str, *, field: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 15:
        raise BadEnvelope(field)
    return int(text)
