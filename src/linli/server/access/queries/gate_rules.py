"""What each gate offers, in which order, and what it counts and asks."""

from dataclasses import dataclass
from datetime import datetime

from linli.server.access import rules
from linli.server.access.models import Gate
from linli.server.access.queries.terms import HoursView, all_terms, list_hours
from linli.server.access.rules import DoorKind, FallbackStep, HolderWays, WayProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRulesView:
    """The rules of one gate as its box is told them."""

    code: str
    version: int
    fail_mode: str
    max_age_s: int
    strike_s: int
    ways: tuple[str, ...]
    area: int
    pairing: str
    most_inside: int
    face_threshold: int
    face_margin: int
    face_frames: int
    face_gallery_cap: int
    face_head_turn: bool
    face_report: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderWaysView:
    """By which ways one kind of holder gets in at a gate, and at which hours: a weekly table's number and names, 0 is any hour."""

    holder_kind: str
    ways: tuple[str, ...]
    hours: int
    hours_zh: str
    hours_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateWaysView:
    """What a gate offers, to whom and at which hours, in the order shown at the door, and what is wrong with it; `sound` if nothing."""

    code: str
    kind: str
    name_zh: str
    name_en: str
    order: tuple[FallbackStep, ...]
    holders: tuple[HolderWaysView, ...]
    problems: tuple[WayProblem, ...]
    sound: bool


def rules_view(row: Gate) -> GateRulesView:
    """This will show a stored gate's rules."""
    return GateRulesView(
        code=row.code,
        version=row.version,
        fail_mode=row.fail_mode,
        max_age_s=row.max_age_s,
        strike_s=row.strike_s,
        ways=tuple(row.ways),
        area=row.area,
        pairing=row.pairing,
        most_inside=row.most_inside,
        face_threshold=row.face_threshold,
        face_margin=row.face_margin,
        face_frames=row.face_frames,
        face_gallery_cap=row.face_gallery_cap,
        face_head_turn=row.face_head_turn,
        face_report=row.face_report,
    )


def list_gate_rules(*, estate_id: str) -> tuple[GateRulesView, ...]:
    """This will list the gates' rules by code."""
    return tuple(rules_view(row) for row in Gate.objects.filter(estate_id=estate_id).order_by("code"))


def list_gate_ways(*, estate_id: str, now: datetime) -> tuple[GateWaysView, ...]:
    """This will look over every gate: its ways in their order, who gets in by which of them and when, and what is wrong there."""
    terms = all_terms(estate_id=estate_id, now=now)
    tables = {table.number: table for table in list_hours(estate_id=estate_id)}
    found = []
    for row in Gate.objects.filter(estate_id=estate_id).order_by("code"):
        holders = rules.holder_ways(door=DoorKind(row.kind), ways=row.ways, terms=terms)
        problems = rules.way_problems(ways=row.ways, holders=holders, tables=tables)
        found.append(
            GateWaysView(
                code=row.code,
                kind=row.kind,
                name_zh=row.name_zh,
                name_en=row.name_en,
                order=rules.fallback(row.ways),
                holders=tuple(_holder(one, tables.get(one.hours)) for one in holders),
                problems=problems,
                sound=not problems,
            )
        )
    return tuple(found)


def _holder(ways: HolderWays, table: HoursView | None) -> HolderWaysView:
    return HolderWaysView(
        holder_kind=ways.holder_kind,
        ways=ways.ways,
        hours=ways.hours,
        hours_zh=table.name_zh if table else "",
        hours_en=table.name_en if table else "",
    )
