"""How terminals are asked over HTTP: registered, changed, disabled; what they hold; who can open a door; that a pass is gone from them."""

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from linli.server.access import actions, queries
from linli.server.access.actions import TerminalInput
from linli.server.access.queries import ClosureView, DriftView, TerminalView, WhoView
from linli.server.kernel import clock
from linli.server.kernel.actors import Role
from linli.server.kernel.door import actor_of, created

router = Router(tags=["access"])

KEEPERS = (Role.ESTATE_ADMIN, Role.PROPERTY)
WATCHERS = (*KEEPERS, Role.GUARD, Role.POLICE, Role.AUDITOR)
Gate = Annotated[str, Field(min_length=1, max_length=16)]


class TerminalChange(Schema):
    """How a device is reached; a secret that is left out stays as it is."""

    gate: Gate
    make: str = Field(min_length=1, max_length=16)
    model: str = Field(default="", max_length=40)
    settings: dict[str, Any] = Field(default_factory=dict, max_length=20)
    secret: str | None = Field(default=None, max_length=200)


class TerminalAsked(TerminalChange):
    """A device to be registered under its code."""

    code: str = Field(min_length=1, max_length=16)


class Reason(Schema):
    """Why."""

    reason: str = Field(min_length=1, max_length=200)


@router.get("/terminals", response=list[TerminalView])
def terminals(
    request: HttpRequest, gate: Annotated[str | None, Field(max_length=16)] = None
) -> tuple[TerminalView, ...]:
    """This will list the devices at the gates: online, clock drift, and how many passes stand how on each."""
    actor = actor_of(request)
    actor.require(*WATCHERS)
    return queries.list_terminals(estate_id=actor.estate_id, gate=gate, now=clock.now())


@router.get("/terminals/drift", response=list[DriftView])
def drift(request: HttpRequest) -> tuple[DriftView, ...]:
    """This will compare what every device holds with what it should hold."""
    actor = actor_of(request)
    actor.require(*WATCHERS)
    return queries.list_drift(estate_id=actor.estate_id, now=clock.now())


@router.post("/terminals", response={201: TerminalView})
def register(request: HttpRequest, asked: TerminalAsked) -> HttpResponse:
    """This will register a device at a gate and wake its box."""

    def act() -> TerminalView:
        return actions.register_terminal(actor=actor_of(request), code=asked.code, asked=_input(asked), now=clock.now())

    actor_of(request).require(*KEEPERS)
    return created(request, act)


@router.put("/terminals/{terminal_id}", response=TerminalView)
def change(request: HttpRequest, terminal_id: str, asked: TerminalChange) -> TerminalView:
    """This will write a device's settings anew, and enable it again if it was disabled."""
    return actions.change_terminal(
        actor=actor_of(request), terminal_id=terminal_id, asked=_input(asked), now=clock.now()
    )


@router.post("/terminals/{terminal_id}/disable", response=TerminalView)
def disable(request: HttpRequest, terminal_id: str, asked: Reason) -> TerminalView:
    """This will take a device from its box's care."""
    return actions.disable_terminal(
        actor=actor_of(request), terminal_id=terminal_id, reason=asked.reason, now=clock.now()
    )


@router.get("/gates/{code}/who", response=WhoView)
def who(request: HttpRequest, code: str, limit: Annotated[int, Field(ge=1, le=20_000)] = 500) -> WhoView:
    """This will say who can open a gate now, from its devices' own lists: pass numbers and kinds of holders, no names."""
    actor = actor_of(request)
    actor.require(*WATCHERS)
    return queries.who_can_open(estate_id=actor.estate_id, gate=code, limit=limit, now=clock.now())


@router.get("/passes/{pass_id}/terminals", response=ClosureView)
def closure(request: HttpRequest, pass_id: str) -> ClosureView:
    """This will show of a pass every gate's receipt and every device's own word on it."""
    actor = actor_of(request)
    actor.require(*WATCHERS)
    return queries.list_terminal_receipts(estate_id=actor.estate_id, pass_id=pass_id)


def _input(asked: TerminalChange) -> TerminalInput:
    return TerminalInput(
        gate=asked.gate, make=asked.make, model=asked.model, settings=asked.settings, secret=asked.secret
    )
