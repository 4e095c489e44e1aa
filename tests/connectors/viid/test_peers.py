"""Peers as the admin keeps them: a secret goes in and never comes out, and another account ends a registration."""

import json
from typing import Any

import pytest

from linli.server.connectors.models import ViidPeer
from linli.server.connectors.viid import peers
from linli.server.kernel import crypto
from linli.server.kernel.actors import Role
from linli.server.privacy import queries as privacy
from tests.connectors.viid.calling import NUMBER, SECRET, Calling
from tests.world import Unchanged, World, body_of

pytestmark = pytest.mark.django_db
DRAFT = {
    "device_id": "51010800005030000055",
    "name": "上级视图库",
    "side": "up",
    "url": "http://127.0.0.1:9/",
    "username": "estate",
    "secret": "a-long-enough-secret",
}


def post(client: Any, body: dict[str, Any]) -> Any:
    return client.post("/api/viid/peers", json.dumps(body), content_type="application/json")


def patch(client: Any, peer_id: str, body: dict[str, Any]) -> Any:
    return client.patch(f"/api/viid/peers/{peer_id}", json.dumps(body), content_type="application/json")


def test_an_admin_makes_a_peer_known_and_its_secret_is_shown_to_nobody(world: World) -> None:
    admin = world.signed_in(Role.ESTATE_ADMIN)
    answer = post(admin, DRAFT)
    assert answer.status_code == 201
    told = body_of(answer)
    assert (told["state"], told["dialect"], told["url"]) == ("OFFLINE", "strict", "http://127.0.0.1:9")
    listed = admin.get("/api/viid/peers")
    assert body_of(listed) == [told]
    for said in (answer, listed):
        assert DRAFT["secret"] not in said.content.decode()
        assert "secret" not in body_of(answer)
    row = ViidPeer.objects.get(device_id=DRAFT["device_id"])
    assert DRAFT["secret"].encode() not in bytes(row.secret)
    assert crypto.unseal(bytes(row.secret), context=peers.SECRET) == DRAFT["secret"]
    assert privacy.count_entries(estate_id=world.estate_id, verb="add_viid_peer", subject=row.id) == 1


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"device_id": NUMBER}, 409, "peer_known"),
        ({"device_id": "123"}, 422, "malformed"),
        ({"side": "sideways"}, 422, "malformed"),
        ({"secret": "kurz"}, 422, "secret_too_short"),
        ({"secret": "密码密码密码密码密码密码"}, 422, "bad_field"),
        ({"username": "a:b"}, 422, "bad_field"),
        ({"username": "名"}, 422, "bad_field"),
        ({"url": ""}, 422, "bad_field"),
        ({"url": "ftp://x"}, 422, "bad_field"),
        ({"dialect": "french"}, 422, "bad_field"),
    ],
)
def test_a_peer_that_cannot_be_is_refused(
    world: World, below: Calling, changes: dict[str, str], status: int, code: str
) -> None:
    admin = world.signed_in(Role.ESTATE_ADMIN)
    with Unchanged():
        answer = post(admin, {**DRAFT, **changes})
    assert (answer.status_code, body_of(answer)["code"]) == (status, code)
    assert changes.get("secret", DRAFT["secret"]) not in answer.content.decode()


@pytest.mark.parametrize(
    "role", [role for role in Role if role in (Role.OFFICE, Role.GUARD, Role.POLICE, Role.AUDITOR)]
)
def test_nobody_else_makes_or_changes_a_peer(world: World, below: Calling, role: Role) -> None:
    client = world.signed_in(role)
    with Unchanged():
        assert post(client, DRAFT).status_code == 403
        assert patch(client, below.peer.id, {"enabled": False}).status_code == 403
    assert client.get("/api/viid/peers").status_code == (200 if role in peers.READERS else 403)


@pytest.mark.parametrize("change", [{"secret": "another-secret-of-it"}, {"username": "other"}, {"enabled": False}])
def test_another_account_or_none_ends_a_registration(world: World, below: Calling, change: dict[str, Any]) -> None:
    assert below.register().status_code == 200
    answer = patch(world.signed_in(Role.ESTATE_ADMIN), below.peer.id, change)
    assert (answer.status_code, body_of(answer)["state"]) == (200, "OFFLINE")
    assert below.ask("GET", "/VIID/System/Time").status_code == 401
    assert below.register().status_code == 401


def test_another_name_or_dialect_does_not(world: World, below: Calling) -> None:
    below.register()
    admin = world.signed_in(Role.ESTATE_ADMIN)
    assert body_of(patch(admin, below.peer.id, {"name": "新名", "dialect": "loose"}))["dialect"] == "loose"
    assert below.ask("GET", "/VIID/System/Time").status_code == 200
    with Unchanged():
        assert patch(admin, below.peer.id, {"dialect": "french"}).status_code == 422
        assert patch(admin, below.peer.id, {"secret": "short"}).status_code == 422
        assert patch(admin, "vpeer_00000000000000000000000000", {"name": "x"}).status_code == 404
    assert crypto.unseal(bytes(ViidPeer.objects.get(id=below.peer.id).secret), context=peers.SECRET) == SECRET
