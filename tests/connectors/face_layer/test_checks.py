"""Is this the holder of this document? Asked after a separate yes, one picture at a time, and never the only way in."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from linli.server.connectors import actions
from linli.server.connectors.face_check import queries, rules
from linli.server.connectors.face_check.queries import FaceCheckAnswer
from linli.server.connectors.face_check.rules import (
    FaceCheckConsentNeeded,
    FaceEvidenceNeeded,
    FaceNotNeeded,
    FaceVerdict,
    GuardianConsentNeeded,
    Heard,
    Outcome,
    OwnConsentNeeded,
    TriesUsedUp,
)
from linli.server.connectors.models import FaceCheck
from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotAllowed, NotFound
from linli.server.kernel.files import NotAPicture, PictureTooLarge
from linli.server.people.actions import DocumentInput
from linli.server.people.models import DocumentCheck
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries as purposes
from linli.server.privacy.actions import NoticeOutdated
from linli.server.stays import actions as stays
from linli.server.stays.actions.identity import RecordOfAnother
from linli.server.stays.models import Stay
from linli.server.stays.queries import StayView
from tests.connectors.face_layer.layers import SAME, Scripted, digest_of, say_yes, show
from tests.sim.face_layer.running import picture
from tests.world import Unchanged, World, guardian

pytestmark = pytest.mark.django_db
NOT_SAME = Heard(verdict=FaceVerdict.NOT_SAME, score=110, receipt="FL2")
UNSURE = Heard(verdict=FaceVerdict.UNSURE, score=560, receipt="FL3")
SILENT = Heard(verdict=FaceVerdict.NO_ANSWER, code="timeout", seconds=4.0)
LOCKED_OUT = Heard(verdict=FaceVerdict.REFUSED, code="locked_out")


def arrival(world: World, who: Any = None, **changes: Any) -> StayView:
    """A guest who typed a document that nobody has seen yet."""
    return world.register(world.book(), who, **changes).stay


def row_of(stay: StayView) -> Stay:
    return Stay.objects.get(id=stay.id)


def disclosed(world: World, stay: StayView) -> list[Any]:
    rows = purposes.list_disclosures(estate_id=world.estate_id, person_id=row_of(stay).person_id)
    return [row for row in rows if row.recipient == rules.RECIPIENT]


def test_the_holder_is_let_in_at_the_highest_level_with_the_check_as_evidence(world: World) -> None:
    stay = arrival(world)
    say_yes(world, stay)
    layer = Scripted()
    answer = show(world, stay, layer)
    assert (answer.outcome, answer.verdict, answer.score, answer.pictures_kept) == ("CONFIRMED", "SAME", 930, 0)
    assert (answer.stay.state, answer.stay.level, answer.stay.decision.row) == ("VERIFIED", 4, 3)
    assert "consent_record" in answer.stay.decision.duties
    assert answer.stay.access_pass is not None
    check = FaceCheck.objects.get()
    assert (check.verdict, check.score, check.receipt, check.asked_by) == ("SAME", 930, "FL1", world.guest(stay).id)
    assert check.answered_at == world.now + timedelta(seconds=0.2)
    proofs = DocumentCheck.objects.filter(document_id=row_of(stay).document_id, level__gt=1)
    assert [(proof.level, proof.method, proof.evidence["check"]) for proof in proofs] == [(4, "face", check.id)]


def test_what_leaves_is_one_document_a_name_and_a_picture_and_stands_in_the_ledger_before(world: World) -> None:
    who = world.person()
    stay = arrival(world, who)
    say_yes(world, stay)
    ledger: list[list[Any]] = []
    layer = Scripted(first=lambda asked: ledger.append(disclosed(world, stay)))
    show(world, stay, layer)
    (asked,) = layer.asked
    assert (asked.document_kind, asked.document_number, asked.name) == (
        who.document_type,
        who.document_number,
        who.native_name,
    )
    ((entered,),) = ledger
    assert entered.message_id == asked.check_id == FaceCheck.objects.get().message_id
    assert set(entered.fields) == {"name", "document_kind", "document_number", "picture"}
    assert who.document_number not in repr(asked)


@pytest.mark.parametrize("heard", [NOT_SAME, UNSURE, SILENT, LOCKED_OUT], ids=lambda heard: heard.verdict)
def test_any_other_answer_changes_nothing_and_names_another_way(world: World, heard: Heard) -> None:
    stay = arrival(world)
    say_yes(world, stay)
    answer = show(world, stay, Scripted(heard=heard))
    assert answer.outcome is rules.OUTCOMES[heard.verdict]
    assert (answer.stay.state, answer.stay.level, answer.stay.decision) == (stay.state, stay.level, stay.decision)
    assert {way.key for way in answer.other_ways} == {"document", "eye", "certificate"}
    assert "another way" in answer.en
    assert "其他方式" in answer.zh
    assert len(disclosed(world, stay)) == 1
    let_in = stays.confirm_by_eye(actor=world.guard, stay_id=stay.id, now=world.now)
    assert let_in.state == "VERIFIED"


def test_the_house_hears_no_accusation(world: World) -> None:
    said = []
    for heard in (NOT_SAME, UNSURE):
        stay = arrival(world) if heard is NOT_SAME else world.register(world.book("dorm")).stay
        say_yes(world, stay, actor=world.guard, evidence="form 12")
        answer = show(world, stay, Scripted(heard=heard), actor=world.guard)
        assert (answer.verdict, answer.score) == (None, None)
        said.append((answer.outcome, answer.zh, answer.en))
    assert said[0] == said[1]
    listed = queries.list_another_way(actor=world.office, now=world.now)
    assert len(listed) == 2
    assert len({(row.zh, row.en) for row in listed}) == 1
    assert queries.list_another_way(actor=world.operator, now=world.now) == listed
    assert queries.list_another_way(actor=world.other_operator, now=world.now) == ()
    stays.confirm_by_eye(actor=world.guard, stay_id=listed[0].stay_id, now=world.now)
    assert len(queries.list_another_way(actor=world.office, now=world.now)) == 1


def test_without_a_yes_nothing_leaves_and_nothing_is_left(world: World) -> None:
    stay, layer = arrival(world), Scripted()
    with Unchanged(), pytest.raises(FaceCheckConsentNeeded):
        show(world, stay, layer)
    with Unchanged(), pytest.raises(FaceCheckConsentNeeded):
        show(world, stay, layer, content=b"not even looked at")
    assert layer.asked == []


@pytest.mark.parametrize("purpose", ["face_pass", "lodging_registration"])
def test_a_yes_to_something_else_is_no_yes_to_this(world: World, purpose: str) -> None:
    stay, layer = arrival(world), Scripted()
    with Unchanged(), pytest.raises(NoticeOutdated):
        say_yes(world, stay, notice_digest=digest_of(world, purpose))
    privacy.give_consent(
        actor=world.guest(stay),
        person_id=row_of(stay).person_id,
        given_by=row_of(stay).person_id,
        purpose=purpose,
        notice_digest=digest_of(world, purpose),
        channel="phone",
        now=world.now,
    )
    with Unchanged(), pytest.raises(FaceCheckConsentNeeded):
        show(world, stay, layer)
    assert layer.asked == []


def test_a_yes_taken_back_is_no_yes(world: World) -> None:
    stay, layer = arrival(world), Scripted()
    assert say_yes(world, stay).consented_at == world.now
    taken = actions.withdraw_face_check_consent(actor=world.guest(stay), stay_id=stay.id, now=world.now)
    assert taken.consented_at is None
    with Unchanged(), pytest.raises(FaceCheckConsentNeeded):
        show(world, stay, layer)
    assert layer.asked == []
    with Unchanged():
        actions.withdraw_face_check_consent(actor=world.guest(stay), stay_id=stay.id, now=world.now)


def test_a_yes_taken_back_while_the_picture_is_away_makes_the_answer_count_for_nothing(world: World) -> None:
    stay = arrival(world)
    say_yes(world, stay)

    def take_back(asked: object) -> None:
        actions.withdraw_face_check_consent(actor=world.guest(stay), stay_id=stay.id, now=world.now)

    answer = show(world, stay, Scripted(first=take_back))
    assert (answer.outcome, answer.stay.level, answer.stay.state) == ("ANOTHER_WAY", stay.level, "REGISTERED")
    assert FaceCheck.objects.get().code == "consent_withdrawn"


def test_for_a_child_only_the_guardian_says_yes_and_only_at_the_desk(world: World) -> None:
    booked = world.book(guests=2)
    parent = world.register(booked).stay
    child = world.register(booked, world.minor(8), guardian=guardian(stay_id=parent.id)).stay
    layer = Scripted()
    state = queries.get_face_check_state(actor=world.guest(child), stay_id=child.id, now=world.now)
    assert state.speaker == "guardian"
    for actor, more in (
        (world.guest(child), {}),
        (world.guest(child), {"guardian": True}),
        (world.guard, {"evidence": "form 1"}),
    ):
        with Unchanged(), pytest.raises(GuardianConsentNeeded):
            say_yes(world, child, actor=actor, **more)
    with Unchanged(), pytest.raises(GuardianConsentNeeded):
        show(world, child, layer)
    with Unchanged(), pytest.raises(FaceEvidenceNeeded):
        say_yes(world, child, actor=world.guard, guardian=True)
    stranger = world.register(world.book("dorm")).stay
    with Unchanged(), pytest.raises(NotFound):
        say_yes(world, child, actor=world.guard, guardian=True, guardian_stay_id=stranger.id, evidence="form 1")
    assert layer.asked == []
    say_yes(world, child, actor=world.guard, guardian=True, guardian_stay_id=parent.id, evidence="form 1")
    consent = purposes.find_consent(estate_id=world.estate_id, person_id=row_of(child).person_id, purpose=rules.PURPOSE)
    assert consent is not None
    assert consent.given_by == f"guardian:{row_of(parent).person_id}"
    assert show(world, child, layer).outcome == "CONFIRMED"


def test_from_fourteen_on_everybody_speaks_for_themselves(world: World) -> None:
    booked = world.book(guests=2)
    parent = world.register(booked).stay
    young = world.register(booked, world.minor(15), guardian=guardian(stay_id=parent.id)).stay
    with Unchanged(), pytest.raises(OwnConsentNeeded):
        say_yes(world, young, actor=world.guard, guardian=True, guardian_stay_id=parent.id, evidence="form 1")
    say_yes(world, young)
    assert show(world, young, Scripted()).stay.level == 4


def test_a_guardians_yes_ends_with_the_fourteenth_birthday(world: World) -> None:
    who = world.minor(13)
    stay = arrival(world, who, guardian=guardian())
    say_yes(world, stay, actor=world.guard, guardian=True, on_paper=True, evidence="form 9")
    later = replace(world, now=world.now + timedelta(days=400))
    layer = Scripted()
    with pytest.raises(FaceCheckConsentNeeded):
        show(later, stay, layer)
    say_yes(later, stay)
    show(later, stay, layer)
    assert len(layer.asked) == 1


def test_five_pictures_a_day_and_then_another_way(world: World) -> None:
    stay = arrival(world)
    say_yes(world, stay)
    layer = Scripted(heard=UNSURE)
    left = [show(world, stay, layer).tries_left for _ in range(rules.MOST_TRIES)]
    assert left == [4, 3, 2, 1, 0]
    with Unchanged(), pytest.raises(TriesUsedUp):
        show(world, stay, layer)
    assert len(layer.asked) == rules.MOST_TRIES
    assert stays.confirm_by_eye(actor=world.guard, stay_id=stay.id, now=world.now).state == "VERIFIED"


def test_a_layer_that_nobody_reached_costs_no_try(world: World) -> None:
    stay = arrival(world)
    say_yes(world, stay)
    answer = show(world, stay, Scripted(heard=Heard(verdict=FaceVerdict.NO_ANSWER, code="unreachable")))
    assert (answer.outcome, answer.tries_left) == ("NOT_AVAILABLE", rules.MOST_TRIES)
    assert len(disclosed(world, stay)) == 1


def not_sent(world: World, stay: StayView, layer: Scripted) -> FaceCheckAnswer:
    answer = show(world, stay, layer)
    assert (answer.outcome, answer.check_id, layer.asked) == (Outcome.NOT_AVAILABLE, None, [])
    assert answer.other_ways
    assert not FaceCheck.objects.exists()
    assert disclosed(world, stay) == []
    return answer


def test_a_dead_layer_is_not_asked_and_nothing_is_entered(world: World) -> None:
    stay = arrival(world)
    say_yes(world, stay)
    not_sent(world, stay, Scripted(free=False))


def test_the_switch_stops_every_picture_until_it_is_turned_again(world: World) -> None:
    stay, layer = arrival(world), Scripted()
    say_yes(world, stay)
    actions.pause_link(actor=world.admin, platform=rules.PLATFORM, reason="a drill", now=world.now)
    not_sent(world, stay, layer)
    assert not queries.get_face_check_state(actor=world.guest(stay), stay_id=stay.id, now=world.now).available
    actions.resume_link(actor=world.admin, platform=rules.PLATFORM, now=world.now)
    assert show(world, stay, layer).outcome == "CONFIRMED"


def test_no_picture_is_asked_for_where_none_is_needed(world: World) -> None:
    stay, layer = arrival(world), Scripted()
    say_yes(world, stay)
    stays.confirm_by_eye(actor=world.guard, stay_id=stay.id, now=world.now)
    with Unchanged(), pytest.raises(FaceNotNeeded):
        show(world, stay, layer)
    assert not queries.get_face_check_state(actor=world.guest(stay), stay_id=stay.id, now=world.now).needed
    assert layer.asked == []


def test_only_the_guest_and_whoever_helps_at_the_door_may_ask(world: World) -> None:
    stay, layer = arrival(world), Scripted(heard=UNSURE)
    other = world.register(world.book("dorm")).stay
    say_yes(world, stay)
    for actor in (
        world.guest(other),
        world.other_operator,
        world.actor(Role.POLICE),
        world.actor(Role.PROPERTY),
        world.actor(Role.AUDITOR),
    ):
        with Unchanged(), pytest.raises(NotAllowed):
            show(world, stay, layer, actor=actor)
    for actor in (world.guard, world.office, world.operator):
        assert show(world, stay, layer, actor=actor).outcome == "ANOTHER_WAY"
    assert len(layer.asked) == 3


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", NotAPicture),
        (b"GIF89a" + b"\0" * 60, NotAPicture),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 60, NotAPicture),
        (picture(size=(6000, 3000), kind="PNG"), PictureTooLarge),
    ],
)
def test_what_is_no_picture_is_refused_and_nothing_leaves(
    world: World, content: bytes, refusal: type[Exception]
) -> None:
    stay, layer = arrival(world), Scripted()
    say_yes(world, stay)
    with Unchanged(), pytest.raises(refusal):
        show(world, stay, layer, content=content)
    assert layer.asked == []


def test_another_document_meanwhile_makes_the_answer_count_for_nothing(world: World) -> None:
    stay = arrival(world)
    other = world.register(world.book("dorm")).stay
    say_yes(world, stay)

    def change(asked: object) -> None:
        Stay.objects.filter(id=stay.id).update(document_id=row_of(other).document_id)

    with pytest.raises(RecordOfAnother):
        show(world, stay, Scripted(first=change))
    check = FaceCheck.objects.get()
    assert (check.verdict, check.code) == ("SAME", "record_of_another")
    assert world.see(stay).level < 2


def test_a_server_that_dies_while_it_waits_leaves_the_truth(world: World) -> None:
    stay = arrival(world)
    say_yes(world, stay)

    def die(asked: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        show(world, stay, Scripted(first=die))
    check = FaceCheck.objects.get()
    assert (check.verdict, check.answered_at, check.score) == ("NO_ANSWER", None, None)
    assert len(disclosed(world, stay)) == 1
    assert show(world, stay, Scripted(heard=SAME)).outcome == "CONFIRMED"


def test_a_guest_who_refuses_gets_in_by_each_other_way(world: World) -> None:
    refuser = arrival(world)
    state = queries.get_face_check_state(actor=world.guest(refuser), stay_id=refuser.id, now=world.now)
    assert state.consented_at is None
    assert {way.key for way in state.other_ways} == {"document", "eye", "certificate"}
    assert stays.confirm_by_eye(actor=world.operator, stay_id=refuser.id, now=world.now).state == "VERIFIED"
    reader = world.bench_reader()
    who = world.person()
    shown = world.register(world.book("dorm"), who).stay
    record = reader.read(person=who, now=world.now)
    admitted = stays.accept_reader_record(
        actor=world.guard,
        stay_id=shown.id,
        record=record.record,
        signature=record.signature,
        reader_id=record.reader_id,
        now=world.now,
    )
    assert admitted.state == "VERIFIED"
    paper = DocumentInput(
        kind="police_certificate",
        number="保和2026000123",
        issued_by="保和派出所",
        valid_until=(world.now + timedelta(days=1)).date(),
    )
    certified = world.register(world.book("other"), document=paper).stay
    let_in = stays.confirm_by_eye(actor=world.guard, stay_id=certified.id, now=world.now)
    assert (let_in.state, let_in.decision.row) == ("VERIFIED", 4)
    assert not FaceCheck.objects.exists()
    assert disclosed(world, refuser) == []
