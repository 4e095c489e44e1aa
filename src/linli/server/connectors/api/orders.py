"""How the estate orders at a peer of the view library over HTTP: what stands, a new order, its end, and the devices that came of it."""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import AwareDatetime, BaseModel, Field

from linli.server.connectors.viid import ours
from linli.server.connectors.viid.ours import OrderDraft, OrderView, PeerDeviceView
from linli.server.kernel import clock
from linli.server.kernel.door import actor_of, created
from linli.server.kernel.text import Line, Word

router = Router(tags=["links"])


class DeviceOrder(BaseModel):
    """What is to be ordered: SubscribeDetail 3 (devices) or 4 (their state), until when, and what for; from now on, unless it says when."""

    peer_id: Word
    details: Annotated[list[Word], Field(max_length=20)]
    begins_at: AwareDatetime | None = None
    ends_at: AwareDatetime
    reason: Line


class OrderCancellation(BaseModel):
    """Why an order is to end before its time."""

    reason: Line


@router.get("/links/viid/orders", response=tuple[OrderView, ...])
def list_our_orders(request: HttpRequest) -> tuple[OrderView, ...]:
    """This will list what the estate has ordered of peers, and where each order stands."""
    return ours.list_our_orders(actor=actor_of(request), now=clock.now())


@router.post("/links/viid/orders", response={201: OrderView})
def order_devices(request: HttpRequest, body: DeviceOrder) -> HttpResponse:
    """This will order at a peer to be told of its devices and of nothing else."""
    actor = actor_of(request)
    draft = OrderDraft(**{**body.model_dump(), "details": tuple(body.details)})
    return created(request, lambda: ours.order_devices(actor=actor, draft=draft, now=clock.now()))


@router.post("/links/viid/orders/{order_id}/cancel", response=OrderView)
def cancel_our_order(request: HttpRequest, order_id: str, body: OrderCancellation) -> OrderView:
    """This will end an order before its time."""
    return ours.cancel_our_order(actor=actor_of(request), order_id=order_id, reason=body.reason, now=clock.now())


@router.get("/links/viid/devices", response=tuple[PeerDeviceView, ...])
def list_peer_devices(request: HttpRequest) -> tuple[PeerDeviceView, ...]:
    """This will list the devices that peers have told of: online or offline, and since when they say so."""
    return ours.list_peer_devices(actor=actor_of(request))
