"""Rotation: a new master key wraps what is sealed, without opening it, and the old one is no longer needed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from linli.server.kernel import crypto
from linli.server.kernel.crypto import SealBroken
from linli.server.lettings import actions as lettings
from linli.server.lettings.personal_data import export_operators
from linli.server.people import actions, queries
from tests.server.lettings.letting import natural
from tests.server.people.somebody import NUMBER, card, wang
from tests.server.places.town import NOW, build

pytestmark = pytest.mark.django_db


@pytest.fixture
def keyring_file(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """A keyring of this test's own."""
    file = tmp_path / "keyring.json"
    crypto.keyring().write(file)
    settings.LINLI_KEYRING = file
    crypto.keyring.cache_clear()
    yield file
    crypto.keyring.cache_clear()


def rotate(file: Path) -> int:
    ring = crypto.keyring().rotated()
    ring.write(file)
    crypto.keyring.cache_clear()
    return ring.current


def test_after_rotating_everything_opens_without_the_old_key(keyring_file: Path) -> None:
    town = build()
    view = actions.identify_visitor(
        actor=town.hand,
        person=wang(latin_name="WANG JIAZI"),
        document=card(),
        purpose_code="lodging_registration",
        now=NOW,
    )
    current = rotate(keyring_file)
    assert actions.renew_seals() == 4
    assert actions.renew_seals() == 0
    ring = crypto.keyring()
    replace(ring, keys={current: ring.keys[current]}).write(keyring_file)
    crypto.keyring.cache_clear()
    opened = queries.get_identity(estate_id=town.estate_id, person_id=view.id)
    assert (opened.native_name, opened.document_number, opened.phone) == ("王甲子", NUMBER, "+8615400001111")
    # Found as before: the blind index does not turn with the key.
    again = actions.identify_visitor(
        actor=town.hand, person=wang(), document=card(), purpose_code="lodging_registration", now=NOW
    )
    assert again.id == view.id


def test_an_operators_phone_is_rewrapped_too(keyring_file: Path) -> None:
    town = build()
    operator = natural(town)
    rotate(keyring_file)
    assert lettings.renew_seals() == 1
    assert lettings.renew_seals() == 0
    assert export_operators(town.estate_id, str(operator.person_id))[0]["phone"] == "+8615400001111"


def test_without_renewing_the_old_key_is_still_needed(keyring_file: Path) -> None:
    town = build()
    view = actions.identify_visitor(
        actor=town.hand, person=wang(), document=card(), purpose_code="lodging_registration", now=NOW
    )
    current = rotate(keyring_file)
    assert queries.get_identity(estate_id=town.estate_id, person_id=view.id).document_number == NUMBER
    ring = crypto.keyring()
    replace(ring, keys={current: ring.keys[current]}).write(keyring_file)
    crypto.keyring.cache_clear()
    with pytest.raises(SealBroken):
        queries.get_identity(estate_id=town.estate_id, person_id=view.id)
