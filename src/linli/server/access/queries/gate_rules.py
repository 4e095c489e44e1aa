"""What each gate offers, in which order, and what it counts and asks."""

from dataclasses import dataclass
from datetime import datetime

from linli.server.access import rules
from linli.server.access.models import Gate
from linli.server.access.queries.terms import all_terms
from linli.server.access.rules import DoorKind, FaceOnly, FallbackStep


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
class GateWaysView:
    """What a gate offers, in the order in which somebody tries it, as it is shown at the door; `sound` unless a face stands alone."""

    code: str
    name_zh: str
    name_en: str
    order: tuple[FallbackStep, ...]
    sound: bool
    stranded: tuple[str, ...]


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
    """This will list for each gate the ways it offers in their order, and whether everybody has one besides the face."""
    terms = all_terms(estate_id=estate_id, now=now)
    found = []
    for row in Gate.objects.filter(estate_id=estate_id).order_by("code"):
        stranded: list[str] = []
        try:
            rules.check_ways(door=DoorKind(row.kind), ways=row.ways, terms=terms)
            sound = True
        except FaceOnly as problem:
            sound, stranded = False, problem.details["holders"]
        found.append(
            GateWaysView(
                code=row.code,
                name_zh=row.name_zh,
                name_en=row.name_en,
                order=rules.fallback(row.ways),
                sound=sound,
                stranded=tuple(stranded),
            )
        )
    return tuple(found)
