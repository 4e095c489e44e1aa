"""On what terms passes are given: decided from a day on, with a source, never overwritten; and the weekly tables beside them."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from linli.gate.decision import Kind, Reason
from linli.gate.hours import Slot
from linli.server.access import actions, queries, rules
from linli.server.access.models import Gate, HolderTerms
from linli.server.access.queries import TermsView
from linli.server.access.queries.terms import forget_terms
from linli.server.access.rules import (
    DoorKind,
    FaceNotForChildren,
    FaceOnly,
    HoursUnsound,
    SourceNeeded,
    Terms,
    TermsBackdated,
    TermsTaken,
    TermsUnsound,
    TooLateToday,
    UnknownHolder,
)
from linli.server.kernel.actors import Role
from linli.server.kernel.errors import BadField, NotAllowed, Refusal
from linli.server.kernel.periods import Period
from linli.server.privacy import queries as privacy
from tests.server.access.estate import NOON, Doors, found
from tests.world import Unchanged

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SOURCE = "resolution 7 of 2026"


@pytest.fixture
def doors(db: None) -> Doors:
    estate = found()
    actions.declare_terms(actor=estate.keeper, now=NOON - 30 * DAY)
    return estate


def decide(doors: Doors, terms: Terms, *, at: object = NOON, now: object = NOON) -> TermsView:
    return actions.change_terms(
        actor=doors.actor(Role.ESTATE_ADMIN),
        terms=terms,
        in_force_from=at,  # type: ignore[arg-type]
        now=now,  # type: ignore[arg-type]
    )


def asked(kind: str, **changes: object) -> Terms:
    return replace(rules.default_terms(holder_kind=kind), source=SOURCE, **changes)  # type: ignore[arg-type]


def test_an_estate_begins_with_the_table_of_appendix_a4_and_declares_it_once(doors: Doors) -> None:
    found_terms = queries.list_terms(estate_id=doors.estate_id, now=NOON)
    assert {one.holder_kind for one in found_terms} == set(rules.DEFAULTS)
    assert {one.source for one in found_terms} == {"appendix A4"}
    assert actions.declare_terms(actor=doors.keeper, now=NOON) == 0
    assert HolderTerms.objects.filter(estate_id=doors.estate_id).count() == len(rules.DEFAULTS)


def test_new_terms_are_a_row_beside_the_old_one_which_stays_as_it_was(doors: Doors) -> None:
    before = list(HolderTerms.objects.filter(holder_kind="visitor").values())
    decided = decide(doors, asked("visitor", longest=4 * HOUR), at=NOON + DAY)
    assert (decided.longest_minutes, decided.source, decided.decided_by) == (240, SOURCE, "acct_estate_admin")
    assert list(HolderTerms.objects.filter(holder_kind="visitor").order_by("in_force_from").values())[:1] == before
    history = queries.list_terms_history(estate_id=doors.estate_id, holder_kind="visitor")
    assert [one.longest_minutes for one in history] == [240, 720]
    assert privacy.verify_chain(estate_id=doors.estate_id).whole


def test_the_row_in_force_is_the_newest_that_has_begun(doors: Doors) -> None:
    decide(doors, asked("visitor", longest=4 * HOUR), at=NOON + DAY)
    decide(doors, asked("visitor", longest=2 * HOUR), at=NOON + 3 * DAY)

    def longest(now: object) -> timedelta:
        return queries.terms_of(estate_id=doors.estate_id, holder_kind="visitor", now=now).longest  # type: ignore[arg-type]

    assert [longest(NOON + days * DAY) / HOUR for days in (0, 1, 2, 3, 9)] == [12, 4, 4, 2, 2]
    shown = next(
        one for one in queries.list_terms(estate_id=doors.estate_id, now=NOON + 2 * DAY) if one.holder_kind == "visitor"
    )
    assert (shown.longest_minutes, shown.in_force_from) == (240, NOON + DAY)


def test_passes_given_before_keep_their_terms_and_those_given_after_have_the_new_ones(doors: Doors) -> None:
    before = doors.grant_home("visitor", period=Period(start=NOON, end=NOON + 10 * HOUR))
    decide(doors, asked("visitor", longest=2 * HOUR))
    after = doors.grant_home("visitor", flat=1, period=Period(start=NOON, end=NOON + 10 * HOUR))
    assert (before.end, after.end) == (NOON + 10 * HOUR, NOON + 2 * HOUR)
    assert queries.get_pass(estate_id=doors.estate_id, pass_id=before.id).end == before.end


def test_a_visitors_pass_ends_by_eleven_at_night_and_none_is_given_after(doors: Doors) -> None:
    evening = NOON + 10 * HOUR  # 22:00 in Chengdu
    late = doors.grant_home("visitor", period=Period(start=evening, end=evening + 5 * HOUR), now=evening)
    assert late.end == evening + HOUR
    night = evening + HOUR
    with Unchanged(), pytest.raises(TooLateToday):
        doors.grant_home("visitor", flat=1, period=Period(start=night, end=night + HOUR), now=night)


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        (replace(rules.DEFAULTS["visitor"], source=" "), SourceNeeded),
        (asked("visitor", doors=()), TermsUnsound),
        (asked("visitor", ways=()), TermsUnsound),
        (asked("visitor", ways=("FACE",)), TermsUnsound),
        (asked("visitor", ways=("CODE", "RADIO")), TermsUnsound),
        (asked("visitor", ends_by=0), TermsUnsound),
        (asked("visitor", longest=timedelta(days=4000)), TermsUnsound),
        (asked("visitor", hours=77), TermsUnsound),
        (asked("child", ways=("CODE", "FACE")), FaceNotForChildren),
        (replace(rules.DEFAULTS["visitor"], holder_kind="burglar", source=SOURCE), UnknownHolder),
    ],
)
def test_terms_that_cannot_hold_are_refused_and_nothing_changes(
    doors: Doors, terms: Terms, refusal: type[Refusal]
) -> None:
    with Unchanged(), pytest.raises(refusal):
        decide(doors, terms)


def test_terms_begin_now_or_later_and_once_at_an_instant(doors: Doors) -> None:
    with Unchanged(), pytest.raises(TermsBackdated):
        decide(doors, asked("visitor"), at=NOON - HOUR)
    decide(doors, asked("visitor"), at=NOON)
    with Unchanged(), pytest.raises(TermsTaken):
        decide(doors, asked("visitor", longest=HOUR), at=NOON)


def test_terms_that_would_leave_somebody_with_the_face_alone_at_a_door_are_refused(doors: Doors) -> None:
    Gate.objects.filter(code="G07").update(ways=["CARD", "FACE"])
    with Unchanged(), pytest.raises(FaceOnly):
        decide(doors, asked("guest", ways=("CODE", "FACE")))
    decide(doors, asked("guest", ways=("CODE", "CARD", "FACE")))


@pytest.mark.parametrize("role", [Role.PROPERTY, Role.OFFICE, Role.GUARD, Role.OPERATOR, Role.POLICE, Role.AUDITOR])
def test_nobody_but_the_estates_admin_decides_terms(doors: Doors, role: Role) -> None:
    with Unchanged(), pytest.raises(NotAllowed):
        actions.change_terms(actor=doors.actor(role), terms=asked("visitor"), in_force_from=NOON, now=NOON)


def test_the_database_keeps_terms_without_a_source_or_with_the_face_alone_out(doors: Doors) -> None:
    row = HolderTerms.objects.filter(holder_kind="guest")
    for change, name in (
        ({"source": ""}, "terms_name_their_source"),
        ({"ways": ["FACE"]}, "terms_offer_a_way_besides_the_face"),
        ({"doors": []}, "terms_name_a_door"),
    ):
        with transaction.atomic(), pytest.raises(IntegrityError, match=name):
            row.update(**change)


def test_a_weekly_table_is_written_changed_and_heard_of_at_the_gates(doors: Doors) -> None:
    keeper = doors.actor(Role.PROPERTY)
    mornings = [Slot(weekday=day, start=8 * 60, end=12 * 60) for day in (4, 0)]
    names = ("工作日上午", "Mornings")
    actions.set_weekly_hours(actor=keeper, number=2, name=names, slots=mornings, holidays=False, now=NOON)
    decide(doors, asked("cleaner", hours=2))
    granted = doors.grant_home("cleaner")
    assert doors.present(granted, "G01").reason is Reason.OUTSIDE_HOURS  # noon is past twelve
    actions.set_weekly_hours(
        actor=keeper,
        number=2,
        name=names,
        slots=[Slot(weekday=0, start=0, end=1440)],
        holidays=False,
        now=NOON,
    )
    assert doors.present(granted, "G01").reason is Reason.OK
    actions.set_holidays(actor=keeper, days=[date(2026, 6, 1)], now=NOON)
    assert doors.present(granted, "G01").reason is Reason.OUTSIDE_HOURS
    assert queries.list_holidays(estate_id=doors.estate_id) == (date(2026, 6, 1),)
    table = queries.list_hours(estate_id=doors.estate_id)[1]
    assert (table.number, table.name_en, len(table.slots), table.holidays) == (2, "Mornings", 1, False)


@pytest.mark.parametrize(
    "slots",
    [
        [],
        [Slot(weekday=7, start=0, end=60)],
        [Slot(weekday=0, start=60, end=60)],
        [Slot(weekday=0, start=0, end=1441)],
    ],
)
def test_a_weekly_table_that_is_none_is_refused(doors: Doors, slots: list[Slot]) -> None:
    with Unchanged(), pytest.raises(HoursUnsound):
        actions.set_weekly_hours(
            actor=doors.keeper, number=2, name=("表", "Table"), slots=slots, holidays=True, now=NOON
        )
    with Unchanged(), pytest.raises(BadField):
        actions.set_holidays(actor=doors.keeper, days=[date(2026, 1, 1) + n * DAY for n in range(401)], now=NOON)


def test_the_look_over_all_doors_says_who_gets_in_how_and_when_and_finds_nothing_wrong(doors: Doors) -> None:
    looked = {one.code: one for one in queries.list_gate_ways(estate_id=doors.estate_id, now=NOON)}
    assert all(one.sound and not one.problems for one in looked.values())
    assert [step.way for step in looked["G07"].order] == ["face", "code", "card", "pin", "guard"]
    at_entrance = {one.holder_kind: one for one in looked["G07"].holders}
    assert at_entrance["visitor"].ways == ("CODE", "PIN")
    assert (at_entrance["cleaner"].hours, at_entrance["cleaner"].hours_en) == (1, "Every day 07:00–22:00")
    assert "courier" not in at_entrance
    assert {"visitor", "courier"} & {one.holder_kind for one in looked["G05"].holders} == set()
    assert {"guard", "staff"} <= set(at_entrance)


def test_the_look_over_all_doors_names_what_is_wrong_and_for_whom(doors: Doors) -> None:
    # Not by any action of ours: written past them, as an old backup might be.
    Gate.objects.filter(code="G07").update(ways=["CARD", "FACE"])
    HolderTerms.objects.filter(holder_kind="guest").update(ways=["CODE", "FACE"])
    HolderTerms.objects.filter(holder_kind="operator").update(hours=55)
    forget_terms()
    looked = {one.code: one for one in queries.list_gate_ways(estate_id=doors.estate_id, now=NOON)}
    problems = {(one.code, one.holder_kind) for one in looked["G07"].problems}
    assert problems == {("FACE_ONLY", "guest"), ("NO_WAY", "visitor"), ("NO_TABLE", "operator")}
    assert not looked["G07"].sound
    assert {(one.code, one.holder_kind) for one in looked["G01"].problems} == {("NO_TABLE", "operator")}


def test_a_gate_that_offered_the_face_alone_is_refused_and_one_with_a_card_beside_it_is_not(doors: Doors) -> None:
    keeper, changes = doors.actor(Role.PROPERTY), actions.GateRuleChanges
    with Unchanged(), pytest.raises(FaceOnly):
        actions.set_gate_rules(actor=keeper, code="G07", changes=changes(ways=("FACE",)), now=NOON)
    shown = actions.set_gate_rules(actor=keeper, code="G07", changes=changes(ways=("FACE", "CARD")), now=NOON)
    assert set(shown.ways) == {"CARD", "FACE"}
    with transaction.atomic(), pytest.raises(IntegrityError, match="a_face_is_never_the_only_way_in"):
        Gate.objects.filter(code="G07").update(ways=[Kind.FACE.value])


def test_who_opens_the_common_doors_is_counted_at_each_of_them_and_at_no_flat() -> None:
    guard = rules.default_terms(holder_kind="guard")
    opened = [kind for kind in DoorKind if rules.opens(guard, kind)]
    assert opened == [DoorKind.ESTATE, DoorKind.GARAGE, DoorKind.ENTRANCE, DoorKind.COMMON]
