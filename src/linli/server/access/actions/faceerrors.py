"""That was wrong: a door let the wrong one in by face, or kept the right one out, and somebody says so."""

from datetime import datetime, timedelta

from django.db import transaction

from linli.gate.decision import Kind
from linli.server.access import rules
from linli.server.access.actions.gates import NoSuchGate
from linli.server.access.models import FaceError, Gate, GateEvent, Pass
from linli.server.access.queries.facecounts import FaceErrorView
from linli.server.access.rules import ERROR_KINDS, NotAFacePassage
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import BadField, NotAllowed, NotFound
from linli.server.privacy import actions as privacy

TELLERS = (Role.ESTATE_ADMIN, Role.OFFICE, Role.PROPERTY, Role.GUARD)
A_GUEST = "guest"
AN_HOUR = timedelta(hours=1)


def report_face_error(
    *, actor: Actor, gate: str, sequence: int | None, kind: str, note: str, now: datetime
) -> FaceErrorView:
    """This will keep somebody's word that a gate was wrong about a face, of one passage or of none that left a line; twice is once.

    A guest speaks of own passages only, and is not named. Refuses with `NotAllowed`, `BadField`, `NoSuchGate`, `NotAFacePassage`,
    `NotFound`, or `TooManyErrors` when it names no passage and the gate was called wrong so often within the hour.
    """
    own = _own_stays(actor)
    if not actor.may(*TELLERS) and not own:
        raise NotAllowed
    if kind not in ERROR_KINDS:
        raise BadField(field="kind")
    if not Gate.objects.filter(estate_id=actor.estate_id, code=gate).exists():
        raise NoSuchGate(field="gate")
    with transaction.atomic():
        if sequence is not None:
            _check_passage(actor, gate, sequence, own)
        facts = {
            "kind": kind,
            "told_by": actor.id[:80] if actor.may(*TELLERS) else A_GUEST,
            "told_at": now,
            "note": " ".join(note.split())[:200],
        }
        if sequence is None:
            _check_often(actor, gate, str(facts["told_by"]), now)
            row, new = FaceError.objects.create(estate_id=actor.estate_id, gate=gate, **facts), True
        else:
            row, new = FaceError.objects.get_or_create(
                estate_id=actor.estate_id, gate=gate, sequence=sequence, defaults=facts
            )
        if new:
            privacy.record(actor=actor, verb="report_face_error", subject=str(row.id), fields=[gate, kind], now=now)
    return FaceErrorView(
        id=row.id,
        gate=row.gate,
        sequence=row.sequence,
        kind=row.kind,
        told_by=row.told_by,
        told_at=row.told_at,
        note=row.note,
    )


def _check_often(actor: Actor, gate: str, told_by: str, now: datetime) -> None:
    told = FaceError.objects.filter(
        estate_id=actor.estate_id, gate=gate, told_by=told_by, sequence__isnull=True, told_at__gt=now - AN_HOUR
    )
    rules.check_errors(told.count(), by_guests=told_by == A_GUEST)


def _check_passage(actor: Actor, gate: str, sequence: int, own: list[str]) -> None:
    event = GateEvent.objects.filter(estate_id=actor.estate_id, gate=gate, sequence=sequence).first()
    if event is None:
        raise NotFound(field="sequence")
    if not actor.may(*TELLERS):
        mine = Pass.objects.filter(estate_id=actor.estate_id, origin_kind="stay", origin_id__in=own)
        if event.serial is None or not mine.filter(serial=event.serial).exists():
            raise NotFound(field="sequence")
    if event.method != Kind.FACE:
        raise NotAFacePassage(field="sequence")


def _own_stays(actor: Actor) -> list[str]:
    return [scope.removeprefix("stay:") for scope in actor.scopes(Role.GUEST) if scope.startswith("stay:")]
