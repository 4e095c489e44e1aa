"""How the gates are asked over HTTP: access points, passages, journals and their faults, for the console."""

from collections.abc import Callable
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Path, Router, Schema
from pydantic import Field

from linli.gate.snapshot import FailMode, Pairing
from linli.server.access import actions, queries
from linli.server.access.actions import GateRuleChanges
from linli.server.access.queries import (
    BoardGate,
    CommandView,
    FaultView,
    GateEventView,
    GateRulesView,
    GateView,
    GateWaysView,
    JournalView,
    NormalisedEvent,
)
from linli.server.kernel import clock
from linli.server.kernel.actors import Role
from linli.server.kernel.door import actor_of, created
from linli.server.kernel.text import Word

router = Router(tags=["access"])

OPENERS = (Role.GUARD, Role.PROPERTY, Role.ESTATE_ADMIN)
CONSOLE = (Role.ESTATE_ADMIN, Role.OFFICE, Role.PROPERTY, Role.COMMITTEE, Role.GUARD, Role.POLICE, Role.AUDITOR)
LAST_SEQUENCE = 2**63 - 1
Limit = Annotated[int, Field(ge=1, le=500)]


class GateRulesChange(Schema):
    """What is to change of one gate's rules; what is left out stays. No ways named is every way."""

    fail_mode: FailMode | None = None
    max_age_s: Annotated[int, Field(ge=60, le=31_536_000)] | None = None
    strike_s: Annotated[int, Field(ge=1, le=60)] | None = None
    ways: Annotated[tuple[Annotated[str, Field(max_length=8)], ...], Field(max_length=8)] | None = None
    area: Annotated[int, Field(ge=0, le=65_535)] | None = None
    pairing: Pairing | None = None
    most_inside: Annotated[int, Field(ge=0, le=100_000)] | None = None
    face_threshold: Annotated[int, Field(ge=0, le=1_000)] | None = None
    face_margin: Annotated[int, Field(ge=0, le=1_000)] | None = None
    face_frames: Annotated[int, Field(ge=1, le=20)] | None = None
    face_gallery_cap: Annotated[int, Field(ge=1, le=100_000)] | None = None
    face_head_turn: bool | None = None
    face_report: Annotated[Word, Field(max_length=64)] | None = None


class LockAsked(Schema):
    """A flat's own lock, by the code it shall have as an access point."""

    dwelling_id: Annotated[Word, Field(min_length=1, max_length=40)]
    gate: Annotated[Word, Field(min_length=1, max_length=16)]


class CommandAsked(Schema):
    """Why a gate is asked to do something from afar."""

    reason: str = Field(min_length=1, max_length=200)


class CheckAsked(Schema):
    """Why a gate's devices are read back; nobody need give a reason for looking."""

    reason: str = Field(default="asked from the console", min_length=1, max_length=200)


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


@router.get("/gate-events/{code}/{sequence}", response=NormalisedEvent)
def gate_event(
    request: HttpRequest, code: str, sequence: Annotated[int, Path(ge=1, le=LAST_SEQUENCE)]
) -> NormalisedEvent:
    """This will show one passage or refusal in the words that every make of gate shares."""
    actor = actor_of(request)
    actor.require(Role.ESTATE_ADMIN, Role.PROPERTY, Role.GUARD, Role.POLICE, Role.AUDITOR)
    return queries.normalised_event(estate_id=actor.estate_id, gate=code, sequence=sequence)


@router.get("/gates/board", response=list[BoardGate])
def board(request: HttpRequest) -> tuple[BoardGate, ...]:
    """This will show every gate at one glance: there or not, how old its list is, its devices, its alarms, who last passed."""
    actor = actor_of(request)
    actor.require(*CONSOLE)
    return queries.get_board(estate_id=actor.estate_id, now=clock.now())


@router.get("/gates/ways", response=list[GateWaysView])
def ways(request: HttpRequest) -> tuple[GateWaysView, ...]:
    """This will look over every gate: which ways it offers to whom and at which hours, and what is wrong with that."""
    actor = actor_of(request)
    actor.require(*CONSOLE)
    return queries.list_gate_ways(estate_id=actor.estate_id, now=clock.now())


@router.get("/gates/rules", response=list[GateRulesView])
def list_rules(request: HttpRequest) -> tuple[GateRulesView, ...]:
    """This will list the gates' rules as their boxes are told them."""
    actor = actor_of(request)
    actor.require(*CONSOLE)
    return queries.list_gate_rules(estate_id=actor.estate_id)


@router.patch("/gates/{code}/rules", response=GateRulesView)
def change_rules(request: HttpRequest, code: str, asked: GateRulesChange) -> GateRulesView:
    """This will change what a gate offers, counts and asks; a door that would know nothing but faces is refused."""
    changes = GateRuleChanges(**asked.dict())
    return actions.set_gate_rules(actor=actor_of(request), code=code, changes=changes, now=clock.now())


@router.post("/gates/locks", response={201: GateRulesView})
def fit_lock(request: HttpRequest, asked: LockAsked) -> HttpResponse:
    """This will give a flat a lock of its own, which opens to the passes of that flat and to no other."""
    return created(
        request,
        lambda: actions.fit_lock(
            actor=actor_of(request), dwelling_id=asked.dwelling_id, code=asked.gate, now=clock.now()
        ),
    )


@router.get("/gate-commands", response=list[CommandView])
def gate_commands(
    request: HttpRequest, gate: Annotated[str | None, Field(max_length=16)] = None, limit: Limit = 50
) -> tuple[CommandView, ...]:
    """This will list what gates were newly asked to do, by whom and why, and what came of it."""
    actor = actor_of(request)
    actor.require(*OPENERS, Role.POLICE, Role.AUDITOR)
    return queries.list_commands(estate_id=actor.estate_id, gate=gate, limit=limit)


@router.post("/gates/{code}/open", response={201: CommandView})
def open_gate(request: HttpRequest, code: str, asked: CommandAsked) -> HttpResponse:
    """This will ask a gate to open, with a reason; after twenty seconds it is too late."""
    return _command(request, code, asked.reason, actions.open_gate)


@router.post("/gates/{code}/release", response={201: CommandView})
def release_gate(request: HttpRequest, code: str, asked: CommandAsked) -> HttpResponse:
    """This will ask a gate to work as usual again after a fire alarm."""
    return _command(request, code, asked.reason, actions.release_gate)


@router.post("/gates/{code}/listing", response={201: CommandView})
def ask_for_listing(request: HttpRequest, code: str, asked: CheckAsked) -> HttpResponse:
    """This will have a gate's devices give their own lists."""
    return _command(request, code, asked.reason, actions.ask_for_listing)


@router.post("/gates/{code}/compare", response={201: CommandView})
def ask_for_compare(request: HttpRequest, code: str, asked: CheckAsked) -> HttpResponse:
    """This will have a gate's devices read back, compared with the list, and repaired."""
    return _command(request, code, asked.reason, actions.ask_for_compare)


def _command(request: HttpRequest, code: str, reason: str, ask: Callable[..., CommandView]) -> HttpResponse:
    actor = actor_of(request)
    actor.require(*OPENERS)
    return created(request, lambda: ask(actor=actor, gate=code, reason=reason, now=clock.now()))
