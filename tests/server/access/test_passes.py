from datetime import timedelta
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection
from django.test.utils import CaptureQueriesContext

from linli.gate import passes as codes
from linli.gate.decision import Reason
from linli.gate.snapshot import PassState
from linli.server.access import actions, queries
from linli.server.access.actions import Origin
from linli.server.access.models import Pass
from linli.server.access.rules import (
    NoSuchDoor,
    OverrideTooLong,
    PassNotActive,
    PassOver,
    PassWithdrawn,
    ReasonNeeded,
    UnknownHolder,
)
from linli.server.kernel import crypto
from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotAllowed, NotFound
from linli.server.kernel.models import OutboxEvent
from linli.server.kernel.periods import Period
from linli.server.privacy import queries as privacy
from tests.server.access.estate import NOON, STAY, Doors, found

HOUR = timedelta(hours=1)


@pytest.fixture
def doors(db: None) -> Doors:
    return found()


def test_a_guests_pass_opens_the_estate_gates_the_garage_and_the_guests_own_entrance(doors: Doors) -> None:
    granted = doors.grant(entrance=0)
    opened = {gate: doors.present(granted, gate).reason for gate in ("G01", "G02", "G05", "G07", "G08", "G09")}
    assert opened == {
        "G01": Reason.OK,
        "G02": Reason.OK,
        "G05": Reason.OK,
        "G07": Reason.OK,
        "G08": Reason.WRONG_DOOR,
        "G09": Reason.WRONG_DOOR,
    }


def test_a_pass_says_what_it_is(doors: Doors) -> None:
    granted = doors.grant()
    assert granted == queries.get_pass(estate_id=doors.estate_id, pass_id=granted.id)
    assert granted == queries.find_pass(estate_id=doors.estate_id, origin=Origin(kind="stay", id="stay_1"))
    assert (granted.state, granted.groups, granted.start, granted.end) == (
        PassState.ACTIVE,
        (1, 2, 3),
        STAY.start,
        STAY.end,
    )
    assert granted.version == queries.snapshot_version(estate_id=doors.estate_id)
    assert len(granted.serial) == 16
    assert 0 < int(granted.serial, 16) < 1 << 63


def test_a_pass_is_found_only_on_its_own_estate(doors: Doors) -> None:
    granted = doors.grant()
    with pytest.raises(NotFound):
        queries.get_pass(estate_id="estate_other", pass_id=granted.id)
    assert queries.find_pass(estate_id="estate_other", origin=Origin(kind="stay", id="stay_1")) is None


@pytest.mark.parametrize(("holder", "groups"), [("visitor", (1, 3)), ("courier", (1,)), ("resident", (1, 2, 3))])
def test_each_kind_of_holder_has_its_doors(doors: Doors, holder: str, groups: tuple[int, ...]) -> None:
    granted = actions.grant_pass(
        actor=doors.keeper,
        holder_kind=holder,
        holder_id="person_1",
        entrance_id=doors.entrances[0],
        period=STAY,
        origin=Origin(kind="visit", id="visit_1"),
        now=NOON,
    )
    assert granted.groups == groups


def test_nobody_of_an_unknown_kind_gets_a_pass(doors: Doors) -> None:
    before = queries.snapshot_version(estate_id=doors.estate_id)
    with pytest.raises(UnknownHolder):
        actions.grant_pass(
            actor=doors.keeper,
            holder_kind="burglar",
            holder_id="person_1",
            entrance_id=None,
            period=STAY,
            origin=Origin(kind="stay", id="stay_1"),
            now=NOON,
        )
    assert (Pass.objects.count(), queries.snapshot_version(estate_id=doors.estate_id)) == (0, before)


def test_an_entrance_without_doors_is_refused(doors: Doors) -> None:
    with pytest.raises(NoSuchDoor):
        actions.grant_pass(
            actor=doors.keeper,
            holder_kind="guest",
            holder_id="person_1",
            entrance_id="entrance_elsewhere",
            period=STAY,
            origin=Origin(kind="stay", id="stay_1"),
            now=NOON,
        )
    assert Pass.objects.count() == 0


@pytest.mark.parametrize("role", [Role.POLICE, Role.AUDITOR, Role.COMMITTEE, Role.BOX])
def test_who_only_looks_on_grants_and_withdraws_nothing(doors: Doors, role: Role) -> None:
    granted = doors.grant()
    onlooker, origin = doors.actor(role), Origin(kind="stay", id="stay_1")
    for attempt in (
        lambda: actions.grant_pass(
            actor=onlooker,
            holder_kind="guest",
            holder_id="p",
            entrance_id=None,
            period=STAY,
            origin=origin,
            now=NOON,
        ),
        lambda: actions.revoke_passes(actor=onlooker, origin=origin, reason="x", now=NOON),
        lambda: actions.suspend_passes(actor=onlooker, origin=origin, reason="x", now=NOON),
        lambda: actions.resume_passes(actor=onlooker, origin=origin, now=NOON),
        lambda: actions.amend_pass(actor=onlooker, pass_id=granted.id, period=STAY, now=NOON),
        lambda: actions.revoke_pass(actor=onlooker, pass_id=granted.id, reason="x", now=NOON),
        lambda: actions.unlist_ended_passes(actor=onlooker, now=NOON),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    assert doors.revoke() == 1
    assert Pass.objects.count() == 1


def test_a_withdrawn_pass_opens_nothing_and_the_old_picture_says_why(doors: Doors) -> None:
    granted = doors.grant()
    picture = queries.pass_codes(estate_id=doors.estate_id, pass_id=granted.id, count=1, now=NOON)[0].code
    assert doors.revoke() == 1
    verdict = doors.scan(picture, "G01", now=NOON + HOUR)
    assert (verdict.open, verdict.reason) == (False, Reason.REVOKED)


def test_withdrawing_twice_is_withdrawing_once(doors: Doors) -> None:
    doors.grant()
    doors.revoke()
    version = queries.snapshot_version(estate_id=doors.estate_id)
    assert doors.revoke() == 0
    assert queries.snapshot_version(estate_id=doors.estate_id) == version
    assert OutboxEvent.objects.filter(type="access.PassRevoked").count() == 1


def test_a_withdrawal_takes_every_pass_of_its_origin_and_no_other(doors: Doors) -> None:
    doors.grant("stay_1")
    doors.grant("stay_1", entrance=1)
    other = doors.grant("stay_2")
    assert doors.revoke("stay_1") == 2
    states = {
        one.state for one in queries.list_passes(estate_id=doors.estate_id, origin=Origin(kind="stay", id="stay_1"))
    }
    assert states == {PassState.REVOKED}
    assert doors.present(other, "G01").open


def test_a_withdrawal_is_told_by_the_outbox_and_written_into_the_audit_chain(doors: Doors) -> None:
    granted = doors.grant()
    doors.revoke()
    event = OutboxEvent.objects.get(type="access.PassRevoked")
    assert (event.key, event.body["pass_id"], event.body["origin_id"]) == ("stay_1", granted.id, "stay_1")
    assert privacy.count_entries(estate_id=doors.estate_id, verb="revoke_pass", subject=granted.id) == 1
    assert privacy.verify_chain(estate_id=doors.estate_id).whole


def test_a_suspended_pass_waits_and_a_resumed_one_opens_again(doors: Doors) -> None:
    granted, origin = doors.grant(), Origin(kind="stay", id="stay_1")
    code = queries.pass_codes(estate_id=doors.estate_id, pass_id=granted.id, count=1, now=NOON)[0].code
    assert actions.suspend_passes(actor=doors.keeper, origin=origin, reason="unit suspended", now=NOON) == 1
    assert doors.scan(code, "G01").reason is Reason.SUSPENDED
    with pytest.raises(PassNotActive):
        queries.pass_codes(estate_id=doors.estate_id, pass_id=granted.id, count=1, now=NOON)
    assert actions.resume_passes(actor=doors.keeper, origin=origin, now=NOON) == 1
    assert doors.scan(code, "G01").open


def test_resuming_never_revives_a_withdrawn_pass(doors: Doors) -> None:
    doors.grant()
    doors.revoke()
    assert actions.resume_passes(actor=doors.keeper, origin=Origin(kind="stay", id="stay_1"), now=NOON) == 0


def test_a_moved_guest_passes_the_new_entrance_and_the_old_one_hears_of_it(doors: Doors) -> None:
    granted = doors.grant(entrance=0)
    old, new = doors.second_box("G07"), doors.second_box("G08")
    known = doors.whole_list(old)
    moved = actions.amend_pass(actor=doors.keeper, pass_id=granted.id, entrance_id=doors.entrances[1], now=NOON)
    assert moved.groups == (1, 2, 4)
    change = queries.get_delta(box=old, since=known.version, now=NOON)
    assert [entry.groups for entry in change.passes] == [(1, 2, 4)]
    assert doors.present(granted, "G07", known=doors.whole_list(old)).reason is Reason.WRONG_DOOR
    assert doors.present(granted, "G08", known=doors.whole_list(new)).open


def test_an_extended_stay_keeps_its_code(doors: Doors) -> None:
    granted = doors.grant()
    later = Period(start=STAY.start, end=STAY.end + timedelta(days=3))
    actions.amend_pass(actor=doors.keeper, pass_id=granted.id, period=later, now=NOON)
    assert doors.present(granted, "G01", now=STAY.end + timedelta(days=1)).open


def test_a_withdrawn_pass_is_not_amended(doors: Doors) -> None:
    granted = doors.grant()
    doors.revoke()
    before = queries.get_pass(estate_id=doors.estate_id, pass_id=granted.id)
    with pytest.raises(PassWithdrawn):
        actions.amend_pass(actor=doors.keeper, pass_id=granted.id, period=Period(start=NOON, end=NOON + HOUR), now=NOON)
    assert queries.get_pass(estate_id=doors.estate_id, pass_id=granted.id) == before


def test_periods_reach_the_gates_in_whole_seconds_never_shorter_than_granted(doors: Doors) -> None:
    odd = Period(start=STAY.start.replace(microsecond=700), end=STAY.end.replace(microsecond=1))
    granted = doors.grant(period=odd)
    assert (granted.start, granted.end) == (STAY.start, STAY.end + timedelta(seconds=1))


def test_a_sheaf_of_codes_covers_the_coming_windows_without_a_hole(doors: Doors) -> None:
    granted = doors.grant()
    sheaf = queries.pass_codes(estate_id=doors.estate_id, pass_id=granted.id, count=20, now=NOON)
    assert len(sheaf) == 20
    assert sheaf[0].start <= NOON < sheaf[0].end
    assert all(one.end == following.start for one, following in pairwise(sheaf))
    keys = {number: Ed25519PublicKey.from_public_bytes(raw) for number, raw in crypto.verifying_keys().items()}
    read = [codes.read(one.code, keys=keys) for one in sheaf]
    assert [one.window for one in read] == [codes.window_at(one.start) for one in sheaf]
    assert {one.serial for one in read} == {int(granted.serial, 16)}


def test_codes_stop_where_the_pass_ends(doors: Doors) -> None:
    granted = doors.grant()
    sheaf = queries.pass_codes(
        estate_id=doors.estate_id, pass_id=granted.id, count=100, now=STAY.end - timedelta(minutes=2)
    )
    assert len(sheaf) == 4
    with pytest.raises(PassOver):
        queries.pass_codes(estate_id=doors.estate_id, pass_id=granted.id, count=1, now=STAY.end)


def test_a_guard_lets_somebody_through_the_estate_gates_only(doors: Doors) -> None:
    granted = _override(doors)
    (printed,) = queries.pass_codes(estate_id=doors.estate_id, pass_id=granted.id, count=20, now=NOON)
    late = NOON + timedelta(minutes=110)
    assert doors.scan(printed.code, "G01", now=late).open
    assert doors.scan(printed.code, "G07", now=late).reason is Reason.WRONG_DOOR
    assert doors.scan(printed.code, "G01", now=NOON + 2 * HOUR).reason is Reason.EXPIRED


def test_an_override_lasts_two_hours_at_most_and_begins_now(doors: Doors) -> None:
    for period in (
        Period(start=NOON, end=NOON + 2 * HOUR + timedelta(seconds=1)),
        Period(start=NOON + HOUR, end=NOON + 3 * HOUR),
        Period(start=NOON - 2 * HOUR, end=NOON),
    ):
        with pytest.raises(OverrideTooLong):
            _override(doors, period=period)
    assert Pass.objects.count() == 0


def test_two_hours_do_not_become_four(doors: Doors) -> None:
    _override(doors)
    version = queries.snapshot_version(estate_id=doors.estate_id)
    with pytest.raises(actions.OverrideRunning):
        _override(doors)
    assert Pass.objects.count() == 1
    assert queries.snapshot_version(estate_id=doors.estate_id) == version


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.GUARD])
def test_only_a_guard_overrides(doors: Doors, role: Role) -> None:
    with pytest.raises(NotAllowed):
        _override(doors, role=role)
    assert Pass.objects.count() == 0


def test_an_override_says_why(doors: Doors) -> None:
    with pytest.raises(ReasonNeeded):
        _override(doors, reason="  \n ")
    granted = _override(doors, reason="lost phone")
    assert privacy.count_entries(estate_id=doors.estate_id, verb="grant_override", subject=granted.id) == 1


def test_the_regular_pass_counts_before_an_override_and_both_are_withdrawn_together(doors: Doors) -> None:
    regular = doors.grant()
    _override(doors)
    origin = Origin(kind="stay", id="stay_1")
    found = queries.find_pass(estate_id=doors.estate_id, origin=origin)
    assert found is not None
    assert found.id == regular.id
    assert doors.revoke() == 2


def test_the_desk_withdraws_one_pass_with_a_reason(doors: Doors) -> None:
    granted = doors.grant()
    with pytest.raises(ReasonNeeded):
        actions.revoke_pass(actor=doors.actor(Role.GUARD), pass_id=granted.id, reason=" ", now=NOON)
    withdrawn = actions.revoke_pass(actor=doors.actor(Role.GUARD), pass_id=granted.id, reason="stolen phone", now=NOON)
    again = actions.revoke_pass(actor=doors.actor(Role.GUARD), pass_id=granted.id, reason="twice", now=NOON)
    assert withdrawn.state is PassState.REVOKED
    assert again == withdrawn
    with pytest.raises(NotFound):
        actions.revoke_pass(actor=doors.actor(Role.GUARD), pass_id="pass_of_nobody", reason="x", now=NOON)


def test_a_grant_and_a_withdrawal_cost_a_few_statements(doors: Doors) -> None:
    doors.grant("stay_0")
    with CaptureQueriesContext(connection) as granting:
        doors.grant()
    with CaptureQueriesContext(connection) as withdrawing:
        doors.revoke()
    # Purpose, doors, the list's lock, its version, the pass or the outbox; and two for the audit chain.
    assert len(granting.captured_queries) <= 7, granting.captured_queries
    assert len(withdrawing.captured_queries) <= 7, withdrawing.captured_queries


def _override(
    doors: Doors,
    *,
    role: Role = Role.GUARD,
    reason: str = "the phone is empty",
    period: Period = Period(start=NOON, end=NOON + 2 * HOUR),
) -> queries.PassView:
    return actions.grant_override(
        actor=doors.actor(role),
        holder_kind="guest",
        holder_id="person_1",
        origin=Origin(kind="stay", id="stay_1"),
        period=period,
        reason=reason,
        now=NOON,
    )
