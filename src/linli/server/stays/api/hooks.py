"""How a channel's own system tells orders over HTTP: hooks, and the signed messages that come in by them (see docs/feeds.md)."""

from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from ninja.security.base import AuthBase
from pydantic import AwareDatetime, Field

from linli.server.kernel import clock
from linli.server.kernel.actors import Actor
from linli.server.kernel.door import actor_of, created
from linli.server.kernel.text import Line, Word
from linli.server.stays import actions, queries
from linli.server.stays.actions import HookAnswer, HookMade
from linli.server.stays.queries import HookView, SignatureWrong

router = Router(tags=["hooks"])


class HookBody(Schema):
    """Whose orders, of which channel."""

    operator_id: Word
    channel: Annotated[str, Field(max_length=20, pattern=r"^[a-z0-9_.-]+$")]


class OrderBody(Schema):
    """An order as it now is; `unit` is a flat's code, its unit's code, its mark, or the name of a listing."""

    ref: Annotated[Line, Field(min_length=1)]
    unit: Annotated[Line, Field(min_length=1)]
    arrive_at: AwareDatetime | None = None
    leave_at: AwareDatetime | None = None
    guests: Annotated[int, Field(ge=1, le=60)] = 1
    booker_name: Line = ""
    booker_phone: Word = ""


class EventBody(Schema):
    """Something that happened to an order. A cancellation need not repeat the dates."""

    event_id: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[\x21-\x7e]+$")]
    type: Literal["order.created", "order.changed", "order.cancelled"]
    occurred_at: AwareDatetime
    order: OrderBody


class BySignature(AuthBase):
    """A message signed with the hook's secret: `Linli-Timestamp` and `Linli-Signature: sha256=…` over timestamp, full stop and body."""

    openapi_type = "http"
    openapi_scheme = "linli-signature"

    def __call__(self, request: HttpRequest) -> Actor:
        """This will return who speaks through the hook; raises `SignatureWrong`."""
        match = request.resolver_match
        if match is None:
            raise SignatureWrong
        return queries.authenticate_hook(
            hook_id=str(match.kwargs.get("hook_id", ""))[:40],
            timestamp=request.headers.get("Linli-Timestamp", ""),
            signed=request.headers.get("Linli-Signature", "")[:200],
            body=request.body,
            now=clock.now(),
        )


@router.get("/hooks", response=list[HookView])
def list_hooks(request: HttpRequest) -> list[HookView]:
    """This will list the open hooks; secrets are never shown again."""
    return list(queries.list_hooks(actor=actor_of(request)))


@router.post("/hooks", response={201: HookMade})
def make_hook(request: HttpRequest, body: HookBody) -> HttpResponse:
    """This will open a hook for a channel's orders and show its secret, once."""
    actor = actor_of(request)
    return created(
        request,
        lambda: actions.make_hook(actor=actor, operator_id=body.operator_id, channel=body.channel, now=clock.now()),
    )


@router.post("/hooks/{hook_id}/rotate", response=HookMade)
def rotate_hook(request: HttpRequest, hook_id: str) -> HookMade:
    """This will give a hook a new secret and show it, once; the old one is good for another day."""
    return actions.rotate_hook(actor=actor_of(request), hook_id=hook_id, now=clock.now())


@router.post("/hooks/{hook_id}/end", response=HookView)
def end_hook(request: HttpRequest, hook_id: str) -> HookView:
    """This will close a hook at once."""
    return actions.end_hook(actor=actor_of(request), hook_id=hook_id, now=clock.now())


@router.post("/hooks/{hook_id}", auth=BySignature(), response=HookAnswer)
def take_order(request: HttpRequest, hook_id: str, body: EventBody) -> HookAnswer:
    """This will take a signed event: an order created, changed or cancelled; the same event again is answered as before."""
    event = actions.HookOrder(
        event_id=body.event_id,
        kind=body.type,
        occurred_at=body.occurred_at,
        ref=body.order.ref,
        unit=body.order.unit,
        arrive_at=body.order.arrive_at,
        leave_at=body.order.leave_at,
        guests=body.order.guests,
        booker_name=body.order.booker_name,
        booker_phone=body.order.booker_phone,
    )
    return actions.take_hook_order(actor=actor_of(request), hook_id=hook_id, event=event, now=clock.now())
