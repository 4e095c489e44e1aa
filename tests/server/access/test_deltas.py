"""What a box is told: credentials, hours, house rules and its gates' own rules, of its own doors and no others."""

from datetime import date, timedelta

import pytest

from linli.gate import snapshot, wire
from linli.gate.credentials import idcard_digest
from linli.gate.decision import Kind, Reason, Scan, decide
from linli.gate.hours import Slot
from linli.gate.snapshot import SHANGHAI_MINUTES, Pairing, Snapshot
from linli.server.access import actions, queries
from linli.server.access.actions import Origin
from linli.server.access.models import HealthOrder
from linli.server.access.queries import BoxView
from linli.server.kernel.actors import Role
from linli.server.kernel.periods import Period
from tests.server.access.estate import NOON, STAY, Doors, found

DAY = timedelta(days=1)
NUMBER = "51010419900101123X"


@pytest.fixture
def doors(db: None) -> Doors:
    return found()


def follow(doors: Doors, known: Snapshot, *, box: BoxView | None = None) -> Snapshot:
    """What a box knows after asking for what it lacks, over the wire."""
    change = queries.get_delta(box=box or doors.box, since=known.version, now=NOON)
    return snapshot.apply(known, wire.decode_delta(wire.encode_delta(change)))


def keys_of(known: Snapshot) -> set[str]:
    """The kinds of proof a box knows."""
    return {kind for (kind, _), one in known.credentials.items() if one.live}


def test_a_box_that_followed_step_by_step_knows_what_one_that_begins_today_knows(doors: Doors) -> None:
    guard, known = doors.actor(Role.GUARD), doors.whole_list()
    first, second = doors.grant("stay_1"), doors.grant("stay_2", entrance=1)
    actions.issue_card(actor=guard, pass_id=first.id, number="04A1B2C3", now=NOON)
    known = follow(doors, known)
    lost = actions.issue_card(actor=guard, pass_id=second.id, number="04A1B2C4", now=NOON)
    actions.register_idcard(actor=guard, pass_id=second.id, number=NUMBER, now=NOON)
    known = follow(doors, known)
    actions.replace_card(actor=guard, credential_id=lost.id, number="04A1B2C5", reason="lost", now=NOON)
    doors.revoke("stay_1")
    known = follow(doors, known)
    begun = doors.whole_list()
    assert known.credentials == begun.credentials
    assert (known.passes, known.house, known.hours, known.gates) == (
        begun.passes,
        begun.house,
        begun.hours,
        begun.gates,
    )
    assert {value: one.live for (_, value), one in known.credentials.items() if value.startswith("04")} == {
        "04A1B2C3": False,
        "04A1B2C4": False,
        "04A1B2C5": True,
    }


def test_a_box_is_told_what_proves_passes_at_its_own_doors_only(doors: Doors) -> None:
    elsewhere = doors.second_box("G08")
    first, second = doors.grant("stay_1", entrance=0), doors.grant("stay_2", entrance=1)
    for number, granted in (("04A1B2C3", first), ("04A1B2C4", second)):
        actions.issue_card(actor=doors.actor(Role.GUARD), pass_id=granted.id, number=number, now=NOON)
    assert [value for _, value in doors.whole_list(elsewhere).credentials] == ["04A1B2C4"]


def test_a_pass_that_comes_to_a_further_door_brings_its_old_card_along(doors: Doors) -> None:
    elsewhere = doors.second_box("G08")
    granted = doors.grant("stay_1", entrance=0)
    actions.issue_card(actor=doors.actor(Role.GUARD), pass_id=granted.id, number="04A1B2C3", now=NOON)
    known = doors.whole_list(elsewhere)
    assert not known.credentials
    actions.amend_pass(actor=doors.keeper, pass_id=granted.id, entrance_id=doors.entrances[1], now=NOON)
    known = follow(doors, known, box=elsewhere)
    assert decide(Scan(gate="G08", kind=Kind.CARD, text="04A1B2C3"), known, NOON).reason is Reason.OK


def test_an_identity_card_is_compared_under_the_key_the_box_was_given(doors: Doors) -> None:
    granted = doors.grant()
    actions.register_idcard(actor=doors.actor(Role.GUARD), pass_id=granted.id, number=NUMBER.lower(), now=NOON)
    known = doors.whole_list()
    assert len(known.house.pepper) == 32
    assert [value for _, value in known.credentials] == [idcard_digest(NUMBER, pepper=known.house.pepper)]
    assert decide(Scan(gate="G01", kind=Kind.IDCARD, text=NUMBER), known, NOON).open
    assert NUMBER not in wire.encode_delta(queries.get_delta(box=doors.box, since=0, now=NOON)).decode()


def test_a_pass_counts_at_the_hours_of_its_terms_and_not_on_a_holiday_left_out(doors: Doors) -> None:
    actions.declare_terms(actor=doors.keeper, now=NOON)
    granted = actions.grant_pass(
        actor=doors.keeper,
        holder_kind="cleaner",
        holder_id="person_1",
        entrance_id=doors.entrances[0],
        period=STAY,
        origin=Origin(kind="contract", id="contract_1"),
        now=NOON,
    )
    card = "04A1B2C3"
    actions.issue_card(actor=doors.actor(Role.GUARD), pass_id=granted.id, number=card, now=NOON)

    def shown(known: Snapshot, hours: int) -> Reason:
        return decide(Scan(gate="G01", kind=Kind.CARD, text=card), known, NOON + timedelta(hours=hours)).reason

    known = doors.whole_list()
    # Noon is at twelve in Chengdu; ten hours later it is ten at night.
    assert [shown(known, hours) for hours in (0, 9, 10, 18, 19)] == [
        Reason.OK,
        Reason.OK,
        Reason.OUTSIDE_HOURS,
        Reason.OUTSIDE_HOURS,
        Reason.OK,
    ]
    slots = [Slot(weekday=day, start=0, end=1440) for day in range(7)]
    actions.set_weekly_hours(
        actor=doors.keeper, number=1, name=("白天", "Daytime"), slots=slots, holidays=False, now=NOON
    )
    known = follow(doors, known)
    assert shown(known, 10) is Reason.OK
    actions.set_holidays(actor=doors.keeper, days=[date(2026, 6, 1)], now=NOON)
    known = follow(doors, known)
    assert (shown(known, 10), shown(known, 12)) == (Reason.OUTSIDE_HOURS, Reason.OK)


def test_every_gate_is_told_the_estates_zone_and_a_health_order_while_it_holds(doors: Doors) -> None:
    known = doors.whole_list()
    assert (known.house.zone_minutes, known.house.health) == (SHANGHAI_MINUTES, None)
    HealthOrder.objects.create(
        id="order_1",
        estate_id=doors.estate_id,
        legal_basis="传染病防治法",
        ordered_by="区疾控",
        asked_by="acct_a",
        approved_by="acct_b",
        most_c10=373,
        holders=["visitor"],
        start=NOON - DAY,
        end=NOON + DAY,
    )
    actions.renew_house_list(estate_id=doors.estate_id)
    health = follow(doors, known).house.health
    assert health is not None
    assert (health.until, health.most_c10, health.holders) == (NOON + DAY, 373, frozenset({"visitor"}))
    later = queries.get_delta(box=doors.box, since=0, now=NOON + 2 * DAY)
    assert later.house is not None
    assert later.house.health is None


def test_a_gates_own_rules_travel(doors: Doors) -> None:
    known = doors.whole_list()
    ways = ("CODE", "CARD", "FACE")
    actions.set_gate_rules(
        actor=doors.keeper,
        code="G01",
        changes=actions.GateRuleChanges(ways=ways, area=3, pairing=Pairing.HARD, most_inside=40, face_threshold=600),
        now=NOON,
    )
    rule = follow(doors, known).gates["G01"]
    assert (rule.ways, rule.area, rule.pairing.value, rule.most_inside) == (frozenset(ways), 3, "hard", 40)
    assert rule.face.threshold == 600


def test_who_begins_late_is_not_told_of_what_left_the_list(doors: Doors) -> None:
    granted = doors.grant("stay_1", period=Period(start=NOON, end=NOON + DAY))
    actions.issue_card(actor=doors.actor(Role.GUARD), pass_id=granted.id, number="04A1B2C3", now=NOON)
    assert actions.unlist_ended_passes(actor=doors.keeper, now=NOON + 3 * DAY) == 1
    assert not doors.whole_list(now=NOON + 3 * DAY).credentials
    (left,) = queries.list_credentials(estate_id=doors.estate_id, pass_id=granted.id)
    assert not left.live
