"""Faces: whose may be kept, after whose yes, until when; where they are, and that they are gone. The pictures here are only bytes."""

import base64
import calendar
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from linli.faces import evaluation
from linli.faces.headturn import Side
from linli.gate import snapshot
from linli.gate.decision import Kind, Scan, Verdict, decide
from linli.gate.snapshot import Snapshot
from linli.gate.wire import Receipt
from linli.server.access import actions, queries, rules
from linli.server.access.actions import DoorKind, FaceConsent, Origin
from linli.server.access.models import Credential, FaceError, FaceTemplate, Gate, GateEvent, Pass
from linli.server.access.personal_data import erase_faces, export_faces
from linli.server.access.rules import (
    BirthDateUnknown,
    EnrolmentOver,
    EvidenceNeeded,
    FaceConsentNeeded,
    FaceGuardianNeeded,
    FaceOnly,
    FaceUnusable,
    FrameCount,
    NotAFacePassage,
    ReportUnreadable,
    SimulatedFaceMaker,
    TooManyErrors,
    Unusable,
    WayNotForHolder,
)
from linli.server.access.rules.faces import ERRORS_AN_HOUR, GUESTS_ERRORS_AN_HOUR
from linli.server.kernel import crypto
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotAllowed, NotFound, Refusal
from linli.server.kernel.periods import Period
from linli.server.people import actions as people
from linli.server.people.actions import HouseholdInput, ResidentInput
from linli.server.people.models import Residency
from linli.server.places import queries as tree
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries as purposes
from linli.server.privacy.actions import NoticeOutdated
from linli.server.privacy.models import AuditEntry, Consent
from linli.server.privacy.rules import PURPOSES
from linli.server.stays import actions as stays
from linli.server.stays.models import Stay
from linli.server.stays.queries import StayView
from tests.world import DAY, Unchanged, World, build, guardian

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
PATIENCE = 30
PICTURE = b"\xff\xd8 a picture that nobody may ever find again \xff\xd9" * 3
TURN = [PICTURE + bytes([number]) for number in range(6)]
MAKER = SimulatedFaceMaker()


@pytest.fixture
def world(db: None) -> World:
    return build()


def digest_of(world: World) -> str:
    """The digest of the face notice as it stands."""
    return purposes.get_notice(estate_id=world.estate_id, purpose="face_pass").digest


def number_of(stay: StayView) -> str:
    """The number on the guest's pass."""
    return Pass.objects.get(origin_id=stay.id).number


def say_yes(world: World, stay: StayView) -> queries.HolderFaces:
    """The guest says yes on the phone."""
    consent = FaceConsent(notice_digest=digest_of(world))
    return actions.consent_to_face(actor=world.guest(stay), number=None, consent=consent, now=world.now)


def enrol(
    world: World,
    stay: StayView | None = None,
    *,
    actor: Actor | None = None,
    number: str | None = None,
    picture: bytes = PICTURE,
    now: datetime | None = None,
) -> queries.FaceView:
    """The ticket is asked for and answered; the guest's own, or at a desk."""
    who, at = actor or world.guest(stay or ""), now or world.now
    asked = actions.begin_face_enrolment(actor=who, number=number, now=at)
    return actions.enrol_face(actor=who, ticket=asked.ticket, picture=picture, turn=TURN, maker=MAKER, now=at).face


def enrolled(world: World, flat: str = "home") -> tuple[StayView, queries.FaceView]:
    """A guest in the house whose face opens doors."""
    (stay,) = world.stay(flat, state="IN_HOUSE")
    say_yes(world, stay)
    return stay, enrol(world, stay)


def by_face(world: World, face_id: str, gate: str = "G01", *, at: datetime | None = None) -> Verdict:
    """What a gate that has heard everything decides about a face it recognised."""
    now = at or world.now
    return decide(Scan(gate=gate, kind=Kind.FACE, text=face_id), known(world, now=now), now)


def known(world: World, *, now: datetime | None = None) -> Snapshot:
    """What the box knows that begins now."""
    delta = queries.get_delta(box=box_of(world), since=0, now=now or world.now)
    return snapshot.apply(Snapshot(estate=world.estate_id), delta)


def box_of(world: World) -> queries.BoxView:
    return queries.get_box(estate_id=world.estate_id, box_id=world.box.box_id)


def sheets(world: World, *ids: str, box: queries.BoxView | None = None, now: datetime | None = None) -> list[str]:
    """Which templates a box is given."""
    found = queries.list_face_sheets(box=box or box_of(world), ids=ids, now=now or world.now)
    return [sheet.id for sheet in found]


def receipt(world: World, box: queries.BoxView, *gates: str, at: datetime) -> None:
    """A box says that these gates decide by the list as it stands."""
    version = queries.snapshot_version(estate_id=world.estate_id)
    told = Receipt(version=version, gates=gates or box.gates, applied_at=at)
    actions.record_receipt(box=box, receipt=told, now=at)


# --- the rules ---


@given(st.dates(date(1920, 1, 1), date(2026, 1, 1)), st.integers(0, 40_000))
def test_whoever_is_under_fourteen_is_under_fourteen_to_the_day_leap_days_included(born: date, later: int) -> None:
    today = born + timedelta(days=later)
    year = born.year + rules.CHILD
    leapling = (born.month, born.day) == (2, 29) and not calendar.isleap(year)
    birthday = date(year, 3, 1) if leapling else date(year, born.month, born.day)
    assert (rules.minor_under(born, on=today) == rules.CHILD) == (today < birthday)
    if today < birthday:
        with pytest.raises(FaceGuardianNeeded):
            rules.check_speaker(born, on=today, guardian=False)
    rules.check_speaker(born, on=today, guardian=True)


@pytest.mark.parametrize(
    ("born", "today", "under"),
    [
        (date(2012, 2, 29), date(2026, 2, 28), 14),
        (date(2012, 2, 29), date(2026, 3, 1), 18),
        (date(2008, 2, 29), date(2026, 2, 28), 18),
        (date(2008, 2, 29), date(2026, 3, 1), None),
        (date(2012, 11, 24), date(2026, 11, 23), 14),
        (date(2012, 11, 24), date(2026, 11, 24), 18),
    ],
)
def test_a_birthday_on_the_leap_day_falls_on_the_first_of_march(born: date, today: date, under: int | None) -> None:
    assert rules.minor_under(born, on=today) == under


@pytest.mark.parametrize("born", [None, date(2030, 1, 1)])
def test_nobodys_face_is_taken_whose_age_no_document_tells(born: date | None) -> None:
    with pytest.raises(BirthDateUnknown):
        rules.check_speaker(born, on=date(2026, 1, 1), guardian=True)


@pytest.mark.parametrize(
    ("seen", "of", "low", "high"),
    [
        (0, 10, 0.0, 0.27753),
        (5, 10, 0.23659, 0.76341),
        (1, 100, 0.00177, 0.05449),
        (10, 10, 0.72247, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_a_rate_lies_between_wilsons_bounds(seen: int, of: int, low: float, high: float) -> None:
    assert rules.wilson(seen, of) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 400), st.integers(1, 400))
def test_wilsons_bounds_hold_the_rate_itself(seen: int, more: int) -> None:
    low, high = rules.wilson(seen, seen + more)
    assert 0.0 <= low <= seen / (seen + more) <= high <= 1.0


def test_thirty_working_days_pass_over_weekends_and_holidays() -> None:
    friday = date(2026, 9, 25)
    assert rules.working_days_after(friday, count=1, holidays=()) == date(2026, 9, 28)
    assert rules.working_days_after(friday, count=30, holidays=()) == date(2026, 11, 6)
    golden_week = [date(2026, 10, day) for day in range(1, 8)]
    assert rules.working_days_after(friday, count=30, holidays=golden_week) == date(2026, 11, 13)


def report(**changes: object) -> dict[str, object]:
    """A report as `linli faces evaluate` writes one."""
    said = {
        "form": 1,
        "model": "fr_feature-87aacdfe",
        "people": 12,
        "pictures": 60,
        "genuine_pairs": 120,
        "impostor_pairs": 1650,
        "recommended": {"threshold": 0.57, "gallery_cap": 180, "fmr": 0.0},
        "rates": [],
        **changes,
    }
    return {"id": evaluation.report_id(said), **said}


def test_a_report_is_read_by_the_digest_that_the_engine_gives_it() -> None:
    read = rules.read_report(report())
    assert (read.threshold, read.gallery_cap, read.digest) == (570, 180, report()["id"])


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {**report(), "people": 13},
        report(form=2),
        report(people=0),
        report(model=""),
        report(recommended={"threshold": 7.0, "gallery_cap": 1}),
        report(recommended={"threshold": 0.5, "gallery_cap": -1}),
        report(recommended=[]),
        report(padding="x" * 70_000),
        {**report(), "id": "0" * 64},
    ],
)
def test_a_report_that_was_changed_or_is_none_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(ReportUnreadable):
        rules.read_report(broken)


# --- consent ---


def test_p02_a_yes_to_the_house_rules_is_no_yes_to_a_face(world: World) -> None:
    (stay,) = world.stay(state="IN_HOUSE")
    with Unchanged(), pytest.raises(FaceConsentNeeded):
        actions.begin_face_enrolment(actor=world.guest(stay), number=None, now=world.now)
    lodging = purposes.get_notice(estate_id=world.estate_id, purpose="lodging_registration").digest
    with Unchanged(), pytest.raises(NoticeOutdated):
        consent = FaceConsent(notice_digest=lodging)
        actions.consent_to_face(actor=world.guest(stay), number=None, consent=consent, now=world.now)
    legal = {terms.code: terms.legal_basis for terms in PURPOSES}
    assert "separate consent" in legal["face_pass"]
    assert "consent" not in legal["lodging_registration"]


def test_p03_a_yes_says_who_for_whom_to_what_when_and_how(world: World) -> None:
    (stay,) = world.stay()
    say_yes(world, stay)
    row, person = Consent.objects.get(), Stay.objects.get(id=stay.id).person_id
    assert (row.person_id, row.given_by, row.notice_digest, row.channel, row.at) == (
        person,
        person,
        digest_of(world),
        "phone",
        world.now,
    )
    with pytest.raises(Exception, match="append-only"), transaction.atomic():
        Consent.objects.update(given_by="somebody else")


def test_at_the_desk_a_yes_needs_evidence_and_names_a_pass(world: World) -> None:
    (stay,) = world.stay()
    consent = FaceConsent(notice_digest=digest_of(world), on_paper=True)
    with Unchanged(), pytest.raises(EvidenceNeeded):
        actions.consent_to_face(actor=world.guard, number=number_of(stay), consent=consent, now=world.now)
    signed = FaceConsent(notice_digest=digest_of(world), on_paper=True, evidence="表单 17")
    actions.consent_to_face(actor=world.guard, number=number_of(stay).lower(), consent=signed, now=world.now)
    assert list(Consent.objects.values_list("channel", "evidence")) == [("paper", "表单 17")]
    face = enrol(world, actor=world.guard, number=number_of(stay))
    assert by_face(world, face.id, at=stay.arrive_at + HOUR).open


def test_p06_refusing_a_face_changes_nothing(world: World) -> None:
    (stay,) = world.stay(state="IN_HOUSE")
    told = queries.get_holder_faces(actor=world.guest(stay), number=None, now=world.now)
    assert (told.offered, told.consented_at, told.held) == (True, None, None)
    code = queries.pass_codes(estate_id=world.estate_id, pass_id=Pass.objects.get().id, count=1, now=world.now)[0]
    scan = Scan(gate="G01", kind=Kind.CODE, text=code.code)
    assert decide(scan, known(world), world.now).open
    actions.withdraw_face(actor=world.guest(stay), number=None, now=world.now)
    assert decide(scan, known(world), world.now).open
    assert stays.check_out(actor=world.guest(stay), stay_id=stay.id, now=world.now + HOUR).state == "CHECKED_OUT"
    assert not Consent.objects.exists()


def test_p05_no_gate_opens_to_faces_alone(world: World) -> None:
    with pytest.raises(FaceOnly):
        rules.check_ways(door=DoorKind.ESTATE, ways=["FACE"], terms=rules.DEFAULTS.values())
    with pytest.raises(IntegrityError, match="a_face_is_never_the_only_way_in"), transaction.atomic():
        Gate.objects.filter(code="G01").update(ways=["FACE"])
    assert all(set(terms.ways) - {"FACE"} for terms in rules.DEFAULTS.values())


# --- children ---


def child_at_the_desk(world: World, years: int) -> tuple[StayView, StayView]:
    """A child and an adult of one booking, both with passes."""
    booked = world.book("home", guests=2)
    parent = world.register(booked).stay
    child = world.register(booked, world.minor(years), guardian=guardian(stay_id=parent.id)).stay
    found = [stays.confirm_by_eye(actor=world.guard, stay_id=stay.id, now=world.now) for stay in (parent, child)]
    return found[0], found[1]


@pytest.mark.parametrize(("years", "age"), [(7, 14), (13, 14), (14, 18), (17, 18)])
def test_p07_p08_a_minors_own_yes_is_none_and_their_face_is_off(world: World, years: int, age: int) -> None:
    _, child = child_at_the_desk(world, years)
    assert queries.get_holder_faces(actor=world.guest(child), number=None, now=world.now).guardian_under == age
    for act in (
        lambda: say_yes(world, child),
        lambda: actions.begin_face_enrolment(actor=world.guest(child), number=None, now=world.now),
        lambda: actions.begin_face_enrolment(actor=world.guard, number=number_of(child), now=world.now),
    ):
        with Unchanged(), pytest.raises(FaceGuardianNeeded) as refused:
            act()
        assert refused.value.details == {"age": age}


def test_a_child_cannot_call_itself_a_guardian_on_the_phone(world: World) -> None:
    _, child = child_at_the_desk(world, 12)
    consent = FaceConsent(notice_digest=digest_of(world), guardian=True)
    with Unchanged(), pytest.raises(FaceGuardianNeeded):
        actions.consent_to_face(actor=world.guest(child), number=None, consent=consent, now=world.now)


def test_a_guardians_separate_yes_at_the_desk_lets_a_minors_face_open_doors(world: World) -> None:
    parent, child = child_at_the_desk(world, 12)
    consent = FaceConsent(
        notice_digest=digest_of(world),
        guardian=True,
        guardian_number=number_of(parent),
        evidence="signed on the screen",
    )
    actions.consent_to_face(actor=world.guard, number=number_of(child), consent=consent, now=world.now)
    given = Consent.objects.get()
    assert given.person_id == Stay.objects.get(id=child.id).person_id
    assert given.given_by == f"guardian:{Stay.objects.get(id=parent.id).person_id}"
    assert by_face(world, enrol(world, actor=world.guard, number=number_of(child)).id, at=child.arrive_at + HOUR).open


def test_a_guardian_is_another_adult(world: World) -> None:
    _, child = child_at_the_desk(world, 12)
    for number in (number_of(child), "K7QM-3XWD"):
        consent = FaceConsent(notice_digest=digest_of(world), guardian=True, guardian_number=number, evidence="x")
        with Unchanged(), pytest.raises(Refusal):
            actions.consent_to_face(actor=world.guard, number=number_of(child), consent=consent, now=world.now)


def test_a_pass_of_a_child_never_takes_a_face(world: World) -> None:
    (stay,) = world.stay()
    say_yes(world, stay)
    granted = actions.grant_pass(
        actor=world.hand,
        holder_kind="child",
        holder_id=Stay.objects.get(id=stay.id).person_id,
        entrance_id=None,
        period=Period(start=world.now, end=world.now + DAY),
        origin=Origin(kind="residency", id="res_1"),
        now=world.now,
    )
    with Unchanged(), pytest.raises(WayNotForHolder):
        actions.begin_face_enrolment(actor=world.guard, number=granted.number, now=world.now)


# --- enrolment ---


def test_an_enrolled_face_opens_the_doors_of_its_pass_and_no_others(world: World) -> None:
    _, face = enrolled(world)
    assert by_face(world, face.id).open
    assert not by_face(world, face.id, "G08").open
    assert sheets(world, face.id, "face_00000000000000000000000000") == [face.id]
    assert AuditEntry.objects.filter(verb="enrol_face", subject=face.id).count() == 1


def test_p09_the_picture_is_nowhere_and_the_template_says_nothing_without_the_key(world: World) -> None:
    _, face = enrolled(world)
    row = FaceTemplate.objects.get()
    plain = rules.SimulatedFaceMaker().make(picture=PICTURE, turn=TURN, side=Side.LEFT)
    assert isinstance(plain, rules.Made)
    opened = base64.b64decode(crypto.unseal(bytes(row.sealed), context="face.template"))
    assert opened == plain.template
    with pytest.raises(crypto.SealBroken):
        crypto.unseal(bytes(row.sealed), context="credential.FACE")
    needles = [PICTURE, *TURN, plain.template, base64.b64encode(PICTURE), base64.b64encode(plain.template)]
    assert needles_found(needles) == []
    assert row.model == face.model == MAKER.model


def needles_found(needles: list[bytes]) -> list[str]:
    """In which tables any of these bytes stand, as bytes or as text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            rows = " ".join(text for (text,) in cursor.fetchall())
            if any(part.hex() in rows or part.decode("latin-1") in rows for part in needles):
                found.append(table)
    return found


def test_a_template_cannot_be_kept_without_a_consent(world: World) -> None:
    _, _ = enrolled(world)
    with pytest.raises(IntegrityError), transaction.atomic():
        FaceTemplate.objects.update(consent_id=None)


@pytest.mark.parametrize("reason", ["TOO_DARK", "NO_TURN"])
def test_a_picture_that_does_not_do_says_why_in_both_languages_and_changes_nothing(world: World, reason: str) -> None:
    (stay,) = world.stay()
    say_yes(world, stay)
    asked = actions.begin_face_enrolment(actor=world.guest(stay), number=None, now=world.now)
    blind = SimulatedFaceMaker(answer=Unusable(reason=reason, zh="光线太暗", en="it is too dark"))
    with Unchanged(), pytest.raises(FaceUnusable) as refused:
        actions.enrol_face(
            actor=world.guest(stay), ticket=asked.ticket, picture=PICTURE, turn=TURN, maker=blind, now=world.now
        )
    assert refused.value.details["reason"] == reason
    assert refused.value.message() == {"zh": "不能使用：光线太暗。", "en": "This does not do: it is too dark."}
    again = actions.enrol_face(
        actor=world.guest(stay), ticket=asked.ticket, picture=PICTURE, turn=TURN, maker=MAKER, now=world.now
    )
    assert again.pictures_kept == 0


@pytest.mark.parametrize("late", [timedelta(seconds=181), timedelta(days=1)])
def test_three_minutes_later_the_turn_of_the_head_is_asked_anew(world: World, late: timedelta) -> None:
    (stay,) = world.stay(nights=3)
    say_yes(world, stay)
    asked = actions.begin_face_enrolment(actor=world.guest(stay), number=None, now=world.now)
    with Unchanged(), pytest.raises(EnrolmentOver):
        actions.enrol_face(
            actor=world.guest(stay),
            ticket=asked.ticket,
            picture=PICTURE,
            turn=TURN,
            maker=MAKER,
            now=world.now + late,
        )


def test_a_ticket_is_good_once_and_for_whoever_asked(world: World) -> None:
    (stay,) = world.stay()
    (other,) = world.stay("dorm")
    say_yes(world, stay)
    say_yes(world, other)
    asked = actions.begin_face_enrolment(actor=world.guest(stay), number=None, now=world.now)
    facts = {"ticket": asked.ticket, "picture": PICTURE, "turn": TURN, "maker": MAKER}
    with Unchanged(), pytest.raises(EnrolmentOver):
        actions.enrol_face(actor=world.guest(other), now=world.now, **facts)
    with Unchanged(), pytest.raises(EnrolmentOver):
        actions.enrol_face(actor=world.guest(stay), now=world.now, **{**facts, "ticket": asked.ticket[:-3] + "xyz"})
    actions.enrol_face(actor=world.guest(stay), now=world.now, **facts)
    with Unchanged(), pytest.raises(EnrolmentOver):
        actions.enrol_face(actor=world.guest(stay), now=world.now + MINUTE, **facts)


@pytest.mark.parametrize("count", [0, 1, 3, 9])
def test_a_turn_is_four_to_eight_pictures(world: World, count: int) -> None:
    (stay,) = world.stay()
    say_yes(world, stay)
    asked = actions.begin_face_enrolment(actor=world.guest(stay), number=None, now=world.now)
    with Unchanged(), pytest.raises(FrameCount):
        actions.enrol_face(
            actor=world.guest(stay),
            ticket=asked.ticket,
            picture=PICTURE,
            turn=[PICTURE] * count,
            maker=MAKER,
            now=world.now,
        )


def test_a_face_enrolled_again_takes_the_place_of_the_one_before(world: World) -> None:
    stay, first = enrolled(world)
    second = enrol(world, stay, picture=b"another picture", now=world.now + MINUTE)
    assert not by_face(world, first.id).open
    assert by_face(world, second.id).open
    assert sheets(world, first.id, second.id) == [second.id]
    assert dict(FaceTemplate.objects.values_list("id", "removed_why")) == {first.id: "REPLACED", second.id: ""}


def test_both_sides_are_asked_for(world: World) -> None:
    (stay,) = world.stay()
    say_yes(world, stay)
    sides = {actions.begin_face_enrolment(actor=world.guest(stay), number=None, now=world.now).side for _ in range(40)}
    assert sides == {Side.LEFT, Side.RIGHT}


# --- who may ---


def test_a_guest_reaches_only_their_own_face_and_an_operator_or_the_police_none(world: World) -> None:
    stay, face = enrolled(world)
    (other,) = world.stay("dorm")
    number, now = number_of(stay), world.now
    assert queries.get_holder_faces(actor=world.guest(other), number=None, now=world.now).held is None
    asked = (
        lambda who: queries.get_holder_faces(actor=who, number=number, now=now),
        lambda who: actions.withdraw_face(actor=who, number=number, now=now),
        lambda who: actions.begin_face_enrolment(actor=who, number=number, now=now),
        lambda who: queries.list_removal_receipts(actor=who, face_id=face.id),
    )
    police, committee = world.actor(Role.POLICE), world.actor(Role.COMMITTEE)
    for stranger in (world.guest(other), world.operator, police, committee, world.link("book_1")):
        for act in asked:
            with Unchanged(), pytest.raises((NotAllowed, NotFound)):
                act(stranger)
    assert by_face(world, face.id).open


def test_a_box_gets_only_the_faces_that_may_pass_its_own_doors(world: World) -> None:
    _, face = enrolled(world)
    own = actions.enrol_box(actor=world.hand, gate_codes=["G08"], now=world.now)
    elsewhere = queries.get_box(estate_id=world.estate_id, box_id=own.box_id)
    assert sheets(world, face.id, box=elsewhere) == []
    assert sheets(world, face.id) == [face.id]
    assert sheets(world, face.id, now=world.now + 3 * DAY) == []
    suspended = Origin(kind="stay", id=Pass.objects.get().origin_id)
    actions.suspend_passes(actor=world.hand, origin=suspended, reason="held", now=world.now)
    assert sheets(world, face.id) == [face.id]
    assert not by_face(world, face.id).open


# --- removal ---


def test_p12_at_check_out_the_face_is_gone_in_the_same_change(world: World) -> None:
    stay, face = enrolled(world)
    out = world.now + HOUR
    stays.check_out(actor=world.guest(stay), stay_id=stay.id, now=out)
    row = FaceTemplate.objects.get()
    assert (row.sealed, row.quality, row.removed_at, row.removed_why) == (None, [], out, "PASS_WITHDRAWN")
    assert row.removed_version == Pass.objects.get().version == Credential.objects.get(kind="FACE").version
    assert sheets(world, face.id) == []
    assert not by_face(world, face.id, at=out).open
    assert AuditEntry.objects.filter(verb="remove_face", subject=face.id).count() == 1


def test_a_suspended_pass_keeps_its_face(world: World) -> None:
    stay, _ = enrolled(world)
    actions.suspend_passes(actor=world.hand, origin=Origin(kind="stay", id=stay.id), reason="held", now=world.now)
    assert FaceTemplate.objects.get().sealed is not None


def test_p04_a_yes_taken_back_empties_the_server_at_once_and_every_gate_confirms_also_the_one_that_was_offline(
    world: World,
) -> None:
    stay, face = enrolled(world)
    second = actions.enrol_box(actor=world.hand, gate_codes=["G05"], now=world.now)
    offline = queries.get_box(estate_id=world.estate_id, box_id=second.box_id)
    online = box_of(world)
    receipt(world, online, at=world.now)
    receipt(world, offline, at=world.now)
    back = world.now + HOUR
    told = actions.withdraw_face(actor=world.guest(stay), number=None, now=back)
    assert (told.held, told.consented_at) == (None, None)
    assert FaceTemplate.objects.get().sealed is None
    assert (told.removed[0].gates, told.removed[0].receipted) == (4, 0)
    receipt(world, online, at=back + timedelta(seconds=1))
    halfway = queries.list_removal_receipts(actor=world.guest(stay), face_id=face.id)
    assert (halfway.receipted, halfway.seconds) == (3, None)
    assert [one.gate for one in halfway.receipts if one.receipted_at is None] == ["G05"]
    receipt(world, offline, at=back + 2 * DAY)
    whole = queries.list_removal_receipts(actor=world.guard, face_id=face.id)
    assert (whole.receipted, whole.seconds, whole.why) == (4, 2 * 86_400, "CONSENT_WITHDRAWN")
    assert Consent.objects.filter(withdraws__isnull=False).count() == 1
    with Unchanged():
        actions.withdraw_face(actor=world.guest(stay), number=None, now=back + HOUR)


def test_after_a_withdrawal_the_pass_and_its_code_go_on(world: World) -> None:
    stay, face = enrolled(world)
    actions.withdraw_face(actor=world.guard, number=number_of(stay), evidence="asked at the desk", now=world.now)
    assert not by_face(world, face.id).open
    code = queries.pass_codes(estate_id=world.estate_id, pass_id=face.pass_id, count=1, now=world.now)[0].code
    assert decide(Scan(gate="G01", kind=Kind.CODE, text=code), known(world), world.now).open


def test_p12_a_day_after_its_pass_a_face_expires_by_itself_and_not_before(world: World) -> None:
    _, face = enrolled(world)
    end = Pass.objects.get().end
    assert face.expires_at == end + DAY
    assert actions.remove_due_faces(actor=world.hand, now=end + DAY - MINUTE) == 0
    assert sheets(world, face.id, now=end) == []
    assert actions.remove_due_faces(actor=world.hand, now=end + DAY) == 1
    assert actions.remove_due_faces(actor=world.hand, now=end + DAY) == 0
    assert FaceTemplate.objects.get().removed_why == "EXPIRED"
    assert not Credential.objects.get(kind="FACE").live


def test_a_stay_that_is_extended_keeps_its_face_as_long(world: World) -> None:
    stay, _ = enrolled(world)
    before = Pass.objects.get().end
    stays.extend_booking(
        actor=world.operator, booking_id=stay.booking_id, leave_at=stay.leave_at + 2 * DAY, now=world.now
    )
    assert actions.remove_due_faces(actor=world.hand, now=before + DAY) == 0
    assert FaceTemplate.objects.get().expires_at == Pass.objects.get().end + DAY == before + 3 * DAY


def test_a_yes_taken_back_elsewhere_or_a_credential_taken_back_at_the_desk_removes_the_face_within_the_minute(
    world: World,
) -> None:
    stay, face = enrolled(world)
    person = Stay.objects.get(id=stay.id).person_id
    privacy.withdraw_consent(actor=world.admin, person_id=person, purpose="face_pass", now=world.now)
    assert actions.remove_due_faces(actor=world.hand, now=world.now + MINUTE) == 1
    say_yes(world, stay)
    second = enrol(world, stay, now=world.now + MINUTE)
    credential = Credential.objects.get(kind="FACE", live=True)
    actions.withdraw_credential(actor=world.guard, credential_id=credential.id, reason="asked", now=world.now + MINUTE)
    assert actions.remove_due_faces(actor=world.hand, now=world.now + 2 * MINUTE) == 1
    assert dict(FaceTemplate.objects.values_list("id", "removed_why")) == {
        face.id: "CONSENT_WITHDRAWN",
        second.id: "CREDENTIAL_ENDED",
    }


def test_p12_a_resident_who_moved_out_is_forgotten_by_every_gate(world: World) -> None:
    face = resident(world)
    assert by_face(world, face.id).open
    assert actions.remove_due_faces(actor=world.hand, now=world.now + 30 * DAY) == 0
    leaving = world.now + 31 * DAY
    people.move_out(
        actor=world.office, residency_id=Residency.objects.get().id, moved_out_date=leaving.date(), now=leaving
    )
    assert actions.remove_due_faces(actor=world.hand, now=leaving + DAY) == 1
    assert FaceTemplate.objects.get().removed_why == "MOVED_OUT"


def test_what_is_left_of_a_removed_face_leads_to_nobody_a_day_later(world: World) -> None:
    stay, _ = enrolled(world)
    person = Stay.objects.get(id=stay.id).person_id
    assert export_faces(world.estate_id, person)[0]["removed_at"] is None
    stays.check_out(actor=world.guest(stay), stay_id=stay.id, now=world.now)
    assert erase_faces(world.now + HOUR) == 0
    assert erase_faces(world.now + DAY + HOUR) == 1
    assert FaceTemplate.objects.get().holder_id == ""
    # Gone before the consent it names may go, three years after it was taken back.
    assert erase_faces(world.now + 731 * DAY) == 1
    assert not FaceTemplate.objects.exists()


# --- two at once ---


def at_once(*acts: Callable[[], object]) -> list[object]:
    """All begin together, each on a connection of its own; what each returned, or its refusal."""
    gate = threading.Barrier(len(acts))

    def one(act: Callable[[], object]) -> object:
        gate.wait(PATIENCE)
        try:
            return act()
        except Refusal as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [done.result(PATIENCE) for done in [pool.submit(one, act) for act in acts]]


@pytest.mark.django_db(transaction=True)
def test_of_two_enrolments_at_once_one_face_is_left(transactional_db: None) -> None:
    world = build()
    (stay,) = world.stay(state="IN_HOUSE")
    say_yes(world, stay)
    number = number_of(stay)
    done = at_once(
        lambda: enrol(world, stay),
        lambda: enrol(world, actor=world.guard, number=number, picture=b"another picture"),
    )
    held = FaceTemplate.objects.filter(removed_at__isnull=True)
    assert held.count() == Credential.objects.filter(kind="FACE", live=True).count() == 1
    assert held.get().id in {one.id for one in done if isinstance(one, queries.FaceView)}


@pytest.mark.django_db(transaction=True)
def test_a_face_enrolled_while_its_guest_checks_out_is_not_left_behind(transactional_db: None) -> None:
    world = build()
    for flat in ("home", "dorm", "mixed"):
        (stay,) = world.stay(flat, state="IN_HOUSE")
        say_yes(world, stay)
        asked = actions.begin_face_enrolment(actor=world.guest(stay), number=None, now=world.now)
        facts = {"ticket": asked.ticket, "picture": PICTURE, "turn": TURN, "maker": MAKER, "now": world.now}
        at_once(
            lambda stay=stay, facts=facts: actions.enrol_face(actor=world.guest(stay), **facts),
            lambda stay=stay: stays.check_out(actor=world.guest(stay), stay_id=stay.id, now=world.now),
        )
        assert not FaceTemplate.objects.filter(sealed__isnull=False).exists()
        assert not Credential.objects.filter(live=True).exists()


# --- counting ---


def test_p11_the_persons_with_a_face_are_counted_and_the_clock_runs_from_the_day_the_number_was_reached(
    world: World,
) -> None:
    for flat in ("home", "dorm", "mixed"):
        enrolled(world, flat)
    limits = {"estate_id": world.estate_id, "warn_at": 2}
    full = queries.get_face_holdings(**limits, file_at=3)
    today = local_day(world)
    assert (full.persons, full.duty, full.reached_on) == (3, "file", today)
    assert full.file_by == rules.working_days_after(today, count=30, holidays=())
    assert queries.get_face_holdings(**limits, file_at=4).duty == "warn"
    none = queries.get_face_holdings(estate_id=world.estate_id)
    assert (none.duty, none.warn_at, none.file_at, none.file_by) == ("none", 80_000, 100_000, None)
    day = rules.working_days_after(today, count=5, holidays=())
    actions.set_holidays(actor=world.admin, days=[day], now=world.now)
    assert queries.get_face_holdings(**limits, file_at=3).file_by > full.file_by


def test_the_duty_to_file_stands_though_faces_go_again(world: World) -> None:
    stay, _ = enrolled(world)
    enrolled(world, "dorm")
    stays.check_out(actor=world.guest(stay), stay_id=stay.id, now=world.now + HOUR)
    held = queries.get_face_holdings(estate_id=world.estate_id, warn_at=1, file_at=2)
    assert (held.persons, held.duty) == (1, "file")


# --- that was wrong ---


def passage(world: World, gate: str, sequence: int, *, serial: int | None, opened: bool = True, method: str = "FACE"):
    """A line of a gate's journal, as ingest keeps it."""
    return GateEvent.objects.create(
        estate_id=world.estate_id,
        gate=gate,
        sequence=sequence,
        happened_at=world.now,
        received_at=world.now,
        clock_sure=True,
        method=method,
        direction="in",
        opened=opened,
        reason="OK" if opened else "UNKNOWN",
        serial=serial,
        snapshot_version=1,
        note="",
        prev=b"0" * 32,
        hash=b"1" * 32,
    )


def wrong(world: World, actor: Actor, gate: str, sequence: int | None, kind: str) -> queries.FaceErrorView:
    return actions.report_face_error(
        actor=actor, gate=gate, sequence=sequence, kind=kind, note="  not  me ", now=world.now
    )


def test_that_was_wrong_is_counted_by_gate_between_bounds(world: World) -> None:
    stay, _ = enrolled(world)
    serial = Pass.objects.get().serial
    for sequence in range(1, 11):
        passage(world, "G01", sequence, serial=serial, opened=sequence != 10)
    first = wrong(world, world.guard, "G01", 3, "FALSE_ACCEPT")
    assert wrong(world, world.guard, "G01", 3, "FALSE_ACCEPT") == first
    assert wrong(world, world.guest(stay), "G01", 10, "FALSE_REJECT").told_by == "guest"
    wrong(world, world.guest(stay), "G07", None, "FALSE_REJECT")
    one, seven = queries.list_gate_faces(estate_id=world.estate_id, since=world.now - DAY)
    assert (one.gate, one.opened, one.refused) == ("G01", 9, 1)
    assert (one.false_accepts.reported, one.false_accepts.of) == (1, 9)
    assert (one.false_accepts.at_least, one.false_accepts.at_most) == pytest.approx(rules.wilson(1, 9))
    assert (one.false_rejects.reported, one.false_rejects.of) == (1, 10)
    assert (seven.gate, seven.opened, seven.false_rejects.rate) == ("G07", 0, 1.0)
    assert FaceError.objects.get(id=first.id).note == "not me"


def test_a_gate_is_not_called_wrong_without_end_by_whoever_names_no_passage(world: World) -> None:
    stay, _ = enrolled(world)
    passage(world, "G01", 1, serial=Pass.objects.get().serial)
    for _ in range(GUESTS_ERRORS_AN_HOUR):
        wrong(world, world.guest(stay), "G01", None, "FALSE_REJECT")
    with Unchanged(), pytest.raises(TooManyErrors):
        wrong(world, world.guest(stay), "G01", None, "FALSE_REJECT")
    # Another gate, a guard, a passage that left a line, and the next hour are not spoilt by it.
    wrong(world, world.guest(stay), "G07", None, "FALSE_REJECT")
    wrong(world, world.guard, "G01", None, "FALSE_ACCEPT")
    wrong(world, world.guest(stay), "G01", 1, "FALSE_REJECT")
    world.now += timedelta(minutes=61)
    wrong(world, world.guest(stay), "G01", None, "FALSE_REJECT")
    for _ in range(ERRORS_AN_HOUR):
        wrong(world, world.guard, "G01", None, "FALSE_ACCEPT")
    with Unchanged(), pytest.raises(TooManyErrors):
        wrong(world, world.guard, "G01", None, "FALSE_ACCEPT")


def test_a_guest_calls_only_own_passages_wrong_and_nobody_one_that_was_no_face(world: World) -> None:
    stay, _ = enrolled(world)
    passage(world, "G01", 1, serial=7)
    passage(world, "G01", 2, serial=Pass.objects.get().serial, method="CODE")
    for actor, sequence, refusal in (
        (world.guest(stay), 1, NotFound),
        (world.guest(stay), 2, NotAFacePassage),
        (world.guard, 2, NotAFacePassage),
        (world.guard, 99, NotFound),
        (world.operator, 1, NotAllowed),
        (world.actor(Role.POLICE), 1, NotAllowed),
        (world.link("book_1"), 1, NotAllowed),
    ):
        with Unchanged(), pytest.raises(refusal):
            wrong(world, actor, "G01", sequence, "FALSE_ACCEPT")
    with Unchanged(), pytest.raises(Refusal):
        wrong(world, world.guard, "G99", None, "FALSE_ACCEPT")
    with Unchanged(), pytest.raises(Refusal):
        wrong(world, world.guard, "G01", None, "FALSE_ALARM")


def test_an_evaluation_is_taken_in_once_and_by_the_administrator(world: World) -> None:
    taken = actions.take_face_report(actor=world.admin, report=report(), now=world.now)
    assert (taken.threshold, taken.margin, taken.gallery_cap) == (570, 50, 180)
    with Unchanged():
        assert actions.take_face_report(actor=world.admin, report=report(), now=world.now + HOUR) == taken
    with Unchanged(), pytest.raises(NotAllowed):
        actions.take_face_report(actor=world.guard, report=report(people=99), now=world.now)
    assert queries.list_face_reports(estate_id=world.estate_id) == (taken,)


def test_p10_no_purpose_lets_a_face_leave_the_estate(world: World) -> None:
    held = purposes.get_purpose(estate_id=world.estate_id, code="face_pass")
    assert held.recipients == ()
    source = Path(__file__).parents[3] / "src" / "linli" / "server" / "connectors"
    assert not any(
        "FaceTemplate" in path.read_text() or "face.template" in path.read_text() for path in source.rglob("*.py")
    )


def local_day(world: World) -> date:
    return (world.now + timedelta(hours=8)).date()


def resident(world: World) -> queries.FaceView:
    """A resident enrolled at the desk."""
    form = world.form(world.person())
    assert form.document is not None
    household = HouseholdInput(
        dwelling_id=tree.list_dwelling_codes(estate_id=world.estate_id)[0][1],
        members=(ResidentInput(person=form.person, document=form.document, kind="registered", relation="01"),),
        moved_in_date=local_day(world) - timedelta(days=3),
    )
    people.move_in(actor=world.office, households=[household], now=world.now)
    residency = Residency.objects.get()
    granted = actions.grant_pass(
        actor=world.hand,
        holder_kind="resident",
        holder_id=residency.person_id,
        entrance_id=tree.list_entrances(estate_id=world.estate_id)[0].id,
        period=Period(start=world.now, end=world.now + 300 * DAY),
        origin=Origin(kind="residency", id=residency.id),
        now=world.now,
    )
    consent = FaceConsent(notice_digest=digest_of(world), evidence="signed on the screen")
    actions.consent_to_face(actor=world.guard, number=granted.number, consent=consent, now=world.now)
    return enrol(world, actor=world.guard, number=granted.number)
