"""How the doors are asked over HTTP: three routes for gate boxes and nothing else for them; the rest for console and guard."""

import gzip
from datetime import timedelta
from typing import Annotated

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from ninja.security import HttpBearer
from pydantic import Field

from linli.gate import wire
from linli.server.access import actions, queries
from linli.server.access.queries import (
    BoxView,
    FaultView,
    GateEventView,
    GateView,
    JournalView,
    Origin,
    PassView,
    RevocationView,
)
from linli.server.access.rules import MOST_BYTES, BatchTooLong
from linli.server.kernel import clock
from linli.server.kernel.actors import Role
from linli.server.kernel.door import actor_of, created
from linli.server.kernel.errors import Refusal, SignInNeeded
from linli.server.kernel.periods import Period

router = Router(tags=["access"])

CONSOLE = (Role.ESTATE_ADMIN, Role.OFFICE, Role.PROPERTY, Role.COMMITTEE, Role.GUARD, Role.POLICE, Role.AUDITOR)
WORTH_SQUEEZING = 2_000
LAST_VERSION = 2**63 - 1
Limit = Annotated[int, Field(ge=1, le=500)]


class UnreadableMessage(Refusal):
    """That message is not in a form this side can read."""

    zh = "无法识别该消息。"
    status = 422


class BoxKey(HttpBearer):
    """A gate box by its own key; nobody else may call these routes, and the key opens no others."""

    def authenticate(self, request: HttpRequest, token: str) -> BoxView:
        """This will return the box that holds the key, or refuse with `SignInNeeded`."""
        return queries.authenticate_box(key=token)


class OverrideAsked(Schema):
    """Whom a guard lets in, on what ground, for how many minutes."""

    holder_kind: str = Field(max_length=16)
    holder_id: str = Field(min_length=1, max_length=40)
    origin_kind: str = Field(min_length=1, max_length=16)
    origin_id: str = Field(min_length=1, max_length=40)
    minutes: int = Field(ge=1, le=120)
    reason: str = Field(min_length=1, max_length=200)


class Override(Schema):
    """A guard's override and the code to print; it opens the estate gates only."""

    # `pass` is a word of the language.
    granted: PassView
    code: str


class RevocationAsked(Schema):
    """Why a pass is withdrawn."""

    reason: str = Field(min_length=1, max_length=200)


@router.get("/gate/delta", auth=BoxKey(), response={200: None})
def gate_delta(request: HttpRequest, since: Annotated[int, Field(ge=0, le=LAST_VERSION)] = 0) -> HttpResponse:
    """This will send a box what changed at its doors after a version."""
    box, now = _box(request), clock.now()
    body = wire.encode_delta(queries.get_delta(box=box, since=since, now=now))
    actions.note_seen(box=box, now=now)
    response = HttpResponse(content_type="application/json")
    if len(body) > WORTH_SQUEEZING and "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, compresslevel=4)
        response["Content-Encoding"] = "gzip"
    response["Cache-Control"] = "no-store"
    response.content = body
    return response


@router.post("/gate/receipts", auth=BoxKey(), response={204: None})
def gate_receipt(request: HttpRequest) -> HttpResponse:
    """This will keep a box's word that its gates decide by a version of the list."""
    try:
        receipt = wire.decode_receipt(_body(request))
    except wire.BadMessage as problem:
        raise UnreadableMessage from problem
    actions.record_receipt(box=_box(request), receipt=receipt, now=clock.now())
    return HttpResponse(status=204)


@router.post("/gate/journal", auth=BoxKey(), response={200: None})
def gate_journal(request: HttpRequest) -> HttpResponse:
    """This will take in a batch of journal lines (text, one a row) and say how far each journal stands."""
    receipt = actions.record_gate_events(box=_box(request), body=_body(request), now=clock.now())
    return HttpResponse(wire.encode_journal_receipt(receipt), content_type="application/json")


@router.get("/gates", response=list[GateView])
def gates(request: HttpRequest) -> tuple[GateView, ...]:
    """This will list the access points, whether they are online, and how far each has followed the list."""
    actor = actor_of(request)
    actor.require(*CONSOLE)
    return queries.list_gates(estate_id=actor.estate_id, now=clock.now())


@router.get("/gate-events", response=list[GateEventView])
def gate_events(
    request: HttpRequest, gate: Annotated[str | None, Field(max_length=16)] = None, limit: Limit = 50
) -> tuple[GateEventView, ...]:
    """This will list the newest passages and refusals, of one gate or of all."""
    actor = actor_of(request)
    actor.require(*CONSOLE)
    return queries.list_gate_events(estate_id=actor.estate_id, gate=gate, limit=limit)


@router.get("/gate-journals", response=list[JournalView])
def gate_journals(request: HttpRequest) -> tuple[JournalView, ...]:
    """This will list every gate's journal: how far it has come in, what is missing, how many lines did not hold."""
    actor = actor_of(request)
    actor.require(*CONSOLE)
    return queries.list_journals(estate_id=actor.estate_id)


@router.get("/gate-journals/faults", response=list[FaultView])
def gate_journal_faults(request: HttpRequest, limit: Limit = 50) -> tuple[FaultView, ...]:
    """This will list the newest journal lines that did not hold, as they came."""
    actor = actor_of(request)
    actor.require(Role.ESTATE_ADMIN, Role.PROPERTY, Role.POLICE, Role.AUDITOR)
    return queries.list_journal_faults(estate_id=actor.estate_id, limit=limit)


@router.post("/passes/override", response={201: Override})
def override(request: HttpRequest, asked: OverrideAsked) -> HttpResponse:
    """This will let somebody through the estate gates on the guard's word, with a code to print, for at most two hours."""
    return created(request, lambda: _override(request, asked))


@router.post("/passes/{pass_id}/revoke", response=PassView)
def revoke(request: HttpRequest, pass_id: str, asked: RevocationAsked) -> PassView:
    """This will withdraw a pass at once; its receipts show when each gate has followed."""
    return actions.revoke_pass(actor=actor_of(request), pass_id=pass_id, reason=asked.reason, now=clock.now())


@router.get("/passes/{pass_id}/receipts", response=RevocationView)
def receipts(request: HttpRequest, pass_id: str) -> RevocationView:
    """This will show, gate by gate, when the newest change of a pass was receipted."""
    actor = actor_of(request)
    actor.require(*CONSOLE)
    return queries.list_receipts(estate_id=actor.estate_id, pass_id=pass_id)


def _override(request: HttpRequest, asked: OverrideAsked) -> Override:
    actor, now = actor_of(request), clock.now()
    granted = actions.grant_override(
        actor=actor,
        holder_kind=asked.holder_kind,
        holder_id=asked.holder_id,
        origin=Origin(kind=asked.origin_kind, id=asked.origin_id),
        period=Period(start=now, end=now + timedelta(minutes=asked.minutes)),
        reason=asked.reason,
        now=now,
    )
    code = queries.pass_codes(estate_id=actor.estate_id, pass_id=granted.id, count=1, now=now)[0]
    return Override(granted=granted, code=code.code)


def _box(request: HttpRequest) -> BoxView:
    box = getattr(request, "auth", None)
    if not isinstance(box, BoxView):
        raise SignInNeeded
    return box


def _body(request: HttpRequest) -> bytes:
    if int(request.headers.get("Content-Length") or 0) > MOST_BYTES:
        raise BatchTooLong
    try:
        return request.body
    except RequestDataTooBig as problem:
        raise BatchTooLong from problem
