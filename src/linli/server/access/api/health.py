"""How the public-health mode is asked over HTTP: proposed by one, approved by another, ended by anybody of either."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from linli.server.access import actions, queries
from linli.server.access.queries import HealthOrderView, HealthProposalView, HealthTerms, HealthView
from linli.server.kernel import clock
from linli.server.kernel.actors import Role
from linli.server.kernel.door import actor_of, created
from linli.server.kernel.errors import BadField

router = Router(tags=["access"])

WATCHERS = (
    *(Role.ESTATE_ADMIN, Role.OFFICE, Role.PROPERTY, Role.COMMITTEE),
    *(Role.GUARD, Role.POLICE, Role.AUDITOR),
)
ASKERS = (Role.ESTATE_ADMIN, Role.OFFICE)


class HealthAsked(Schema):
    """The law and the authority, what is read at the doors, whom it shuts out, and when it ends."""

    legal_basis: str = Field(min_length=1, max_length=300)
    ordered_by: str = Field(min_length=1, max_length=120)
    end: datetime
    most_c10: int = Field(default=0, ge=0, le=500)
    code_wanted: bool = False
    holders: list[str] = Field(default_factory=list, max_length=20)


class HealthReason(Schema):
    """Why."""

    reason: str = Field(min_length=1, max_length=200)


@router.get("/health-orders", response=HealthView)
def health(request: HttpRequest) -> HealthView:
    """This will show whether the public-health mode is on, and every order and proposal there was."""
    actor = actor_of(request)
    actor.require(*WATCHERS)
    return queries.get_health(estate_id=actor.estate_id, now=clock.now())


@router.post("/health-orders", response={201: HealthProposalView})
def propose(request: HttpRequest, asked: HealthAsked) -> HttpResponse:
    """This will ask for the public-health mode; it is in force once somebody else has approved."""

    def act() -> HealthProposalView:
        return actions.propose_health_order(actor=actor_of(request), terms=_terms(asked), now=clock.now())

    actor_of(request).require(*ASKERS)
    return created(request, act)


@router.post("/health-orders/{order_id}/approve", response=HealthOrderView)
def approve(request: HttpRequest, order_id: str) -> HealthOrderView:
    """This will put a proposal in force; whoever asked cannot."""
    return actions.approve_health_order(actor=actor_of(request), proposal_id=order_id, now=clock.now())


@router.post("/health-orders/{order_id}/decline", response=HealthProposalView)
def decline(request: HttpRequest, order_id: str, asked: HealthReason) -> HealthProposalView:
    """This will turn a proposal down."""
    return actions.decline_health_order(
        actor=actor_of(request), proposal_id=order_id, reason=asked.reason, now=clock.now()
    )


@router.post("/health-orders/{order_id}/end", response=HealthOrderView)
def end(request: HttpRequest, order_id: str, asked: HealthReason) -> HealthOrderView:
    """This will end the public-health mode before its time."""
    return actions.end_health_order(actor=actor_of(request), order_id=order_id, reason=asked.reason, now=clock.now())


def _terms(asked: HealthAsked) -> HealthTerms:
    if asked.end.tzinfo is None:
        raise BadField(field="end")
    return HealthTerms(
        legal_basis=asked.legal_basis,
        ordered_by=asked.ordered_by,
        end=asked.end,
        most_c10=asked.most_c10,
        code_wanted=asked.code_wanted,
        holders=tuple(asked.holders),
    )
