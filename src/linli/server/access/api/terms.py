"""How the terms of holders and the weekly hours are asked for: read by the desk and whoever watches over it."""

from django.http import HttpRequest
from ninja import Router

from linli.server.access import queries
from linli.server.access.api.gates import CONSOLE
from linli.server.access.queries import HoursView, TermsView
from linli.server.kernel import clock
from linli.server.kernel.door import actor_of

router = Router(tags=["access"])


@router.get("/terms", response=list[TermsView])
def list_terms(request: HttpRequest) -> tuple[TermsView, ...]:
    """This will list on what terms each kind of holder gets a pass today (table A4)."""
    actor = actor_of(request)
    actor.require(*CONSOLE)
    return queries.list_terms(estate_id=actor.estate_id, now=clock.now())


@router.get("/terms/{holder_kind}", response=list[TermsView])
def terms_history(request: HttpRequest, holder_kind: str) -> tuple[TermsView, ...]:
    """This will list the terms of one kind of holder as they were decided, newest first."""
    actor = actor_of(request)
    actor.require(*CONSOLE)
    return queries.list_terms_history(estate_id=actor.estate_id, holder_kind=holder_kind)


@router.get("/weekly-hours", response=list[HoursView])
def weekly_hours(request: HttpRequest) -> tuple[HoursView, ...]:
    """This will list the weekly tables."""
    actor = actor_of(request)
    actor.require(*CONSOLE)
    return queries.list_hours(estate_id=actor.estate_id)
