"""How visitors are asked in: by a guest or the desk, and by the link they were sent."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import AwareDatetime, Field

from linli.server.access import actions, queries
from linli.server.access.actions import Invited
from linli.server.access.queries import CodeView, InvitedView, VisitView
from linli.server.kernel import clock
from linli.server.kernel.door import actor_of, created
from linli.server.kernel.periods import Period
from linli.server.kernel.text import Line, Word

router = Router(tags=["visitors"])


class VisitBody(Schema):
    """When somebody is asked in; at the desk also on whose behalf."""

    start: AwareDatetime
    end: AwareDatetime
    host_id: Annotated[str, Field(max_length=40)] | None = None


class AnswerBody(Schema):
    """Who the visitor says he is, and the notice he has read."""

    name: Annotated[Line, Field(max_length=80)]
    phone: Annotated[Word, Field(max_length=24)]
    notice_digest: Annotated[str, Field(min_length=64, max_length=64)]


class VisitWithdrawal(Schema):
    """Why an invitation is taken back."""

    reason: Annotated[Line, Field(max_length=200)]


class VisitCodes(Schema):
    """Codes for the next half-minute windows, and the server's time."""

    codes: list[CodeView]
    now: datetime


@router.get("/visits", response=list[VisitView])
def list_visits(request: HttpRequest) -> tuple[VisitView, ...]:
    """This will list a guest's own invitations, or at the desk everybody's."""
    return queries.list_visits(actor=actor_of(request), now=clock.now())


@router.post("/visits", response={201: Invited})
def invite(request: HttpRequest, body: VisitBody) -> HttpResponse:
    """This will ask somebody in and give the link to send them."""
    return created(
        request,
        lambda: actions.invite_visitor(
            actor=actor_of(request),
            host_id=body.host_id,
            period=Period(start=body.start, end=body.end),
            now=clock.now(),
        ),
    )


@router.get("/visits/mine", response=InvitedView)
def my_invitation(request: HttpRequest) -> InvitedView:
    """This will show a visitor the invitation whose link he holds."""
    return queries.get_invited(actor=actor_of(request))


@router.post("/visits/mine/accept", response=InvitedView)
def accept(request: HttpRequest, body: AnswerBody) -> InvitedView:
    """This will take the visitor's word who he is and give him a pass; a second time is the first."""
    return actions.accept_visit(
        actor=actor_of(request),
        name=body.name,
        phone=body.phone,
        notice_digest=body.notice_digest,
        now=clock.now(),
    )


@router.get("/visits/mine/codes", response=VisitCodes)
def my_codes(request: HttpRequest, count: Annotated[int, Query(ge=1, le=120)] = 20) -> VisitCodes:
    """This will mint the visitor's codes of the next windows."""
    now = clock.now()
    return VisitCodes(codes=list(queries.visit_codes(actor=actor_of(request), count=count, now=now)), now=now)


@router.post("/visits/{visit_id}/withdraw", response=VisitView)
def withdraw(request: HttpRequest, visit_id: str, body: VisitWithdrawal) -> VisitView:
    """This will take an invitation back, and the visitor's pass with it, at once."""
    return actions.withdraw_visit(actor=actor_of(request), visit_id=visit_id, reason=body.reason, now=clock.now())
