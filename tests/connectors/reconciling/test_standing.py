"""Every stay stands in exactly one named state with every platform, whatever became of its messages."""

from types import MappingProxyType

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linli.server.connectors.reconciling import standing
from linli.server.connectors.reconciling.standing import WORDS, Standing, StandingView, standing_of
from linli.server.connectors.rules import STUCK, MessageKind, Reason, ReportState
from linli.server.kernel.errors import NotAllowed
from tests.connectors.reconciling.evening import Evening

reports = st.lists(st.tuples(st.sampled_from(ReportState), st.sampled_from(Reason)), max_size=6)


@given(st.booleans(), st.booleans(), reports)
def test_there_is_always_exactly_one_state_and_words_for_it(
    wanted: bool, came_in: bool, told: list[tuple[ReportState, Reason]]
) -> None:
    state, place = standing_of(wanted=wanted, came_in=came_in, reports=told)
    assert all(WORDS[state])
    assert (place is None) == (not told)
    if told:
        assert state not in (Standing.NOT_DUE, Standing.NOT_WANTED, Standing.SILENT)
    else:
        assert state in (Standing.NOT_DUE, Standing.NOT_WANTED, Standing.SILENT)


@given(reports)
def test_it_is_fine_only_when_every_message_has_its_receipt(told: list[tuple[ReportState, Reason]]) -> None:
    state, _ = standing_of(wanted=True, came_in=True, reports=told)
    fine = bool(told) and all(one is ReportState.ACCEPTED for one, _ in told)
    assert (state is Standing.ACCEPTED) == fine


@pytest.mark.parametrize("state", list(ReportState))
def test_the_first_message_without_a_receipt_speaks_for_the_stay(state: ReportState) -> None:
    done = (ReportState.ACCEPTED, Reason.NONE)
    found, place = standing_of(wanted=True, came_in=True, reports=[done, (state, Reason.NONE), done])
    assert found.value == state.value
    assert place == (2 if state is ReportState.ACCEPTED else 1)


def test_a_guest_who_did_not_consent_is_not_stuck() -> None:
    for state in STUCK:
        found, _ = standing_of(wanted=True, came_in=True, reports=[(state, Reason.NO_CONSENT)])
        assert found is (Standing.NO_CONSENT if state is ReportState.PARKED else Standing.REJECTED)


def one(evening: Evening, stay_id: str) -> StandingView:
    """Where a stay stands with the lodging platform, as its guest sees it."""
    (view,) = standing.list_standings(
        actor=evening.world.guest(stay_id), stay_id=stay_id, platforms=evening.platforms, now=evening.after
    )
    return view


@pytest.mark.django_db
def test_a_stay_goes_through_named_states_from_registration_to_receipt(evening: Evening, books: httpx.Client) -> None:
    (waiting,) = evening.world.stay("other")
    assert one(evening, waiting.id).state == "NOT_DUE"
    (guest,) = evening.arrive()
    silent = one(evening, guest.id)
    assert (silent.state, silent.overdue, silent.since) == ("SILENT", True, guest.checked_in_at)
    evening.tell(guest)
    queued = one(evening, guest.id)
    assert (queued.state, queued.receipt) == ("QUEUED", None)
    evening.deliver()
    done = one(evening, guest.id)
    assert (done.state, done.overdue, bool(done.receipt)) == ("ACCEPTED", False, True)


@pytest.mark.django_db
def test_what_the_platform_refused_says_why_and_for_whom(evening: Evening, books: httpx.Client) -> None:
    (guest,) = evening.arrive()
    evening.tell(guest)
    books.post("/faults", json={"reject": 1})
    evening.deliver()
    refused = one(evening, guest.id)
    assert refused.state == "REJECTED"
    assert refused.owner == f"operator:{evening.world.operator_id}"
    assert "退回" in refused.says.zh


@pytest.mark.django_db
def test_a_platform_that_is_not_told_of_arrivals_wants_nothing(evening: Evening) -> None:
    class Deaf:
        """A platform that is told of doors alone."""

        name = "viid"

        def wants(self, kind: MessageKind) -> bool:
            return kind is MessageKind.DOOR

    (guest,) = evening.arrive()
    evening.platforms = MappingProxyType({"viid": Deaf()})  # type: ignore[dict-item]
    view = one(evening, guest.id)
    assert (view.state, view.since, view.due_at, view.overdue) == ("NOT_WANTED", None, None, False)


@pytest.mark.django_db
def test_another_operator_does_not_see_where_a_stay_stands(evening: Evening) -> None:
    (guest,) = evening.arrive()
    with pytest.raises(NotAllowed):
        standing.list_standings(
            actor=evening.world.other_operator, stay_id=guest.id, platforms=evening.platforms, now=evening.after
        )
