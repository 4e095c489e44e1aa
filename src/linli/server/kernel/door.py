"""The front door of every route: who is asking, and how a creating POST happens once."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from pydantic import TypeAdapter

from linli.server.kernel import clock
from linli.server.kernel.actors import Actor
from linli.server.kernel.errors import Refusal, SignInNeeded
from linli.server.kernel.once import once

PROBLEM = "application/problem+json; charset=utf-8"


def actor_of(request: HttpRequest) -> Actor:
    """This will return who is asking, or refuse with `SignInNeeded`; the API's authentication has put the actor there."""
    actor = getattr(request, "auth", None)
    if not isinstance(actor, Actor):
        raise SignInNeeded
    return actor


def created(request: HttpRequest, act: Callable[[], Any], *, status: int = 201) -> HttpResponse:
    """This will act and answer with what came of it; with an `Idempotency-Key`, once only, however often it is asked."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return _json(status, _encoded(act()))
    actor = actor_of(request)
    # A multipart body carries a random boundary: what is compared is the path and the JSON, and a file is told by its size.
    body = (
        request.body
        if request.content_type == "application/json"
        else str(request.headers.get("Content-Length")).encode()
    )
    answered = once(
        estate_id=actor.estate_id,
        actor_id=actor.id,
        key=key,
        request=f"{request.method} {request.path}\n".encode() + body,
        now=clock.now(),
        act=lambda: (status, _encoded(act())),
    )
    response = _json(answered.status, answered.body)
    if answered.repeated:
        response["Idempotency-Replayed"] = "true"
    return response


def refused(refusal: Refusal) -> HttpResponse:
    """This will answer with a problem document (RFC 9457)."""
    response = HttpResponse(
        json.dumps(refusal.problem(), ensure_ascii=False), status=refusal.status, content_type=PROBLEM
    )
    if refusal.status == 503:
        response["Retry-After"] = "1"
    return response


def _json(status: int, body: bytes) -> HttpResponse:
    return HttpResponse(body, status=status, content_type="application/json; charset=utf-8")


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _encoded(result: Any) -> bytes:
    return _adapter(type(result)).dump_json(result)
