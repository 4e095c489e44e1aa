"""What is gathered of flats, staff, visitors, residents and doors before anybody is told: the facts, whose they are, and who is gone."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from linli.server.access import actions as access
from linli.server.access import queries as access_queries
from linli.server.access import rules as access_rules
from linli.server.access.events import PassFirstUsed, PassRevoked
from linli.server.access.models import GateEvent, Pass
from linli.server.connectors import subjects, tasks
from linli.server.connectors.platforms.lodging import at
from linli.server.connectors.profiles.formats import FORMATS
from linli.server.connectors.protocol import (
    DoorFacts,
    Occasion,
    ResidentFacts,
    StaffFacts,
    UnitFacts,
    VisitFacts,
)
from linli.server.connectors.rules import MessageKind, SubjectKind
from linli.server.connectors.subjects import Gathered
from linli.server.kernel import clock
from linli.server.kernel.actors import Actor, Grant, Role
from linli.server.kernel.errors import NotFound
from linli.server.kernel.periods import Period
from linli.server.lettings import actions as lettings
from linli.server.people import actions as people
from linli.server.people.actions import HouseholdInput, ResidentInput, RoleInput
from linli.server.places import queries as places
from linli.server.stays import actions as stays
from tests.server.connectors.hostel import Hostel
from tests.server.people.somebody import card, wang

pytestmark = pytest.mark.django_db
PLATFORM = at(url="", token="")


def standing(hostel: Hostel, kind: SubjectKind) -> list[Gathered]:
    """Every subject of a kind."""
    return list(subjects.list_standing(estate_id=hostel.estate_id, subject_kind=kind))


def rendered(kind: MessageKind, gathered: Gathered) -> dict[str, str]:
    """What the lodging platform would be told."""
    occasion = Occasion(kind=kind, happened_at=clock.now(), gone=gathered.gone)
    return dict(PLATFORM.render(occasion=occasion, facts=gathered.facts))


def test_a_flat_is_gathered_with_its_mark_its_size_and_its_operators_masked_name(hostel: Hostel) -> None:
    (unit,) = standing(hostel, SubjectKind.UNIT)
    assert isinstance(unit.facts, UnitFacts)
    assert (unit.subject_id, unit.operator_id, unit.terms, unit.gone) == (
        hostel.unit_id,
        hostel.operator_id,
        "unit",
        False,
    )
    assert (unit.facts.rooms, unit.facts.beds, unit.facts.floor) == (4, 80, 1)
    assert unit.facts.address_zh.startswith("样例小区")
    # Nobody's data is in it: a natural person is told of as staff, where the ledger names them.
    assert unit.person_id == ""
    assert unit.facts.operator_document == ""
    assert "*" in unit.facts.operator_name
    told = rendered(MessageKind.UNIT_CREATE, unit)
    assert (told["fjs"], told["cws"], told["zt"]) == ("4", "80", "1")
    again = subjects.gather(estate_id=hostel.estate_id, subject_kind=SubjectKind.UNIT, subject_id=hostel.unit_id)
    assert again == unit


def test_a_closed_flat_is_gone_and_its_operator_with_it(hostel: Hostel) -> None:
    stays.close_unit(actor=hostel.hand, unit_id=hostel.unit_id, reason="sold", now=clock.now())
    (unit,), (operator,) = standing(hostel, SubjectKind.UNIT), standing(hostel, SubjectKind.STAFF)
    assert unit.gone
    assert operator.gone
    told = rendered(MessageKind.STAFF, operator)
    assert (told["lzbz"], told["lgdms"]) == ("1", unit.facts.unit_mark)  # type: ignore[union-attr]


def test_a_flat_without_its_mark_is_nobodys_news(hostel: Hostel) -> None:
    with pytest.raises(NotFound):
        subjects.gather(estate_id=hostel.estate_id, subject_kind=SubjectKind.UNIT, subject_id="unit_nowhere")


def test_an_operator_is_told_of_in_person_with_every_flat(hostel: Hostel) -> None:
    (operator,) = standing(hostel, SubjectKind.STAFF)
    assert isinstance(operator.facts, StaffFacts)
    assert (operator.facts.job, operator.subject_id, operator.gone) == ("operator", hostel.operator_id, False)
    assert operator.person_id.startswith("per")
    told = rendered(MessageKind.STAFF, operator)
    assert (told["gw"], told["lzbz"]) == ("1", "0")
    assert told["zjhm"] == operator.facts.person.document_number


def test_who_holds_an_operators_account_works_there_until_it_is_taken_back(hostel: Hostel) -> None:
    (keeper_id,) = enrol(hostel)
    scope = f"operator:{hostel.operator_id}"
    account = people.open_account(
        actor=hostel.hand,
        username="keeper",
        password="a long phrase for a test",
        display_name="Keeper",
        roles=[RoleInput(role="operator", scope=scope)],
        person_id=keeper_id,
        now=clock.now(),
    )
    found = {one.facts.job: one for one in standing(hostel, SubjectKind.STAFF) if isinstance(one.facts, StaffFacts)}
    assert found.keys() == {"operator", "keeper"}
    assert (found["keeper"].person_id, found["keeper"].gone) == (keeper_id, False)
    people.withdraw_role(actor=hostel.hand, account_id=account.id, role="operator", scope=scope, now=clock.now())
    gone = subjects.gather(
        estate_id=hostel.estate_id, subject_kind=SubjectKind.STAFF, subject_id=found["keeper"].subject_id
    )
    assert gone.gone


def enrol(hostel: Hostel) -> tuple[str]:
    """Somebody fictional whom the estate knows."""
    entry = people.Enrolment(person=wang(), document=card())
    (view,) = people.enrol(actor=hostel.hand, people=[entry], purpose_code="operator_file", now=clock.now())
    return (view.id,)


def move_in(hostel: Hostel) -> str:
    """A man who lives in the flat; the id of his person."""
    ((_, dwelling_id),) = places.list_dwelling_codes(estate_id=hostel.estate_id)
    head = ResidentInput(person=wang(), document=card(), kind="registered", relation="02")
    today = clock.local_date(clock.now(), "Asia/Shanghai")
    family = HouseholdInput(dwelling_id=dwelling_id, members=(head,), moved_in_date=today)
    people.move_in(actor=hostel.hand, households=[family], now=clock.now())
    (resident,) = standing(hostel, SubjectKind.RESIDENT)
    return resident.person_id


def test_a_resident_is_gathered_with_flat_and_person(hostel: Hostel) -> None:
    assert standing(hostel, SubjectKind.RESIDENT) == []
    person_id = move_in(hostel)
    (resident,) = standing(hostel, SubjectKind.RESIDENT)
    assert isinstance(resident.facts, ResidentFacts)
    assert (resident.person_id, resident.terms, resident.gone) == (person_id, "community", False)
    assert resident.facts.kind == "registered"
    assert resident.facts.person.native_name == wang().native_name
    again = subjects.gather(
        estate_id=hostel.estate_id, subject_kind=SubjectKind.RESIDENT, subject_id=resident.subject_id
    )
    assert again == resident


def test_every_gate_is_a_door(hostel: Hostel) -> None:
    (door,) = standing(hostel, SubjectKind.DOOR)
    assert isinstance(door.facts, DoorFacts)
    assert (door.subject_id, door.facts.number, door.facts.name_zh, door.person_id) == ("G01", 1, "东门", "")
    assert subjects.gather(estate_id=hostel.estate_id, subject_kind=SubjectKind.DOOR, subject_id="G01") == door
    with pytest.raises(NotFound):
        subjects.gather(estate_id=hostel.estate_id, subject_kind=SubjectKind.DOOR, subject_id="G99")


def guest_of(hostel: Hostel, **scopes: str) -> Actor:
    """Somebody who holds a link."""
    ((what, id_),) = scopes.items()
    grant = Grant(role=Role.GUEST, scope=f"{what}:{id_}")
    return Actor(id=f"link_{id_}", estate_id=hostel.estate_id, grants=frozenset({grant}))


def visit(hostel: Hostel, *, host: Actor, host_id: str | None = None) -> tuple[str, Pass]:
    """Ask a fictional visitor in and let them accept; the visit's id and the visitor's pass."""
    now = clock.now()
    # Visitors may come late too: this runs by the real clock, also after eleven at night.
    terms = replace(access_rules.default_terms(holder_kind="visitor"), ends_by=None, source="a decision of the house")
    access.change_terms(actor=hostel.actor(Role.ESTATE_ADMIN), terms=terms, in_force_from=now, now=now)
    period = Period(start=now, end=now + timedelta(hours=2))
    invited = access.invite_visitor(actor=host, host_id=host_id, period=period, now=now)
    link = guest_of(hostel, visit=invited.visit.id)
    notice = access_queries.get_invited(actor=link).notice_digest
    access.accept_visit(actor=link, name="王小二", phone="13800138000", notice_digest=notice, now=now)
    return invited.visit.id, Pass.objects.get(origin_kind="visit", origin_id=invited.visit.id)


def came(granted: Pass, at: datetime) -> None:
    """A gate says that the visitor came in."""
    Pass.objects.filter(id=granted.id).update(first_used_at=at)


def passage(granted: Pass, direction: str, at: datetime, sequence: int) -> None:
    """A gate saw the visitor pass."""
    fields: dict[str, Any] = {"gate": "G01", "sequence": sequence, "serial": granted.serial, "direction": direction}
    GateEvent.objects.create(
        estate_id=granted.estate_id,
        happened_at=at,
        received_at=at,
        clock_sure=True,
        method="CODE",
        opened=True,
        reason="OK",
        snapshot_version=1,
        note="",
        prev=b"",
        hash=b"",
        **fields,
    )


def test_a_guests_visitor_is_gathered_once_a_door_has_opened(hostel: Hostel) -> None:
    stay_id = hostel.arrive()
    visit_id, granted = visit(hostel, host=guest_of(hostel, stay=stay_id))
    with pytest.raises(NotFound):
        gather_visit(hostel, visit_id)
    came(granted, granted.start)
    found = gather_visit(hostel, visit_id)
    assert isinstance(found.facts, VisitFacts)
    assert (found.terms, found.person_id, found.operator_id) == ("visitor", visit_id, hostel.operator_id)
    assert found.facts.came_at == granted.start
    # A pass ends at a whole second.
    assert timedelta(0) <= granted.end - found.facts.leave_by < timedelta(seconds=1)
    assert "王小二" not in repr(found)
    told = rendered(MessageKind.VISITOR_IN, found)
    assert (told["xm"], told["lfbh"]) == ("王小二", visit_id)
    assert "zjhm" not in told


def gather_visit(hostel: Hostel, visit_id: str) -> Gathered:
    """A visit's facts."""
    return subjects.gather(estate_id=hostel.estate_id, subject_kind=SubjectKind.VISIT, subject_id=visit_id)


def test_a_visit_is_due_when_it_has_ended_and_says_when_the_visitor_was_seen_leaving(hostel: Hostel) -> None:
    visit_id, granted = visit(hostel, host=guest_of(hostel, stay=hostel.arrive()))
    came(granted, granted.start)
    passage(granted, "in", granted.start, 1)
    seen = granted.start + timedelta(minutes=50)
    passage(granted, "out", seen, 2)
    before = granted.start - timedelta(hours=1)
    assert due(hostel, since=before, now=granted.end - timedelta(seconds=1)) == []
    expected = [(visit_id, Occasion(kind=MessageKind.VISITOR_OUT, happened_at=granted.end))]
    assert due(hostel, since=before, now=granted.end) == expected
    assert due(hostel, since=granted.end, now=granted.end + timedelta(days=1)) == []
    told = rendered(MessageKind.VISITOR_OUT, gather_visit(hostel, visit_id))
    zone = PLATFORM.profile.zone
    assert told["lksj"] == FORMATS["minute"].write(seen, zone)
    # Back again and not seen leaving: then until the pass ended.
    passage(granted, "in", seen + timedelta(minutes=5), 3)
    told = rendered(MessageKind.VISITOR_OUT, gather_visit(hostel, visit_id))
    assert told["lksj"] == FORMATS["minute"].write(granted.end, zone)


def due(hostel: Hostel, *, since: datetime, now: datetime) -> list[tuple[str, Occasion]]:
    """What is due in a stretch."""
    return list(subjects.due_visits(estate_id=hostel.estate_id, since=since, now=now))


def test_a_visitor_is_told_of_once_when_he_comes_and_once_when_he_goes(hostel: Hostel) -> None:
    visit_id, granted = visit(hostel, host=guest_of(hostel, stay=hostel.arrive()))
    came(granted, granted.start)
    shared = {"estate_id": hostel.estate_id, "pass_id": granted.id, "origin_kind": "visit", "origin_id": visit_id}
    entered = PassFirstUsed(**shared, gate="G01", direction="in", happened_at=granted.start)
    revoked = PassRevoked(**shared, version=9, reason="late", revoked_at=granted.end + timedelta(minutes=1))
    tasks.queue_visitor(revoked, clock.now())
    assert hostel.reports(visit_id) == []
    for _ in range(2):
        tasks.queue_visitor(entered, clock.now())
    assert tasks.queue_ended_visits(estate_id=hostel.estate_id, now=granted.end - timedelta(seconds=1)) == 0
    assert tasks.queue_ended_visits(estate_id=hostel.estate_id, now=granted.end) == 1
    assert tasks.queue_ended_visits(estate_id=hostel.estate_id, now=granted.end + timedelta(hours=1)) == 0
    tasks.queue_visitor(revoked, clock.now())
    reports = hostel.reports(visit_id)
    assert [(one.kind, one.state) for one in reports] == [("VISITOR_IN", "QUEUED"), ("VISITOR_OUT", "QUEUED")]


def test_a_visit_that_is_taken_back_ends_there_and_one_nobody_came_for_is_never_due(hostel: Hostel) -> None:
    host = guest_of(hostel, stay=hostel.arrive())
    visit_id, granted = visit(hostel, host=host)
    came(granted, granted.start)
    unused_id, _ = visit(hostel, host=host)
    now = clock.now()
    for id_ in (visit_id, unused_id):
        access.withdraw_visit(actor=host, visit_id=id_, reason="changed plans", now=now)
    expected = [(visit_id, Occasion(kind=MessageKind.VISITOR_OUT, happened_at=now))]
    assert due(hostel, since=now - timedelta(hours=1), now=now + timedelta(days=1)) == expected


def test_a_residents_visitor_is_told_only_where_the_flat_is_let(hostel: Hostel) -> None:
    person_id = move_in(hostel)
    desk = hostel.actor(Role.GUARD)
    visit_id, granted = visit(hostel, host=desk, host_id=person_id)
    came(granted, granted.start)
    assert gather_visit(hostel, visit_id).operator_id == hostel.operator_id
    lettings.close_unit(actor=hostel.hand, unit_id=hostel.unit_id, reason="sold", now=clock.now())
    with pytest.raises(NotFound):
        gather_visit(hostel, visit_id)
    assert due(hostel, since=granted.start, now=granted.end) == []


def test_gathering_opens_nobody_in_a_repr(hostel: Hostel) -> None:
    move_in(hostel)
    for kind in (SubjectKind.STAFF, SubjectKind.RESIDENT):
        for one in standing(hostel, kind):
            person = one.facts.person  # type: ignore[union-attr]
            shown = f"{one!r} {one.facts!r}"
            assert person.native_name not in shown
            assert person.document_number not in shown
