"""Cards, PINs, identity cards and faces: what proves a pass, once, and no longer than the pass."""

from datetime import timedelta

import pytest

from linli.gate.decision import Kind, Scan, Verdict, decide
from linli.gate.snapshot import Snapshot
from linli.server.access import actions, queries
from linli.server.access.actions import Origin
from linli.server.access.queries import PassView
from linli.server.access.rules import (
    TooManyCredentials,
    WayNotForHolder,
)
from linli.server.kernel.actors import Role
from tests.server.access.estate import NOON, STAY, Doors, found
from tests.world import Unchanged

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PATIENCE = 20


@pytest.fixture
def doors(db: None) -> Doors:
    return found()


def holder(doors: Doors, kind: str, *, entrance: int = 0) -> PassView:
    """A pass of that kind of holder."""
    return actions.grant_pass(
        actor=doors.keeper,
        holder_kind=kind,
        holder_id=f"person_{kind}",
        entrance_id=doors.entrances[entrance],
        period=STAY,
        origin=Origin(kind="contract", id=f"contract_{kind}"),
        now=NOON,
    )


def shown(doors: Doors, kind: Kind, text: str, gate: str = "G01", *, known: Snapshot | None = None) -> Verdict:
    """What a gate decides about a card, digits, a number or a face."""
    return decide(Scan(gate=gate, kind=kind, text=text), known or doors.whole_list(), NOON)


def card(doors: Doors, granted: PassView, number: str = "04a1b2c3") -> queries.CredentialView:
    """A card issued by the guard."""
    return actions.issue_card(actor=doors.actor(Role.GUARD), pass_id=granted.id, number=number, now=NOON)


def test_a_face_proves_a_pass_until_it_is_taken_back(doors: Doors) -> None:
    granted = doors.grant()
    ident, version = actions.issue_face_credential(
        actor=doors.keeper, pass_id=granted.id, template_id="face_01", now=NOON
    )
    assert version == queries.snapshot_version(estate_id=doors.estate_id)
    ended = actions.end_credential(actor=doors.keeper, credential_id=ident, reason="taken back", now=NOON + HOUR)
    assert ended > version
    assert not queries.get_credential(estate_id=doors.estate_id, credential_id=ident).live
    with Unchanged():
        again = actions.end_credential(actor=doors.keeper, credential_id=ident, reason="taken back", now=NOON + HOUR)
    assert again == ended


def test_a_childs_face_is_never_a_way_in(doors: Doors) -> None:
    granted = holder(doors, "child")
    with Unchanged(), pytest.raises(WayNotForHolder):
        actions.issue_face_credential(actor=doors.keeper, pass_id=granted.id, template_id="face_01", now=NOON)


def test_a_pass_has_one_face(doors: Doors) -> None:
    granted = doors.grant()
    actions.issue_face_credential(actor=doors.keeper, pass_id=granted.id, template_id="face_01", now=NOON)
    with Unchanged(), pytest.raises(TooManyCredentials):
        actions.issue_face_credential(actor=doors.keeper, pass_id=granted.id, template_id="face_02", now=NOON)


def test_a_withdrawn_pass_takes_all_that_proves_it_along_in_the_same_version(doors: Doors) -> None:
    granted = doors.grant()
    card(doors, granted)
    actions.issue_pin(actor=doors.actor(Role.GUARD), pass_id=granted.id, now=NOON)
    doors.revoke()
    withdrawn = queries.get_pass(estate_id=doors.estate_id, pass_id=granted.id)
    left = queries.list_credentials(estate_id=doors.estate_id, pass_id=granted.id)
    assert {(one.live, one.version, one.ended_at) for one in left} == {(False, withdrawn.version, NOON)}


def test_a_suspended_pass_keeps_what_proves_it(doors: Doors) -> None:
    granted, origin = doors.grant(), Origin(kind="stay", id="stay_1")
    issued = card(doors, granted)
    actions.suspend_passes(actor=doors.keeper, origin=origin, reason="closed", now=NOON)
    assert queries.get_credential(estate_id=doors.estate_id, credential_id=issued.id) == issued
    actions.resume_passes(actor=doors.keeper, origin=origin, now=NOON)
    assert queries.get_credential(estate_id=doors.estate_id, credential_id=issued.id).live
