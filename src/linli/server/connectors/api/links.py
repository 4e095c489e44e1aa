"""How the links are asked for over HTTP: how each is doing, its switch, the operators' accounts, and what is for the police alone."""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import BaseModel, Field

from linli.server.connectors import actions, queries
from linli.server.connectors.queries import HitView, LinkView, PlatformAccountView
from linli.server.kernel import clock
from linli.server.kernel.door import actor_of
from linli.server.kernel.text import Line

router = Router(tags=["links"])


class PauseOrder(BaseModel):
    """Why nothing may be sent for now."""

    reason: Line


class AccountForm(BaseModel):
    """An operator's account at a platform; the secret is taken in and never shown again."""

    username: Annotated[Line, Field(max_length=80)]
    secret: Annotated[str, Field(min_length=1, max_length=200)]
    party_code: Annotated[str, Field(max_length=40)] = ""


@router.get("/links", response=list[LinkView])
def list_links(request: HttpRequest) -> list[LinkView]:
    """This will show how each platform is doing."""
    return list(queries.list_links(actor=actor_of(request)))


@router.get("/links/accounts", response=list[PlatformAccountView])
def list_accounts(request: HttpRequest) -> list[PlatformAccountView]:
    """This will list the operators' accounts at platforms that want one of each; an operator sees the own ones."""
    return list(queries.list_accounts(actor=actor_of(request)))


@router.put("/links/{platform}/accounts/{operator_id}", response=PlatformAccountView)
def set_account(request: HttpRequest, platform: str, operator_id: str, body: AccountForm) -> PlatformAccountView:
    """This will keep an operator's account at a platform, in place of an earlier one."""
    return actions.set_account(
        actor=actor_of(request),
        platform=platform,
        operator_id=operator_id,
        username=body.username,
        secret=body.secret,
        party_code=body.party_code,
        now=clock.now(),
    )


@router.delete("/links/{platform}/accounts/{operator_id}", response={204: None})
def remove_account(request: HttpRequest, platform: str, operator_id: str) -> HttpResponse:
    """This will forget an operator's account at a platform."""
    actions.remove_account(actor=actor_of(request), platform=platform, operator_id=operator_id, now=clock.now())
    return HttpResponse(status=204)


@router.post("/police/hits", response=list[HitView])
def read_hits(request: HttpRequest) -> list[HitView]:
    """This will show the police what a platform said for them alone; a POST, because every look is entered in the audit chain."""
    return list(actions.read_hits(actor=actor_of(request), now=clock.now()))


@router.post("/links/{platform}/pause", response={204: None})
def pause_link(request: HttpRequest, platform: str, body: PauseOrder) -> HttpResponse:
    """This will stop all sending to one platform until it is resumed."""
    actions.pause_link(actor=actor_of(request), platform=platform, reason=body.reason, now=clock.now())
    return HttpResponse(status=204)


@router.post("/links/{platform}/resume", response={204: None})
def resume_link(request: HttpRequest, platform: str) -> HttpResponse:
    """This will let reports flow to the platform again."""
    actions.resume_link(actor=actor_of(request), platform=platform, now=clock.now())
    return HttpResponse(status=204)
