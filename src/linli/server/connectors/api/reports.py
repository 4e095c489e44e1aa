"""How reports are asked for over HTTP: the list, one with its exchanges, and sending again."""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel

from linli.server.connectors import actions, queries
from linli.server.connectors.platforms import linked
from linli.server.connectors.queries import ReportPage, ReportRow, ReportView
from linli.server.connectors.rules import Reason, ReportState
from linli.server.kernel import clock
from linli.server.kernel.door import actor_of, created

router = Router(tags=["reports"])


class ReplayOrder(BaseModel):
    """Which parked reports are to be sent again: those held up for this reason."""

    reason: Reason


@router.get("/reports", response=ReportPage)
def list_reports(
    request: HttpRequest,
    state: ReportState | None = None,
    platform: Annotated[str | None, Query(max_length=20)] = None,
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> ReportPage:
    """This will list reports by state, newest first; an operator sees those of own flats."""
    return queries.list_reports(
        actor=actor_of(request), state=state.value if state else None, platform=platform, page=page
    )


# Before the route of one report, whose id would otherwise be `replay`.
@router.post("/reports/replay", response=dict[str, int])
def replay_all(request: HttpRequest, body: ReplayOrder) -> HttpResponse:
    """This will send again what is parked for one reason, at most 500 reports at once."""
    actor = actor_of(request)
    return created(
        request,
        lambda: {"replayed": actions.replay_all(actor=actor, reason=body.reason, platforms=linked(), now=clock.now())},
        status=200,
    )


@router.get("/reports/{report_id}", response=ReportView)
def get_report(request: HttpRequest, report_id: str) -> ReportView:
    """This will show one report with every exchange it took."""
    return queries.get_report(actor=actor_of(request), report_id=report_id)


@router.post("/reports/{report_id}/replay", response=ReportRow)
def replay_report(request: HttpRequest, report_id: str) -> HttpResponse:
    """This will send one rejected or parked report again, with the facts as they are now."""
    actor = actor_of(request)
    return created(
        request,
        lambda: actions.replay_report(actor=actor, report_id=report_id, platforms=linked(), now=clock.now()),
        status=200,
    )
