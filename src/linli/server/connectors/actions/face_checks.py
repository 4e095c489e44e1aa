"""One-to-one face checks: a separate yes first, one picture that is shown and forgotten, and another way whatever comes of it.

Nobody is refused or kept waiting because of a face: without a yes, without an answer or with the wrong one, the document, the eyes of
the house and the police certificate serve as before (domain sheet A1 rows 3 and 4; P-02, P-03, P-06, P-07, P-10, P-19).
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction

from linli.server.connectors.actions.links import note_failing, note_working
from linli.server.connectors.face_check import rules
from linli.server.connectors.face_check.picture import plain_copy
from linli.server.connectors.face_check.queries import (
    FaceCheckAnswer,
    FaceCheckState,
    Subject,
    answer_view,
    consent_of,
    get_face_check_state,
    subject_of,
    tries_of,
)
from linli.server.connectors.face_check.rules import (
    PLATFORM,
    PURPOSE,
    RECIPIENT,
    Asked,
    FaceCheckConsentNeeded,
    FaceLayer,
    FaceVerdict,
    Heard,
)
from linli.server.connectors.models import FaceCheck, Link
from linli.server.kernel import ids, locks
from linli.server.kernel.actors import Actor, system
from linli.server.kernel.errors import NotFound, Refusal
from linli.server.kernel.locks import Lock
from linli.server.people import queries as people
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries as purposes
from linli.server.stays import actions as stays
from linli.server.stays import queries as stay_queries


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceCheckConsent:
    """A yes to one face check, as it was given: to which notice, and at the desk on what evidence.

    `guardian_stay_id` is the stay of the guardian, an adult of the same booking; a guardian who does not stay here signs on paper.
    """

    notice_digest: str
    guardian: bool = False
    guardian_stay_id: str | None = None
    on_paper: bool = False
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question that may leave: its row is written, its disclosure entered; the document is the one that was asked about."""

    row_id: str
    document_id: str
    asked: Asked = field(repr=False)


def consent_to_face_check(*, actor: Actor, stay_id: str, consent: FaceCheckConsent, now: datetime) -> FaceCheckState:
    """This will record a separate yes to having one's face compared with one's document: a guest's own, or given at the desk.

    Under 14 only a guardian says it, at the desk. Refuses with `NotFound`, `NotAllowed`, `GuardianConsentNeeded`, `OwnConsentNeeded`,
    `FaceEvidenceNeeded` or `NoticeOutdated`.
    """
    subject = subject_of(actor=actor, stay_id=stay_id, now=now)
    rules.check_speaker(age=subject.age, guardian=consent.guardian and not subject.own)
    evidence = "" if subject.own else rules.check_said(consent.evidence)
    speaker = _guardian(actor, subject, consent) if consent.guardian else subject.person_id
    with transaction.atomic():
        locks.take(Lock.PERSON, subject.person_id)
        if consent_of(subject) is None:
            # One that stands, but was given by a guardian before the guest came of age, is replaced and not kept.
            privacy.withdraw_consent(
                actor=actor, person_id=subject.person_id, purpose=PURPOSE, reason="another speaker", now=now
            )
        privacy.give_consent(
            actor=actor,
            person_id=subject.person_id,
            given_by=speaker,
            purpose=PURPOSE,
            notice_digest=consent.notice_digest,
            channel="phone" if subject.own else "paper" if consent.on_paper else "desk",
            evidence=evidence,
            now=now,
        )
    return get_face_check_state(actor=actor, stay_id=stay_id, now=now)


def withdraw_face_check_consent(*, actor: Actor, stay_id: str, evidence: str = "", now: datetime) -> FaceCheckState:
    """This will take the yes back; nothing leaves from then on. No reason is asked, and twice is once (PIPL art. 15)."""
    subject = subject_of(actor=actor, stay_id=stay_id, now=now)
    privacy.withdraw_consent(actor=actor, person_id=subject.person_id, purpose=PURPOSE, reason=evidence[:200], now=now)
    return get_face_check_state(actor=actor, stay_id=stay_id, now=now)


def check_face(*, actor: Actor, stay_id: str, content: bytes, layer: FaceLayer, now: datetime) -> FaceCheckAnswer:
    """This will ask the face layer once whether the person in the picture holds the guest's document, and forget the picture.

    SAME proves identity (L4); anything else changes nothing. Refuses with `NotFound`, `NotAllowed`, `FaceNotNeeded`,
    `FaceCheckConsentNeeded`, `GuardianConsentNeeded`, `OwnConsentNeeded`, `TriesUsedUp`, or what is wrong with the picture.
    """
    subject = subject_of(actor=actor, stay_id=stay_id, now=now)
    _check_may_ask(subject, now=now)
    picture = plain_copy(content)
    with layer.turn() as free:
        if not free or not _may_leave(actor.estate_id):
            return answer_view(actor=actor, subject=subject, row=None, now=now)
        question = _begin(actor, subject, picture=picture, now=now)
        # No transaction is open here: what is entered as disclosed stands before anything leaves.
        heard = layer.ask(asked=question.asked)
    _note_link(actor.estate_id, heard, now=now)
    return _end(actor, stay_id, question, heard, now=now + timedelta(seconds=heard.seconds))


def _guardian(actor: Actor, subject: Subject, consent: FaceCheckConsent) -> str:
    """Name who spoke for a child, by an id and never by a name: an adult of the same booking, or the signed paper."""
    if consent.guardian_stay_id is None:
        return f"{rules.GUARDIAN}paper"
    other = stay_queries.get_stay(actor=actor, stay_id=consent.guardian_stay_id)
    if other.booking_id != subject.stay.booking_id or other.minor or other.id == subject.stay.id:
        raise NotFound(field="guardian_stay_id")
    facts = stay_queries.get_report_facts(estate_id=actor.estate_id, stay_id=other.id)
    return f"{rules.GUARDIAN}{facts.person_id}"


def _check_may_ask(subject: Subject, *, now: datetime) -> str:
    """Refuse a picture that may not leave, and return the consent under which it may."""
    if not subject.waits:
        raise rules.FaceNotNeeded
    consent = consent_of(subject)
    if consent is None:
        rules.check_speaker(age=subject.age, guardian=False)
        raise FaceCheckConsentNeeded
    rules.check_tries(tries_of(estate_id=subject.estate_id, stay_id=subject.stay.id, now=now))
    return consent.id


def _may_leave(estate_id: str) -> bool:
    # The kill switch, and the purpose's own list of who may be told.
    link, _ = Link.objects.get_or_create(estate_id=estate_id, platform=PLATFORM, defaults={"id": ids.new("link")})
    return link.paused_at is None and RECIPIENT in purposes.get_purpose(estate_id=estate_id, code=PURPOSE).recipients


def _begin(actor: Actor, subject: Subject, *, picture: bytes, now: datetime) -> Question:
    known = people.get_identity(estate_id=actor.estate_id, person_id=subject.person_id, document_id=subject.document_id)
    row_id, message_id = ids.new("fchk"), ids.new("face")
    with transaction.atomic(durable=True):
        # Consent, its withdrawal and two pictures at once queue here.
        locks.take(Lock.PERSON, subject.person_id)
        consent_id = _check_may_ask(subject, now=now)
        FaceCheck.objects.create(
            id=row_id,
            estate_id=actor.estate_id,
            stay_id=subject.stay.id,
            person_id=subject.person_id,
            consent_id=consent_id,
            message_id=message_id,
            asked_at=now,
            asked_by=actor.id[:80],
        )
        leaving = privacy.Leaving(
            person_id=subject.person_id, purpose_code=PURPOSE, fields=rules.LEAVES, message_id=message_id
        )
        privacy.disclose(actor=system(actor.estate_id), recipient=RECIPIENT, leaving=[leaving], now=now)
        privacy.record(
            actor=actor, verb="ask_face_layer", subject=row_id, fields=rules.LEAVES, reason=subject.stay.id, now=now
        )
    asked = Asked(
        check_id=message_id,
        document_kind=known.document_kind,
        document_number=known.document_number,
        name=known.native_name,
        picture=picture,
    )
    return Question(row_id=row_id, document_id=known.document_id, asked=asked)


def _end(actor: Actor, stay_id: str, question: Question, heard: Heard, *, now: datetime) -> FaceCheckAnswer:
    refused: Refusal | None = None
    with transaction.atomic():
        row = FaceCheck.objects.get(estate_id=actor.estate_id, id=question.row_id)
        row.verdict, row.score, row.receipt = heard.verdict, heard.score, heard.receipt
        row.code, row.seconds = heard.code[:40], heard.seconds
        row.answered_at = None if heard.verdict is FaceVerdict.NO_ANSWER else now
        if heard.verdict is FaceVerdict.SAME:
            refused = _confirm(actor, row, document_id=question.document_id, now=now)
        row.save(update_fields=["verdict", "score", "receipt", "code", "seconds", "answered_at"])
        if heard.verdict is not FaceVerdict.SAME:
            _tell_console(actor.estate_id)
    if refused is not None:
        raise refused
    return answer_view(actor=actor, subject=subject_of(actor=actor, stay_id=stay_id, now=now), row=row, now=now)


def _confirm(actor: Actor, row: FaceCheck, *, document_id: str, now: datetime) -> Refusal | None:
    """Let the answer count, unless it no longer may; what the table then says of the stay is told once the answer is kept."""
    standing = purposes.find_consent(estate_id=actor.estate_id, person_id=row.person_id, purpose=PURPOSE)
    if standing is None:
        row.code = "consent_withdrawn"
        return None
    try:
        with transaction.atomic():
            stays.confirm_by_face(
                actor=system(actor.estate_id),
                stay_id=row.stay_id,
                document_id=document_id,
                check_id=row.id,
                now=now,
            )
    except Refusal as problem:
        row.code = problem.code[:40]
        return problem
    return None


def _note_link(estate_id: str, heard: Heard, *, now: datetime) -> None:
    failing = heard.verdict is FaceVerdict.NO_ANSWER or heard.code == "locked_out"
    if failing:
        note_failing(platform=PLATFORM, failing_with=heard.code[:30], now=now)
    elif Link.objects.filter(estate_id=estate_id, platform=PLATFORM, failing_since__isnull=False).exists():
        note_working(platform=PLATFORM, now=now)


def _tell_console(estate_id: str) -> None:
    # It says that somebody may need another way, and not who: whoever may know looks at the list.
    body = {"estate": estate_id, "event": "another_way", "data": {}}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('linli_console', %s)", [json.dumps(body)])
