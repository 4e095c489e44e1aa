"""The lodging platform 旅综 as a simulator: Linli's neutral contract over real HTTP. The real interface is not public.

    POST /lodging/v1/messages              {"lsh", "kind", "sent_at", "body"}  →  an answer
    GET  /lodging/v1/messages/{lsh}        the answer given to that message id, or 404
    GET  /lodging/v1/stays/{zsbh}          what is registered of one stay, or 404
    GET  /lodging/v1/stays?after=&size=    all stays, by reference
    GET  /lodging/v1/books?after=&size=&kind=&answer=   counts, and the messages as they came in
    GET  /lodging/v1/nights/{yyyymmdd}     guests by unit code of that night: in the house between 00:00 and 06:00 of its morning
    GET  /lodging/v1/{visits|staff|units}?after=&size=   what else is registered, by reference, without the people
    GET  /lodging/v1/codes                 the catalogue of refusals, in Chinese and English
    GET  /faults · POST /faults {…}        the fault plan and what was injected; a POST replaces the whole plan
    GET  /hits · POST /hits {"zjhm": […]}  how many document numbers are on the list of the wanted; a POST replaces the list
    GET  /health                           no token needed

Every request but /health takes `Authorization: Bearer TOKEN` when the platform was started with a token.

An answer is `{"answer": "ACCEPTED", "receipt", "lsh"}`, `{"answer": "REJECTED", "code", "field", "lsh"}` or
`{"answer": "PENDING", "lsh"}`. Beside ACCEPTED, and only there, may stand `"hit": true` (命中): the person is on a list, which
concerns the police and changes nothing else. The same `lsh` again gets the same answer and is never booked twice; the same `lsh` with
another kind or body is REJECTED with LSH_REUSED and changes nothing. A PENDING answer settles by itself: ask for it, or
send it again. A request that is no message at all (not JSON, no `lsh`) gets 400 and leaves no trace in the books.

The body, in pinyin initials as Chinese police applications name things; all of it is our assumption. R required, o optional, in
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
| qzzl   | 签证种类   | kind of visa                                          | ≤ 10 0-9A-Z        | o  o  -  -  -  -  |
| qzhm   | 签证号码   | number of the visa                                    | ≤ 20 0-9A-Z        | o  o  -  -  -  -  |
| qzyxq  | 签证有效期 | the visa is good until                                | yyyyMMdd           | o  o  -  -  -  -  |
| rjrq   | 入境日期   | entered China on                                      | yyyyMMdd           | o  o  -  -  -  -  |
| rjka   | 入境口岸   | entered China at                                      | ≤ 40               | o  o  -  -  -  -  |
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

And in VISITOR_IN (VI), VISITOR_OUT (VO), STAFF (ST), UNIT_CREATE (UC), UNIT_UPDATE (UU), UNIT_CLOSE (UX), which all carry `czr` and
`czsj`; STAFF carries the person (xm … zjhm) as CHECK_IN does:

| field  | 中文       | meaning                                               | form               | VI VO ST UC UU UX |
|--------|------------|-------------------------------------------------------|--------------------|-------------------|
| lgdm   | 旅馆代码   | the unit's code                                       | ≤ 32 0-9A-Za-z-    | R  R  -  R  R  R  |
| lfbh   | 来访编号   | the sender's reference of one visit                   | ≤ 40 0-9A-Za-z_-   | R  R  -  -  -  -  |
| fh     | 房号       | room                                                  | ≤ 20               | o  -  -  -  -  -  |
| xm     | 姓名       | the visitor's name, in whatever letters               | ≤ 60, no signs     | R  -  *  -  -  -  |
| zjlx   | 证件类型   | document type; with a number or not at all            | 3 digits           | o  -  R  -  -  -  |
| zjhm   | 证件号码   | document number                                       | by document type   | o  -  R  -  -  -  |
| lfsj   | 来访时间   | came at                                               | yyyyMMddHHmm       | R  -  -  -  -  -  |
| yjlksj | 预计离开   | will leave by, within a day                           | yyyyMMddHHmm       | o  -  -  -  -  -  |
| lksj   | 离开时间   | left at                                               | yyyyMMddHHmm       | -  R  -  -  -  -  |
| rybh   | 人员编号   | the sender's reference of one person's work           | ≤ 40 0-9A-Za-z_-   | -  -  R  -  -  -  |
| lgdms  | 旅馆代码   | the units they work in, with commas                   | ≤ 200 codes        | -  -  R  -  -  -  |
| gw     | 岗位       | 1 operator 2 keeper 3 cleaner 9 other                 | one digit          | -  -  R  -  -  -  |
| rzrq   | 入职日期   | works there since                                     | yyyyMMdd           | -  -  R  -  -  -  |
| lzbz   | 离职标志   | 1: does so no more                                    | 0 or 1             | -  -  R  -  -  -  |
| dz     | 地址       | the flat's address                                    | 2–120              | -  -  -  R  R  -  |
| lc     | 楼层       | floor                                                 | ≤ 2 digits         | -  -  -  o  o  -  |
| fjs    | 房间数     | rooms                                                 | ≤ 3 digits         | -  -  -  R  R  -  |
| cws    | 床位数     | beds                                                  | ≤ 3 digits         | -  -  -  R  R  -  |
| jyz    | 经营者     | who lets it; a natural person only as a masked name   | ≤ 80               | -  -  -  R  R  -  |
| jyzdm  | 信用代码   | credit code of a business (GB 32100)                  | 18 characters      | -  -  -  o  o  -  |
| zt     | 状态       | 0 marked 1 let 2 suspended 3 closed                   | one digit          | -  -  -  R  R  -  |
| gbsj   | 关闭时间   | let no more since                                     | yyyyMMddHHmm       | -  -  -  -  -  R  |
| gbyy   | 关闭原因   | why                                                   | ≤ 100              | -  -  -  -  -  o  |

AMEND replaces the person as a whole. Ethnicity (mz), faith, politics, phones, home addresses and photographs have no field: they are
refused as UNKNOWN_FIELD. Order: all of a stay but CHECK_IN need its accepted check-in, VISITOR_OUT its VISITOR_IN, UNIT_UPDATE and
UNIT_CLOSE their UNIT_CREATE, and who leaves the staff must have been in it; what is still PENDING is not yet there.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from linli.sim.clock import Clock
from linli.sim.faults import BadFaultPlan, Fault, FaultInjector, plan_of
from linli.sim.platforms import lodging_faults as spoiled
from linli.sim.platforms.lodging_books import BookedAnswer, Books, Message
from linli.sim.platforms.lodging_fields import CATALOGUE
from linli.sim.platforms.lodging_reading import BadEnvelope, day_in, json_of, message_of, page_size, whole_number
from linli.sim.platforms.lodging_registers import KEYS, REGISTERS

Told = TypeVar("Told")


@dataclass(frozen=True, slots=True, kw_only=True)
class LodgingPlatform:
    """One running platform: its books on one thread, its faults, its clock and its token."""

    books: Books
    faults: FaultInjector
    clock: Clock
    token: str | None
    thread: ThreadPoolExecutor
    answers: list[BookedAnswer]
    wanted: set[str]

    def now(self) -> datetime:
        """This will tell the time by the platform's own clock, which may be wrong on purpose."""
        return self.clock() + timedelta(seconds=self.faults.plan.clock_offset_s)

    def has_hit(self, message: Message) -> bool:
        """This will say whether whoever a message is about is on the list, or by chance."""
        return message.body.get("zjhm") in self.wanted or self.faults.hits()

    async def told(self, question: Callable[[], Told]) -> Told:
        """This will ask the books, one question at a time."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, question)


def lodging_platform(
    *, books_file: Path, faults: FaultInjector, clock: Clock, token: str | None, wanted: Iterable[str] = ()
) -> Starlette:
    """This will make the platform as an ASGI application over the given books; `wanted` are the document numbers it has hits for."""
    platform = LodgingPlatform(
        books=Books(file=books_file),
        faults=faults,
        clock=clock,
        token=token,
        thread=ThreadPoolExecutor(max_workers=1, thread_name_prefix="books"),
        answers=[],
        wanted=set(wanted),
    )
    routes = [
        Route("/lodging/v1/messages", _guarded(platform, _take_message), methods=["POST"]),
        Route("/lodging/v1/messages/{lsh}", _guarded(platform, _show_answer), methods=["GET"]),
        Route("/lodging/v1/stays", _guarded(platform, _list_stays), methods=["GET"]),
        Route("/lodging/v1/stays/{zsbh}", _guarded(platform, _show_stay), methods=["GET"]),
        Route("/lodging/v1/books", _guarded(platform, _show_books), methods=["GET"]),
        Route("/lodging/v1/nights/{night}", _guarded(platform, _show_night), methods=["GET"]),
        *(
            Route(f"/lodging/v1/{name}", _guarded(platform, partial(_list_register, name)), methods=["GET"])
            for name in REGISTERS
        ),
        Route("/lodging/v1/codes", _guarded(platform, _show_codes), methods=["GET"]),
        Route("/faults", _guarded(platform, _show_faults), methods=["GET"]),
        Route("/faults", _guarded(platform, _change_faults), methods=["POST"]),
        Route("/hits", _guarded(platform, _show_hits), methods=["GET"]),
        Route("/hits", _guarded(platform, _change_hits), methods=["POST"]),
        Route("/health", _show_health, methods=["GET"]),
    ]
    return Starlette(routes=routes)


Answering = Callable[[LodgingPlatform, Request], Awaitable[Response]]


def _guarded(platform: LodgingPlatform, answer: Answering) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        sent = request.headers.get("authorization", "")
        if platform.token is not None and not hmac.compare_digest(sent.encode(), f"Bearer {platform.token}".encode()):
            return _refused("UNAUTHORISED")
        try:
            return await answer(platform, request)
        except BadEnvelope as problem:
            refused = {"answer": "REJECTED", "code": "BAD_ENVELOPE", "field": problem.field}
            return JSONResponse(refused, status_code=400)

    return endpoint


async def _take_message(platform: LodgingPlatform, request: Request) -> Response:
    message = await message_of(request)
    await asyncio.sleep(platform.faults.latency_s())
    fault = platform.faults.draw(kind=message.kind)
    if fault is Fault.NONSENSE and platform.faults.toss():
        return spoiled.nonsense(position=len(message.lsh))
    if fault is Fault.DENY:
        return spoiled.denied_later(lsh=message.lsh)
    if fault in BEFORE_BOOKING:
        return await BEFORE_BOOKING[fault](platform)
    now, hit = platform.now(), platform.has_hit(message)
    settles_at = now + timedelta(seconds=platform.faults.plan.pending_s) if fault is Fault.PENDING else None
    answer = await platform.told(
        lambda: platform.books.submit(
            message=message, now=now, settles_at=settles_at, review=fault is Fault.REJECT, hit=hit
        )
    )
    return _with_fault(platform=platform, answer=answer, fault=fault)


async def _show_answer(platform: LodgingPlatform, request: Request) -> Response:
    await asyncio.sleep(platform.faults.latency_s())
    fault = platform.faults.draw()
    if fault in BEFORE_BOOKING:
        return await BEFORE_BOOKING[fault](platform)
    lsh = request.path_params["lsh"]
    answer = await platform.told(lambda: platform.books.answer_of(lsh=lsh, now=platform.now()))
    if answer is None:
        return JSONResponse({"code": "UNKNOWN_MESSAGE", "field": "lsh"}, status_code=404)
    return _with_fault(platform=platform, answer=answer, fault=fault)


async def _show_stay(platform: LodgingPlatform, request: Request) -> Response:
    zsbh = request.path_params["zsbh"]
    stay = await platform.told(lambda: platform.books.stay(zsbh=zsbh, now=platform.now()))
    if stay is None:
        return JSONResponse({"code": "UNKNOWN_STAY", "field": "zsbh"}, status_code=404)
    return JSONResponse(stay)


async def _list_stays(platform: LodgingPlatform, request: Request) -> Response:
    after, size = request.query_params.get("after", ""), page_size(request)
    rows = await platform.told(lambda: platform.books.stays(after=after, size=size, now=platform.now()))
    return JSONResponse({"rows": rows, "next": rows[-1]["zsbh"] if len(rows) == size else None})


async def _show_night(platform: LodgingPlatform, request: Request) -> Response:
    fault = platform.faults.draw()
    if fault in BEFORE_BOOKING:
        return await BEFORE_BOOKING[fault](platform)
    night = day_in(request.path_params["night"])
    units = await platform.told(lambda: platform.books.night(night=night, now=platform.now()))
    return JSONResponse({"night": f"{night:%Y%m%d}", "units": units, "guests": sum(units.values())})


async def _list_register(name: str, platform: LodgingPlatform, request: Request) -> Response:
    after, size = request.query_params.get("after", ""), page_size(request)
    rows = await platform.told(lambda: platform.books.register(name=name, after=after, size=size, now=platform.now()))
    key = KEYS[REGISTERS[name]]
    return JSONResponse({"rows": rows, "next": rows[-1][key] if len(rows) == size else None})


async def _show_books(platform: LodgingPlatform, request: Request) -> Response:
    asked, size, now = request.query_params, page_size(request), platform.now()
    after = whole_number(asked.get("after", "0"), field="after")
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
    wishes = await json_of(request)
    try:
        platform.faults.change(plan=plan_of(wishes))
    except BadFaultPlan as problem:
        return JSONResponse({"code": "BAD_FAULT_PLAN", "detail": str(problem)}, status_code=400)
    return await _show_faults(platform, request)


async def _show_hits(platform: LodgingPlatform, request: Request) -> Response:
    # How many, never which: a list of wanted people is not read back.
    return JSONResponse({"wanted": len(platform.wanted)})


async def _change_hits(platform: LodgingPlatform, request: Request) -> Response:
    numbers = (await json_of(request)).get("zjhm")
    if not isinstance(numbers, list) or not all(isinstance(number, str) and number for number in numbers):
        raise BadEnvelope("zjhm")
    platform.wanted.clear()
    platform.wanted.update(numbers)
    return await _show_hits(platform, request)


async def _show_health(request: Request) -> Response:
    return JSONResponse({"platform": "lodging", "state": "up"})


async def _hold(platform: LodgingPlatform) -> Response:
    await asyncio.sleep(platform.faults.plan.timeout_s)
    return JSONResponse({"code": "TIMEOUT"}, status_code=504)


async def _fail(platform: LodgingPlatform) -> Response:
    return JSONResponse({"code": "INTERNAL"}, status_code=500)


async def _lock_out(platform: LodgingPlatform) -> Response:
    return _refused("UNAUTHORISED")


async def _expire(platform: LodgingPlatform) -> Response:
    return _refused("TOKEN_EXPIRED")


def _refused(code: str) -> Response:
    return JSONResponse({"code": code}, status_code=401, headers={"www-authenticate": "Bearer"})


BEFORE_BOOKING: Mapping[Fault | None, Callable[[LodgingPlatform], Awaitable[Response]]] = {
    Fault.TIMEOUT: _hold,
    Fault.HTTP_500: _fail,
    Fault.REFUSE_AUTH: _lock_out,
    Fault.EXPIRED_TOKEN: _expire,
}


def _with_fault(*, platform: LodgingPlatform, answer: BookedAnswer, fault: Fault | None) -> Response:
    earlier = platform.answers[-1] if platform.answers else answer
    platform.answers[:] = [answer]
    if fault is Fault.DUPLICATE:
        return JSONResponse(earlier.as_json())
    if fault is Fault.NONSENSE:
        return spoiled.nonsense(position=answer.position)
    if fault is Fault.TRICKLE:
        return spoiled.trickled(answer, seconds=platform.faults.plan.trickle_s)
    return SPOILED[fault](answer) if fault in SPOILED else JSONResponse(answer.as_json())


SPOILED: Mapping[Fault | None, Callable[[BookedAnswer], Response]] = {
    Fault.LOST_ANSWER: spoiled.cut,
    Fault.STRAY_RECEIPT: spoiled.stray,
}
