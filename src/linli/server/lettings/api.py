"""How lettings are asked for over HTTP. An operator sees and drafts what is its own; closing a unit is asked of stays."""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from linli.server.kernel import clock
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.door import actor_of, created
from linli.server.kernel.errors import NotAllowed
from linli.server.kernel.text import Line, Word
from linli.server.lettings import actions, queries
from linli.server.lettings.queries import LettingCounts, OperatorPage, OperatorView, UnitFile, UnitPage, UnitView
from linli.server.people.actions import DocumentInput, PersonInput

router = Router(tags=["lettings"])

WATCHERS = (
    Role.ESTATE_ADMIN,
    Role.OFFICE,
    Role.PROPERTY,
    Role.COMMITTEE,
    Role.GUARD,
    Role.POLICE,
    Role.AUDITOR,
)
PageNumber = Annotated[int, Query(ge=1, le=10_000)]
Occupancy = Annotated[int, Field(ge=1, le=200)]


class RoomBody(BaseModel):
    """How one room is let."""

    room_id: Word
    mode: Word
    max_occupancy: Occupancy


class RoomsBody(BaseModel):
    """The rooms of a draft."""

    rooms: Annotated[tuple[RoomBody, ...], Field(min_length=1, max_length=30)]
    max_occupancy: Occupancy | None = None


class UnitBody(RoomsBody):
    """A unit to draft."""

    operator_id: Word
    dwelling_id: Word


class StepBody(BaseModel):
    """What is to be remembered of a step."""

    note: Line = ""


class MarkBody(StepBody):
    """The mark that hangs on the door; without one, a fresh one is drawn."""

    mark_code: Word | None = None


class SuspendBody(BaseModel):
    """Why a unit is suspended, and whether those inside lose their passes at once."""

    reason: Line
    at_once: bool = False


class UnitReason(BaseModel):
    """Why."""

    reason: Line


class OperatorBody(BaseModel):
    """An operator to register."""

    kind: Word
    name: Line | None = None
    uscc: Word | None = None
    person: PersonInput | None = None
    document: DocumentInput | None = None
    phone: Word | None = None
    licence: Word = "pending"


@router.get("/operators", response=OperatorPage)
def list_operators(request: HttpRequest, kind: Word = "", q: Word = "", page: PageNumber = 1) -> OperatorPage:
    """This will list operators; an operator sees itself."""
    actor = actor_of(request)
    return queries.list_operators(estate_id=actor.estate_id, kind=kind, operator_ids=_visible(actor), text=q, page=page)


@router.post("/operators", response={201: OperatorView})
def register_operator(request: HttpRequest, body: OperatorBody) -> HttpResponse:
    """This will register an operator."""
    actor = actor_of(request)
    wanted = actions.OperatorInput(
        kind=body.kind,
        name=body.name,
        uscc=body.uscc,
        person=body.person,
        document=body.document,
        phone=body.phone,
        licence=body.licence,
    )
    return created(request, lambda: actions.register_operator(actor=actor, operator=wanted, now=clock.now()))


@router.get("/operators/{operator_id}", response=OperatorView)
def get_operator(request: HttpRequest, operator_id: str) -> OperatorView:
    """This will return one operator."""
    actor = actor_of(request)
    _check_visible(actor, operator_id)
    return queries.get_operator(estate_id=actor.estate_id, operator_id=operator_id)


@router.post("/operators/{operator_id}/close", response=OperatorView)
def close_operator(request: HttpRequest, operator_id: str, body: UnitReason) -> OperatorView:
    """This will note that an operator has stopped letting."""
    return actions.close_operator(actor=actor_of(request), operator_id=operator_id, reason=body.reason, now=clock.now())


@router.get("/lettings/counts", response=LettingCounts)
def count_lettings(request: HttpRequest) -> LettingCounts:
    """This will count what is let now."""
    actor = actor_of(request)
    actor.require(*WATCHERS)
    return queries.count_lettings(estate_id=actor.estate_id)


@router.get("/units", response=UnitPage)
def list_units(
    request: HttpRequest, state: Word = "", operator: Word = "", q: Word = "", page: PageNumber = 1
) -> UnitPage:
    """This will list units; an operator sees its own."""
    actor = actor_of(request)
    visible = _visible(actor)
    if operator:
        _check_visible(actor, operator)
        visible = [operator]
    return queries.list_units(estate_id=actor.estate_id, state=state, operator_ids=visible, text=q, page=page)


@router.post("/units", response={201: UnitView})
def draft_unit(request: HttpRequest, body: UnitBody) -> HttpResponse:
    """This will draft a unit."""
    actor = actor_of(request)
    return created(
        request,
        lambda: actions.draft_unit(
            actor=actor,
            operator_id=body.operator_id,
            dwelling_id=body.dwelling_id,
            rooms=_terms(body),
            max_occupancy=body.max_occupancy,
            now=clock.now(),
        ),
    )


@router.get("/units/{unit_id}", response=UnitFile)
def get_unit(request: HttpRequest, unit_id: str) -> UnitFile:
    """This will return one unit with its rooms, its history, and the steps the caller may take."""
    actor = actor_of(request)
    view = queries.get_unit(estate_id=actor.estate_id, unit_id=unit_id)
    _check_visible(actor, view.operator_id)
    verbs = actions.allowed_verbs(actor=actor, operator_id=view.operator_id)
    return queries.get_unit_file(estate_id=actor.estate_id, unit_id=unit_id, verbs=verbs)


@router.post("/units/{unit_id}/rooms", response=UnitView)
def redraft_unit(request: HttpRequest, unit_id: str, body: RoomsBody) -> UnitView:
    """This will change the rooms of a draft."""
    return actions.redraft_unit(
        actor=actor_of(request),
        unit_id=unit_id,
        rooms=_terms(body),
        max_occupancy=body.max_occupancy,
        now=clock.now(),
    )


@router.post("/units/{unit_id}/submit", response=UnitView)
def submit_unit(request: HttpRequest, unit_id: str, body: StepBody) -> UnitView:
    """This will hand a draft in."""
    return actions.submit_unit(actor=actor_of(request), unit_id=unit_id, note=body.note, now=clock.now())


@router.post("/units/{unit_id}/check", response=UnitView)
def check_unit(request: HttpRequest, unit_id: str, body: StepBody) -> UnitView:
    """This will note that the unit was checked on the spot."""
    return actions.check_unit(actor=actor_of(request), unit_id=unit_id, note=body.note, now=clock.now())


@router.post("/units/{unit_id}/code", response=UnitView)
def code_unit(request: HttpRequest, unit_id: str, body: MarkBody) -> UnitView:
    """This will give the unit its mark."""
    return actions.code_unit(
        actor=actor_of(request), unit_id=unit_id, mark_code=body.mark_code, note=body.note, now=clock.now()
    )


@router.post("/units/{unit_id}/activate", response=UnitView)
def activate_unit(request: HttpRequest, unit_id: str, body: StepBody) -> UnitView:
    """This will let the unit take bookings."""
    return actions.activate_unit(actor=actor_of(request), unit_id=unit_id, note=body.note, now=clock.now())


@router.post("/units/{unit_id}/suspend", response=UnitView)
def suspend_unit(request: HttpRequest, unit_id: str, body: SuspendBody) -> UnitView:
    """This will stop new stays, and with `at_once` the passes of those inside."""
    return actions.suspend_unit(
        actor=actor_of(request), unit_id=unit_id, reason=body.reason, at_once=body.at_once, now=clock.now()
    )


@router.post("/units/{unit_id}/resume", response=UnitView)
def resume_unit(request: HttpRequest, unit_id: str, body: StepBody) -> UnitView:
    """This will let a suspended unit take stays again."""
    return actions.resume_unit(actor=actor_of(request), unit_id=unit_id, note=body.note, now=clock.now())


def _terms(body: RoomsBody) -> list[actions.RoomTerms]:
    return [
        actions.RoomTerms(room_id=room.room_id, mode=room.mode, max_occupancy=room.max_occupancy) for room in body.rooms
    ]


def _visible(actor: Actor) -> list[str] | None:
    """None for everything, or the operators whose things the actor may see; refuses whoever may see nothing."""
    if actor.may(*WATCHERS):
        return None
    own = [scope.removeprefix("operator:") for scope in actor.scopes(Role.OPERATOR)]
    if not own:
        raise NotAllowed
    return own


def _check_visible(actor: Actor, operator_id: str) -> None:
    visible = _visible(actor)
    if visible is not None and operator_id not in visible:
        raise NotAllowed
