"""How terms of holders, weekly hours and holidays are asked for: read by the desk and its watchers, decided by the estate's admin."""

from datetime import date, timedelta
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Path, Router, Schema
from pydantic import AwareDatetime, Field

from linli.gate.hours import DAY_MINUTES, Slot
from linli.server.access import actions, queries
from linli.server.access.api.gates import CONSOLE
from linli.server.access.queries import HoursView, TermsView
from linli.server.access.rules import DoorKind, Terms
from linli.server.kernel import clock
from linli.server.kernel.door import actor_of, created
from linli.server.kernel.text import Line

router = Router(tags=["access"])

TEN_YEARS_IN_MINUTES = 10 * 365 * DAY_MINUTES
Minutes = Annotated[int, Field(ge=0, le=TEN_YEARS_IN_MINUTES)]
Minute = Annotated[int, Field(ge=0, le=DAY_MINUTES)]
TableNumber = Annotated[int, Path(ge=1, le=999)]


class TermsBody(Schema):
    """New terms of a kind of holder, from when on (now, where nothing is said), and where they come from."""

    doors: Annotated[tuple[DoorKind, ...], Field(max_length=8)]
    ways: Annotated[tuple[Annotated[str, Field(max_length=8)], ...], Field(max_length=8)]
    early_minutes: Minutes = 0
    late_minutes: Minutes = 0
    longest_minutes: Minutes = 0
    ends_by: Minute | None = None
    review_days: Annotated[int, Field(ge=0, le=3_650)] = 0
    hours: Annotated[int, Field(ge=0, le=999)] = 0
    uses: Annotated[int, Field(ge=0, le=100_000)] = 0
    source: Annotated[Line, Field(max_length=120)]
    in_force_from: AwareDatetime | None = None


class SlotBody(Schema):
    """On one weekday (0 is Monday) from one minute of the day up to, not including, another."""

    weekday: Annotated[int, Field(ge=0, le=6)]
    start: Minute
    end: Minute


class HoursBody(Schema):
    """A weekly table, named in both languages; `holidays` says whether it counts on them too."""

    name_zh: Annotated[Line, Field(min_length=1, max_length=80)]
    name_en: Annotated[Line, Field(min_length=1, max_length=80)]
    slots: Annotated[tuple[SlotBody, ...], Field(min_length=1, max_length=70)]
    holidays: bool = True


class HolidaysBody(Schema):
    """The days on which tables without holidays do not count, in place of those before."""

    days: Annotated[tuple[date, ...], Field(max_length=400)]


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


@router.post("/terms/{holder_kind}", response={201: TermsView})
def change_terms(request: HttpRequest, holder_kind: str, body: TermsBody) -> HttpResponse:
    """This will decide new terms from now or later on; what was in force stays on record, and passes already given keep theirs."""

    def act() -> TermsView:
        now = clock.now()
        return actions.change_terms(
            actor=actor_of(request),
            terms=_terms(holder_kind, body),
            in_force_from=body.in_force_from or now,
            now=now,
        )

    return created(request, act)


@router.put("/weekly-hours/{table}", response=HoursView)
def set_weekly_hours(request: HttpRequest, table: TableNumber, body: HoursBody) -> HoursView:
    """This will write a weekly table under its number, new or in place of the one before, and tell the gates."""
    slots = [Slot(weekday=slot.weekday, start=slot.start, end=slot.end) for slot in body.slots]
    actor = actor_of(request)
    actions.set_weekly_hours(
        actor=actor,
        number=table,
        name=(body.name_zh, body.name_en),
        slots=slots,
        holidays=body.holidays,
        now=clock.now(),
    )
    return next(one for one in queries.list_hours(estate_id=actor.estate_id) if one.number == table)


@router.get("/holidays", response=list[date])
def holidays(request: HttpRequest) -> tuple[date, ...]:
    """This will list the days on which tables without holidays do not count."""
    actor = actor_of(request)
    actor.require(*CONSOLE)
    return queries.list_holidays(estate_id=actor.estate_id)


@router.put("/holidays", response=list[date])
def set_holidays(request: HttpRequest, body: HolidaysBody) -> tuple[date, ...]:
    """This will write the holidays in place of those before, and tell the gates."""
    actor = actor_of(request)
    actions.set_holidays(actor=actor, days=body.days, now=clock.now())
    return queries.list_holidays(estate_id=actor.estate_id)


def _terms(holder_kind: str, body: TermsBody) -> Terms:
    return Terms(
        holder_kind=holder_kind,
        doors=body.doors,
        ways=body.ways,
        early=timedelta(minutes=body.early_minutes),
        late=timedelta(minutes=body.late_minutes),
        longest=timedelta(minutes=body.longest_minutes),
        ends_by=body.ends_by,
        review=timedelta(days=body.review_days),
        hours=body.hours,
        uses=body.uses,
        source=body.source,
    )
