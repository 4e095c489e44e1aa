"""How the gates are asked over HTTP: access points, passages, journals and their faults, for the console."""

from typing import Annotated

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from linli.server.access import queries
from linli.server.access.queries import (
    FaultView,
    GateEventView,
    GateView,
    JournalView,
)
from linli.server.kernel import clock
from linli.server.kernel.actors import Role
from linli.server.kernel.door import actor_of

router = Router(tags=["access"])

CONSOLE = (Role.ESTATE_ADMIN, Role.OFFICE, Role.PROPERTY, Role.COMMITTEE, Role.GUARD, Role.POLICE, Role.AUDITOR)
Limit = Annotated[int, Field(ge=1, le=500)]


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
