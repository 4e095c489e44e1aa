"""Whose face is held, how far its removal has come, what a box may have, how many there are. No query gives a template to a person."""

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from linli.gate.wire import FaceSheet
from linli.server.access import rules
from linli.server.access.models import FaceTemplate, HouseList, Pass
from linli.server.access.queries.boxes import BoxView
from linli.server.access.queries.passes import ReceiptView, find_pass
from linli.server.access.queries.terms import terms_of
from linli.server.access.rules import Origin
from linli.server.kernel import clock, crypto
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotAllowed, NotFound
from linli.server.people import queries as people
from linli.server.places import queries as places
from linli.server.privacy import queries as privacy

FACE_PURPOSE = "face_pass"
SEALED_AS = "face.template"
FACE_DESK = (Role.ESTATE_ADMIN, Role.PROPERTY, Role.GUARD)
MOST_REMOVALS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceView:
    """A face that opens doors: since when, until when at the latest, and by which change gates heard of it. Never the face."""

    id: str
    pass_id: str
    model: str
    quality: tuple[str, ...]
    enrolled_at: datetime
    expires_at: datetime
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalView:
    """A face that is gone from the server, and gate by gate when each confirmed that it is gone there too."""

    id: str
    removed_at: datetime
    why: str
    version: int
    gates: int
    receipted: int
    seconds: float | None
    receipts: tuple[ReceiptView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderFaces:
    """What a holder is told: whether a face may open doors, whose yes it takes, the yes that stands, the face, and what was removed.

    `guardian_under` is the age below which only a guardian says yes, None for an adult; `offered` is false where no face is taken.
    """

    offered: bool
    guardian_under: int | None
    consented_at: datetime | None
    held: FaceView | None
    removed: tuple[RemovalView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceHoldings:
    """How many persons' faces are held, and what that asks for: `none`, `warn` near 100,000, `file` from there on.

    `file_by` is 30 working days after 100,000 was first reached: then the provincial authority must have been told
    (人脸识别技术应用安全管理办法, in force 2025-06-01).
    """

    persons: int
    warn_at: int
    file_at: int
    duty: str
    reached_on: date | None
    file_by: date | None


def bearer_of(*, actor: Actor, number: str | None) -> Pass:
    """This will return the pass a face is to prove: a guest's own, or at the desk the one of that number.

    Refuses with `NotAllowed` or `NotFound`.
    """
    if number is not None:
        actor.require(*FACE_DESK)
        row = Pass.objects.filter(estate_id=actor.estate_id, number=rules.read_number(number) or "-").first()
    else:
        own = find_pass(estate_id=actor.estate_id, origin=Origin(kind="stay", id=_own_stay(actor)))
        row = Pass.objects.filter(estate_id=actor.estate_id, id=own.id).first() if own else None
    if row is None:
        raise NotFound(field="pass_number")
    return row


def born_of(*, estate_id: str, holder_id: str) -> date | None:
    """This will return the holder's birth date as a document tells it, or None where there is no such person."""
    try:
        return people.get_person(estate_id=estate_id, person_id=holder_id).birth_date
    except NotFound:
        return None


def today_of(*, estate_id: str, now: datetime) -> date:
    """This will return the estate's day."""
    return clock.local_date(now, places.zone(estate_id=estate_id))


def face_view(row: FaceTemplate) -> FaceView:
    """This will show a stored face, without the face."""
    return FaceView(
        id=row.id,
        pass_id=row.credential.bearer_id,
        model=row.model,
        quality=tuple(row.quality),
        enrolled_at=row.enrolled_at,
        expires_at=row.expires_at,
        version=row.credential.version,
    )


def get_holder_faces(*, actor: Actor, number: str | None, now: datetime) -> HolderFaces:
    """This will tell a guest of their own face, or the desk of the one behind a pass number; refuses as `bearer_of` does."""
    bearer = bearer_of(actor=actor, number=number)
    estate_id, holder_id = actor.estate_id, bearer.holder_id
    born, today = born_of(estate_id=estate_id, holder_id=holder_id), today_of(estate_id=estate_id, now=now)
    under = rules.minor_under(born, on=today) if born else None
    terms = terms_of(estate_id=estate_id, holder_kind=bearer.holder_kind, now=now)
    consent = (
        privacy.find_consent(estate_id=estate_id, person_id=holder_id, purpose=FACE_PURPOSE) if holder_id else None
    )
    # The holder's name is taken off a removed face a day later; the pass still leads to it while it is kept.
    rows = FaceTemplate.objects.filter(estate_id=estate_id, credential__bearer__holder_id=holder_id)
    rows = rows.select_related("credential") if holder_id else rows.none()
    held = rows.filter(removed_at__isnull=True).first()
    gone = rows.filter(removed_at__isnull=False).order_by("-removed_at", "-id")[:MOST_REMOVALS]
    return HolderFaces(
        offered="FACE" in terms.ways and bearer.holder_kind != "child" and born is not None,
        guardian_under=under,
        consented_at=consent.given_at if consent else None,
        held=face_view(held) if held else None,
        removed=tuple(_removal(row) for row in gone),
    )


def list_removal_receipts(*, actor: Actor, face_id: str) -> RemovalView:
    """This will show when each gate confirmed that a removed face is gone; to the desk, the office, an auditor and the holder.

    Refuses with `NotAllowed`, or with `NotFound`, also while the face is still held.
    """
    row = (
        FaceTemplate.objects.select_related("credential__bearer").filter(estate_id=actor.estate_id, id=face_id).first()
    )
    if not actor.may(*FACE_DESK, Role.OFFICE, Role.AUDITOR):
        stay_id, bearer = _own_stay(actor), row.credential.bearer if row else None
        if bearer is None or (bearer.origin_kind, bearer.origin_id) != ("stay", stay_id):
            raise NotFound
    if row is None or row.removed_at is None:
        raise NotFound
    return _removal(row)


def list_face_sheets(*, box: BoxView, ids: Collection[str], now: datetime) -> tuple[FaceSheet, ...]:
    """This will open the templates a box asks for, of those alone whose pass opens one of its own doors."""
    with connection.cursor() as cursor:
        cursor.execute(_SHEETS, {"estate": box.estate_id, "box": box.id, "ids": list(ids), "now": now})
        rows = cursor.fetchall()
    return tuple(
        FaceSheet(id=face_id, model=model, template=base64.b64decode(crypto.unseal(bytes(sealed), context=SEALED_AS)))
        for face_id, model, sealed in rows
    )


def get_face_holdings(*, estate_id: str, warn_at: int = rules.WARN_AT, file_at: int = rules.FILE_AT) -> FaceHoldings:
    """This will count the persons whose faces are held, and say by when an authority must be told (P-11)."""
    held = FaceTemplate.objects.filter(estate_id=estate_id, removed_at__isnull=True)
    persons = held.values("holder_id").distinct().count()
    reached = _reached(estate_id, file_at)
    holidays = HouseList.objects.filter(estate_id=estate_id).values_list("holidays", flat=True).first() or ()
    day = today_of(estate_id=estate_id, now=reached) if reached else None
    return FaceHoldings(
        persons=persons,
        warn_at=warn_at,
        file_at=file_at,
        duty="file" if reached else "warn" if persons >= warn_at else "none",
        reached_on=day,
        file_by=rules.working_days_after(day, count=rules.WORKING_DAYS, holidays=frozenset(holidays)) if day else None,
    )


def due_removals(*, estate_id: str, today: date, now: datetime, most: int) -> Mapping[str, str]:
    """This will name the faces that must go now, each with the reason."""
    asked: dict[str, Any] = {"estate": estate_id, "today": today, "now": now, "grace": rules.FACE_GRACE, "most": most}
    with connection.cursor() as cursor:
        cursor.execute(_DUE, asked)
        return dict(cursor.fetchall())


def _own_stay(actor: Actor) -> str:
    for scope in actor.scopes(Role.GUEST):
        if scope.startswith("stay:"):
            return scope.removeprefix("stay:")
    raise NotAllowed


def _removal(row: FaceTemplate) -> RemovalView:
    assert row.removed_at is not None
    assert row.removed_version is not None
    with connection.cursor() as cursor:
        asked: dict[str, Any] = {
            "estate": row.estate_id,
            "version": row.removed_version,
            "pass": row.credential.bearer_id,
        }
        cursor.execute(_RECEIPTS, asked)
        receipts = tuple(
            ReceiptView(gate=gate, box=box, concerned=concerned, version=version, applied_at=applied, receipted_at=came)
            for gate, box, concerned, version, applied, came in cursor.fetchall()
        )
    times = [one.receipted_at for one in receipts if one.receipted_at is not None]
    complete = bool(receipts) and len(times) == len(receipts)
    return RemovalView(
        id=row.id,
        removed_at=row.removed_at,
        why=row.removed_why,
        version=row.removed_version,
        gates=len(receipts),
        receipted=len(times),
        seconds=max(0.0, (max(times) - row.removed_at).total_seconds()) if complete else None,
        receipts=receipts,
    )


def _reached(estate_id: str, wanted: int) -> datetime | None:
    if FaceTemplate.objects.filter(estate_id=estate_id).count() < wanted:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_REACHED, {"estate": estate_id, "wanted": wanted})
        found: datetime | None = cursor.fetchone()[0]
    return found


# The box's gallery follows the same three conditions by itself; here it is refused what it has no business with.
_SHEETS = """
    SELECT t.id, t.model, t.sealed
    FROM access_facetemplate t
    JOIN access_credential c ON c.id = t.credential_id
    JOIN access_pass p ON p.id = c.bearer_id
    WHERE t.estate_id = %(estate)s AND t.id = ANY(%(ids)s) AND t.removed_at IS NULL AND c.live
      AND p.state <> 'revoked' AND p."end" > %(now)s
      AND p.groups && ARRAY(SELECT unnest(g.groups) FROM access_gate g WHERE g.box_id = %(box)s)
    ORDER BY t.id
"""

_RECEIPTS = """
    SELECT g.code, g.box_id, g.groups && p.told, r.version, r.applied_at, r.receipted_at
    FROM access_gate g
    JOIN access_pass p ON p.id = %(pass)s
    LEFT JOIN LATERAL (
        SELECT r.version, r.applied_at, r.receipted_at FROM access_boxreceipt r
        WHERE r.estate_id = g.estate_id AND r.box_id = g.box_id AND r.version >= %(version)s AND r.gates @> ARRAY[g.code]
        ORDER BY r.version LIMIT 1
    ) r ON true
    WHERE g.estate_id = %(estate)s ORDER BY g.code
"""

# One template a person: when so many were first held at the same time. A face enrolled again leaves and comes in one instant.
_REACHED = """
    SELECT min(at) FROM (
        SELECT at, sum(step) OVER (ORDER BY at, step, id) AS held FROM (
            SELECT enrolled_at AS at, 1 AS step, id FROM access_facetemplate WHERE estate_id = %(estate)s
            UNION ALL
            SELECT removed_at, -1, id FROM access_facetemplate WHERE estate_id = %(estate)s AND removed_at IS NOT NULL
        ) steps
    ) counted WHERE held >= %(wanted)s
"""

# Who moved out is known by people; whoever never lived here has no residency to end.
_DUE = """
    SELECT t.id, CASE
        WHEN p.state = 'revoked' THEN 'PASS_WITHDRAWN'
        WHEN taken.id IS NOT NULL THEN 'CONSENT_WITHDRAWN'
        WHEN p."end" + %(grace)s <= %(now)s THEN 'EXPIRED'
        WHEN NOT c.live THEN 'CREDENTIAL_ENDED'
        ELSE 'MOVED_OUT'
    END
    FROM access_facetemplate t
    JOIN access_credential c ON c.id = t.credential_id
    JOIN access_pass p ON p.id = c.bearer_id
    LEFT JOIN privacy_consent taken ON taken.withdraws_id = t.consent_id
    WHERE t.estate_id = %(estate)s AND t.removed_at IS NULL AND (
        p.state = 'revoked' OR taken.id IS NOT NULL OR NOT c.live OR p."end" + %(grace)s <= %(now)s
        OR p.holder_kind = 'resident' AND EXISTS (
            SELECT 1 FROM people_residency r WHERE r.estate_id = t.estate_id AND r.person_id = t.holder_id
        ) AND NOT EXISTS (
            SELECT 1 FROM people_residency r WHERE r.estate_id = t.estate_id AND r.person_id = t.holder_id
              AND (r.moved_out_date IS NULL OR r.moved_out_date > %(today)s)
        )
    )
    ORDER BY t.id LIMIT %(most)s
"""
