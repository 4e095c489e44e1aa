"""How the estate's admin keeps the peers of the view library over HTTP."""

from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import BaseModel, StringConstraints

from linli.server.connectors.viid import peers
from linli.server.connectors.viid.peers import PeerChange, PeerDraft, PeerView
from linli.server.kernel import clock
from linli.server.kernel.door import actor_of, created

router = Router(tags=["viid"])

Number = Annotated[str, StringConstraints(pattern=r"^[0-9]{20}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]
Address = Annotated[str, StringConstraints(max_length=200)]
Secret = Annotated[str, StringConstraints(max_length=200)]
Spoken = Annotated[str, StringConstraints(max_length=30)]


class PeerOrder(BaseModel):
    """A new peer: `up` is a library where we register, `down` registers with us. The secret is never shown again."""

    device_id: Number
    name: Name
    side: Literal["up", "down"]
    url: Address = ""
    username: Name
    secret: Secret
    dialect: Spoken = "strict"


class PeerChangeOrder(BaseModel):
    """What is to be different; what is left out stays."""

    name: Name | None = None
    url: Address | None = None
    username: Name | None = None
    secret: Secret | None = None
    dialect: Spoken | None = None
    enabled: bool | None = None


@router.get("/viid/peers", response=tuple[PeerView, ...])
def list_viid_peers(request: HttpRequest) -> tuple[PeerView, ...]:
    """This will list the peers of the view library and how the link with each stands."""
    return peers.list_peers(actor=actor_of(request))


@router.post("/viid/peers", response={201: PeerView})
def add_viid_peer(request: HttpRequest, body: PeerOrder) -> HttpResponse:
    """This will make a peer known."""
    actor, draft = actor_of(request), PeerDraft(**body.model_dump())
    return created(request, lambda: peers.add_peer(actor=actor, draft=draft, now=clock.now()))


@router.patch("/viid/peers/{peer_id}", response=PeerView)
def change_viid_peer(request: HttpRequest, peer_id: str, body: PeerChangeOrder) -> PeerView:
    """This will change a peer, or switch it off; another account or address ends its registration."""
    change = PeerChange(**body.model_dump())
    return peers.change_peer(actor=actor_of(request), peer_id=peer_id, change=change, now=clock.now())
