"""How the gates are asked over HTTP: access points, passages, journals and their faults, for the console."""

from collections.abc import Callable
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Path, Router, Schema
from pydantic import Field

from linli.server.access import actions, queries
from linli.server.access.queries import (
    BoardGate,
    CommandView,
    FaultView,
    GateEventView,
    GateView,
    JournalView,
    NormalisedEvent,
)
from linli.server.kernel import clock
from linli.server.kernel.actors import Role
from linli.server.kernel.door import actor_of, created

router = Router(tags=["access"])

OPENERS = (Role.GUARD, Role.PROPERTY, Role.ESTATE_ADMIN)
CONSOLE = (Role.ESTATE_ADMIN, Role.OFFICE, Role.PROPERTY, Role.COMMITTEE, Role.GUARD, Role.POLICE, Role.AUDITOR)
LAST_SEQUENCE = 2**63 - 1
Limit = Annotated[int, Field(ge=1, le=500)]


class CommandAsked(Schema):
    """Why a gate is asked to do something from afar."""

    reason: str = Field(min_length=1, max_length=200)


class CheckAsked(Schema):
    """Why a gate's devices are read back; nobody need give a reason for looking."""

    reason: str = Field(default="asked from the console", min_length=1, max_length=200)


@router.get("/gates", response=list[GateView])
def gates(request: HttpRequest) -> tuple[GateView, ...]:
    """This will list the access points, whether they are online, and how far each has followed the list."""
    actor = actor_of(request)
    actor.require(*CONSOLE)
    return queries.list_gates(estate_id=actor.estate_id, now=clock.now())


@router.get("/gate-events", response=list[GateEventView])
def gate_events(
    request: HttpRequest, gate: Annotated[str | None, Field(max_length=16)] = None, limit: Limit = 50
) -> tuple[GateEventView, ...]:
    """This will list the newest passages and refusals, of one gate or of all."""
    actor = actor_of(request)
    actor.require(*CONSOLE)
    return queries.list_gate_events(estate_id=actor.estate_id, gate=gate, limit=limit)


@router.get("/gate-journals", response=list[JournalView])
def gate_journals(request: HttpRequest) -> tuple[JournalView, ...]:
    """This will list every gate's journal: how far it has come in, what is missing, how many lines did not hold."""
    actor = actor_of(request)
    actor.require(*CONSOLE)
    return queries.list_journals(estate_id=actor.estate_id)


@router.get("/gate-journals/faults", response=list[FaultView])
def gate_journal_faults(request: HttpRequest, limit: Limit = 50) -> tuple[FaultView, ...]:
    """This will list the newest journal lines that did not hold, as they came."""
    actor = actor_of(request)
    actor.require(Role.ESTATE_ADMIN, Role.PROPERTY, Role.POLICE, Role.AUDITOR)
    return queries.list_journal_faults(estate_id=actor.estate_id, limit=limit)


@router.get("/gate-events/{code}/{sequence}", response=NormalisedEvent)
def gate_event(
    request: HttpRequest, code: str, sequence: Annotated[int, Path(ge=1, le=LAST_SEQUENCE)]
) -> NormalisedEvent:
    """This will show one passage or refusal in the words that every make of gate shares."""
    actor = actor_of(request)
    actor.require(Role.ESTATE_ADMIN, Role.PROPERTY, Role.GUARD, Role.POLICE, Role.AUDITOR)
    return queries.normalised_event(estate_id=actor.estate_id, gate=code, sequence=sequence)


@router.get("/gates/board", response=list[BoardGate])
def board(request: HttpRequest) -> tuple[BoardGate, ...]:
    """This will show every gate at one glance: there or not, how old its list is, its devices, its alarms, who last passed."""
    actor = actor_of(request)
    actor.require(*CONSOLE)
    return queries.get_board(estate_id=actor.estate_id, now=clock.now())


@router.get("/gate-commands", response=list[CommandView])
def gate_commands(
    request: HttpRequest, gate: Annotated[str | None, Field(max_length=16)] = None, limit: Limit = 50
) -> tuple[CommandView, ...]:
    """This will list what gates were newly asked to do, by whom and why, and what came of it."""
    actor = actor_of(request)
    actor.require(*OPENERS, Role.POLICE, Role.AUDITOR)
    return queries.list_commands(estate_id=actor.estate_id, gate=gate, limit=limit)


@router.post("/gates/{code}/open", response={201: CommandView})
def open_gate(request: HttpRequest, code: str, asked: CommandAsked) -> HttpResponse:
    """This will ask a gate to open, with a reason; after twenty seconds it is too late."""
    return _command(request, code, asked.reason, actions.open_gate)


@router.post("/gates/{code}/release", response={201: CommandView})
def release_gate(request: HttpRequest, code: str, asked: CommandAsked) -> HttpResponse:
    """This will ask a gate to work as usual again after a fire alarm."""
    return _command(request, code, asked.reason, actions.release_gate)


@router.post("/gates/{code}/listing", response={201: CommandView})
def ask_for_listing(request: HttpRequest, code: str, asked: CheckAsked) -> HttpResponse:
    """This will have a gate's devices give their own lists."""
    return _command(request, code, asked.reason, actions.ask_for_listing)


@router.post("/gates/{code}/compare", response={201: CommandView})
def ask_for_compare(request: HttpRequest, code: str, asked: CheckAsked) -> HttpResponse:
    """This will have a gate's devices read back, compared with the list, and repaired."""
    return _command(request, code, asked.reason, actions.ask_for_compare)


def _command(request: HttpRequest, code: str, reason: str, ask: Callable[..., CommandView]) -> HttpResponse:
    actor = actor_of(request)
    actor.require(*OPENERS)
    return created(request, lambda: ask(actor=actor, gate=code, reason=reason, now=clock.now()))
