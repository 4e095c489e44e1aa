"""How booking feeds are asked over HTTP: files of orders, calendars that are followed, and the questions they raise."""

from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import File, Form, Query, Router, Schema
from ninja.files import UploadedFile
from pydantic import Field

from linli.server.kernel import clock
from linli.server.kernel.door import actor_of, created
from linli.server.kernel.text import Line, Word
from linli.server.stays import actions, queries
from linli.server.stays.actions import FeedResult
from linli.server.stays.queries import FeedPage, FeedView, IntakeTaskPage, IntakeTaskView

router = Router(tags=["feeds"])
FeedName = Annotated[str, Form(max_length=40, pattern=r"^[A-Za-z0-9_.-]+$")]
UnitId = Annotated[str | None, Form(max_length=40)]
PageNumber = Annotated[int, Query(ge=1, le=100_000)]


class SubscriptionBody(Schema):
    """A calendar to follow, for a flat or one of its rooms; `takes`: its orders take the whole flat, or what is free in it."""

    unit_id: Word
    room_id: Word | None = None
    url: Annotated[str, Field(min_length=8, max_length=2000)]
    takes: Literal["whole", "places"] | None = None
    name: Annotated[Line, Field(max_length=60)] = ""
    every_minutes: Annotated[int, Field(ge=10, le=1440)] = 30


class TaskAnswer(Schema):
    """What the operator decides, of the choices the question gives."""

    choice: Literal["keep", "take", "follow", "cancel"]
    note: Line = ""


@router.post("/bookings/feed", response=FeedResult)
def import_feed(
    request: HttpRequest, file: File[UploadedFile], feed: FeedName = "upload", unit_id: UnitId = None
) -> FeedResult:
    """This will take in a booking feed (iCal of one unit) or an order list (CSV or Excel), and answer line by line."""
    return actions.import_feed(
        actor=actor_of(request), content=file.read(), feed=feed, unit_id=unit_id or None, now=clock.now()
    )


@router.post("/bookings/feed/preview", response=FeedResult)
def preview_feed(
    request: HttpRequest, file: File[UploadedFile], feed: FeedName = "upload", unit_id: UnitId = None
) -> FeedResult:
    """This will say what would become of each line of a feed or order list, and change nothing."""
    return actions.preview_feed(
        actor=actor_of(request), content=file.read(), feed=feed, unit_id=unit_id or None, now=clock.now()
    )


@router.get("/feeds", response=FeedPage)
def list_feeds(request: HttpRequest, unit: str | None = None, page: PageNumber = 1) -> FeedPage:
    """This will list the calendars that are followed, those that fail first."""
    return queries.list_feeds(actor=actor_of(request), unit_id=unit, page=page, now=clock.now())


@router.post("/feeds", response={201: FeedView})
def follow_calendar(request: HttpRequest, body: SubscriptionBody) -> HttpResponse:
    """This will follow a channel's calendar for a flat or a room; its address is not shown again in full."""
    actor = actor_of(request)
    wanted = actions.Subscription(
        unit_id=body.unit_id,
        url=body.url.strip(),
        room_id=body.room_id,
        takes=body.takes,
        name=body.name,
        every_minutes=body.every_minutes,
    )
    return created(request, lambda: actions.follow_calendar(actor=actor, wanted=wanted, now=clock.now()))


@router.get("/feeds/{feed_id}", response=FeedView)
def get_feed(request: HttpRequest, feed_id: str) -> FeedView:
    """This will show how a calendar that is followed does."""
    return queries.get_feed(actor=actor_of(request), feed_id=feed_id, now=clock.now())


@router.post("/feeds/{feed_id}/pause", response=FeedView)
def pause_feed(request: HttpRequest, feed_id: str) -> FeedView:
    """This will stop reading a calendar for a while; what it booked stays."""
    return actions.pause_feed(actor=actor_of(request), feed_id=feed_id, now=clock.now())


@router.post("/feeds/{feed_id}/resume", response=FeedView)
def resume_feed(request: HttpRequest, feed_id: str) -> FeedView:
    """This will read a calendar again, at once."""
    return actions.resume_feed(actor=actor_of(request), feed_id=feed_id, now=clock.now())


@router.post("/feeds/{feed_id}/read", response=FeedView)
def read_soon(request: HttpRequest, feed_id: str) -> FeedView:
    """This will have a calendar read within seconds rather than at its own time."""
    return actions.read_soon(actor=actor_of(request), feed_id=feed_id, now=clock.now())


@router.post("/feeds/{feed_id}/end", response=FeedView)
def end_feed(request: HttpRequest, feed_id: str) -> FeedView:
    """This will follow a calendar no longer; what it booked stays."""
    return actions.end_feed(actor=actor_of(request), feed_id=feed_id, now=clock.now())


@router.get("/intake-tasks", response=IntakeTaskPage)
def list_tasks(
    request: HttpRequest, state: Literal["open", "closed", "all"] = "open", page: PageNumber = 1
) -> IntakeTaskPage:
    """This will list what channels told that only a person can decide."""
    return queries.list_tasks(actor=actor_of(request), state=state, page=page)


@router.get("/intake-tasks/{task_id}", response=IntakeTaskView)
def get_task(request: HttpRequest, task_id: str) -> IntakeTaskView:
    """This will show one question and its answers."""
    return queries.get_task(actor=actor_of(request), task_id=task_id)


@router.post("/intake-tasks/{task_id}/answer", response=IntakeTaskView)
def answer_task(request: HttpRequest, task_id: str, body: TaskAnswer) -> IntakeTaskView:
    """This will do what the operator chose and close the question; what cannot be done is refused and leaves it open."""
    return actions.answer_task(
        actor=actor_of(request), task_id=task_id, choice=body.choice, note=body.note, now=clock.now()
    )
