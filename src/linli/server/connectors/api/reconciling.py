"""How nights are asked for over HTTP: the figures, the questions and their answers, and where a stay stands with each platform."""

from datetime import date
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from linli.server.connectors.platforms import linked
from linli.server.connectors.reconciling import actions, queries, standing
from linli.server.connectors.reconciling.queries import NightView, QuestionPage, QuestionView
from linli.server.connectors.reconciling.rules import QuestionState
from linli.server.connectors.reconciling.standing import StandingView
from linli.server.kernel import clock
from linli.server.kernel.door import actor_of, created
from linli.server.kernel.text import Passage

router = Router(tags=["reconciliation"])


class NightOrder(BaseModel):
    """Which night is to be counted: the day in whose evening it begins."""

    date: date


class QuestionAnswer(BaseModel):
    """What the owner of a question found."""

    text: Annotated[Passage, Field(max_length=actions.LONGEST_ANSWER)]


@router.get("/reconciliations", response=NightView)
def get_reconciliation(request: HttpRequest, date: date) -> NightView:
    """This will show the night of a day beside every platform, as it was last counted."""
    return queries.get_night(actor=actor_of(request), day=date)


@router.post("/reconciliations", response=NightView)
def reconcile(request: HttpRequest, body: NightOrder) -> HttpResponse:
    """This will count a night now, and ask about what differs."""
    actor = actor_of(request)
    return created(
        request,
        lambda: actions.reconcile(actor=actor, day=body.date, platforms=linked(), now=clock.now()),
        status=200,
    )


@router.get("/questions", response=QuestionPage)
def list_questions(
    request: HttpRequest,
    state: QuestionState | None = None,
    date: date | None = None,
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> QuestionPage:
    """This will list questions, soonest due first: an operator's own, all to the office, and to the police their numbers."""
    return queries.list_questions(
        actor=actor_of(request), state=state.value if state else None, day=date, page=page, now=clock.now()
    )


@router.post("/questions/{question_id}/answer", response=QuestionView)
def answer_question(request: HttpRequest, question_id: str, body: QuestionAnswer) -> HttpResponse:
    """This will note the owner's answer to a question."""
    actor = actor_of(request)
    return created(
        request,
        lambda: actions.answer_question(actor=actor, question_id=question_id, text=body.text, now=clock.now()),
        status=200,
    )


@router.get("/stays/{stay_id}/standing", response=tuple[StandingView, ...])
def get_standing(request: HttpRequest, stay_id: str) -> tuple[StandingView, ...]:
    """This will show where a stay stands with each platform: one named state, since when, and by when a receipt is due."""
    return standing.list_standings(actor=actor_of(request), stay_id=stay_id, platforms=linked(), now=clock.now())
