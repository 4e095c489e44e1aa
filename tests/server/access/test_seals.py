"""`linli keys rotate` rewraps what the doors keep sealed: faces, credentials, the estate's pepper, visitors and terminals' secrets."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from linli.gate.decision import Kind, Reason
from linli.server import keys
from linli.server.access import actions, queries
from linli.server.access.actions import TerminalInput
from linli.server.access.models import Credential, FaceTemplate, HouseList, Terminal, VisitorInvitation
from linli.server.kernel import crypto
from linli.server.kernel.actors import Role
from linli.server.kernel.crypto import SealBroken
from linli.server.kernel.periods import Period
from tests.server.access.estate import NOON, Doors, found
from tests.server.access.test_faces import by_face, enrolled, sheets
from tests.world import World, build

HOUR = timedelta(hours=1)
NUMBER = "510108199003070019"


@pytest.fixture
def keyring_file(db: None, settings: Any, tmp_path: Path) -> Iterator[Path]:
    """A keyring of this test's own."""
    file = tmp_path / "keyring.json"
    crypto.keyring().write(file)
    settings.LINLI_KEYRING = file
    crypto.keyring.cache_clear()
    yield file
    crypto.keyring.cache_clear()


@pytest.fixture
def doors(keyring_file: Path) -> Doors:
    return found()


@pytest.fixture
def world(keyring_file: Path) -> World:
    return build()


def forget_old_keys(file: Path) -> None:
    """Burn every key but the newest."""
    ring = crypto.keyring()
    replace(ring, keys={ring.current: ring.keys[ring.current]}).write(file)
    crypto.keyring.cache_clear()


def furnish(doors: Doors) -> tuple[str, str]:
    """A pass with a card, a PIN and an identity card, a visitor who said who he is, and a terminal; the PIN, the visit."""
    guard = doors.actor(Role.GUARD)
    held = doors.grant()
    actions.issue_card(actor=guard, pass_id=held.id, number="04A1B2C3", now=NOON)
    actions.register_idcard(actor=guard, pass_id=held.id, number=NUMBER, now=NOON)
    pin = actions.issue_pin(actor=guard, pass_id=held.id, now=NOON).pin
    asked = TerminalInput(
        gate="G01",
        make="isapi",
        model="",
        settings={"address": "https://terminal.test", "user": "admin", "door": 1},
        secret="a terminal's secret",
    )
    actions.register_terminal(actor=doors.keeper, code="T1", asked=asked, now=NOON)
    host = f"person_of_{held.origin_id}"
    visit = actions.invite_visitor(
        actor=guard, host_id=host, period=Period(start=NOON, end=NOON + HOUR), now=NOON
    ).visit
    visitor = doors.visitor(visit.id)
    shown = queries.get_invited(actor=visitor)
    actions.accept_visit(actor=visitor, name="王小二", phone="13800138000", notice_digest=shown.notice_digest, now=NOON)
    return pin, visit.id


def test_after_rotating_the_doors_need_no_older_key(doors: Doors, keyring_file: Path, capsys: Any) -> None:
    pin, visit_id = furnish(doors)
    version = queries.snapshot_version(estate_id=doors.estate_id)
    assert keys.rotate() == 0
    # A card, a PIN, a digest, the pepper, a secret, a name, a telephone number.
    assert "7 in access" in capsys.readouterr().out
    forget_old_keys(keyring_file)
    for kind, text in ((Kind.CARD, "04A1B2C3"), (Kind.PIN, pin), (Kind.IDCARD, NUMBER)):
        assert doors.prove(kind, text) is Reason.OK
    shown = queries.get_visit(actor=doors.actor(Role.GUARD), visit_id=visit_id, now=NOON)
    assert (shown.name_masked, shown.phone_masked[-4:]) == ("王**", "8000")
    body = actions.hand_out_terminals(box=doors.box, now=NOON)
    assert [plan.secret for plan in body] == ["a terminal's secret"]
    # What is compared is the same as before: no gate need hear of it.
    assert queries.snapshot_version(estate_id=doors.estate_id) == version
    assert actions.renew_seals() == 0


def test_a_face_opens_its_door_after_rotating_as_before(world: World, keyring_file: Path) -> None:
    _, face = enrolled(world)
    crypto.keyring().rotated().write(keyring_file)
    crypto.keyring.cache_clear()
    # The face, the credential that names it, and the pepper.
    assert actions.renew_seals() == 3
    forget_old_keys(keyring_file)
    assert sheets(world, face.id) == [face.id]
    assert by_face(world, face.id).reason is Reason.OK


def test_without_rewrapping_the_old_key_is_missed(doors: Doors, keyring_file: Path) -> None:
    furnish(doors)
    crypto.keyring().rotated().write(keyring_file)
    crypto.keyring.cache_clear()
    forget_old_keys(keyring_file)
    with pytest.raises(SealBroken):
        doors.whole_list()


def test_what_was_erased_in_time_is_left_alone(doors: Doors, keyring_file: Path) -> None:
    furnish(doors)
    Credential.objects.update(sealed=b"", label="")
    VisitorInvitation.objects.update(sealed_name=None, sealed_phone=None)
    Terminal.objects.update(sealed_secret=b"")
    crypto.keyring().rotated().write(keyring_file)
    crypto.keyring.cache_clear()
    assert actions.renew_seals() == 1
    assert crypto.key_version(bytes(HouseList.objects.get().sealed_pepper)) == crypto.keyring().current
    assert not FaceTemplate.objects.exists()
