"""Faces: a separate yes first, then pictures that become numbers and are gone, then removal everywhere, at once and provably.

A face proves a pass besides its code. Whoever says no, or nothing, loses nothing: no other action asks for one.
"""

import base64
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from linli.faces.headturn import WORDS, Side
from linli.gate.decision import Kind
from linli.gate.snapshot import PassState
from linli.server.access import rules
from linli.server.access.actions.credentials import end_credential, issue_face_credential
from linli.server.access.actions.versions import hold_list
from linli.server.access.models import FaceReport, FaceTemplate, Pass
from linli.server.access.queries.facecounts import FaceReportView, report_view
from linli.server.access.queries.faces import (
    FACE_PURPOSE,
    SEALED_AS,
    FaceView,
    HolderFaces,
    bearer_of,
    born_of,
    due_removals,
    face_view,
    get_holder_faces,
    today_of,
)
from linli.server.access.queries.terms import terms_of
from linli.server.access.rules import EnrolmentOver, FaceConsentNeeded, FaceMaker, FaceUnusable, Made
from linli.server.kernel import crypto, ids, locks, tickets
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound
from linli.server.kernel.locks import Lock
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries as purposes

TICKET = "face"
MOST_REMOVED_AT_ONCE = 500
MARGIN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceConsent:
    """A yes as it was given: to which notice, and at the desk by whom and on what evidence.

    `guardian_number` is the number of the guardian's own pass; a guardian without one signs on paper.
    """

    notice_digest: str
    guardian: bool = False
    guardian_number: str | None = None
    on_paper: bool = False
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentAsked:
    """What the person is asked to do before the camera, and until when; the ticket is good for this once."""

    ticket: str
    side: Side
    zh: str
    en: str
    frames_least: int
    frames_most: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """A face that opens doors from now on; `pictures_kept` is always 0."""

    face: FaceView
    pictures_kept: int = 0


def consent_to_face(*, actor: Actor, number: str | None, consent: FaceConsent, now: datetime) -> HolderFaces:
    """This will record a separate yes to opening doors by face: a guest's own, or one given at the desk (PIPL art. 29, P-02, P-03).

    Under 18 only a guardian says yes, and only at the desk. Refuses with `NotFound`, `WayNotForHolder`, `BirthDateUnknown`,
    `FaceGuardianNeeded`, `EvidenceNeeded` or `NoticeOutdated`.
    """
    bearer = bearer_of(actor=actor, number=number)
    at_desk = number is not None
    _check_holder(bearer, guardian=at_desk and consent.guardian, now=now)
    evidence = rules.check_evidence(consent.evidence) if at_desk else ""
    with transaction.atomic():
        privacy.give_consent(
            actor=actor,
            person_id=bearer.holder_id,
            given_by=_guardian(actor, bearer, consent, now) if consent.guardian else bearer.holder_id,
            purpose=FACE_PURPOSE,
            notice_digest=consent.notice_digest,
            channel=("paper" if consent.on_paper else "desk") if at_desk else "phone",
            evidence=evidence,
            now=now,
        )
    return get_holder_faces(actor=actor, number=number, now=now)


def begin_face_enrolment(*, actor: Actor, number: str | None, now: datetime) -> EnrolmentAsked:
    """This will ask for a turn of the head to a side that nobody can foresee; the answer is awaited for three minutes.

    Refuses with `NotFound`, `FaceConsentNeeded`, `FaceGuardianNeeded`, `BirthDateUnknown`, `WayNotForHolder`, `PassNotActive`, `PassOver`.
    """
    bearer = bearer_of(actor=actor, number=number)
    _check_may_enrol(bearer, now=now)
    side = secrets.choice(tuple(Side))
    asked = {"e": actor.estate_id, "p": bearer.id, "s": side.value, "by": actor.id, "n": secrets.token_hex(4)}
    zh, en = WORDS[side]
    return EnrolmentAsked(
        ticket=tickets.issue(TICKET, asked, now=now),
        side=side,
        zh=zh,
        en=en,
        frames_least=rules.FEWEST_FRAMES,
        frames_most=rules.MOST_FRAMES,
        expires_at=datetime.fromtimestamp(int(now.timestamp()) + rules.TICKET_SECONDS, tz=UTC),
    )


def enrol_face(
    *, actor: Actor, ticket: str, picture: bytes, turn: Sequence[bytes], maker: FaceMaker, now: datetime
) -> Enrolled:
    """This will make numbers of the pictures, forget the pictures, and let the numbers prove the holder's pass; a face before goes.

    Refuses with `EnrolmentOver`, `FrameCount`, `FaceUnusable` and as `begin_face_enrolment` does.
    """
    asked = tickets.read(TICKET, ticket, now=now, max_age_seconds=rules.TICKET_SECONDS)
    if asked is None or (asked["e"], asked["by"]) != (actor.estate_id, actor.id):
        raise EnrolmentOver
    rules.check_frames(len(turn))
    bearer = _bearer(actor, asked["p"])
    _check_may_enrol(bearer, now=now)
    # Looked at before anything is locked: it takes half a second, and whoever is refused tries again with the same ticket.
    made = maker.make(picture=picture, turn=turn, side=Side(asked["s"]))
    if not isinstance(made, Made):
        raise FaceUnusable(field="picture", reason=made.reason, says=made.zh, en=made.en)
    with transaction.atomic():
        locks.take(Lock.PERSON, bearer.holder_id)
        consent_id = _check_may_enrol(_bearer(actor, bearer.id), now=now)
        held = FaceTemplate.objects.filter(estate_id=actor.estate_id, holder_id=bearer.holder_id)
        if held.filter(enrolled_at__gte=datetime.fromtimestamp(asked["at"], tz=UTC)).exists():
            raise EnrolmentOver
        _remove(actor, held.filter(removed_at__isnull=True), "REPLACED", now)
        row = _kept(actor, bearer, made, consent_id, now)
        privacy.record(actor=actor, verb="enrol_face", subject=row.id, fields=[bearer.id, made.model], now=now)
    return Enrolled(face=face_view(row))


def withdraw_face(*, actor: Actor, number: str | None, evidence: str = "", now: datetime) -> HolderFaces:
    """This will take back the yes and remove the face from the server at once and from every gate by the next change of the list.

    No reason is asked (PIPL art. 15); twice is once. Refuses with `NotFound`.
    """
    bearer = bearer_of(actor=actor, number=number)
    if bearer.holder_id:
        with transaction.atomic():
            locks.take(Lock.PERSON, bearer.holder_id)
            held = FaceTemplate.objects.filter(
                estate_id=actor.estate_id, holder_id=bearer.holder_id, removed_at__isnull=True
            )
            _remove(actor, held, "CONSENT_WITHDRAWN", now)
            privacy.withdraw_consent(
                actor=actor, person_id=bearer.holder_id, purpose=FACE_PURPOSE, reason=evidence[:200], now=now
            )
    return get_holder_faces(actor=actor, number=number, now=now)


def remove_due_faces(*, actor: Actor, now: datetime) -> int:
    """This will remove every face whose pass, consent or residency has ended, and return how many (a timer's work, each minute).

    A face follows its pass: when a stay was extended or shortened, so is the day on which the face must be gone.
    """
    actor.require(Role.SYSTEM)
    estate_id = actor.estate_id
    with transaction.atomic():
        hold_list(estate_id=estate_id)
        today = today_of(estate_id=estate_id, now=now)
        due = due_removals(estate_id=estate_id, today=today, now=now, most=MOST_REMOVED_AT_ONCE)
        for face_id, why in due.items():
            _remove(actor, FaceTemplate.objects.filter(id=face_id, removed_at__isnull=True), why, now)
        asked: dict[str, Any] = {"estate": estate_id, "grace": rules.FACE_GRACE}
        with connection.cursor() as cursor:
            cursor.execute(_FOLLOW, asked)
    return len(due)


def take_face_report(*, actor: Actor, report: Mapping[str, Any], now: datetime) -> FaceReportView:
    """This will take in an evaluation of `linli faces evaluate`, to which gates then refer by its digest; twice is once.

    Refuses with `ReportUnreadable` when it is none, or was changed since it was made.
    """
    actor.require(Role.ESTATE_ADMIN)
    read = rules.read_report(report)
    with transaction.atomic():
        row, new = FaceReport.objects.get_or_create(
            estate_id=actor.estate_id,
            digest=read.digest,
            defaults={
                "model": read.model,
                "threshold": read.threshold,
                "margin": MARGIN,
                "gallery_cap": read.gallery_cap,
                "figures": dict(report),
                "taken_by": actor.id[:80],
                "taken_at": now,
            },
        )
        if new:
            privacy.record(actor=actor, verb="take_face_report", subject=read.digest, now=now)
    return report_view(row)


_FOLLOW = """
    UPDATE access_facetemplate t SET expires_at = p."end" + %(grace)s
    FROM access_credential c JOIN access_pass p ON p.id = c.bearer_id
    WHERE t.estate_id = %(estate)s AND t.removed_at IS NULL AND c.id = t.credential_id AND t.expires_at <> p."end" + %(grace)s
"""


def _bearer(actor: Actor, pass_id: str) -> Pass:
    row = Pass.objects.filter(estate_id=actor.estate_id, id=pass_id).first()
    if row is None:
        raise NotFound
    return row


def _check_holder(bearer: Pass, *, guardian: bool, now: datetime) -> None:
    estate_id = bearer.estate_id
    rules.check_way(terms_of(estate_id=estate_id, holder_kind=bearer.holder_kind, now=now), Kind.FACE)
    born = born_of(estate_id=estate_id, holder_id=bearer.holder_id)
    rules.check_speaker(born, on=today_of(estate_id=estate_id, now=now), guardian=guardian)


def _check_may_enrol(bearer: Pass, *, now: datetime) -> str:
    """Refuse a face that may not be taken, and return the consent under which it may."""
    rules.check_code(state=PassState(bearer.state), end=bearer.end, now=now)
    consent = purposes.find_consent(estate_id=bearer.estate_id, person_id=bearer.holder_id, purpose=FACE_PURPOSE)
    _check_holder(bearer, guardian=consent is not None and consent.given_by.startswith(rules.GUARDIAN), now=now)
    if consent is None:
        raise FaceConsentNeeded
    return consent.id


def _guardian(actor: Actor, bearer: Pass, consent: FaceConsent, now: datetime) -> str:
    """Name who spoke for a child, by an id and never by a name: another adult's pass here, or the signed paper."""
    if consent.guardian_number is None:
        return f"{rules.GUARDIAN}paper"
    other = bearer_of(actor=actor, number=consent.guardian_number)
    born = born_of(estate_id=actor.estate_id, holder_id=other.holder_id)
    rules.check_speaker(born, on=today_of(estate_id=actor.estate_id, now=now), guardian=False)
    if other.holder_id == bearer.holder_id:
        raise NotFound(field="guardian_number")
    return f"{rules.GUARDIAN}{other.holder_id}"


def _kept(actor: Actor, bearer: Pass, made: Made, consent_id: str, now: datetime) -> FaceTemplate:
    template_id = ids.new("face")
    credential_id, _ = issue_face_credential(actor=actor, pass_id=bearer.id, template_id=template_id, now=now)
    row = FaceTemplate(
        id=template_id,
        estate_id=actor.estate_id,
        purpose_id=purposes.get_purpose(estate_id=actor.estate_id, code=FACE_PURPOSE).id,
        consent_id=consent_id,
        credential_id=credential_id,
        holder_id=bearer.holder_id,
        model=made.model[:80],
        sealed=crypto.seal(base64.b64encode(made.template).decode("ascii"), context=SEALED_AS),
        quality=[measure[:40] for measure in made.quality],
        enrolled_at=now,
        expires_at=rules.face_expires(bearer.end),
    )
    row.save(force_insert=True)
    return row


def _remove(actor: Actor, rows: Iterable[FaceTemplate], why: str, now: datetime) -> None:
    for row in rows:
        # The credential first: by that version every gate drops the template from memory and disk before it receipts.
        version = end_credential(actor=actor, credential_id=row.credential_id, reason=why, now=now)
        # What is left says when, why and by which change, and is no face.
        row.sealed, row.quality = None, []
        row.removed_at, row.removed_why, row.removed_version = now, why, version
        row.save(update_fields=["sealed", "quality", "removed_at", "removed_why", "removed_version"])
        privacy.record(actor=actor, verb="remove_face", subject=row.id, reason=why, now=now)
