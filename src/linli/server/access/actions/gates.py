"""Gates are laid out, boxes are given their keys and their gates, and say how far they have followed."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from linli.gate.journal import GENESIS
from linli.gate.snapshot import FaceRule, FailMode, Pairing
from linli.gate.wire import Receipt
from linli.server.access import rules
from linli.server.access.actions.alarms import end_silence
from linli.server.access.actions.house import pepper_of
from linli.server.access.actions.versions import SNAPSHOT_CHANNEL, advance, hold_list, tell_after_commit
from linli.server.access.models import Box, DoorGroup, FaceReport, Gate, JournalHead
from linli.server.access.queries.boxes import ONLINE_WITHIN, BoxView, get_box
from linli.server.access.queries.gate_rules import GateRulesView, rules_view
from linli.server.access.queries.passes import snapshot_version
from linli.server.access.queries.terms import all_terms
from linli.server.access.rules import DoorKind
from linli.server.kernel import ids
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotAllowed, Refusal
from linli.server.privacy import actions as privacy

KEEPERS = (Role.SYSTEM, Role.ESTATE_ADMIN, Role.PROPERTY)
SEEN_AGAIN_AFTER = timedelta(seconds=5)
RECEIPTS_KEPT = timedelta(days=90)


class NoSuchGate(Refusal):
    """There is no gate of that code here."""

    zh = "没有该编号的门禁点。"
    status = 422


class NoSuchReport(Refusal):
    """There is no evaluation of faces by that name here."""

    zh = "没有该人脸评测报告。"
    status = 422


class ReceiptTooNew(Refusal):
    """That version of the list has not been made yet."""

    zh = "回执的版本号尚不存在。"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorGroupPlan:
    """A door group to be laid out; one of kind `entrance` names its entrance, one of kind `dwelling` its flat."""

    number: int
    kind: DoorKind
    name_zh: str
    name_en: str
    entrance_id: str | None = None
    dwelling_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePlan:
    """An access point to be laid out, with the door groups it belongs to and what it does when it knows too little."""

    code: str
    name_zh: str
    name_en: str
    kind: DoorKind
    groups: tuple[int, ...]
    fail_mode: FailMode = FailMode.LISTED
    max_age_s: int = 86_400
    strike_s: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """A box's new key, shown this once: the server keeps only its digest.

    `journal_from` says where the journals of its gates go on, if another box has written them so far: one number beyond the next, so
    that the change of boxes stays visible as a gap.
    """

    box_id: str
    estate_id: str
    key: str
    gates: tuple[str, ...]
    journal_from: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRuleChanges:
    """What is to change of one gate's rules; what is None stays. No ways named is every way.

    Gates of one `area` count together who is inside; `face_report` names the evaluation that the figures of a face come from.
    """

    fail_mode: FailMode | None = None
    max_age_s: int | None = None
    strike_s: int | None = None
    ways: tuple[str, ...] | None = None
    area: int | None = None
    pairing: Pairing | None = None
    most_inside: int | None = None
    face_threshold: int | None = None
    face_margin: int | None = None
    face_frames: int | None = None
    face_gallery_cap: int | None = None
    face_head_turn: bool | None = None
    face_report: str | None = None


def lay_out_gates(
    *, actor: Actor, groups: Sequence[DoorGroupPlan], gates: Sequence[GatePlan], now: datetime
) -> tuple[str, ...]:
    """This will write door groups and gates as planned, in place of what stood under their numbers and codes, and return the codes.

    Refuses with `NoSuchGate` when a gate names a group that is neither planned nor there.
    """
    actor.require(*KEEPERS)
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        DoorGroup.objects.bulk_create(
            [_group(actor.estate_id, plan) for plan in groups],
            update_conflicts=True,
            unique_fields=["estate_id", "number"],
            update_fields=["kind", "name_zh", "name_en", "entrance", "dwelling"],
        )
        known = set(DoorGroup.objects.filter(estate_id=actor.estate_id).values_list("number", flat=True))
        if not all(known.issuperset(plan.groups) and plan.groups for plan in gates):
            raise NoSuchGate(field="groups")
        # Whoever has gates has a house list: its zone, its holidays and the key for identity numbers.
        pepper_of(estate_id=actor.estate_id)
        version = advance(estate_id=actor.estate_id)
        Gate.objects.bulk_create(
            [_gate(actor.estate_id, plan, version) for plan in gates],
            update_conflicts=True,
            unique_fields=["estate_id", "code"],
            update_fields=["name_zh", "name_en", "kind", "groups", "fail_mode", "max_age_s", "strike_s", "version"],
        )
        codes = tuple(plan.code for plan in gates)
        # A gate that joins another group must hear of passes that were granted there long ago.
        Box.objects.filter(gates__estate_id=actor.estate_id, gates__code__in=codes).update(whole_since=version)
        JournalHead.objects.bulk_create(
            [JournalHead(estate_id=actor.estate_id, gate=code, hash=GENESIS) for code in codes], ignore_conflicts=True
        )
        privacy.record(actor=actor, verb="lay_out_gates", subject=actor.estate_id, fields=codes, now=now)
    return codes


def set_gate_rules(*, actor: Actor, code: str, changes: GateRuleChanges, now: datetime) -> GateRulesView:
    """This will change what a gate offers, counts and asks, and tell its box.

    Refuses with `NoSuchGate`, `UnknownWay`, `FaceOnly` when somebody could pass there by face alone, `NoSuchReport`, or `FaceTooLenient`
    when the evaluation asks for more.
    """
    actor.require(*KEEPERS)
    told = {name: value for name, value in asdict(changes).items() if value is not None}
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        row = Gate.objects.filter(estate_id=actor.estate_id, code=code).first()
        if row is None:
            raise NoSuchGate(field="code")
        for name, value in told.items():
            setattr(row, name, value)
        terms = all_terms(estate_id=actor.estate_id, now=now)
        row.ways = list(rules.check_ways(door=DoorKind(row.kind), ways=row.ways, terms=terms))
        if any(name.startswith("face_") for name in told):
            rules.check_face(_face(row), floor=_floor(actor.estate_id, row.face_report))
        row.version = advance(estate_id=actor.estate_id)
        row.save()
        privacy.record(actor=actor, verb="set_gate_rules", subject=code, fields=sorted(told), now=now)
    return rules_view(row)


def enrol_box(*, actor: Actor, gate_codes: Iterable[str], now: datetime) -> Enrolment:
    """This will give a new box its key and these gates, which leave the box that had them. Refuses with `NoSuchGate`."""
    actor.require(*KEEPERS)
    codes = tuple(sorted(set(gate_codes)))
    with transaction.atomic():
        hold_list(estate_id=actor.estate_id)
        found = Gate.objects.filter(estate_id=actor.estate_id, code__in=codes).order_by("code")
        if not codes or len(found) != len(codes):
            raise NoSuchGate(field="gate_codes")
        box_id = ids.new("box")
        key, digest = _new_key(box_id)
        version = advance(estate_id=actor.estate_id)
        Box.objects.create(
            id=box_id, estate_id=actor.estate_id, secret_sha256=digest, whole_since=version, enrolled_at=now
        )
        Gate.objects.filter(id__in=[gate.id for gate in found]).update(box_id=box_id)
        _tell_of_terminals(actor.estate_id, codes)
        privacy.record(actor=actor, verb="enrol_box", subject=box_id, fields=codes, now=now)
        journal_from = _journal_from(actor.estate_id, codes)
    return Enrolment(box_id=box_id, estate_id=actor.estate_id, key=key, gates=codes, journal_from=journal_from)


def rotate_box_key(*, actor: Actor, box_id: str, now: datetime) -> Enrolment:
    """This will give a box a new key; the old one is void at once. Refuses with `NotFound`."""
    actor.require(*KEEPERS)
    box = get_box(estate_id=actor.estate_id, box_id=box_id)
    key, digest = _new_key(box_id)
    with transaction.atomic():
        Box.objects.filter(id=box_id).update(secret_sha256=digest)
        privacy.record(actor=actor, verb="rotate_box_key", subject=box_id, now=now)
    return Enrolment(box_id=box_id, estate_id=box.estate_id, key=key, gates=box.gates, journal_from={})


def retire_box(*, actor: Actor, box_id: str, now: datetime) -> None:
    """This will void a box's key and leave its gates without a box. Refuses with `NotFound`."""
    actor.require(*KEEPERS)
    box = get_box(estate_id=actor.estate_id, box_id=box_id)
    with transaction.atomic():
        Box.objects.filter(id=box_id).update(retired_at=now)
        Gate.objects.filter(box_id=box_id).update(box=None)
        _tell_of_terminals(actor.estate_id, box.gates)
        privacy.record(actor=actor, verb="retire_box", subject=box_id, now=now)


def record_receipt(*, box: BoxView, receipt: Receipt, now: datetime) -> None:
    """This will keep a box's word that its gates decide by a version; the same word twice is kept once.

    Refuses with `NotAllowed` for a gate of another box and with `ReceiptTooNew` for a version that nobody could have been sent.
    """
    if not receipt.gates or not set(receipt.gates) <= set(box.gates):
        raise NotAllowed
    if receipt.version > snapshot_version(estate_id=box.estate_id):
        raise ReceiptTooNew(field="version")
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO access_boxreceipt (estate_id, box_id, version, gates, applied_at, receipted_at)
            VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
            """,
            [box.estate_id, box.id, receipt.version, sorted(set(receipt.gates)), receipt.applied_at, now],
        )
    note_seen(box=box, now=now)


def forget_old_receipts(*, actor: Actor, now: datetime) -> int:
    """This will delete receipts older than ninety days, save each box's newest, and return how many (a timer's work)."""
    actor.require(Role.SYSTEM)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM access_boxreceipt r WHERE estate_id = %s AND receipted_at < %s AND EXISTS (
                SELECT 1 FROM access_boxreceipt newer
                WHERE newer.estate_id = r.estate_id AND newer.box_id = r.box_id AND newer.version > r.version
                  AND newer.gates @> r.gates
            )
            """,
            [actor.estate_id, now - RECEIPTS_KEPT],
        )
        return int(cursor.rowcount)


def note_seen(*, box: BoxView, now: datetime) -> None:
    """This will note that a box was heard of, every few seconds at most."""
    if box.last_seen_at is None or abs(now - box.last_seen_at) >= SEEN_AGAIN_AFTER:
        Box.objects.filter(id=box.id).update(last_seen_at=now)
    if box.last_seen_at is not None and now - box.last_seen_at >= ONLINE_WITHIN:
        end_silence(estate_id=box.estate_id, gates=box.gates, now=now)


def _tell_of_terminals(estate_id: str, codes: Sequence[str]) -> None:
    """The box that had these gates must leave their devices alone from now on."""
    kept = Gate.objects.filter(estate_id=estate_id, code__in=codes, terminals__enabled=True)
    for code in sorted(set(kept.values_list("code", flat=True))):
        tell_after_commit(channel=SNAPSHOT_CHANNEL, estate_id=estate_id, event="terminals", body={"gate": code})


def _new_key(box_id: str) -> tuple[str, bytes]:
    key = f"{box_id}.{secrets.token_urlsafe(32)}"
    return key, hashlib.sha256(key.encode()).digest()


def _journal_from(estate_id: str, codes: Sequence[str]) -> Mapping[str, int]:
    heads = JournalHead.objects.filter(estate_id=estate_id, gate__in=codes, sequence__gt=0)
    return {gate: sequence + 2 for gate, sequence in heads.order_by("gate").values_list("gate", "sequence")}


def _group(estate_id: str, plan: DoorGroupPlan) -> DoorGroup:
    return DoorGroup(
        id=ids.new("group"),
        estate_id=estate_id,
        number=plan.number,
        kind=plan.kind.value,
        name_zh=plan.name_zh,
        name_en=plan.name_en,
        entrance_id=plan.entrance_id,
        dwelling_id=plan.dwelling_id,
    )


def _face(row: Gate) -> FaceRule:
    return FaceRule(
        threshold=row.face_threshold,
        margin=row.face_margin,
        frames=row.face_frames,
        gallery_cap=row.face_gallery_cap,
        head_turn=row.face_head_turn,
        report=row.face_report,
    )


def _floor(estate_id: str, digest: str) -> FaceRule:
    """What the named evaluation allows at most; without one, what a gate is told when nobody has measured anything."""
    if not digest:
        return FaceRule()
    report = FaceReport.objects.filter(estate_id=estate_id, digest=digest).first()
    if report is None:
        raise NoSuchReport(field="face_report")
    return FaceRule(threshold=report.threshold, margin=report.margin, gallery_cap=report.gallery_cap)


def _gate(estate_id: str, plan: GatePlan, version: int) -> Gate:
    return Gate(
        id=ids.new("gate"),
        estate_id=estate_id,
        code=plan.code,
        name_zh=plan.name_zh,
        name_en=plan.name_en,
        kind=plan.kind.value,
        groups=sorted(plan.groups),
        fail_mode=plan.fail_mode.value,
        max_age_s=plan.max_age_s,
        strike_s=plan.strike_s,
        version=version,
    )
