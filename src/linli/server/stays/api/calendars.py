"""How calendars go out over HTTP: links made and revoked, and the calendar itself for whoever holds a link."""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from ninja.security.base import AuthBase
from pydantic import Field

from linli.server.kernel import clock
from linli.server.kernel.actors import Actor
from linli.server.kernel.door import actor_of, created
from linli.server.kernel.text import Line, Word
from linli.server.stays import actions, queries
from linli.server.stays.queries import CalendarLinkView

router = Router(tags=["calendars"])


class CalendarBody(Schema):
    """For which flat or room, and for which channel."""

    unit_id: Word
    room_id: Word | None = None
    name: Annotated[Line, Field(max_length=60)] = ""


class ByLink(AuthBase):
    """Whoever holds a calendar's link, whose last part is its key."""

    openapi_type = "http"
    openapi_scheme = "linli-calendar-link"

    def __call__(self, request: HttpRequest) -> Actor | None:
        """This will return who reads, or None when the key opens nothing."""
        match = request.resolver_match
        ticket = str(match.kwargs.get("ticket", "")) if match is not None else ""
        return queries.find_calendar_reader(ticket=ticket, now=clock.now())


@router.get("/calendars", response=list[CalendarLinkView])
def list_calendars(request: HttpRequest, unit: str | None = None) -> list[CalendarLinkView]:
    """This will list the links by which channels read occupied nights."""
    return list(queries.list_calendars(actor=actor_of(request), unit_id=unit, now=clock.now()))


@router.post("/calendars", response={201: CalendarLinkView})
def make_calendar(request: HttpRequest, body: CalendarBody) -> HttpResponse:
    """This will make a link for one channel; a flat may have several, so that each can be revoked alone."""
    actor = actor_of(request)
    return created(
        request,
        lambda: actions.make_calendar(
            actor=actor, unit_id=body.unit_id, room_id=body.room_id, name=body.name, now=clock.now()
        ),
    )


@router.post("/calendars/{calendar_id}/revoke", response=CalendarLinkView)
def revoke_calendar(request: HttpRequest, calendar_id: str) -> CalendarLinkView:
    """This will make a link open nothing any more."""
    return actions.revoke_calendar(actor=actor_of(request), calendar_id=calendar_id, now=clock.now())


@router.get("/calendars/{ticket}.ics", auth=ByLink(), response={200: None, 304: None})
def read_calendar(request: HttpRequest, ticket: str) -> HttpResponse:
    """This will give the occupied nights as iCal; nothing in it is about guests. With a known ETag, 304."""
    actor = actor_of(request)
    calendar_id = actor.id.removeprefix("calendar:")
    published = actions.publish_calendar(actor=actor, calendar_id=calendar_id, now=clock.now())
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")]
    if published.etag in known or known == ["*"]:
        answer = HttpResponse(status=304)
    else:
        answer = HttpResponse(published.body, content_type="text/calendar; charset=utf-8")
        answer["Content-Disposition"] = 'inline; filename="occupied.ics"'
    answer["ETag"] = published.etag
    answer["Cache-Control"] = "private, max-age=300"
    return answer
