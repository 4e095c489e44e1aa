"""Who is a guest of a night, what equality means, how a difference is asked about: without a database and without a clock."""

import sqlite3
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linli.server.connectors.reconciling import rules
from linli.server.connectors.reconciling.rules import (
    Entry,
    Figures,
    NightNotYet,
    QuestionKind,
    Sleeper,
    Told,
)
from linli.server.kernel.errors import BadField
from linli.sim.platforms import lodging_registers

ZONE = "Asia/Shanghai"
DAY = date(2026, 6, 1)
NIGHT = rules.night_of(DAY, zone=ZONE)
LOCAL = ZoneInfo(ZONE)


def at(hour: int, minute: int = 0, *, day: int = 1, second: int = 0) -> datetime:
    """A time of June 2026 by the estate's clock."""
    return datetime(2026, 6, day, hour, minute, second, tzinfo=LOCAL)


def sleeper(stay_id: str = "s1", **changes: object) -> Sleeper:
    """A guest who came in the evening for one night."""
    facts: dict[str, object] = {
        "stay_id": stay_id,
        "unit_id": "u1",
        "booking_id": "b1",
        "arrive_at": at(15),
        "leave_at": at(12, day=2),
        "came_at": at(19),
        "left_at": None,
    }
    return Sleeper(**{**facts, **changes})  # type: ignore[arg-type]


def told(*, receipted: bool = True, withheld: bool = False, owner: str = "office", due: datetime | None = None) -> Told:
    """Where one report stands."""
    return Told(receipted=receipted, withheld=withheld, owner=owner, due_at=due or at(22))


def entry(origin: str = "s1", *, kind: str = "stay", holder: str = "p1", when: datetime | None = None) -> Entry:
    """Somebody was let in."""
    return Entry(
        origin_kind=kind, origin_id=origin, holder_id=holder, unit_id="u1", last_at=when or at(19), own=holder == "p1"
    )


def test_a_night_is_named_by_its_evening_and_lasts_from_midnight_to_six() -> None:
    assert NIGHT.begins == at(0, day=2)
    assert NIGHT.ends == at(6, day=2)
    assert NIGHT.evening == at(18)


@pytest.mark.parametrize(
    ("came_at", "left_at", "counts"),
    [
        (at(19), None, True),
        (at(19), at(0, day=2), False),  # gone at midnight
        (at(19), at(0, 0, day=2, second=59), False),  # in whole minutes, as the platform is told
        (at(19), at(0, 1, day=2), True),
        (at(5, 59, day=2, second=59), None, True),
        (at(6, 0, day=2), None, False),
        (at(10), at(16), False),  # by day only
        (at(3, day=2), at(4, day=2), True),
        (None, None, False),
    ],
)
def test_a_guest_of_the_night_was_in_the_house_between_midnight_and_six(
    came_at: datetime | None, left_at: datetime | None, counts: bool
) -> None:
    assert rules.slept(came_at=came_at, left_at=left_at, night=NIGHT) is counts


moments = st.datetimes(min_value=datetime(2026, 5, 29), max_value=datetime(2026, 6, 5)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)
presences = st.tuples(moments, st.none() | st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=4)))


@given(st.lists(presences, max_size=12), st.dates(min_value=date(2026, 5, 29), max_value=date(2026, 6, 5)))
def test_both_sides_count_the_same_guests_by_the_same_sentence(
    stays: list[tuple[datetime, timedelta | None]], day: date
) -> None:
    night = rules.night_of(day, zone=ZONE)
    books = sqlite3.connect(":memory:")
    books.execute("CREATE TABLE stay (lgdm TEXT, state TEXT, rzsj TEXT, tfsj TEXT)")
    for came_at, lasted in stays:
        left_at = None if lasted is None else came_at + lasted
        reported = [
            None if moment is None else f"{moment.astimezone(LOCAL):%Y%m%d%H%M}" for moment in (came_at, left_at)
        ]
        books.execute("INSERT INTO stay VALUES ('U1', ?, ?, ?)", ("OUT" if left_at else "IN", *reported))
    ours = sum(
        rules.slept(came_at=came_at, left_at=None if lasted is None else came_at + lasted, night=night)
        for came_at, lasted in stays
    )
    assert lodging_registers.count_night(db=books, night=day).get("U1", 0) == ours


@given(moments)
def test_every_moment_belongs_to_one_evening_and_its_night_is_not_over(moment: datetime) -> None:
    evening = rules.evening_of(moment, zone=ZONE)
    assert moment < rules.night_of(evening, zone=ZONE).ends
    assert moment >= rules.night_of(evening - timedelta(days=1), zone=ZONE).ends


@pytest.mark.parametrize(("hour", "newest"), [(3, date(2026, 5, 31)), (4, DAY), (23, DAY)])
def test_from_four_in_the_morning_the_night_before_is_counted(hour: int, newest: date) -> None:
    assert rules.last_night(now=at(hour, day=2), zone=ZONE) == newest


def test_a_night_that_has_not_begun_cannot_be_counted() -> None:
    with pytest.raises(NightNotYet):
        rules.check_begun(NIGHT, now=at(23, 59))
    rules.check_begun(NIGHT, now=at(0, day=2))
    with pytest.raises(BadField):
        rules.night_of(date(9999, 12, 31), zone=ZONE)


def figures(guests: list[Sleeper], *, reports: dict[str, Told] | None = None, **rest: object) -> Figures:
    """The flat's night."""
    known = {guest.stay_id: told() for guest in guests} if reports is None else reports
    expected = rest.pop("expected", {"b1": len(guests)})
    return rules.figures_of(expected=expected, guests=guests, told=known, night=NIGHT, **rest)  # type: ignore[arg-type]


def test_an_even_night_asks_nothing() -> None:
    night = figures([sleeper("s1"), sleeper("s2")], counted=2)
    assert (night.booked, night.registered, night.entered, night.reported, night.receipted, night.counted) == (2,) * 6
    assert rules.differences(night) == ()


def test_who_left_before_the_night_and_who_never_came_is_expected_no_more() -> None:
    gone, never = sleeper("s1", left_at=at(20)), sleeper("s2", came_at=None, called_off=True)
    night = figures([gone, never, sleeper("s3")], counted=1)
    assert (night.booked, night.registered, night.entered) == (1, 1, 1)
    assert rules.differences(night) == ()


def test_a_guest_of_another_booking_who_is_called_off_takes_nothing_from_this_one() -> None:
    never = sleeper("s2", booking_id="cancelled", came_at=None, called_off=True)
    assert figures([sleeper("s1"), never], expected={"b1": 1}).booked == 1


def kinds(night: Figures) -> list[QuestionKind]:
    """Between which figures the differences lie."""
    return [gap.kind for gap in rules.differences(night)]


def test_each_cause_is_one_difference() -> None:
    two = [sleeper("s1"), sleeper("s2")]
    assert kinds(figures(two, expected={"b1": 3})) == [QuestionKind.BOOKED]
    assert kinds(figures([sleeper("s1"), sleeper("s2", came_at=None)])) == [QuestionKind.ENTERED]
    assert kinds(figures(two, reports={"s1": told()})) == [QuestionKind.SILENT]
    assert kinds(figures(two, reports={"s1": told(), "s2": told(receipted=False)}, counted=1)) == [QuestionKind.RECEIPT]
    assert kinds(figures(two, counted=1)) == [QuestionKind.COUNTED]
    assert kinds(figures(two, strangers=1)) == [QuestionKind.GATE]


def test_a_figure_that_is_not_known_is_not_zero() -> None:
    assert rules.differences(figures([sleeper()], counted=None)) == ()
    assert kinds(figures([sleeper()], counted=0)) == [QuestionKind.COUNTED]


def test_who_may_not_be_told_of_is_not_missed() -> None:
    night = figures([sleeper("s1"), sleeper("s2")], reports={"s1": told(), "s2": told(receipted=False, withheld=True)})
    assert (night.entered, night.due, night.receipted, night.silent) == (2, 1, 1, 0)
    assert rules.differences(night) == ()


@given(
    st.lists(
        st.tuples(presences, st.booleans(), st.sampled_from(["none", "waiting", "accepted", "withheld"])), max_size=8
    ),
    st.integers(min_value=0, max_value=9),
    st.none() | st.integers(min_value=0, max_value=9),
)
def test_the_chain_only_narrows_and_is_even_exactly_when_nothing_is_asked(
    stays: list[tuple[tuple[datetime, timedelta | None], bool, str]], expected: int, counted: int | None
) -> None:
    guests, reports = [], {}
    for number, ((came_at, lasted), called_off, report) in enumerate(stays):
        left_at = None if lasted is None else came_at + lasted
        guests.append(sleeper(f"s{number}", came_at=came_at, left_at=left_at, called_off=called_off))
        if report != "none":
            reports[f"s{number}"] = told(receipted=report == "accepted", withheld=report == "withheld")
    night = figures(guests, reports=reports, expected={"b1": expected}, counted=counted)
    assert night.registered >= night.entered >= night.due >= night.reported >= night.receipted >= 0
    house = {night.booked, night.registered, night.entered}
    platform = {night.due, night.reported, night.receipted, night.receipted if counted is None else counted}
    assert (len(house) == 1 and len(platform) == 1) == (rules.differences(night) == ())


def strangers(entries: list[Entry], guests: list[Sleeper]) -> int:
    """Who was let in besides the guests of the night."""
    return rules.count_strangers(entries=entries, guests=guests, night=NIGHT)


def test_a_guest_is_one_person_however_often_they_go_in_and_out() -> None:
    assert strangers([entry(when=at(23))], [sleeper()]) == 0


def test_a_second_holder_on_a_guests_account_is_somebody_else() -> None:
    assert strangers([entry(holder="p1"), entry(holder="p2")], [sleeper()]) == 1


def test_who_came_back_after_checking_out_is_somebody_and_who_just_left_is_nobody() -> None:
    gone = sleeper(left_at=at(20))
    assert strangers([entry(when=at(23))], [gone]) == 1
    assert strangers([entry(when=at(19))], [gone]) == 0


def test_a_visitor_of_the_evening_has_gone_home_and_one_of_the_night_has_not() -> None:
    assert strangers([entry("v1", kind="visit", when=at(21))], [sleeper()]) == 0
    assert strangers([entry("v1", kind="visit", when=at(1, day=2))], [sleeper()]) == 1


def test_guests_are_the_operators_and_links_the_offices() -> None:
    mine, ours = told(receipted=False, owner="operator:o1"), told(receipted=False)
    for kind in (QuestionKind.BOOKED, QuestionKind.ENTERED, QuestionKind.GATE):
        assert rules.owner_of(kind=kind, operator_id="o1", stuck=[]) == "operator:o1"
    for kind in (QuestionKind.SILENT, QuestionKind.COUNTED):
        assert rules.owner_of(kind=kind, operator_id="o1", stuck=[mine]) == "office"
    assert rules.owner_of(kind=QuestionKind.RECEIPT, operator_id="o1", stuck=[mine, told()]) == "operator:o1"
    assert rules.owner_of(kind=QuestionKind.RECEIPT, operator_id="o1", stuck=[mine, ours]) == "office"


def test_the_clock_of_a_receipt_is_the_first_term_of_what_is_missing() -> None:
    late, later = told(receipted=False, due=at(22)), told(receipted=False, due=at(23))
    now = at(4, day=2)
    missing = [later, late, told(due=at(1))]
    assert rules.due_at(kind=QuestionKind.RECEIPT, stuck=missing, night=NIGHT, now=now) == at(22)
    assert rules.due_at(kind=QuestionKind.BOOKED, stuck=[], night=NIGHT, now=now) == at(6, day=3)
    assert rules.due_at(kind=QuestionKind.SILENT, stuck=[], night=NIGHT, now=now) == now


def test_a_night_is_counted_again_once_over_and_while_it_is_uneven_or_unknown() -> None:
    def again(counted: datetime, now: datetime, *, known: bool | None = True, uneven: bool = False) -> bool:
        return rules.is_to_be_counted_again(counted_at=counted, known=known, uneven=uneven, night=NIGHT, now=now)

    early, after = at(4, day=2), at(7, day=2)
    assert not again(early, at(5, day=2))
    assert again(early, at(6, day=2))
    assert not again(after, at(12, day=2))
    assert again(after, at(12, day=2), uneven=True)
    assert again(after, at(7, 10, day=2), known=False)
    assert not again(after, at(7, 9, day=2), known=False)
    assert not again(after, at(12, day=2), known=None)
    assert not again(after, at(7, day=10), uneven=True, known=False)


@pytest.mark.parametrize("kind", list(QuestionKind))
def test_a_difference_is_asked_in_both_languages_and_accuses_nobody(kind: QuestionKind) -> None:
    zh, en = rules.words(kind=kind, unit="10-1-1203", ours=2, theirs=1)
    assert zh.startswith("10-1-1203 ")
    assert zh.endswith("请核对。")
    assert en.endswith("?")
    assert "{" not in zh + en
    for word in ("违", "罚", "隐瞒", "fail", "violat", "illegal", "conceal"):
        assert word not in zh + en.lower()
