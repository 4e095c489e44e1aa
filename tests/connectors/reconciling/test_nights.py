"""A night from the booking to the other side's own books, over real HTTP, and the questions where they differ."""

import json
from dataclasses import replace
from datetime import date, timedelta

import httpx
import pytest

from linli.server.connectors.models import NightCount, Question, Reconciliation, Report
from linli.server.connectors.platforms.lodging import at
from linli.server.connectors.reconciling import actions, command, tasks
from linli.server.connectors.reconciling.rules import NightNotYet
from linli.server.connectors.rules import MessageKind
from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotAllowed
from linli.server.stays import actions as stays
from linli.sim.serving import free_port
from tests.connectors.reconciling.evening import Evening
from tests.world import Unchanged

pytestmark = pytest.mark.django_db


def test_a_night_in_order_is_six_times_the_same_figure_and_asks_nothing(evening: Evening, books: httpx.Client) -> None:
    evening.tell(*evening.arrive(guests=2), *evening.arrive("other"))
    evening.deliver()
    night = evening.lodging()
    figures = (night.booked, night.registered, night.entered, night.reported, night.receipted, night.counted)
    assert figures == (3,) * 6
    assert (night.known, night.silent, night.differences) == (True, 0, 0)
    assert [unit.even for unit in night.units] == [True, True]
    assert evening.questions() == []


def test_counting_twice_changes_nothing_but_the_time(evening: Evening, books: httpx.Client) -> None:
    evening.tell(*evening.arrive(guests=2, start=None)[:1])
    first = evening.count()
    rows = list(Question.objects.order_by("id").values())
    second = evening.count()
    assert list(Question.objects.order_by("id").values()) == rows
    assert replace(second.platforms[0], counted_at=first.platforms[0].counted_at) == first.platforms[0]
    assert Reconciliation.objects.count() == 2


def test_a_platform_that_cannot_be_reached_is_not_known_and_never_zero(evening: Evening, books: httpx.Client) -> None:
    evening.tell(*evening.arrive())
    evening.deliver()
    reachable = evening.platforms
    nobody = at(url=f"http://127.0.0.1:{free_port(host='127.0.0.1')}", token="")
    evening.platforms = {"lodging": nobody}
    night = evening.lodging()
    assert (night.known, night.counted, night.receipted) == (False, None, 1)
    assert set(NightCount.objects.filter(reconciliation__platform="lodging").values_list("counted", flat=True)) == {
        None
    }
    assert evening.questions() == []
    evening.platforms = reachable
    assert evening.lodging().counted == 1


def test_a_question_stands_while_the_other_side_is_silent_and_settles_when_it_speaks(
    evening: Evening, books: httpx.Client
) -> None:
    (guest,) = evening.arrive()
    evening.tell(guest)
    evening.deliver()
    evening.leave(guest, at=evening.at(22))
    evening.count()
    # We say the guest has left before midnight; the platform was not told and still has one.
    assert evening.questions() == [("counted", "office", 0, 1)]
    reachable, evening.platforms = evening.platforms, {"lodging": at(url="", token="")}
    evening.count()
    assert evening.questions() == [("counted", "office", 0, 1)]
    evening.platforms = reachable
    evening.tell(guest, kind=MessageKind.CHECK_OUT, at=evening.at(22))
    evening.deliver()
    evening.count()
    assert evening.questions() == []
    assert evening.questions(state="SETTLED") == [("counted", "office", 0, 1)]


def test_guests_who_were_booked_and_not_registered_are_the_operators_question(
    evening: Evening, books: httpx.Client
) -> None:
    booked = evening.world.book("dorm", guests=2)
    first = evening.world.register(booked).stay
    stays.confirm_by_eye(actor=evening.world.guard, stay_id=first.id, now=evening.world.now)
    first = stays.check_in(actor=evening.world.guard, stay_id=first.id, now=evening.world.now)
    evening.tell(first)
    evening.deliver()
    evening.count()
    assert evening.questions() == [("booked", "operator", 1, 2)]
    (row,) = Question.objects.all()
    assert row.owner == f"operator:{evening.world.operator_id}"
    assert row.due_at == evening.after + timedelta(hours=24)
    second = evening.world.register(booked).stay
    evening.count()
    # Registered now, and not seen coming in: that is another question, and the first has settled itself.
    assert evening.questions() == [("entered", "operator", 1, 2)]
    stays.confirm_by_eye(actor=evening.world.guard, stay_id=second.id, now=evening.world.now)
    second = stays.check_in(actor=evening.world.guard, stay_id=second.id, now=evening.at(23))
    evening.tell(second)
    evening.deliver()
    evening.count()
    assert evening.questions() == []


def test_a_guest_of_whom_nobody_was_told_is_asked_about_at_once(evening: Evening, books: httpx.Client) -> None:
    (guest,) = evening.arrive()
    soon = evening.world.now + timedelta(minutes=1)
    watch = {"actor": evening.world.hand, "platforms": evening.platforms}
    assert actions.ask_about_silence(**watch, since=evening.at(18), now=soon) == 0
    later = evening.world.now + timedelta(minutes=3)
    assert actions.ask_about_silence(**watch, since=evening.at(18), now=later) == 1
    assert evening.questions() == [("silent", "office", 1, 0)]
    assert evening.lodging().silent == 1
    assert evening.questions() == [("silent", "office", 1, 0)]
    evening.tell(guest)
    evening.deliver()
    assert evening.lodging().silent == 0
    assert evening.questions() == []


def test_a_guest_of_the_day_who_is_in_no_night_is_not_forgotten(evening: Evening, books: httpx.Client) -> None:
    (guest,) = evening.arrive()
    evening.leave(guest, at=evening.at(22))
    assert evening.lodging().entered == 0
    assert evening.questions() == [("silent", "office", 1, 0)]


def test_what_has_no_receipt_is_asked_of_whoever_must_mend_it_by_the_term_of_what_is_missing(
    evening: Evening, books: httpx.Client
) -> None:
    (guest,) = evening.arrive()
    evening.tell(guest)
    evening.count()
    assert evening.questions() == [("receipt", "office", 1, 0)]
    report = Report.objects.get(subject_id=guest.id)
    assert Question.objects.get().due_at == report.due_at
    books.post("/faults", json={"reject": 1})
    evening.deliver()
    evening.count()
    assert evening.questions() == [("receipt", "operator", 1, 0)]


def test_other_figures_are_another_question_and_an_old_answer_does_not_close_it(
    evening: Evening, books: httpx.Client
) -> None:
    booked = evening.world.book("dorm", guests=3)
    for _ in range(2):
        evening.world.register(booked)
    evening.count()
    asked = Question.objects.get(kind="booked")
    actions.answer_question(
        actor=evening.world.operator, question_id=asked.id, text="一位客人明天到", now=evening.after
    )
    evening.count()
    asked.refresh_from_db()
    assert (asked.state, asked.ours, asked.theirs) == ("ANSWERED", 2, 3)
    more = evening.world.book("dorm", guests=1)
    evening.count()
    asked.refresh_from_db()
    assert (asked.state, asked.ours, asked.theirs, asked.answer) == ("OPEN", 2, 4, "一位客人明天到")
    for one in (booked, more):
        stays.cancel_booking(
            actor=evening.world.operator, booking_id=one.booking.id, reason="改期", now=evening.world.now
        )
    evening.count()
    asked.refresh_from_db()
    assert asked.state == "SETTLED"
    assert evening.questions() == []


def test_a_night_that_has_not_begun_is_refused_and_nothing_is_written(evening: Evening, books: httpx.Client) -> None:
    with Unchanged(), pytest.raises(NightNotYet):
        evening.count(now=evening.at(21))
    with Unchanged(), pytest.raises(NotAllowed):
        actions.reconcile(actor=evening.world.operator, day=evening.day, platforms=evening.platforms, now=evening.after)


def test_at_four_the_night_is_counted_by_itself_once_again_after_six_and_then_only_while_it_is_uneven(
    evening: Evening, books: httpx.Client
) -> None:
    evening.tell(*evening.arrive())
    evening.deliver()

    def nights(hour: int, minute: int = 0) -> int:
        return tasks.watch_nights(now=evening.at(hour, minute, day=1))

    assert nights(4) == 1
    assert Reconciliation.objects.filter(night_date=evening.day, platform="lodging").exists()
    assert nights(4, 1) == 0
    assert nights(6) == 1
    assert nights(6, 1) == 0
    assert nights(9) == 0
    evening.world.book("other", start=evening.at(20))
    assert evening.lodging().differences == 0
    assert evening.questions() == [("booked", "operator", 0, 1)]
    assert nights(10, 30) == 0
    assert nights(11, 1) == 1


def test_the_command_prints_one_object_and_says_with_its_code_whether_it_ran(
    evening: Evening, books: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    evening.tell(*evening.arrive(guests=2))
    evening.deliver()
    assert command.main(day=evening.day, as_json=True) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    (by_platform,) = told["estates"].values()
    assert told["date"] == evening.day.isoformat()
    assert by_platform["lodging"] == {
        "booked": 2,
        "registered": 2,
        "entered": 2,
        "due": 2,
        "reported": 2,
        "receipted": 2,
        "counted": 2,
        "silent": 0,
        "differences": 0,
        "questions_open": 0,
    }
    assert command.main(day=evening.day, as_json=False) == 0
    assert "lodging: booked 2" in capsys.readouterr().out
    with Unchanged():
        assert command.main(day=date(2199, 1, 1), as_json=True) == 1
    assert "could not be counted" in capsys.readouterr().err


def test_whoever_counts_is_the_office_and_whoever_looks_may_be_the_police(
    evening: Evening, books: httpx.Client
) -> None:
    for role in (Role.POLICE, Role.GUARD, Role.AUDITOR):
        with Unchanged(), pytest.raises(NotAllowed):
            actions.reconcile(
                actor=evening.world.actor(role), day=evening.day, platforms=evening.platforms, now=evening.after
            )
