"""A flat gets a lock of its own: an access point that opens to the passes of that flat, those given already included, and to no others."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from linli.gate.snapshot import PassState
from linli.server.access import rules
from linli.server.access.actions.gates import KEEPERS, DoorGroupPlan, GatePlan, lay_out_gates
from linli.server.access.actions.versions import advance, hold_list
from linli.server.access.models import DoorGroup, Gate, Pass
from linli.server.access.queries.gate_rules import GateRulesView, rules_view
from linli.server.access.queries.terms import all_terms
from linli.server.access.rules import DoorKind, GateCodeTaken
from linli.server.kernel.actors import Actor
from linli.server.places import queries as places


def fit_lock(*, actor: Actor, dwelling_id: str, code: str, now: datetime) -> GateRulesView:
    """This will lay out a flat's own lock under a code, and let every pass of that flat open it that its terms let open a flat.

    A second lock of one flat opens to the same passes. A box is enrolled for it as for any gate. Refuses with `NotFound`,
    `GateCodeUnreadable` or `GateCodeTaken`.
    """
    actor.require(*KEEPERS)
    plain = rules.check_gate_code(code)
    flat = places.get_dwelling(estate_id=actor.estate_id, dwelling_id=dwelling_id)
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        if Gate.objects.filter(estate_id=actor.estate_id, code=plain).exists():
            raise GateCodeTaken(field="code")
        zh, en = f"{flat.label_zh}门锁"[:80], f"{flat.label_en}: lock"[:80]
        number = _group_of(actor.estate_id, dwelling_id)
        new = DoorGroupPlan(
            number=number or _next(actor.estate_id),
            kind=DoorKind.DWELLING,
            name_zh=zh,
            name_en=en,
            dwelling_id=dwelling_id,
        )
        gate = GatePlan(code=plain, name_zh=zh, name_en=en, kind=DoorKind.DWELLING, groups=(new.number,))
        lay_out_gates(actor=actor, groups=[] if number else [new], gates=[gate], now=now)
        if not number:
            _open_to_its_passes(actor.estate_id, dwelling_id, new.number, now)
        return rules_view(Gate.objects.get(estate_id=actor.estate_id, code=plain))


def _open_to_its_passes(estate_id: str, dwelling_id: str, group: int, now: datetime) -> None:
    home = [one.holder_kind for one in all_terms(estate_id=estate_id, now=now) if DoorKind.DWELLING in one.doors]
    theirs = Pass.objects.filter(estate_id=estate_id, dwelling_id=dwelling_id, holder_kind__in=home, end__gt=now)
    rows = [row for row in theirs.exclude(state=PassState.REVOKED) if len(row.groups) < rules.MOST_GROUPS]
    if not rows:
        return
    version = advance(estate_id=estate_id)
    for row in rows:
        row.groups, row.told = sorted({*row.groups, group}), sorted({*row.told, group})
        row.version, row.changed_at = version, now
    Pass.objects.bulk_update(rows, ["groups", "told", "version", "changed_at"])


def _group_of(estate_id: str, dwelling_id: str) -> int | None:
    known = DoorGroup.objects.filter(estate_id=estate_id, dwelling_id=dwelling_id)
    return known.values_list("number", flat=True).first()


def _next(estate_id: str) -> int:
    last = DoorGroup.objects.filter(estate_id=estate_id).aggregate(last=Max("number"))["last"]
    return (last or 0) + 1
