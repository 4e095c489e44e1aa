"""How a stay stands with face checks: who may say yes, whether one did, what came of it, and who at the desk waits for another way."""

from dataclasses import dataclass, field
from datetime import datetime

from linli.server.connectors.face_check import rules
from linli.server.connectors.face_check.rules import (
    OTHER_WAYS,
    OUTCOMES,
    PLATFORM,
    PURPOSE,
    WORDS,
    FaceVerdict,
    OtherWay,
    Outcome,
)
from linli.server.connectors.models import FaceCheck, Link
from linli.server.kernel import clock
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotAllowed, NotFound
from linli.server.people import queries as people
from linli.server.places import queries as places
from linli.server.privacy import queries as purposes
from linli.server.privacy.queries import ConsentView, NoticeView
from linli.server.stays import queries as stays
from linli.server.stays.queries import StayView

WAITING = "REGISTERED"
ALLOWED = "allow"
MOST_LISTED = 50
DESK = (Role.OFFICE, Role.GUARD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A guest who may be asked for a picture: the stay, whose it is, how old, and whether the guest is asking in person."""

    estate_id: str
    stay: StayView
    person_id: str
    document_id: str
    age: int
    own: bool

    @property
    def waits(self) -> bool:
        """Whether the stay waits for the guest's identity; otherwise a picture would be one too many."""
        return self.stay.state == WAITING and self.stay.decision.result != ALLOWED


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceCheckAnswer:
    """What came of one picture, and how to go on. Verdict and score are the guest's own; the house is told the outcome alone."""

    check_id: str | None
    outcome: Outcome
    zh: str
    en: str
    other_ways: tuple[OtherWay, ...]
    tries_left: int
    verdict: FaceVerdict | None
    score: int | None
    pictures_kept: int = 0
    stay: StayView


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceCheckState:
    """Whether a face check may be offered, the notice to say yes to, and the other ways, which need no yes.

    `speaker` is `self` or, under 14, `guardian`: then the yes is given at the desk.
    """

    available: bool
    needed: bool
    speaker: str
    notice: NoticeView
    consented_at: datetime | None
    tries_left: int
    last_outcome: Outcome | None
    other_ways: tuple[OtherWay, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnotherWay:
    """A guest whom the house should help to another way; that a picture was tried is no remark on anybody."""

    stay_id: str
    unit: str
    room: str
    guest_masked: str
    asked_at: datetime
    zh: str = field(default="请用其他方式核验：查看证件，或当面核对。")
    en: str = field(default="Another way, please: look at the document, or at guest and document together.")


def subject_of(*, actor: Actor, stay_id: str, now: datetime) -> Subject:
    """This will look up a guest for whoever may help with a picture: the guest, the desk, the operator; refuses with `NotAllowed`."""
    stay = stays.get_stay(actor=actor, stay_id=stay_id)
    facts = stays.get_report_facts(estate_id=actor.estate_id, stay_id=stay_id)
    own = actor.may(Role.GUEST, scope=f"stay:{stay_id}")
    if not own and not actor.may(*DESK):
        actor.require(Role.OPERATOR, scope=f"operator:{facts.operator_id}")
    known = people.get_person(estate_id=actor.estate_id, person_id=facts.person_id)
    if known.birth_date is None:
        raise NotFound(field="birth_date")
    today = clock.local_date(now, places.zone(estate_id=actor.estate_id))
    return Subject(
        estate_id=actor.estate_id,
        stay=stay,
        person_id=facts.person_id,
        document_id=facts.document_id,
        age=rules.age_on(today, known.birth_date),
        own=own,
    )


def consent_of(subject: Subject) -> ConsentView | None:
    """This will return the yes that stands and was this speaker's to give, or None."""
    found = purposes.find_consent(estate_id=subject.estate_id, person_id=subject.person_id, purpose=PURPOSE)
    by_guardian = found is not None and found.given_by.startswith(rules.GUARDIAN)
    return found if by_guardian == (subject.age < rules.OF_AGE_TO_CONSENT) else None


def tries_of(*, estate_id: str, stay_id: str, now: datetime) -> int:
    """This will count the pictures of a stay that left within a day; one that met no listener does not count."""
    rows = FaceCheck.objects.filter(
        estate_id=estate_id, stay_id=stay_id, asked_at__gt=now - rules.TRIES_WITHIN
    ).exclude(code="unreachable")
    return rows.count()


def get_face_check_state(*, actor: Actor, stay_id: str, now: datetime) -> FaceCheckState:
    """This will say how a stay stands with face checks; refuses with `NotFound` or `NotAllowed`."""
    subject = subject_of(actor=actor, stay_id=stay_id, now=now)
    consent = consent_of(subject)
    last = FaceCheck.objects.filter(estate_id=actor.estate_id, stay_id=stay_id).order_by("-asked_at").first()
    return FaceCheckState(
        available=not Link.objects.filter(
            estate_id=actor.estate_id, platform=PLATFORM, paused_at__isnull=False
        ).exists(),
        needed=subject.waits,
        speaker="guardian" if subject.age < rules.OF_AGE_TO_CONSENT else "self",
        notice=purposes.get_notice(estate_id=actor.estate_id, purpose=PURPOSE),
        consented_at=consent.given_at if consent else None,
        tries_left=_left(subject, now),
        last_outcome=_outcome(last) if last else None,
        other_ways=OTHER_WAYS,
    )


def answer_view(*, actor: Actor, subject: Subject, row: FaceCheck | None, now: datetime) -> FaceCheckAnswer:
    """This will put one answer into words; without a row nothing was sent."""
    outcome = _outcome(row) if row else Outcome.NOT_AVAILABLE
    zh, en = WORDS[outcome]
    shown = row if subject.own else None
    return FaceCheckAnswer(
        check_id=row.id if row else None,
        outcome=outcome,
        zh=zh,
        en=en,
        other_ways=() if outcome is Outcome.CONFIRMED else OTHER_WAYS,
        tries_left=_left(subject, now),
        verdict=FaceVerdict(shown.verdict) if shown else None,
        score=shown.score if shown else None,
        stay=subject.stay,
    )


def list_another_way(*, actor: Actor, now: datetime) -> tuple[AnotherWay, ...]:
    """This will list, for desk and host, the guests who tried a picture within a day and still wait for another way."""
    if not actor.may(*DESK):
        actor.require_any(Role.OPERATOR)
    rows = FaceCheck.objects.filter(estate_id=actor.estate_id, asked_at__gt=now - rules.TRIES_WITHIN)
    newest = rows.order_by("stay_id", "-asked_at").distinct("stay_id").values_list("stay_id", "asked_at")
    listed: list[AnotherWay] = []
    for stay_id, asked_at in sorted(newest, key=lambda row: row[1], reverse=True)[: MOST_LISTED * 4]:
        stay = _seen(actor, stay_id)
        if stay is None or stay.state != WAITING or stay.decision.result == ALLOWED:
            continue
        listed.append(
            AnotherWay(
                stay_id=stay.id, unit=stay.unit, room=stay.room, guest_masked=stay.name_masked, asked_at=asked_at
            )
        )
    return tuple(listed[:MOST_LISTED])


def _seen(actor: Actor, stay_id: str) -> StayView | None:
    try:
        return stays.get_stay(actor=actor, stay_id=stay_id)
    except (NotAllowed, NotFound):
        return None


def _left(subject: Subject, now: datetime) -> int:
    return max(0, rules.MOST_TRIES - tries_of(estate_id=subject.estate_id, stay_id=subject.stay.id, now=now))


def _outcome(row: FaceCheck) -> Outcome:
    # A yes that came too late, or after the consent was taken back, confirmed nothing.
    return Outcome.ANOTHER_WAY if row.verdict == FaceVerdict.SAME and row.code else OUTCOMES[FaceVerdict(row.verdict)]
