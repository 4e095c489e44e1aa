"""The face layer 人脸AI能力层 as a simulator: Linli's neutral one-to-one contract over real HTTP. The real interface is not public.

    POST /face/v1/checks         {"check_id", "document_kind", "document_number", "name", "picture"}  →  an answer
    GET  /face/v1/books?after=&size=    counts, and the questions with digests instead of pictures and numbers
    POST /control/holders        {"document_kind", "document_number", "score"}; {} forgets them all
    GET  /faults · POST /faults  the fault plan and what was injected; a POST replaces the whole plan
    GET  /health                 no token needed

Every request but /health takes `Authorization: Bearer TOKEN` when the layer was started with a token.

`picture` is a JPEG or PNG in base64. The question is always of one person and one document; there is no search, no gallery and
no list, and a field that asks for one is refused. An answer is `{"check_id", "answer", "score", "receipt"}`, the answer SAME,
NOT_SAME or UNSURE, the score in thousandths. The same `check_id` again gets the same answer; with another question, 409 CHECK_REUSED.
What is no such question gets 400 with `{"code": "BAD_CHECK", "field"}` and leaves no trace in the books.

Nothing here looks at faces. A holder's score is what `/control/holders` says (anything, also what is no score); else a picture that
is mostly green is the holder (950), mostly red is not (120), any other is unsure (550).

Faults are those of `linli.sim.faults`; `duplicate` is the answer to another check, `stray_receipt` an answer without one,
`reject` is 422, `pending` is PENDING and never settles; `deny` and `hit` mean nothing here.
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import io
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from linli.sim.clock import Clock
from linli.sim.faults import BadFaultPlan, Fault, FaultInjector, plan_in, plan_of
from linli.sim.platforms.face_books import CheckReused, FaceBooks, Question, document_digest
from linli.sim.platforms.lodging_faults import CutAnswer, TrickledAnswer, nonsense

LONGEST_BODY = 16 * 1024 * 1024
LONGEST_TEXT = 200
LARGEST_PAGE = 1000
TEXTS = ("check_id", "document_kind", "document_number", "name")
Told = TypeVar("Told")


class BadCheck(ValueError):
    """The request is no question of one person and one document."""

    def __init__(self, field: str) -> None:
        """Say which part of it is wrong."""
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceLayer:
    """One running layer: its books on one thread, its faults, its clock, its token, and the last answers."""

    books: FaceBooks
    faults: FaultInjector
    clock: Clock
    token: str | None
    thread: ThreadPoolExecutor
    answers: list[dict[str, Any]]

    async def told(self, question: Callable[[], Told]) -> Told:
        """This will ask the books, one question at a time."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, question)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This will add what only the face layer is asked."""
    parser.add_argument("--token", default=os.environ.get("LINLI_FACE_LAYER_TOKEN") or None, help="demand this token")


def application(asked: argparse.Namespace, *, clock: Clock) -> Starlette:
    """This will make the face layer that was asked for."""
    spread, single = plan_of({"all": asked.faults}), plan_in(asked.fault)
    plan = replace(single, chances={**spread.chances, **single.chances})
    layer = FaceLayer(
        books=FaceBooks(file=asked.books),
        faults=FaultInjector(plan=plan, seed=asked.seed),
        clock=clock,
        token=asked.token,
        thread=ThreadPoolExecutor(max_workers=1, thread_name_prefix="books"),
        answers=[],
    )
    routes = [
        Route("/face/v1/checks", _guarded(layer, _check), methods=["POST"]),
        Route("/face/v1/books", _guarded(layer, _show_books), methods=["GET"]),
        Route("/control/holders", _guarded(layer, _script), methods=["POST"]),
        Route("/faults", _guarded(layer, _show_faults), methods=["GET"]),
        Route("/faults", _guarded(layer, _change_faults), methods=["POST"]),
        Route("/health", _show_health, methods=["GET"]),
    ]
    return Starlette(routes=routes)


Answering = Callable[[FaceLayer, Request], Awaitable[Response]]


def _guarded(layer: FaceLayer, answer: Answering) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        sent = request.headers.get("authorization", "")
        if layer.token is not None and not hmac.compare_digest(sent.encode(), f"Bearer {layer.token}".encode()):
            return _unauthorised("UNAUTHORISED")
        try:
            return await answer(layer, request)
        except BadCheck as problem:
            return JSONResponse({"code": "BAD_CHECK", "field": problem.field}, status_code=400)

    return endpoint


def _unauthorised(code: str) -> Response:
    return JSONResponse({"code": code}, status_code=401, headers={"www-authenticate": "Bearer"})


async def _check(layer: FaceLayer, request: Request) -> Response:
    question = question_in(await _json_of(request))
    await asyncio.sleep(layer.faults.latency_s())
    fault = layer.faults.draw(kind="CHECK")
    if fault in BEFORE_BOOKING:
        return await BEFORE_BOOKING[fault](layer)
    if fault is Fault.NONSENSE and layer.faults.toss():
        return nonsense(position=len(question.check_id))
    try:
        answer = await layer.told(lambda: layer.books.take(question, now=layer.clock()))
    except CheckReused:
        return JSONResponse({"code": "CHECK_REUSED", "field": "check_id"}, status_code=409)
    return _with_fault(layer, answer, fault)


def question_in(body: Mapping[str, object]) -> Question:
    """This will read a question of one person and one document; raises BadCheck."""
    for name in sorted(body.keys() - {*TEXTS, "picture"}):
        raise BadCheck(name[:40])
    texts = {name: _text(body.get(name), field=name) for name in TEXTS}
    try:
        raw = base64.b64decode(_text(body.get("picture"), field="picture", longest=LONGEST_BODY), validate=True)
        with Image.open(io.BytesIO(raw), formats=("JPEG", "PNG")) as image:
            tags = len(image.getexif())
            width, height = image.size
            red, green, blue = image.convert("RGB").resize((1, 1), Image.Resampling.BOX).tobytes()
    except BadCheck:
        raise
    except Exception:  # a decoder meets hostile bytes: whatever it raises, it is not a picture
        raise BadCheck("picture") from None
    return Question(
        check_id=texts["check_id"],
        document=document_digest(kind=texts["document_kind"], number=texts["document_number"]),
        digest=hashlib.sha256(raw).hexdigest(),
        width=width,
        height=height,
        tags=tags,
        likeness=_likeness(red, green, blue),
    )


def _likeness(red: int, green: int, blue: int) -> int:
    if green > 2 * max(red, blue):
        return 950
    return 120 if red > 2 * max(green, blue) else 550


async def _script(layer: FaceLayer, request: Request) -> Response:
    wishes = await _json_of(request)
    if not wishes:
        await layer.told(layer.books.unscript)
        return JSONResponse({})
    kind, number = (_text(wishes.get(name), field=name) for name in ("document_kind", "document_number"))
    scores = {document_digest(kind=kind, number=number): wishes.get("score")}
    await layer.told(lambda: layer.books.script(scores))
    return JSONResponse(scores)


async def _show_books(layer: FaceLayer, request: Request) -> Response:
    after, size = (_whole_number(request.query_params.get(name, "0"), field=name) for name in ("after", "size"))
    size = min(size or 200, LARGEST_PAGE)
    count = await layer.told(layer.books.count)
    rows = await layer.told(lambda: layer.books.rows(after=after, size=size))
    return JSONResponse({"count": count, "rows": rows, "next": rows[-1]["position"] if len(rows) == size else None})


async def _show_faults(layer: FaceLayer, request: Request) -> Response:
    return JSONResponse({"plan": layer.faults.plan.as_json(), "injected": layer.faults.injected()})


async def _change_faults(layer: FaceLayer, request: Request) -> Response:
    wishes = await _json_of(request)
    try:
        layer.faults.change(plan=plan_of(wishes))
    except BadFaultPlan as problem:
        return JSONResponse({"code": "BAD_FAULT_PLAN", "detail": str(problem)}, status_code=400)
    return await _show_faults(layer, request)


async def _show_health(request: Request) -> Response:
    return JSONResponse({"platform": "face_layer", "state": "up"})


async def _hold(layer: FaceLayer) -> Response:
    await asyncio.sleep(layer.faults.plan.timeout_s)
    return JSONResponse({"code": "TIMEOUT"}, status_code=504)


async def _fail(layer: FaceLayer) -> Response:
    return JSONResponse({"code": "INTERNAL"}, status_code=500)


async def _refuse(layer: FaceLayer) -> Response:
    return JSONResponse({"code": "REJECTED", "field": "document_number"}, status_code=422)


async def _lock_out(layer: FaceLayer) -> Response:
    return _unauthorised("UNAUTHORISED")


async def _expire(layer: FaceLayer) -> Response:
    return _unauthorised("TOKEN_EXPIRED")


BEFORE_BOOKING: Mapping[Fault | None, Callable[[FaceLayer], Awaitable[Response]]] = {
    Fault.TIMEOUT: _hold,
    Fault.HTTP_500: _fail,
    Fault.REJECT: _refuse,
    Fault.REFUSE_AUTH: _lock_out,
    Fault.EXPIRED_TOKEN: _expire,
}


def _with_fault(layer: FaceLayer, answer: dict[str, Any], fault: Fault | None) -> Response:
    # Without one before it, the answer to another check is one that nobody asked for.
    earlier = layer.answers[-1] if layer.answers else {**answer, "check_id": "another-check"}
    layer.answers[:] = [answer]
    if fault is Fault.DUPLICATE:
        return JSONResponse(earlier)
    if fault is Fault.LOST_ANSWER:
        return CutAnswer(json.dumps(answer).encode())
    if fault is Fault.TRICKLE:
        return TrickledAnswer(json.dumps(answer).encode(), seconds=layer.faults.plan.trickle_s)
    if fault is Fault.NONSENSE:
        return nonsense(position=len(answer["check_id"]))
    if fault is Fault.STRAY_RECEIPT:
        return JSONResponse({**answer, "receipt": ""})
    if fault is Fault.PENDING:
        return JSONResponse({"check_id": answer["check_id"], "answer": "PENDING"})
    return JSONResponse(answer)


async def _json_of(request: Request) -> dict[str, object]:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > LONGEST_BODY:
            raise BadCheck("too_long")
    try:
        read = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadCheck("json") from None
    if not isinstance(read, dict):
        raise BadCheck("json")
    return read


def _text(value: object, *, field: str, longest: int = LONGEST_TEXT) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= longest or not value.isprintable():
        raise BadCheck(field)
    return value


def _whole_number(text: str, *, field: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 15:
        raise BadCheck(field)
    return int(text)
