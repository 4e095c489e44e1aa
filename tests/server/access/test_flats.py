"""A flat's own lock opens to the passes of that flat, whoever holds them, and to nobody else's."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from linli.gate.decision import Reason
from linli.server.access import actions, queries
from linli.server.access.actions import Origin
from linli.server.access.models import DoorGroup, Gate, Pass
from linli.server.access.queries import BoxView
from linli.server.access.rules import GateCodeTaken, GateCodeUnreadable, NoSuchDoor
from linli.server.kernel.actors import Actor, Grant, Role
from linli.server.kernel.errors import NotAllowed, NotFound
from linli.server.kernel.periods import Period
from linli.server.people import queries as people
from tests.server.access.estate import NOON, STAY, Doors, found
from tests.world import Unchanged

HOUR = timedelta(hours=1)
LOCK, OTHER = "L0101", "L0201"


@pytest.fixture
def doors(db: None) -> Doors:
    estate = found()
    actions.declare_terms(actor=estate.keeper, now=NOON)
    return estate


def fit(doors: Doors, code: str = LOCK, *, flat: int = 0) -> BoxView:
    """A lock at a flat, served by a box of its own."""
    actions.fit_lock(actor=doors.actor(Role.PROPERTY), dwelling_id=doors.flats[flat], code=code, now=NOON)
    return doors.second_box(code)


@pytest.mark.parametrize("kind", ["guest", "companion", "resident", "child", "operator", "cleaner", "visitor"])
def test_a_pass_of_a_flat_opens_the_flats_own_lock_and_no_other(doors: Doors, kind: str) -> None:
    own, other = fit(doors), fit(doors, OTHER, flat=1)
    granted = doors.grant_home(kind)
    assert doors.present(granted, LOCK, known=doors.whole_list(own)).reason is Reason.OK
    # The other flat's box has never heard of the pass, and its lock is none of the pass's doors.
    assert not doors.present(granted, OTHER, known=doors.whole_list(other)).open
    assert doors.present(granted, "G07").reason is Reason.OK
    assert doors.present(granted, "G08").reason is Reason.WRONG_DOOR


@pytest.mark.parametrize("kind", ["guard", "staff", "courier", "emergency"])
def test_whoever_goes_the_rounds_or_brings_a_parcel_opens_nobodys_flat(doors: Doors, kind: str) -> None:
    box = fit(doors)
    granted = doors.grant_home(kind)
    assert not doors.present(granted, LOCK, known=doors.whole_list(box)).open


def test_a_lock_fitted_later_opens_to_the_passes_given_before_and_to_their_papers(doors: Doors) -> None:
    granted, neighbour = doors.grant_home("guest"), doors.grant_home("guest", flat=1)
    paper = actions.issue_paper(actor=doors.actor(Role.GUARD), pass_id=granted.id, now=NOON)
    box = fit(doors)
    known = doors.whole_list(box)
    assert doors.present(granted, LOCK, known=known).reason is Reason.OK
    assert queries.get_pass(estate_id=doors.estate_id, pass_id=paper.granted.id).groups == (1, 2, 3, 6)
    assert doors.present(neighbour, LOCK, known=known).reason is not Reason.OK
    # A phone that shows a code fetched before the lock was there gets in as well: the list decides, not the picture.
    assert queries.get_pass(estate_id=doors.estate_id, pass_id=neighbour.id).groups == (1, 2, 4)


def test_a_withdrawn_pass_and_one_that_is_over_get_no_lock(doors: Doors) -> None:
    gone = doors.grant_home("guest")
    doors.revoke("guest_0")
    over = doors.grant_home("resident", period=Period(start=NOON - 3 * HOUR, end=NOON - HOUR), now=NOON - 3 * HOUR)
    fit(doors)
    for one in (gone, over):
        assert queries.get_pass(estate_id=doors.estate_id, pass_id=one.id).groups == (1, 2, 3)


def test_a_second_lock_of_a_flat_opens_to_the_same_passes(doors: Doors) -> None:
    granted = doors.grant_home("guest")
    fit(doors)
    back = fit(doors, "L0101-B")
    assert DoorGroup.objects.filter(kind="dwelling").count() == 1
    assert doors.present(granted, "L0101-B", known=doors.whole_list(back)).reason is Reason.OK


def test_moving_to_another_flat_moves_the_lock_too(doors: Doors) -> None:
    own, other = fit(doors), fit(doors, OTHER, flat=1)
    granted = doors.grant_home("guest")
    actions.amend_pass(actor=doors.keeper, pass_id=granted.id, dwelling_id=doors.flats[1], now=NOON)
    assert doors.present(granted, OTHER, known=doors.whole_list(other)).reason is Reason.OK
    # The box of the first flat is told that the pass counts there no more.
    assert doors.present(granted, LOCK, known=doors.whole_list(own)).reason is Reason.WRONG_DOOR


def test_a_guests_visitor_opens_the_hosts_flat_and_no_other(doors: Doors) -> None:
    own, other = fit(doors), fit(doors, OTHER, flat=1)
    actions.grant_pass(
        actor=doors.keeper,
        holder_kind="guest",
        holder_id="person_host",
        dwelling_id=doors.flats[0],
        period=STAY,
        origin=Origin(kind="stay", id="stay_host"),
        now=NOON,
    )
    asked = Period(start=NOON, end=NOON + 2 * HOUR)
    guest = link(doors, "stay:stay_host")
    invited = actions.invite_visitor(actor=guest, host_id=None, period=asked, now=NOON)
    visitor = link(doors, f"visit:{invited.visit.id}")
    shown = queries.get_invited(actor=visitor)
    actions.accept_visit(actor=visitor, name="王小二", phone="13800138000", notice_digest=shown.notice_digest, now=NOON)
    granted = queries.find_pass(estate_id=doors.estate_id, origin=Origin(kind="visit", id=invited.visit.id))
    assert granted is not None
    assert doors.present(granted, LOCK, known=doors.whole_list(own)).reason is Reason.OK
    assert not doors.present(granted, OTHER, known=doors.whole_list(other)).open
    assert doors.present(granted, "G05").reason is Reason.WRONG_DOOR


def link(doors: Doors, scope: str) -> Actor:
    return Actor(
        id=f"guest:{scope}", estate_id=doors.estate_id, grants=frozenset({Grant(role=Role.GUEST, scope=scope)})
    )


def test_a_lock_is_fitted_once_by_whoever_keeps_the_doors_under_a_code_that_is_free(doors: Doors) -> None:
    keeper, flat = doors.actor(Role.PROPERTY), doors.flats[0]
    for role in (Role.GUARD, Role.OFFICE, Role.POLICE, Role.OPERATOR):
        with Unchanged(), pytest.raises(NotAllowed):
            actions.fit_lock(actor=doors.actor(role), dwelling_id=flat, code=LOCK, now=NOON)
    with Unchanged(), pytest.raises(GateCodeTaken):
        actions.fit_lock(actor=keeper, dwelling_id=flat, code="G01", now=NOON)
    for code in ("", "l0101", "L" * 17, "门"):
        with Unchanged(), pytest.raises(GateCodeUnreadable):
            actions.fit_lock(actor=keeper, dwelling_id=flat, code=code, now=NOON)
    with Unchanged(), pytest.raises(NotFound):
        actions.fit_lock(actor=keeper, dwelling_id="dwelling_elsewhere", code=LOCK, now=NOON)


def test_a_flat_that_is_not_there_gives_no_pass(doors: Doors) -> None:
    with Unchanged(), pytest.raises(NotFound):
        actions.grant_pass(
            actor=doors.keeper,
            holder_kind="guest",
            holder_id="p",
            dwelling_id="dwelling_elsewhere",
            period=STAY,
            origin=Origin(kind="stay", id="s"),
            now=NOON,
        )
    assert not people.list_living(estate_id=doors.estate_id, today=NOON.date())


def test_the_database_knows_no_lock_of_no_flat(doors: Doors) -> None:
    fit(doors)
    group = DoorGroup.objects.get(kind="dwelling")
    for change in ({"dwelling": None}, {"kind": "garage"}):
        with transaction.atomic(), pytest.raises(IntegrityError, match="a_lock_group_names_its_flat"):
            DoorGroup.objects.filter(id=group.id).update(**change)
    assert Gate.objects.get(code=LOCK).groups == [group.number]
    assert not Pass.objects.exists()


def test_the_garage_alone_is_no_way_home(doors: Doors) -> None:
    Gate.objects.filter(code__in=("G01", "G02")).delete()
    DoorGroup.objects.filter(kind="estate").delete()
    with Unchanged(), pytest.raises(NoSuchDoor):
        doors.grant_home("guest")
