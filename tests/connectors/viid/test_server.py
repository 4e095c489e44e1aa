"""The estate's own view library: who gets in, what they are told, and what is refused whatever they say."""

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linli.server.connectors.models import ViidDevice, ViidNonce, ViidPeer
from linli.server.connectors.viid import ids, registering
from linli.server.kernel import clock
from tests.connectors.viid.calling import JSON_TYPE, NUMBER, REGISTER, SECRET, Calling, codes, peer_of
from tests.world import Unchanged, World, digest

pytestmark = pytest.mark.django_db
GOLDEN = Path(__file__).parents[1] / "golden" / "viid"


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))["body"]


def row() -> ViidPeer:
    return ViidPeer.objects.get(device_id=NUMBER)


def test_a_peer_is_challenged_proves_itself_and_is_registered(below: Calling) -> None:
    first = below.knock()
    assert first.status_code == 401
    assert first["WWW-Authenticate"].startswith('Digest realm="Linli VIID", qop="auth", nonce="')
    answer = below.register()
    assert (answer.status_code, answer["Content-Type"]) == (200, JSON_TYPE)
    told = json.loads(answer.content)["ResponseStatusObject"]
    assert (told["StatusCode"], told["StatusString"], told["Id"], told["RequestURL"]) == ("0", "OK", NUMBER, REGISTER)
    assert (row().state, row().registered_from) == ("ONLINE", "127.0.0.1")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/VIID/System/Time"),
        ("POST", "/VIID/System/Keepalive"),
        ("GET", "/VIID/APEs"),
        ("POST", "/VIID/Subscribes"),
        ("POST", "/VIID/Faces"),
        ("GET", "/VIID/nothing"),
    ],
)
def test_whoever_is_not_registered_is_challenged_and_changes_nothing(below: Calling, method: str, path: str) -> None:
    with Unchanged():
        for headers in (
            {},
            {"User-Identify": ""},
            {"User-Identify": "51010800005030000099"},
            {"User-Identify": "x" * 5000},
        ):
            answer = below.ask(method, path, {}, **headers)
            assert answer.status_code == 401
            assert "Digest" in answer["WWW-Authenticate"]


def test_a_number_counts_only_from_where_it_registered(below: Calling) -> None:
    below.register()
    assert below.ask("GET", "/VIID/System/Time").status_code == 200
    elsewhere = below.client.get("/VIID/System/Time", headers={"User-Identify": NUMBER}, REMOTE_ADDR="192.0.2.9")
    assert elsewhere.status_code == 401


def test_a_longer_number_is_not_taken_for_its_beginning(below: Calling) -> None:
    below.register()
    assert below.ask("GET", "/VIID/System/Time", **{"User-Identify": NUMBER + "1"}).status_code == 401


def test_a_wrong_password_name_number_or_address_proves_nothing(below: Calling) -> None:
    body = json.dumps({"RegisterObject": {"DeviceID": NUMBER}})
    knocked = below.knock()
    wrong = [
        Calling(peer=below.peer, secret="another-secret").prove(knocked),
        below.prove(knocked, username="somebody"),
        below.prove(knocked, uri="/VIID/System/Time"),
        "Basic bG93ZXI6eA==",
        "Digest nonsense",
    ]
    with Unchanged():
        for proof in wrong:
            answer = below.client.post(REGISTER, body, content_type=JSON_TYPE, headers={"Authorization": proof})
            assert answer.status_code == 401, proof
    assert row().state == "OFFLINE"


def test_a_proof_that_was_overheard_registers_nobody(below: Calling) -> None:
    proof = below.prove(below.knock())
    assert below.register(proof=proof).status_code == 200
    ViidPeer.objects.update(state="OFFLINE")
    again = below.register(proof=proof)
    assert again.status_code == 401
    assert "stale=true" in again["WWW-Authenticate"]
    assert row().state == "OFFLINE"


def test_a_nonce_is_used_again_only_with_a_higher_count(below: Calling) -> None:
    knocked = below.knock()
    assert below.register(proof=below.prove(knocked, count=2)).status_code == 200
    assert below.register(proof=below.prove(knocked, count=1)).status_code == 401
    assert below.register(proof=below.prove(knocked, count=3)).status_code == 200
    assert ViidNonce.objects.count() == 1


def test_a_nonce_gets_old_and_a_foreign_one_was_never_good(below: Calling, world: World) -> None:
    old = registering.challenge(now=clock.now() - timedelta(minutes=6))
    from_elsewhere = registering.challenge(now=clock.now())
    for header in (old.header(), from_elsewhere.header().replace('nonce="', 'nonce="f')):
        answer = below.register(proof=below.prove({"WWW-Authenticate": header}))
        assert answer.status_code == 401
        assert "stale=true" in answer["WWW-Authenticate"]


def test_knocking_leaves_nothing_behind(below: Calling) -> None:
    with Unchanged():
        for _ in range(20):
            below.knock()


def test_a_peer_that_was_switched_off_is_a_stranger(below: Calling) -> None:
    below.register()
    ViidPeer.objects.update(enabled=False)
    assert below.ask("GET", "/VIID/System/Time").status_code == 401
    assert below.register().status_code == 401


def test_it_is_told_the_time(below: Calling) -> None:
    below.register()
    told = json.loads(below.ask("GET", "/VIID/System/Time").content)["SystemTimeObject"]
    assert abs(ids.moment_of(told["LocalTime"]) - clock.now()) < timedelta(seconds=5)
    assert ids.device_of(told["VIIDServerID"]).type == ids.LIBRARY


def test_it_stays_registered_while_it_is_heard_of_and_then_no_longer(below: Calling) -> None:
    below.register()
    now = clock.now()
    ViidPeer.objects.update(kept_alive_at=now - timedelta(seconds=170))
    assert codes(below.ask("POST", "/VIID/System/Keepalive", {"KeepaliveObject": {"DeviceID": NUMBER}})) == ["0"]
    assert registering.note_silence(now=now + timedelta(seconds=170)) == 0
    ViidPeer.objects.update(kept_alive_at=now - timedelta(seconds=181))
    answer = below.ask("POST", "/VIID/System/Keepalive", {"KeepaliveObject": {"DeviceID": NUMBER}})
    assert answer.status_code == 401
    assert registering.note_silence(now=now) == 1
    assert row().state == "STALE"
    assert below.register().status_code == 200


def test_nobody_speaks_or_leaves_for_another(below: Calling, world: World) -> None:
    below.register()
    for name in ("Keepalive", "UnRegister"):
        answer = below.ask("POST", f"/VIID/System/{name}", {f"{name}Object": {"DeviceID": "51010800005030000099"}})
        assert codes(answer) == ["8"]
    assert row().state == "ONLINE"


def test_whoever_leaves_is_gone(below: Calling) -> None:
    below.register()
    assert codes(below.ask("POST", "/VIID/System/UnRegister", {"UnRegisterObject": {"DeviceID": NUMBER}})) == ["0"]
    assert below.ask("GET", "/VIID/System/Time").status_code == 401
    assert (row().state, row().registered_from) == ("OFFLINE", "")


def test_the_catalogue_names_every_gate_once_and_in_pages(below: Calling) -> None:
    below.register()
    told = json.loads(below.ask("GET", "/VIID/APEs").content)["APEListObject"]["APEObject"]
    assert [one["Place"] for one in told] == ["G01", "G05", "G07", "G08"]
    assert len({one["ApeID"] for one in told}) == 4
    assert not {"Password", "UserId"} & set(told[0])

    def asked(path: str) -> list[str]:
        body = json.loads(below.ask("GET", path).content)
        return [one["ApeID"] for one in body["APEListObject"]["APEObject"]]

    numbers = [one["ApeID"] for one in told]
    assert asked("/VIID/APEs?RecordStartNo=2&PageRecordNum=2") == numbers[1:3]
    assert asked(f"/VIID/APEs?Ape.ApeID={numbers[3]}") == asked(f"/VIID/APEs/{numbers[3]}") == numbers[3:]
    assert asked("/VIID/APEs?RecordStartNo=-5&PageRecordNum=x") == numbers


def test_what_a_peer_tells_of_its_devices_is_kept(below: Calling) -> None:
    below.register()
    assert codes(below.ask("POST", "/VIID/APEs", golden("ape_list_strict"))) == ["0", "0"]
    kept = ViidDevice.objects.order_by("ape_id").values_list("ape_id", "name")
    assert list(kept) == [("51010800001190000001", "东门人行闸机"), ("51010800001190000002", "西门人行闸机")]
    ViidDevice.objects.update(name="", online=None)
    assert codes(below.ask("POST", "/VIID/APEs", golden("ape_list_loose"))) == ["0", "0"]
    assert ViidDevice.objects.get(ape_id="51010800001190000002").name == "西门人行闸机"


REFUSED = {
    "faces": ("/VIID/Faces", "face_list"),
    "persons": ("/VIID/Persons", "person_list"),
    "images": ("/VIID/Images", "image_list"),
    "a watch list": ("/VIID/Dispositions", "disposition"),
}


@pytest.mark.parametrize("family", ["strict", "loose"])
@pytest.mark.parametrize("what", REFUSED)
def test_no_watch_list_no_face_and_no_person_is_ever_kept(below: Calling, what: str, family: str) -> None:
    below.register()
    path, name = REFUSED[what]
    before = digest()
    answer = below.ask("POST", path, golden(f"{name}_{family}"))
    assert set(codes(answer)) == {"4"}
    assert "InvalidOperation" in answer.content.decode()
    for method in ("GET", "PUT", "DELETE"):
        again = below.ask(method, f"{path}/510108000000012026112420150000001", golden(f"{name}_{family}"))
        assert codes(again) == ["4"]
    changed = {table for table, content in digest().items() if content != before[table]}
    # Only that the peer was heard of.
    assert changed <= {"connectors_viidpeer"}
    assert ViidDevice.objects.count() == 0


def test_an_alert_of_a_watch_list_is_refused_too(below: Calling) -> None:
    below.register()
    told = {"DispositionNotificationListObject": {"DispositionNotificationObject": [{"NotificationID": "1"}]}}
    assert codes(below.ask("POST", "/VIID/DispositionNotifications", told)) == ["4"]
    assert codes(below.ask("GET", "/VIID/DispositionNotifications")) == ["4"]


@pytest.mark.parametrize("family", ["strict", "loose"])
def test_people_in_a_notification_are_refused_one_by_one(below: Calling, family: str) -> None:
    below.register()
    before = digest()
    answer = below.ask("POST", "/VIID/SubscribeNotifications", golden(f"notification_{family}"))
    assert codes(answer) == ["4", "4", "4"]
    assert {table for table, content in digest().items() if content != before[table]} <= {"connectors_viidpeer"}


@pytest.mark.parametrize(
    ("raw", "kind", "code"),
    [
        (b"", JSON_TYPE, "7"),
        (b"{", JSON_TYPE, "7"),
        (b"[]", JSON_TYPE, "7"),
        (b"[" * 100_000, JSON_TYPE, "7"),
        (b'{"a":' * 100_000, JSON_TYPE, "7"),
        ("{'名': 1}".encode("gb18030"), JSON_TYPE, "7"),
        (b"{}", "application/json; charset=gbk", "7"),
        (b"{}", JSON_TYPE, "8"),
        (b'{"SubscribeListObject": 7}', JSON_TYPE, "8"),
        (b'{"SubscribeListObject": {"SubscribeObject": [null, 1, "x", {}]}}', JSON_TYPE, "8"),
        (b'{"SubscribeListObject": {"SubscribeObject": {"SubscribeID": "\\ud800\\u0000"}}}', JSON_TYPE, "8"),
        (b'{"x": "' + b"A" * 9_000_000 + b'"}', JSON_TYPE, "8"),
        (b"<x>&a;</x>", "application/xml", "5"),
        (b"\xff\xd8\xff\xe0" * 1000, "image/jpeg", "7"),
    ],
    ids=range(14),
)
def test_nonsense_gets_the_status_that_says_what_is_wrong_with_it(
    below: Calling, raw: bytes, kind: str, code: str
) -> None:
    below.register()
    for path in ("/VIID/Subscribes", "/VIID/SubscribeNotifications", "/VIID/APEs", "/VIID/System/Keepalive"):
        answer = below.client.post(path, raw, content_type=kind, headers={"User-Identify": NUMBER})
        assert answer.status_code in (200, 400), path
        assert set(codes(answer)) <= {code, "8"}, path
        assert code in ("8", codes(answer)[0])
    assert ViidDevice.objects.count() == 0


def test_a_registration_that_is_nonsense_is_none(below: Calling) -> None:
    proof = below.prove(below.knock())
    for raw in (b"", b"{", b"[1]", b"<x/>", b'{"RegisterObject": []}', b'{"RegisterObject": {"DeviceID": 7}}'):
        answer = below.client.post(REGISTER, raw, content_type=JSON_TYPE, headers={"Authorization": proof})
        assert answer.status_code in (400, 401), raw
    assert row().state == "OFFLINE"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", "/VIID/APEs", 405),
        ("GET", "/VIID/System/Keepalive", 405),
        ("GET", "/VIID/SubscribeNotifications", 405),
        ("GET", "/VIID/Nothing", 404),
        ("GET", "/VIID/a/b/c/d", 404),
        ("GET", "/VIID/../api/health", 404),
        ("PATCH", "/VIID/Subscribes", 405),
    ],
)
def test_what_is_not_there_is_an_invalid_operation(below: Calling, method: str, path: str, status: int) -> None:
    below.register()
    answer = below.ask(method, path)
    assert (answer.status_code, codes(answer)) == (status, ["4"])


ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=10)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=12), inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(inner=ANY, path=st.sampled_from(["APEs", "Subscribes", "SubscribeNotifications", "Dispositions", "Faces"]))
def test_no_object_of_any_shape_breaks_the_library(below: Calling, inner: Any, path: str) -> None:
    below.register()
    name = {"APEs": "APE", "SubscribeNotifications": "SubscribeNotification"}.get(path, path[:-1])
    for one in (inner, {"ApeID": inner, "SubscribeID": inner, "NotificationID": inner, "DeviceList": inner}):
        answer = below.ask("POST", f"/VIID/{path}", {f"{name}ListObject": {f"{name}Object": [one]}})
        assert answer.status_code == 200
        assert set(codes(answer)) <= {"4", "8"}


def test_a_loose_peer_is_answered_as_it_speaks(world: World) -> None:
    loose = peer_of(world, dialect="loose")
    told = json.loads(loose.register().content)["ResponseStatusObject"]
    assert (told["StatusCode"], told["RequestURL"]) == (0, "/VIID/Register")
    assert isinstance(told["LocalTime"], int)
    listed = json.loads(loose.ask("GET", "/VIID/APEs").content)
    assert "apeID" in listed["APEObjectList"]["APEObject"][0]


def test_no_number_no_secret_and_no_picture_is_ever_logged(below: Calling, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    faces = golden("face_list_strict")
    face = faces["FaceListObject"]["FaceObject"][0]
    picture = face["SubImageList"]["SubImageInfoObject"][0]["Data"]
    with structlog.testing.capture_logs() as logs:
        below.register()
        below.ask("POST", "/VIID/Faces", faces)
        below.ask("POST", "/VIID/SubscribeNotifications", golden("notification_strict"))
        below.ask("POST", "/VIID/Dispositions", golden("disposition_strict"))
    told = repr(logs) + caplog.text
    for secret in (NUMBER, SECRET, face["FaceID"], face["IDNumber"], face["Name"], picture[:40]):
        assert secret not in told
