"""Every row of the check-in table, as sentences about guests."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linli.server.stays.rules.admission import (
    ADDING,
    DECIDING,
    Age,
    Belongs,
    Company,
    Duty,
    Elsewhere,
    Facts,
    Guardian,
    Paper,
    Result,
    age_band,
    age_on,
    decide,
    report_due_at,
)

ADULT = {
    "paper": Paper.VALID,
    "age": Age.ADULT,
    "belongs": Belongs.MAINLAND,
    "level": 2,
    "company": Company.ALONE,
    "guardian": Guardian.NOT_ASKED,
    "two_eyes": False,
    "room_full": False,
    "unit_letting": True,
    "elsewhere": Elsewhere.NO,
    "by_the_hour": False,
}


def guest(**different: object) -> Facts:
    """This will describe an ordinary adult, but for what is named."""
    return Facts(**{**ADULT, **different})  # type: ignore[arg-type]


ROWS = [
    ("an adult with a checked ID card comes in", {}, 1, Result.ALLOW, {Duty.REPORT_NOW}),
    ("a typed ID card alone waits", {"level": 1}, 2, Result.HOLD, {Duty.COMPLETE_IDENTITY, Duty.REPORT_NOW}),
    (
        "the authorised service may confirm whoever forgot the card and agrees",
        {"paper": Paper.FACE_SERVICE, "level": 4},
        3,
        Result.ALLOW,
        {Duty.CONSENT_RECORD},
    ),
    (
        "a police certificate serves whoever forgot the card and declines the face",
        {"paper": Paper.CERTIFICATE, "level": 4},
        4,
        Result.ALLOW,
        {Duty.ATTACH_CERTIFICATE},
    ),
    ("nobody stays without identity", {"paper": Paper.NONE}, 5, Result.REFUSE, {Duty.NAME_POLICE_STATION}),
    (
        "a child with its guardian comes in, and the five musts are recorded",
        {"age": Age.UNDER_14, "company": Company.GUARDIAN},
        6,
        Result.ALLOW,
        {Duty.MINOR_RECORD, Duty.NO_FACE_ENROLMENT},
    ),
    (
        "a lone guest of sixteen waits for the call to the guardian",
        {"age": Age.UNDER_18},
        7,
        Result.HOLD,
        {Duty.CALL_GUARDIAN, Duty.MINOR_RECORD},
    ),
    (
        "a lone guest of sixteen comes in once the guardian was reached",
        {"age": Age.UNDER_18, "guardian": Guardian.CONFIRMED},
        7,
        Result.ALLOW,
        {Duty.MINOR_RECORD, Duty.PATROL_NOTE},
    ),
    (
        "a lone guest of sixteen whose guardian cannot be reached waits for the police",
        {"age": Age.UNDER_18, "guardian": Guardian.UNREACHABLE},
        8,
        Result.HOLD,
        {Duty.CONTACT_POLICE},
    ),
    (
        "a child with another adult waits for the guardian",
        {"age": Age.UNDER_16, "company": Company.OTHER_ADULT},
        9,
        Result.HOLD,
        {Duty.CALL_GUARDIAN},
    ),
    (
        "a child with another adult comes in once the guardian confirms",
        {"age": Age.UNDER_16, "company": Company.OTHER_ADULT, "guardian": Guardian.CONFIRMED},
        9,
        Result.ALLOW,
        {Duty.MINOR_RECORD},
    ),
    (
        "a child whose guardian says no waits for the police",
        {"age": Age.UNDER_16, "company": Company.OTHER_ADULT, "guardian": Guardian.REFUSED},
        9,
        Result.HOLD,
        {Duty.CONTACT_POLICE},
    ),
    ("a child alone waits", {"age": Age.UNDER_14}, 20, Result.HOLD, {Duty.CONTACT_POLICE, Duty.CALL_GUARDIAN}),
    (
        "a foreign guest with a sound passport comes in, and has 24 hours' notice",
        {"belongs": Belongs.FOREIGN},
        11,
        Result.ALLOW,
        {Duty.REPORT_FOREIGN_24H},
    ),
    (
        "a passport whose zone does not add up waits for two people",
        {"belongs": Belongs.FOREIGN, "paper": Paper.MRZ_BAD, "level": 4},
        12,
        Result.HOLD,
        {Duty.TWO_PERSON_CHECK},
    ),
    (
        "two people may pass a doubtful passport, and it is mended later",
        {"belongs": Belongs.FOREIGN, "paper": Paper.MRZ_BAD, "two_eyes": True, "level": 4},
        12,
        Result.ALLOW,
        {Duty.AMEND_DOCUMENT},
    ),
    (
        "an expired passport is registered and its holder told; we do not judge legality",
        {"belongs": Belongs.FOREIGN, "paper": Paper.EXPIRED},
        13,
        Result.ALLOW,
        {Duty.EXIT_ENTRY_NOTICE, Duty.REPORT_FOREIGN_24H},
    ),
    ("a guest from Hong Kong comes in", {"belongs": Belongs.HMT}, 14, Result.ALLOW, {Duty.REPORT_HMT_24H}),
    ("a full room takes nobody", {"room_full": True}, 15, Result.REFUSE, {Duty.OTHER_BED}),
    ("a suspended flat takes nobody", {"unit_letting": False}, 16, Result.REFUSE, {Duty.TELL_OPERATOR}),
    (
        "one document in two stays needs a reason",
        {"elsewhere": Elsewhere.UNEXPLAINED},
        17,
        Result.REFUSE,
        {Duty.EXPLAIN_OVERLAP},
    ),
    ("with a reason it becomes a case", {"elsewhere": Elsewhere.EXPLAINED}, 1, Result.ALLOW, {Duty.OVERLAP_CASE}),
    ("a stay by the hour has the same duty", {"by_the_hour": True}, 1, Result.ALLOW, {Duty.SAME_DUTY_BY_THE_HOUR}),
    (
        "an expired ID card waits for a valid paper",
        {"paper": Paper.EXPIRED},
        19,
        Result.HOLD,
        {Duty.COMPLETE_IDENTITY, Duty.NAME_POLICE_STATION},
    ),
]


@pytest.mark.parametrize(("facts", "row", "result", "duties"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS])
def test_the_table_says(facts: dict[str, object], row: int, result: Result, duties: set[Duty]) -> None:
    decision = decide(guest(**facts))
    assert (decision.row, decision.result) == (row, result)
    assert duties <= set(decision.duties)
    assert decision.zh
    assert decision.en


def test_every_row_of_the_table_is_reached_by_some_sentence() -> None:
    reached = {row[2] for row in ROWS}
    assert {row.number for row in DECIDING} <= reached
    assert {duty for row in ADDING for duty in row.duties} <= {duty for row in ROWS for duty in row[4]}


anybody = st.builds(
    Facts,
    paper=st.sampled_from(Paper),
    age=st.sampled_from(Age),
    belongs=st.sampled_from(Belongs),
    level=st.integers(0, 4),
    company=st.sampled_from(Company),
    guardian=st.sampled_from(Guardian),
    two_eyes=st.booleans(),
    room_full=st.booleans(),
    unit_letting=st.booleans(),
    elsewhere=st.sampled_from(Elsewhere),
    by_the_hour=st.booleans(),
)


@given(anybody)
def test_nobody_is_let_in_below_level_two_or_without_a_paper_or_into_a_full_room(facts: Facts) -> None:
    if decide(facts).result is Result.ALLOW:
        assert facts.level >= 2
        assert facts.paper is not Paper.NONE
        assert not facts.room_full
        assert facts.unit_letting


@given(anybody)
def test_no_minor_is_let_in_without_the_five_musts(facts: Facts) -> None:
    decision = decide(facts)
    if decision.result is Result.ALLOW and facts.minor:
        assert Duty.MINOR_RECORD in decision.duties
        assert facts.company is Company.GUARDIAN or facts.guardian is Guardian.CONFIRMED


@given(anybody)
def test_every_guest_from_abroad_who_is_let_in_must_be_reported_within_24_hours(facts: Facts) -> None:
    decision = decide(facts)
    if decision.result is Result.ALLOW and facts.belongs is Belongs.FOREIGN:
        assert Duty.REPORT_FOREIGN_24H in decision.duties


def test_somebody_born_on_a_leap_day_is_fourteen_on_the_first_of_march() -> None:
    born = date(2012, 2, 29)
    assert age_band(date(2026, 2, 28), born) is Age.UNDER_14
    assert age_band(date(2026, 3, 1), born) is Age.UNDER_16
    assert age_on(date(2028, 2, 29), born) == 16


def test_the_clock_of_the_24_hours_starts_at_the_actual_arrival() -> None:
    arrived = datetime(2026, 11, 24, 18, 5, tzinfo=UTC)
    assert report_due_at(Belongs.FOREIGN, arrived) == arrived + timedelta(hours=24)
    assert report_due_at(Belongs.MAINLAND, arrived) == arrived + timedelta(hours=3)
