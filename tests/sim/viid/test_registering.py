"""Who may register with the view library, with whose digest, and what becomes of whoever is silent or unknown."""

import json
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from linli.sim.platforms.viid.calls import Caller
from tests.sim.viid.running import LOWER, PASSWORD, UPPER, USER, RunningLibrary

REGISTER = "/VIID/System/Register"
BODY = {"RegisterObject": {"DeviceID": LOWER}}


def test_curl_registers_with_its_own_digest(library: RunningLibrary) -> None:
    command = ["curl", "-s", "--noproxy", "*", "--digest", "-u", f"{USER}:{PASSWORD}", "-w", "\n%{http_code}"]
    command += ["-H", "Content-Type: application/VIID+JSON", "-d", json.dumps(BODY), library.url + REGISTER]
    body, _, status = subprocess.run(command, capture_output=True, text=True, check=True).stdout.rpartition("\n")
    assert status == "200"
    assert json.loads(body)["ResponseStatusObject"]["StatusCode"] == "0"


def test_httpx_registers_with_its_own_digest_again_and_again(library: RunningLibrary) -> None:
    with httpx.Client(auth=httpx.DigestAuth(USER, PASSWORD), trust_env=False) as client:
        # Its second request answers the first challenge once more, with a higher count: stale, and it asks again.
        answers = [client.post(library.url + REGISTER, json=BODY) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]


def test_requests_registers_with_its_own_digest(library: RunningLibrary) -> None:
    requests = pytest.importorskip("requests")
    auth = requests.auth.HTTPDigestAuth(USER, PASSWORD)
    answers = [requests.post(library.url + REGISTER, json=BODY, auth=auth, timeout=10) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]


def test_a_wrong_password_or_account_is_challenged_anew_and_registers_nobody(library: RunningLibrary) -> None:
    before = library.books_of("registration")
    stranger = "51010800005030000077"
    with library.caller(device_id=stranger) as caller:
        wrong = caller.register(username=USER, password="not-it")
        unknown = caller.register(username="nobody", password=PASSWORD)
        silent = caller.keep_alive()
    assert [heard.status for heard in (*wrong, *unknown)] == [401, 401, 401, 401]
    assert silent.status == 401
    assert silent.challenge
    assert library.books_of("registration")["registrations"] == before["registrations"]


def test_a_nonce_is_good_once(library: RunningLibrary) -> None:
    challenge = httpx.post(library.url + REGISTER, json=BODY, trust_env=False).headers["www-authenticate"]
    proof = digest_answer(challenge)
    sent = [
        httpx.post(library.url + REGISTER, json=BODY, headers={"authorization": proof}, trust_env=False)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in sent] == [200, 401]
    assert "stale=true" in sent[1].headers["www-authenticate"]


def digest_answer(challenge: str) -> str:
    """The answer of httpx to a challenge."""
    request = httpx.Request("POST", f"http://x{REGISTER}")
    flow = httpx.DigestAuth(USER, PASSWORD).auth_flow(request)
    next(flow)
    refused = httpx.Response(401, headers={"www-authenticate": challenge}, request=request)
    return str(flow.send(refused).headers["authorization"])


def test_keepalive_time_and_leave(registered: Caller, library: RunningLibrary) -> None:
    assert registered.keep_alive().code == 0
    told = registered.ask_time()
    assert told.body["SystemTimeObject"]["VIIDServerID"] == UPPER
    row = next(row for row in library.books_of("registration")["rows"] if row["device_id"] == LOWER)
    assert (row["state"], row["keepalives"] > 0) == ("ONLINE", True)
    assert registered.unregister().code == 0
    assert registered.keep_alive().status == 401
    assert registered.register(username=USER, password=PASSWORD)[-1].code == 0


def test_nobody_speaks_for_somebody_else_or_without_a_name(registered: Caller) -> None:
    body = {"KeepaliveObject": {"DeviceID": UPPER}}
    assert registered.call(method="POST", path="/VIID/System/Keepalive", body=body).code == 8
    assert registered.call(method="GET", path="/VIID/System/Time", identify=False).status == 401


def test_a_number_of_the_wrong_form_registers_nobody(library: RunningLibrary) -> None:
    with library.caller(device_id="5101080000503000002") as caller:
        assert caller.register(username=USER, password=PASSWORD)[-1].code == 8


def test_whoever_is_silent_too_long_must_register_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0")
    monkeypatch.setenv("LINLI_CLOCK_FILE", str(clock))
    running = RunningLibrary(books=tmp_path / "books.sqlite", options=("--lapse-s", "90")).start()
    try:
        with running.caller() as caller:
            assert caller.register(username=USER, password=PASSWORD)[-1].code == 0
            assert caller.keep_alive().code == 0
            clock.write_text(str(timedelta(minutes=2).total_seconds()))
            assert until(lambda: caller.keep_alive().status == 401)
            assert caller.register(username=USER, password=PASSWORD)[-1].code == 0
    finally:
        running.stop()


def until(question: Callable[[], bool]) -> bool:
    """Ask again, for ten seconds at most: the clock is read every 50 ms."""
    deadline = time.monotonic() + 10
    while not question():
        if time.monotonic() > deadline:
            return False
    return True


def test_a_registration_and_what_was_accepted_outlive_a_power_cut(tmp_path: Path) -> None:
    running = RunningLibrary(books=tmp_path / "books.sqlite").start()
    try:
        with running.caller() as caller:
            assert caller.register(username=USER, password=PASSWORD)[-1].code == 0
        running.kill()
        running.start()
        with running.caller() as caller:
            assert caller.keep_alive().code == 0
    finally:
        running.stop()
