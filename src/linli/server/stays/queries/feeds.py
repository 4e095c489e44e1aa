"""What is so about booking feeds: which calendars are followed and how they do, and what they asked. Operators see their own."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound
from linli.server.lettings import queries as lettings
from linli.server.stays.models import FeedSource, IntakeTask
from linli.server.stays.queries.views import Said
from linli.server.stays.rules.feeds import timing
from linli.server.stays.rules.intake import CHOICES, QUESTIONS, Choice, TaskKind

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLine:
    """A line of the last reading that was no order, or that raised a question."""

    line: int
    ref: str
    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedView:
    """A calendar that is followed; its address is shown only in part, for the rest of it is a secret.

    `health` is `new`, `good`, `failing` or `silent` (failing for more than a day).
    """

    id: str
    unit_id: str
    unit_label: str
    room_id: str | None
    room_label: str
    name: str
    url_masked: str
    takes: str
    state: str
    health: str
    every_minutes: int
    problem: str
    failing_since: datetime | None
    failures: int
    tried_at: datetime | None
    good_at: datetime | None
    next_at: datetime | None
    orders: int
    blocks: int
    open_tasks: int
    lines: tuple[FeedLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPage:
    """A page of calendars that are followed."""

    items: tuple[FeedView, ...]
    total: int
    page: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceView:
    """One answer there is, and its words."""

    choice: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSide:
    """A period and a number of guests, as the channel tells it or as we have it."""

    arrive_at: datetime
    leave_at: datetime
    guests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeTaskView:
    """A question to an operator: what about, the order as told and as booked, the answers there are, and how it was answered."""

    id: str
    kind: str
    code: str
    message: Said
    operator_id: str
    unit_id: str | None
    unit_label: str
    feed: str
    ref: str
    booking_id: str | None
    told: TaskSide | None
    ours: TaskSide | None
    registered: int
    times: int
    opened_at: datetime
    seen_at: datetime
    state: str
    choices: tuple[ChoiceView, ...]
    choice: str
    closed_at: datetime | None
    closed_by: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeTaskPage:
    """A page of questions, the newest first."""

    items: tuple[IntakeTaskView, ...]
    total: int
    page: int
    size: int


def owned(actor: Actor) -> list[str] | None:
    """This will name the operators whose channels somebody may see: None for all of them; refuses with `NotAllowed`."""
    if actor.may(Role.OFFICE, Role.SYSTEM):
        return None
    actor.require_any(Role.OPERATOR)
    return [scope.removeprefix("operator:") for scope in actor.scopes(Role.OPERATOR)]


def list_feeds(*, actor: Actor, unit_id: str | None, page: int, now: datetime) -> FeedPage:
    """This will list the calendars that are followed, those that fail first."""
    rows = FeedSource.objects.filter(estate_id=actor.estate_id, ended_at__isnull=True)
    mine = owned(actor)
    if mine is not None:
        rows = rows.filter(unit__operator_id__in=mine)
    if unit_id:
        rows = rows.filter(unit_id=unit_id)
    page = max(1, page)
    ordered = rows.order_by("failing_since", "id")[(page - 1) * PAGE : page * PAGE]
    return FeedPage(items=_feeds(ordered, actor.estate_id, now=now), total=rows.count(), page=page, size=PAGE)


def get_feed(*, actor: Actor, feed_id: str, now: datetime) -> FeedView:
    """This will show one calendar that is followed, or refuse with `NotFound` or `NotAllowed`."""
    row = FeedSource.objects.select_related("unit").filter(estate_id=actor.estate_id, id=feed_id).first()
    if row is None:
        raise NotFound
    if not actor.may(Role.OFFICE, Role.SYSTEM):
        actor.require(Role.OPERATOR, scope=f"operator:{row.unit.operator_id}")
    return _feeds([row], actor.estate_id, now=now)[0]


def _feeds(rows: Iterable[FeedSource], estate_id: str, *, now: datetime) -> tuple[FeedView, ...]:
    rows = list(rows)
    units = units_by_id(estate_id, {row.unit_id for row in rows})
    open_tasks = IntakeTask.objects.filter(
        estate_id=estate_id, source_id__in=[row.id for row in rows], closed_at__isnull=True
    ).values_list("source_id", flat=True)
    counts = list(open_tasks)
    return tuple(_feed(row, units.get(row.unit_id), counts.count(row.id), now=now) for row in rows)


def _feed(row: FeedSource, unit: lettings.UnitView | None, open_tasks: int, *, now: datetime) -> FeedView:
    return FeedView(
        id=row.id,
        unit_id=row.unit_id,
        unit_label=unit.label_zh if unit is not None else "",
        room_id=row.room_id,
        room_label=room_label(unit, row.room_id),
        name=row.name,
        url_masked=row.url_masked,
        takes=row.takes,
        state=row.state,
        health=_health(row, now),
        every_minutes=row.every_minutes,
        problem=row.problem,
        failing_since=row.failing_since,
        failures=row.failures,
        tried_at=row.tried_at,
        good_at=row.good_at,
        next_at=row.next_at if row.state == "ACTIVE" else None,
        orders=row.orders,
        blocks=row.blocks,
        open_tasks=open_tasks,
        lines=tuple(FeedLine(**line) for line in row.lines),
    )


def _health(row: FeedSource, now: datetime) -> str:
    if row.failing_since is None:
        return "good" if row.good_at is not None else "new"
    return "silent" if timing.is_silent(failing_since=row.failing_since, now=now) else "failing"


def list_tasks(*, actor: Actor, state: str, page: int) -> IntakeTaskPage:
    """This will list the questions that are `open`, `closed` or `all`."""
    rows = IntakeTask.objects.filter(estate_id=actor.estate_id)
    mine = owned(actor)
    if mine is not None:
        rows = rows.filter(operator_id__in=mine)
    if state != "all":
        rows = rows.filter(closed_at__isnull=state == "open")
    page = max(1, page)
    chosen = list(rows.order_by("-opened_at", "-id")[(page - 1) * PAGE : page * PAGE])
    units = units_by_id(actor.estate_id, {row.unit_id for row in chosen if row.unit_id})
    items = tuple(_task(row, units.get(row.unit_id or "")) for row in chosen)
    return IntakeTaskPage(items=items, total=rows.count(), page=page, size=PAGE)


def get_task(*, actor: Actor, task_id: str) -> IntakeTaskView:
    """This will show one question, or refuse with `NotFound` or `NotAllowed`."""
    row = IntakeTask.objects.filter(estate_id=actor.estate_id, id=task_id).first()
    if row is None:
        raise NotFound
    if not actor.may(Role.OFFICE, Role.SYSTEM):
        actor.require(Role.OPERATOR, scope=f"operator:{row.operator_id}")
    return _task(row, units_by_id(actor.estate_id, {row.unit_id or ""}).get(row.unit_id or ""))


def _task(row: IntakeTask, unit: lettings.UnitView | None) -> IntakeTaskView:
    question = QUESTIONS[TaskKind(row.kind)]
    is_open = row.closed_at is None
    return IntakeTaskView(
        id=row.id,
        kind=row.kind,
        code=row.code,
        message=Said(zh=question.zh, en=question.en),
        operator_id=row.operator_id,
        unit_id=row.unit_id,
        unit_label=unit.label_zh if unit is not None else "",
        feed=row.feed,
        ref=row.ref,
        booking_id=row.booking_id,
        told=_side(row.facts.get("told")),
        ours=_side(row.facts.get("ours")),
        registered=int(row.facts.get("registered", 0)),
        times=row.times,
        opened_at=row.opened_at,
        seen_at=row.seen_at,
        state="open" if is_open else "closed",
        choices=tuple(_choice(choice) for choice in question.choices) if is_open else (),
        choice=row.choice,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        note=row.note,
    )


def _choice(choice: Choice) -> ChoiceView:
    zh, en = CHOICES[choice]
    return ChoiceView(choice=choice, zh=zh, en=en)


def _side(told: dict[str, Any] | None) -> TaskSide | None:
    if told is None:
        return None
    return TaskSide(
        arrive_at=datetime.fromisoformat(told["arrive_at"]),
        leave_at=datetime.fromisoformat(told["leave_at"]),
        guests=told["guests"],
    )


def units_by_id(estate_id: str, unit_ids: Iterable[str]) -> dict[str, lettings.UnitView]:
    return {unit.id: unit for unit in lettings.list_units_by_id(estate_id=estate_id, unit_ids=unit_ids)}


def room_label(unit: lettings.UnitView | None, room_id: str | None) -> str:
    if unit is None or room_id is None:
        return ""
    return next((room.label for room in unit.rooms if room.room_id == room_id), "")
