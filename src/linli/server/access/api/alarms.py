"""How alarms are asked over HTTP: which doors complain, and that somebody has taken notice."""

from typing import Annotated

from django.http import HttpRequest
from ninja import Path, Router
from pydantic import Field

from linli.server.access import actions, queries
from linli.server.access.queries import AlarmView
from linli.server.kernel import clock
from linli.server.kernel.actors import Role
from linli.server.kernel.door import actor_of

router = Router(tags=["access"])

WATCHERS = (Role.ESTATE_ADMIN, Role.PROPERTY, Role.GUARD, Role.POLICE, Role.AUDITOR)
AlarmNumber = Annotated[int, Field(ge=1, le=2**63 - 1)]


@router.get("/gate-alarms", response=list[AlarmView])
def alarms(
    request: HttpRequest,
    running: bool | None = None,
    gate: Annotated[str | None, Field(max_length=16)] = None,
    limit: Annotated[int, Field(ge=1, le=500)] = 100,
) -> tuple[AlarmView, ...]:
    """This will list the newest alarms, those that run, those that are over, or both."""
    actor = actor_of(request)
    actor.require(*WATCHERS)
    return queries.list_alarms(estate_id=actor.estate_id, running=running, gate=gate, limit=limit)


@router.post("/gate-alarms/{alarm_id}/seen", response=AlarmView)
def acknowledge(request: HttpRequest, alarm_id: Annotated[AlarmNumber, Path()]) -> AlarmView:
    """This will note who has taken notice of an alarm."""
    return actions.acknowledge_alarm(actor=actor_of(request), alarm_id=alarm_id, now=clock.now())
