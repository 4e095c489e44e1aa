"""The routes of gate boxes, and of nobody else: a box's key opens these and no others."""

import gzip
from typing import Annotated

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from ninja import Router
from ninja.security import HttpBearer
from pydantic import Field

from linli.gate import wire
from linli.server.access import actions, queries
from linli.server.access.queries import (
    BoxView,
)
from linli.server.access.rules import MOST_BYTES, BatchTooLong
from linli.server.kernel import clock
from linli.server.kernel.errors import Refusal, SignInNeeded

router = Router(tags=["access"])

WORTH_SQUEEZING = 2_000
LAST_VERSION = 2**63 - 1


class UnreadableMessage(Refusal):
    """That message is not in a form this side can read."""

    zh = "无法识别该消息。"
    status = 422


class BoxKey(HttpBearer):
    """A gate box by its own key; nobody else may call these routes, and the key opens no others."""

    def authenticate(self, request: HttpRequest, token: str) -> BoxView:
        """This will return the box that holds the key, or refuse with `SignInNeeded`."""
        return queries.authenticate_box(key=token)


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


@router.get("/gate/terminals", auth=BoxKey(), response={200: None})
def gate_terminals(request: HttpRequest) -> HttpResponse:
    """This will tell a box how its own devices are reached, their secrets included."""
    plans = actions.hand_out_terminals(box=_box(request), now=clock.now())
    return _told(wire.encode_terminals(plans))


@router.post("/gate/terminal-reports", auth=BoxKey(), response={204: None})
def gate_terminal_reports(request: HttpRequest) -> HttpResponse:
    """This will keep what a box says of its devices: how each pass stands there, and their own lists."""
    try:
        reports = wire.decode_reports(_body(request))
    except wire.BadMessage as problem:
        raise UnreadableMessage from problem
    actions.record_terminal_reports(box=_box(request), reports=reports, now=clock.now())
    return HttpResponse(status=204)


@router.get("/gate/commands", auth=BoxKey(), response={200: None})
def gate_commands(request: HttpRequest) -> HttpResponse:
    """This will tell a box what it is asked to do and is not too late for."""
    box, now = _box(request), clock.now()
    actions.note_seen(box=box, now=now)
    return _told(wire.encode_commands(queries.list_open_commands(box=box, now=now)))


@router.post("/gate/commands/{command_id}", auth=BoxKey(), response={204: None})
def gate_command_reply(request: HttpRequest, command_id: str) -> HttpResponse:
    """This will keep what a box says came of a command."""
    try:
        reply = wire.decode_reply(_body(request))
    except wire.BadMessage as problem:
        raise UnreadableMessage from problem
    actions.record_command_reply(box=_box(request), command_id=command_id, reply=reply, now=clock.now())
    return HttpResponse(status=204)


def _told(body: bytes) -> HttpResponse:
    response = HttpResponse(body, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response


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
