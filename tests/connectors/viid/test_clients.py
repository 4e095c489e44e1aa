"""Three digest clients that are not ours register with the estate's library over a real port; and so does our own, and the simulator's."""

import json
import shutil
import subprocess
from typing import Any

import httpx
import pytest

from linli.server.connectors.models import ViidPeer
from linli.server.connectors.viid.client import LinkDown, LinkState
from tests.connectors.viid.calling import NUMBER, REGISTER, SECRET, USER, Calling
from tests.connectors.viid.facts import link as link_to

requests = pytest.importorskip("requests")
pytestmark = pytest.mark.django_db(transaction=True)
BODY = json.dumps({"RegisterObject": {"DeviceID": NUMBER}})
TYPE = "application/VIID+JSON;charset=UTF-8"


def by_curl(url: str, password: str) -> tuple[int, Any]:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    command = [curl, "--silent", "--noproxy", "*", "--digest", "--user", f"{USER}:{password}", "--data-binary", BODY]
    command += ["--header", f"Content-Type: {TYPE}", "--write-out", "\n%{http_code}", f"{url}{REGISTER}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    body, _, status = said.rpartition("\n")
    return int(status), json.loads(body)


def by_requests(url: str, password: str) -> tuple[int, Any]:
    with requests.Session() as session:
        session.trust_env = False
        login = requests.auth.HTTPDigestAuth(USER, password)
        answer = session.post(f"{url}{REGISTER}", data=BODY, headers={"Content-Type": TYPE}, auth=login, timeout=30)
    return answer.status_code, answer.json()


def by_httpx(url: str, password: str) -> tuple[int, Any]:
    with httpx.Client(trust_env=False, auth=httpx.DigestAuth(USER, password), timeout=30) as client:
        # Twice: the second goes with the same nonce and a count of two.
        client.post(f"{url}{REGISTER}", content=BODY, headers={"Content-Type": TYPE})
        answer = client.post(f"{url}{REGISTER}", content=BODY, headers={"Content-Type": TYPE})
    return answer.status_code, answer.json()


CLIENTS = {"curl": by_curl, "requests": by_requests, "httpx": by_httpx}


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_that_is_not_ours_registers(below: Calling, live_server: Any, name: str) -> None:
    status, told = CLIENTS[name](live_server.url, SECRET)
    assert (status, told["ResponseStatusObject"]["StatusCode"]) == (200, "0")
    assert ViidPeer.objects.get(device_id=NUMBER).state == "ONLINE"


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_with_a_wrong_password_does_not(below: Calling, live_server: Any, name: str) -> None:
    status, told = CLIENTS[name](live_server.url, "another-secret")
    assert (status, told["ResponseStatusObject"]["StatusCode"]) == (401, "4")
    assert ViidPeer.objects.get(device_id=NUMBER).state == "OFFLINE"


def test_our_own_link_registers_keeps_alive_and_leaves(below: Calling, live_server: Any) -> None:
    link = link_to(live_server.url, user=USER, password=SECRET, device_id=NUMBER)
    assert link.keep_alive() is LinkState.ONLINE
    assert link.offset is not None
    assert link.exchange("GET", "/VIID/APEs").body["APEListObject"]["APEObject"]
    ViidPeer.objects.update(state="OFFLINE")
    assert link.exchange("GET", "/VIID/APEs").status == 200
    assert link.registrations == 2
    link.leave()
    assert ViidPeer.objects.get(device_id=NUMBER).state == "OFFLINE"
    with pytest.raises(LinkDown):
        link_to(live_server.url, user=USER, password="another-secret", device_id=NUMBER).exchange("GET", "/VIID/APEs")
