"""The rules of reporting: what an answer means, when something is due, who must act, and what may never leave."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linli.server.connectors.rules import (
    LEAVE_DOUBT,
    LONGEST_PAUSE,
    NONSENSE_AT_MOST,
    OFFICE,
    PENDING_AT_MOST,
    STUCK,
    TERMS,
    WORDS,
    NothingToReplay,
    Reason,
    ReportState,
    Standing,
    StillBehind,
    Verdict,
    check_replay,
    fields_not_allowed,
    owner_of,
    pause_after,
    shown_state,
    step_after,
)

NOW = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
FRESH = Standing(failures=0, nonsense=0, pending_since=None)
STANDINGS = st.builds(
    Standing,
    failures=st.integers(0, 500),
    nonsense=st.integers(0, NONSENSE_AT_MOST),
    pending_since=st.none()
    | st.datetimes(datetime(2026, 1, 1), datetime(2026, 6, 1)).map(lambda t: t.replace(tzinfo=UTC)),
)


@given(verdict=st.sampled_from(Verdict), standing=STANDINGS, luck=st.floats(0, 1))
def test_every_answer_leads_to_one_named_state(verdict: Verdict, standing: Standing, luck: float) -> None:
    step = step_after(verdict=verdict, standing=standing, luck=luck, now=NOW)
    assert step.state in ReportState
    assert step.state is not ReportState.SENDING
    assert (step.state in STUCK) <= (step.reason in WORDS)
    assert timedelta(0) <= step.pause <= LONGEST_PAUSE


@given(standing=STANDINGS, luck=st.floats(0, 1))
def test_only_a_receipt_makes_a_report_accepted(standing: Standing, luck: float) -> None:
    accepted = {
        verdict
        for verdict in Verdict
        if step_after(verdict=verdict, standing=standing, luck=luck, now=NOW).state is ReportState.ACCEPTED
    }
    assert accepted == {Verdict.ACCEPTED}


@pytest.mark.parametrize("verdict", sorted(LEAVE_DOUBT))
def test_after_an_answer_that_may_have_been_lost_the_platform_is_asked_first(verdict: Verdict) -> None:
    assert step_after(verdict=verdict, standing=FRESH, luck=0.5, now=NOW).in_doubt


def test_what_was_never_heard_of_is_sent_at_once() -> None:
    step = step_after(verdict=Verdict.UNHEARD_OF, standing=FRESH, luck=0.5, now=NOW)
    assert (step.state, step.in_doubt, step.pause) == (ReportState.QUEUED, False, timedelta(0))


def test_a_refusal_of_content_waits_for_the_operator_and_a_refusal_of_form_for_the_office() -> None:
    refused = step_after(verdict=Verdict.REJECTED, standing=FRESH, luck=0.5, now=NOW)
    assert (refused.state, owner_of(reason=refused.reason, operator_id="op_1")) == (
        ReportState.REJECTED,
        "operator:op_1",
    )
    unread = step_after(verdict=Verdict.NOT_A_MESSAGE, standing=FRESH, luck=0.5, now=NOW)
    assert (unread.state, owner_of(reason=unread.reason, operator_id="op_1")) == (ReportState.PARKED, OFFICE)


def test_nonsense_is_tried_again_and_then_set_aside() -> None:
    once = step_after(verdict=Verdict.NONSENSE, standing=FRESH, luck=0.5, now=NOW)
    assert (once.state, once.reason) == (ReportState.QUEUED, Reason.NONSENSE)
    often = Standing(failures=7, nonsense=NONSENSE_AT_MOST - 1, pending_since=None)
    last = step_after(verdict=Verdict.NONSENSE, standing=often, luck=0.5, now=NOW)
    assert (last.state, last.reason, last.in_doubt) == (ReportState.PARKED, Reason.NONSENSE, True)


def test_what_the_platform_keeps_pending_for_a_day_is_set_aside() -> None:
    young = Standing(failures=0, nonsense=0, pending_since=NOW - timedelta(hours=1))
    old = Standing(failures=0, nonsense=0, pending_since=NOW - PENDING_AT_MOST)
    assert step_after(verdict=Verdict.PENDING, standing=young, luck=0.5, now=NOW).state is ReportState.PENDING
    assert step_after(verdict=Verdict.PENDING, standing=old, luck=0.5, now=NOW).reason is Reason.PENDING_TOO_LONG


def test_a_failed_question_does_not_make_a_pending_report_a_queued_one() -> None:
    pending = Standing(failures=2, nonsense=0, pending_since=NOW)
    for verdict in (Verdict.NO_ANSWER, Verdict.BUSY, Verdict.UNREACHABLE, Verdict.NONSENSE):
        assert step_after(verdict=verdict, standing=pending, luck=0.5, now=NOW).state is ReportState.PENDING


@given(failures=st.integers(0, 10_000), luck=st.floats(0, 1))
def test_pauses_grow_to_a_bound_and_differ_between_two_that_failed_together(failures: int, luck: float) -> None:
    assert timedelta(milliseconds=500) <= pause_after(failures=failures, luck=luck) <= LONGEST_PAUSE
    assert pause_after(failures=failures, luck=0.0) > pause_after(failures=failures, luck=1.0)
    assert pause_after(failures=failures + 1, luck=luck) >= pause_after(failures=failures, luck=luck)


def test_a_foreign_guest_is_due_within_a_day_of_the_actual_arrival_and_a_mainland_one_within_three_hours() -> None:
    assert TERMS["foreign"].due_after == timedelta(hours=24)
    assert (TERMS["mainland"].alarm_after, TERMS["mainland"].due_after) == (timedelta(minutes=30), timedelta(hours=3))
    assert all(terms.source and terms.alarm_after < terms.due_after for terms in TERMS.values())


@pytest.mark.parametrize(
    ("states", "shown"),
    [
        ([], None),
        (["ACCEPTED"], "ACCEPTED"),
        (["ACCEPTED", "SENDING"], "QUEUED"),
        (["ACCEPTED", "PENDING", "QUEUED"], "PENDING"),
        (["REJECTED", "PARKED"], "REJECTED"),
        (["ACCEPTED", "ACCEPTED"], "ACCEPTED"),
    ],
)
def test_a_stay_shows_its_oldest_unfinished_report(states: list[str], shown: str | None) -> None:
    assert shown_state(ReportState(state) for state in states) == shown


def test_only_what_waits_for_a_person_can_be_sent_again() -> None:
    check_replay(state=ReportState.REJECTED, reason=Reason.REFUSED_BY_PLATFORM)
    check_replay(state=ReportState.PARKED, reason=Reason.NONSENSE)
    for state in set(ReportState) - set(STUCK):
        with pytest.raises(NothingToReplay):
            check_replay(state=state, reason=Reason.NONE)
    with pytest.raises(StillBehind):
        check_replay(state=ReportState.PARKED, reason=Reason.BEHIND_ANOTHER)


def test_a_field_outside_the_whitelist_is_named() -> None:
    assert fields_not_allowed(fields=["xm", "mz", "zzmm"], allowed=frozenset({"xm"})) == ("mz", "zzmm")


def test_every_reason_has_words_in_both_languages() -> None:
    assert set(WORDS) == set(Reason) - {Reason.NONE}
    assert all(zh and en for zh, en in WORDS.values())
