import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.apps import apps
from django.db import connection

from linli.gate import journal
from linli.gate.decision import Kind, Scan, decide
from linli.gate.journal import Event
from linli.gate.reasons import Reason
from linli.server.access import actions, queries
from linli.server.access.models import GateEvent, HealthOrder, PassageCount
from linli.server.access.queries import HealthTerms
from linli.server.access.rules import (
    AlreadyAnswered,
    BasisNeeded,
    HealthOrderRunning,
    HealthStatus,
    NothingToRead,
    OrderOver,
    OrderTooLong,
    OwnProposal,
    ShutOutOfHome,
    SimulatedHealthCodes,
    UnknownHolder,
)
from linli.server.kernel import clock
from linli.server.kernel.actors import Actor, Grant, Role
from linli.server.kernel.errors import NotAllowed, NotFound
from tests.server.access.estate import NOON, Doors, Gate, batch, found
from tests.server.access.test_commands import signed_in
from tests.world import digest

DAY = timedelta(days=1)
LAW = "突发公共卫生事件应急条例第三十三条"


@pytest.fixture
def doors(db: None) -> Doors:
    return found()


def test_the_mode_is_off_until_somebody_else_agrees_and_then_every_gate_reads_it(doors: Doors) -> None:
    assert not queries.get_health(estate_id=doors.estate_id, now=NOON).on
    asked = propose(doors)
    assert doors.whole_list().house.health is None
    known = doors.whole_list()
    order = actions.approve_health_order(actor=doors.actor(Role.COMMITTEE), proposal_id=asked.id, now=NOON)
    assert (order.running, order.asked_by, order.approved_by) == (True, "acct_office", "acct_committee")
    assert queries.get_health(estate_id=doors.estate_id, now=NOON).on
    change = queries.get_delta(box=doors.box, since=known.version, now=NOON)
    assert change.house is not None
    rule = change.house.health
    assert rule is not None
    assert (rule.most_c10, rule.code_wanted, rule.holders, rule.until) == (373, True, frozenset({"guest"}), NOON + DAY)


def test_a_gate_lets_in_whom_the_order_lets_in_and_forgets_the_temperature(doors: Doors) -> None:
    begin(doors)
    granted = doors.grant()
    known = doors.whole_list()
    code = queries.pass_codes(estate_id=doors.estate_id, pass_id=granted.id, count=1, now=NOON)[0].code

    def shown(**facts: object) -> Reason:
        return decide(Scan(gate="G01", kind=Kind.CODE, text=code, **facts), known, NOON).reason  # type: ignore[arg-type]

    assert shown() is Reason.HEALTH_UNREAD
    assert shown(temperature_c10=381, health="GREEN") is Reason.TEMPERATURE
    assert shown(temperature_c10=365, health="RED") is Reason.HEALTH_CODE
    assert shown(temperature_c10=365, health="GREEN") is Reason.OK
    # No table has a place for what was measured; only the order names its threshold.
    columns = {
        f"{model.__name__}.{field.name}"
        for model in apps.get_app_config("access").get_models()
        for field in model._meta.fields
        if "c10" in field.name or "temperature" in field.name
    }
    assert columns == {"HealthOrder.most_c10", "HealthProposal.most_c10"}


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({"legal_basis": "  "}, BasisNeeded),
        ({"ordered_by": ""}, BasisNeeded),
        ({"end": NOON}, OrderTooLong),
        ({"end": NOON + 91 * DAY}, OrderTooLong),
        ({"most_c10": 0, "code_wanted": False}, NothingToRead),
        ({"most_c10": 365}, NothingToRead),
        ({"holders": ("guest", "resident")}, ShutOutOfHome),
        ({"holders": ("child",)}, ShutOutOfHome),
        ({"holders": ("martian",)}, UnknownHolder),
    ],
)
def test_an_order_without_law_end_or_measure_is_none(
    doors: Doors, terms: dict[str, object], refusal: type[Exception]
) -> None:
    before = digest()
    with pytest.raises(refusal):
        propose(doors, **terms)
    assert digest() == before


def test_nobody_approves_alone(doors: Doors) -> None:
    both = Actor(id="acct_admin", estate_id=doors.estate_id, grants=frozenset({Grant(role=Role.ESTATE_ADMIN)}))
    asked = actions.propose_health_order(actor=both, terms=terms_of(), now=NOON)
    before = digest()
    for refuse in (actions.approve_health_order,):
        with pytest.raises(OwnProposal):
            refuse(actor=both, proposal_id=asked.id, now=NOON)
        for role in (Role.OFFICE, Role.GUARD, Role.PROPERTY, Role.POLICE, Role.AUDITOR):
            with pytest.raises(NotAllowed):
                refuse(actor=doors.actor(role), proposal_id=asked.id, now=NOON)
        with pytest.raises(NotFound):
            refuse(actor=doors.actor(Role.COMMITTEE), proposal_id="proposal_x", now=NOON)
        with pytest.raises(OrderTooLong):
            refuse(actor=doors.actor(Role.COMMITTEE), proposal_id=asked.id, now=NOON + 2 * DAY)
    with pytest.raises(OwnProposal):
        actions.decline_health_order(actor=both, proposal_id=asked.id, reason="on second thoughts", now=NOON)
    for role in (Role.GUARD, Role.COMMITTEE, Role.PROPERTY):
        with pytest.raises(NotAllowed):
            actions.propose_health_order(actor=doors.actor(role), terms=terms_of(), now=NOON)
    assert digest() == before


def test_there_is_one_order_at_a_time_and_an_answer_is_given_once(doors: Doors) -> None:
    asked = propose(doors)
    with pytest.raises(HealthOrderRunning):
        propose(doors)
    committee = doors.actor(Role.COMMITTEE)
    actions.decline_health_order(actor=committee, proposal_id=asked.id, reason="no outbreak", now=NOON)
    before = digest()
    with pytest.raises(AlreadyAnswered):
        actions.approve_health_order(actor=committee, proposal_id=asked.id, now=NOON)
    assert digest() == before
    order = begin(doors)
    with pytest.raises(HealthOrderRunning):
        propose(doors)
    actions.end_health_order(actor=doors.actor(Role.OFFICE), order_id=order.id, reason="lifted", now=NOON)
    with pytest.raises(OrderOver):
        actions.end_health_order(actor=doors.actor(Role.OFFICE), order_id=order.id, reason="again", now=NOON)
    assert doors.whole_list().house.health is None


def test_a_proposal_nobody_answered_lapses_with_its_own_end(doors: Doors) -> None:
    propose(doors)
    assert actions.end_due_health_orders(actor=doors.keeper, now=NOON + DAY) == 0
    asked = propose(doors, now=NOON + DAY, end=NOON + 2 * DAY)
    assert asked.answered_at is None


def test_an_order_ends_by_itself_and_leaves_only_counts(doors: Doors) -> None:
    order, gate = begin(doors), Gate("G01")
    granted = doors.grant()
    serial = int(granted.serial, 16)
    lines = [
        line(gate, reason="TEMPERATURE", serial=serial),
        line(gate, reason="OK", opened=True, serial=serial, note="TEMPERATURE"),
        line(gate, reason="OK", opened=True, serial=serial, note="g1: took it HEALTH_CODE face 0.612"),
        line(gate, reason="HEALTH_UNREAD", serial=serial, clock_="unsure", at=NOON + 300 * DAY),
        line(gate, reason="OK", opened=True, serial=serial),
    ]
    actions.record_gate_events(box=doors.box, body=batch(*lines[:2], *lines[4:]), now=NOON)
    assert actions.end_due_health_orders(actor=doors.keeper, now=NOON + DAY - timedelta(seconds=1)) == 0
    assert GateEvent.objects.count() == 3
    version = queries.snapshot_version(estate_id=doors.estate_id)
    ended = NOON + DAY
    assert actions.end_due_health_orders(actor=doors.keeper, now=ended) == 1
    assert queries.snapshot_version(estate_id=doors.estate_id) > version
    shown = queries.get_health_order(estate_id=doors.estate_id, order_id=order.id, now=ended)
    assert (shown.running, shown.ended_at, shown.purged_at) == (False, ended, ended)
    assert list(GateEvent.objects.values_list("sequence", flat=True)) == [5]
    counted = PassageCount.objects.values_list("gate", "reason", "opened", "passages").order_by("reason")
    assert list(counted) == [("G01", "OK", True, 1), ("G01", "TEMPERATURE", False, 1)]
    # What a gate that was away brings afterwards is purged too, and does not come back.
    actions.record_gate_events(box=doors.box, body=batch(*lines), now=ended + DAY)
    assert GateEvent.objects.count() == 3
    assert actions.purge_health_events(actor=doors.keeper, now=ended + DAY) == 2
    actions.record_gate_events(box=doors.box, body=batch(*lines), now=ended + DAY)
    assert list(GateEvent.objects.values_list("sequence", flat=True)) == [5]
    assert sum(PassageCount.objects.values_list("passages", flat=True)) == 4
    assert actions.purge_health_events(actor=doors.keeper, now=ended + DAY) == 0


def test_while_an_order_runs_what_is_older_than_fourteen_days_is_only_counted(doors: Doors) -> None:
    begin(doors, end=NOON + 80 * DAY)
    gate = Gate("G01")
    old, new = line(gate, reason="TEMPERATURE"), line(gate, reason="TEMPERATURE", at=NOON + 3 * DAY)
    actions.record_gate_events(box=doors.box, body=batch(old, new), now=NOON + 3 * DAY)
    assert actions.purge_health_events(actor=doors.keeper, now=NOON + 13 * DAY) == 0
    assert actions.purge_health_events(actor=doors.keeper, now=NOON + 15 * DAY) == 1
    assert list(GateEvent.objects.values_list("sequence", flat=True)) == [2]
    assert HealthOrder.objects.get().purged_at is None


def test_without_an_order_nothing_is_looked_for(doors: Doors) -> None:
    actions.record_gate_events(box=doors.box, body=batch(line(Gate("G01"), reason="TEMPERATURE")), now=NOON)
    assert actions.purge_health_events(actor=doors.keeper, now=NOON + 40 * DAY) == 0
    assert GateEvent.objects.count() == 1


def test_the_mode_is_asked_for_and_answered_over_http(doors: Doors) -> None:
    office, committee = signed_in(Role.OFFICE, doors), signed_in(Role.COMMITTEE, doors)
    body = {
        "legal_basis": LAW,
        "ordered_by": "卫生健康局",
        "end": (clock.now() + DAY).isoformat(),
        "most_c10": 373,
        "holders": ["guest"],
    }
    asked = office.post("/api/health-orders", json.dumps(body), content_type="application/json")
    assert asked.status_code == 201, asked.content
    proposal = asked.json()["id"]
    assert office.post(f"/api/health-orders/{proposal}/approve").status_code == 403
    order = committee.post(f"/api/health-orders/{proposal}/approve")
    assert (order.status_code, order.json()["running"]) == (200, True)
    assert signed_in(Role.AUDITOR, doors).get("/api/health-orders").json()["on"] is True
    ended = committee.post(
        f"/api/health-orders/{order.json()['id']}/end",
        json.dumps({"reason": "lifted"}),
        content_type="application/json",
    )
    assert ended.json()["running"] is False
    without_zone = {**body, "end": "2031-01-01T00:00:00"}
    answer = office.post("/api/health-orders", json.dumps(without_zone), content_type="application/json")
    assert answer.status_code == 422


def test_a_health_code_says_its_status_while_it_is_good_and_nothing_else() -> None:
    provider = SimulatedHealthCodes(
        {"a": (HealthStatus.GREEN, NOON + DAY), "b": (HealthStatus.RED, NOON + DAY)}, down=("b",)
    )
    assert provider.status(code="a", now=NOON) is HealthStatus.GREEN
    assert provider.status(code="a", now=NOON + DAY) is HealthStatus.UNREAD
    assert provider.status(code="b", now=NOON) is HealthStatus.UNREAD
    assert provider.status(code="c", now=NOON) is HealthStatus.UNREAD


@pytest.fixture
def busy(transactional_db: None) -> Doors:
    return found()


def test_of_two_who_approve_at_once_one_is_told_it_is_answered(busy: Doors) -> None:
    asked = propose(busy)
    start = threading.Barrier(2)

    def approve(role: Role) -> str:
        start.wait(20)
        try:
            actions.approve_health_order(actor=busy.actor(role), proposal_id=asked.id, now=NOON)
        except AlreadyAnswered:
            return "late"
        finally:
            connection.close()
        return "first"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(approve, (Role.COMMITTEE, Role.ESTATE_ADMIN))) == ["first", "late"]
    assert HealthOrder.objects.count() == 1


def terms_of(**changes: object) -> HealthTerms:
    facts: dict[str, object] = {
        "legal_basis": LAW,
        "ordered_by": "卫生健康局",
        "end": NOON + DAY,
        "most_c10": 373,
        "code_wanted": True,
        "holders": ("guest",),
    }
    return HealthTerms(**{**facts, **changes})  # type: ignore[arg-type]


def propose(doors: Doors, *, now: datetime = NOON, **changes: object) -> queries.HealthProposalView:
    return actions.propose_health_order(actor=doors.actor(Role.OFFICE), terms=terms_of(**changes), now=now)


def begin(doors: Doors, **changes: object) -> queries.HealthOrderView:
    asked = propose(doors, **changes)
    return actions.approve_health_order(actor=doors.actor(Role.COMMITTEE), proposal_id=asked.id, now=NOON)


def line(
    gate: Gate,
    *,
    reason: str,
    opened: bool = False,
    serial: int | None = None,
    note: str = "",
    clock_: str = "ok",
    at: datetime = NOON,
) -> str:
    event = Event(
        at=at,
        clock=clock_,
        method="CODE",
        direction="in",
        opened=opened,
        reason=reason,
        serial=serial,
        snapshot_version=1,
        note=note,
    )
    text, gate.head = journal.append(head=gate.head, event=event)
    return text
