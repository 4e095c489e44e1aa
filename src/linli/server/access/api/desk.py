"""How the guard's desk asks: a pass by its number, a printed pass, a card, a PIN, a courier; and a guest for the own PIN."""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from linli.server.access import actions, queries
from linli.server.access.actions import Paper
from linli.server.access.queries import CredentialView, DeskPass, IssuedPin, OwnWays
from linli.server.kernel import clock
from linli.server.kernel.actors import Role
from linli.server.kernel.door import actor_of, created
from linli.server.kernel.text import Line, Word

router = Router(tags=["desk"])

DESK = (Role.ESTATE_ADMIN, Role.OFFICE, Role.PROPERTY, Role.GUARD)


class CardBody(Schema):
    """A card's number, as the reader at the desk gives it."""

    number: Annotated[Word, Field(max_length=40)]


class IdentityCardBody(Schema):
    """The number of an identity card, as a reader gave it; kept is only its digest under the estate's key."""

    number: Annotated[Word, Field(max_length=40)]


class NewCardBody(CardBody):
    """A card in place of one that is lost or broken, and why."""

    reason: Annotated[Line, Field(max_length=200)]


class ReasonBody(Schema):
    """Why something is taken back."""

    reason: Annotated[Line, Field(max_length=200)]


@router.get("/desk/passes", response=DeskPass)
def find_pass(request: HttpRequest, number: Annotated[str, Field(max_length=20)]) -> DeskPass:
    """This will show a pass by its number: its doors, its time and what proves it, and not whose it is."""
    actor = actor_of(request)
    actor.require(*DESK)
    return queries.find_desk_pass(estate_id=actor.estate_id, number=number)


@router.post("/desk/passes/{pass_id}/paper", response={201: Paper})
def print_pass(request: HttpRequest, pass_id: str) -> HttpResponse:
    """This will give a code to print for somebody without a phone; an earlier paper opens no more."""
    return created(request, lambda: actions.issue_paper(actor=actor_of(request), pass_id=pass_id, now=clock.now()))


@router.post("/desk/passes/{pass_id}/cards", response={201: CredentialView})
def give_card(request: HttpRequest, pass_id: str, body: CardBody) -> HttpResponse:
    """This will have a card prove a pass."""
    return created(
        request,
        lambda: actions.issue_card(actor=actor_of(request), pass_id=pass_id, number=body.number, now=clock.now()),
    )


@router.post("/desk/passes/{pass_id}/pin", response=IssuedPin)
def give_pin(request: HttpRequest, pass_id: str) -> IssuedPin:
    """This will draw a PIN for a pass and show it this once: the answer is not kept, so the same key draws no second look."""
    return actions.issue_pin(actor=actor_of(request), pass_id=pass_id, now=clock.now())


@router.post("/desk/passes/{pass_id}/idcards", response=CredentialView)
def bind_identity_card(request: HttpRequest, pass_id: str, body: IdentityCardBody) -> CredentialView:
    """This will have an identity card, read by a reader, prove a pass: twice is once, so not even a digest of the request is kept."""
    return actions.register_idcard(actor=actor_of(request), pass_id=pass_id, number=body.number, now=clock.now())


@router.post("/desk/couriers", response={201: Paper})
def let_courier_in(request: HttpRequest) -> HttpResponse:
    """This will let a courier through the estate gates for half an hour."""
    return created(request, lambda: actions.admit_courier(actor=actor_of(request), now=clock.now()))


@router.post("/credentials/{credential_id}/withdraw", response=CredentialView)
def take_back(request: HttpRequest, credential_id: str, body: ReasonBody) -> CredentialView:
    """This will take a card or a PIN back at once."""
    return actions.withdraw_credential(
        actor=actor_of(request), credential_id=credential_id, reason=body.reason, now=clock.now()
    )


@router.post("/credentials/{credential_id}/card", response={201: CredentialView})
def replace_card(request: HttpRequest, credential_id: str, body: NewCardBody) -> HttpResponse:
    """This will put another card in place of a lost one, which opens nothing from the same change on."""
    return created(
        request,
        lambda: actions.replace_card(
            actor=actor_of(request),
            credential_id=credential_id,
            number=body.number,
            reason=body.reason,
            now=clock.now(),
        ),
    )


@router.post("/credentials/{credential_id}/pin", response=IssuedPin)
def replace_pin(request: HttpRequest, credential_id: str, body: ReasonBody) -> IssuedPin:
    """This will draw a new PIN in place of one and show it this once; digits that were shown are never shown again at the desk."""
    return actions.replace_pin(
        actor=actor_of(request), credential_id=credential_id, reason=body.reason, now=clock.now()
    )


@router.get("/passes/mine", response=OwnWays)
def my_ways(request: HttpRequest) -> OwnWays:
    """This will tell a guest the number of the own pass and what proves it."""
    return queries.get_own_ways(actor=actor_of(request), now=clock.now())


@router.post("/passes/mine/pin", response=IssuedPin)
def my_pin(request: HttpRequest) -> IssuedPin:
    """This will show a guest the own PIN, drawing one if there is none; the look is on record."""
    return actions.show_own_pin(actor=actor_of(request), now=clock.now())
