"""How passes of those who live or work here are asked for at the desk: by flat, by residency, by contract."""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import AwareDatetime, Field

from linli.server.access import actions, queries
from linli.server.access.queries import ContractPassView, PassView, ResidentPassView
from linli.server.kernel import clock
from linli.server.kernel.actors import Role
from linli.server.kernel.door import actor_of, created
from linli.server.kernel.text import Line, Word

router = Router(tags=["desk"])

DESK = (Role.ESTATE_ADMIN, Role.OFFICE, Role.PROPERTY, Role.GUARD)
EMPLOYERS = (Role.ESTATE_ADMIN, Role.PROPERTY)


class ContractPassBody(Schema):
    """Whose pass by which contract, until when; operators and cleaners name the flat, guards and staff none."""

    holder_kind: Annotated[Word, Field(max_length=16)]
    holder_id: Annotated[Word, Field(min_length=1, max_length=40)]
    contract: Annotated[Word, Field(min_length=1, max_length=40)]
    dwelling_id: Annotated[Word, Field(max_length=40)] | None = None
    until: AwareDatetime


class ContractEndBody(Schema):
    """Which contract is over, and why."""

    contract: Annotated[Word, Field(min_length=1, max_length=40)]
    reason: Annotated[Line, Field(max_length=200)]


class Withdrawn(Schema):
    """How many passes were withdrawn."""

    passes: int


@router.get("/desk/dwellings/{dwelling_id}/passes", response=list[ResidentPassView])
def passes_of_flat(request: HttpRequest, dwelling_id: str) -> tuple[ResidentPassView, ...]:
    """This will list who lives in a flat, masked, with the pass of each."""
    actor = actor_of(request)
    actor.require(*DESK)
    return queries.list_resident_passes(estate_id=actor.estate_id, dwelling_id=dwelling_id, now=clock.now())


@router.post("/desk/residencies/{residency_id}/pass", response={201: PassView})
def give_resident_pass(request: HttpRequest, residency_id: str) -> HttpResponse:
    """This will give somebody who lives here a pass anew, after the one before was withdrawn."""
    return created(
        request,
        lambda: actions.grant_resident_pass(actor=actor_of(request), residency_id=residency_id, now=clock.now()),
    )


@router.get("/desk/contracts", response=list[ContractPassView])
def contracts(request: HttpRequest) -> tuple[ContractPassView, ...]:
    """This will list the passes by contract that were not withdrawn."""
    actor = actor_of(request)
    actor.require(*EMPLOYERS, Role.OFFICE, Role.AUDITOR)
    return queries.list_contract_passes(estate_id=actor.estate_id, now=clock.now())


@router.post("/desk/contracts", response={201: PassView})
def give_contract_pass(request: HttpRequest, body: ContractPassBody) -> HttpResponse:
    """This will give an operator, cleaner, guard or staff a pass for the contract or the shift; asked again it goes on."""
    return created(
        request,
        lambda: actions.grant_contract_pass(
            actor=actor_of(request),
            holder_kind=body.holder_kind,
            holder_id=body.holder_id,
            contract=body.contract,
            dwelling_id=body.dwelling_id,
            until=body.until,
            now=clock.now(),
        ),
    )


@router.post("/desk/contracts/end", response=Withdrawn)
def end_contract(request: HttpRequest, body: ContractEndBody) -> Withdrawn:
    """This will withdraw every pass of a contract at once."""
    gone = actions.end_contract(actor=actor_of(request), contract=body.contract, reason=body.reason, now=clock.now())
    return Withdrawn(passes=gone)
