"""Our link to a library above: it registers, keeps alive, notices a loss and comes back, and gives nothing away on the way."""

import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
import structlog

from linli.server.connectors.rules import Verdict
from linli.server.connectors.viid import codes, ids, shapes
from linli.server.connectors.viid.client import Link, LinkDown, LinkState
from linli.sim.serving import free_port
from tests.connectors.viid.facts import AT, Ticks
from tests.connectors.viid.facts import link as link_to
from tests.connectors.viid.scripted import Scripted, scripted
from tests.sim.viid.running import LOWER, PASSWORD, USER, RunningLibrary

CHALLENGE = {"WWW-Authenticate": 'Digest realm="r",qop=auth,nonce="abc"'}
STALE = 'Digest realm="r", nonce="abc", stale=true'
FACE = shapes.face(device=ids.device_id(area="510108", type=ids.CAMERA, serial=7), at=AT, serial=1)


def send(link: Link) -> Any:
    return link.exchange("POST", "/VIID/Faces", link.dialect.listed(codes.FACE, [FACE]))


def asked(above: RunningLibrary) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = above.books_of("request", size=1000)["rows"]
    return rows


def test_it_registers_when_there_is_something_to_send(above: RunningLibrary, link: Link) -> None:
    assert link.state is LinkState.OFFLINE
    assert [outcome.status for outcome in send(link).outcomes] == [codes.Status.OK]
    assert (link.state, link.registrations) == (LinkState.ONLINE, 1)
    send(link)
    assert link.registrations == 1


def test_nothing_is_asked_without_our_number_once_we_are_known(above: RunningLibrary, link: Link) -> None:
    before = len(asked(above))
    send(link), link.leave()
    paths = [(row["path"], row["identify"]) for row in asked(above)[before:]]
    assert [path for path, identify in paths if identify != LOWER] == ["/VIID/System/Register"] * 2
    assert paths[-1] == ("/VIID/System/UnRegister", LOWER)
    assert link.state is LinkState.OFFLINE


def test_many_hands_register_once(above: RunningLibrary, link: Link) -> None:
    hands = [threading.Thread(target=send, args=(link,)) for _ in range(8)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert link.registrations == 1


@pytest.mark.parametrize("offset", [0, 7, -3600])
def test_the_other_sides_clock_is_compared(above: RunningLibrary, link: Link, offset: int) -> None:
    above.faults(clock_offset_s=offset)
    link.keep_alive()
    assert link.offset is not None
    assert abs(link.offset - timedelta(seconds=offset)) < timedelta(seconds=3)


def test_it_says_that_it_is_there_when_the_time_has_come(above: RunningLibrary, link: Link, ticks: Ticks) -> None:
    link.keep_alive()

    def told() -> int:
        return sum(row["path"] == "/VIID/System/Keepalive" for row in asked(above))

    before = told()
    for _ in range(3):
        assert link.keep_alive() is LinkState.ONLINE
        ticks.at += 31
        assert link.keep_alive() is LinkState.ONLINE
    assert told() == before + 3


def test_a_registration_that_was_forgotten_is_made_again_and_the_message_goes(
    above: RunningLibrary, link: Link, ticks: Ticks
) -> None:
    send(link)
    above.run("forget")
    assert send(link).outcomes[0].status is codes.Status.OK
    above.run("forget")
    ticks.at += 31
    assert link.keep_alive() is LinkState.ONLINE
    assert link.registrations == 3


def test_three_keepalives_in_vain_make_it_stale_and_it_comes_back(
    above: RunningLibrary, link: Link, ticks: Ticks
) -> None:
    link.keep_alive()
    above.faults(http_500__Keepalive=1)
    states = []
    for _ in range(3):
        ticks.at += 31
        states.append(link.keep_alive())
    assert states == [LinkState.ONLINE, LinkState.ONLINE, LinkState.STALE]
    above.faults()
    assert link.keep_alive() is LinkState.ONLINE
    assert link.registrations == 2


def test_a_wrong_password_is_refused_and_it_waits_longer_each_time(above: RunningLibrary, ticks: Ticks) -> None:
    stranger = link_to(above.url, user=USER, password="wrong", device_id=LOWER, seconds=ticks)
    with pytest.raises(LinkDown) as down:
        send(stranger)
    assert down.value.verdict is Verdict.LOCKED_OUT
    waits = []
    while stranger.failures < 9:
        begun, tries = ticks.at, stranger.failures
        while stranger.failures == tries:
            ticks.at += 0.5
            stranger.keep_alive()
        waits.append(ticks.at - begun)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_while_it_waits_nothing_is_asked(above: RunningLibrary, ticks: Ticks) -> None:
    stranger = link_to(above.url, user=USER, password="wrong", device_id=LOWER, seconds=ticks)
    with pytest.raises(LinkDown):
        send(stranger)
    before = len(asked(above))
    for _ in range(5):
        with pytest.raises(LinkDown):
            send(stranger)
    assert len(asked(above)) == before


@pytest.mark.parametrize("fault", ["refuse_auth", "http_500__Register", "nonsense__Register", "lost_answer__Register"])
def test_a_registration_that_fails_leaves_the_message_unsent(above: RunningLibrary, link: Link, fault: str) -> None:
    above.faults(**{fault: 1})
    before = len(asked(above))
    with pytest.raises(LinkDown) as down:
        send(link)
    assert down.value.verdict in (Verdict.LOCKED_OUT, Verdict.UNREACHABLE)
    assert link.state is LinkState.OFFLINE
    assert "/VIID/Faces" not in {row["path"] for row in asked(above)[before:]}


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ([(401, CHALLENGE, b""), (400, {}, b"")], Verdict.LOCKED_OUT),
        ([(401, CHALLENGE, b""), (403, {}, b"")], Verdict.LOCKED_OUT),
        ([(401, {}, b"")], Verdict.LOCKED_OUT),
        ([(401, {"WWW-Authenticate": "Basic realm=x"}, b"")], Verdict.LOCKED_OUT),
        ([(401, {"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth-int"'}, b"")], Verdict.LOCKED_OUT),
        ([(401, {**CHALLENGE, "WWW-Authenticate": STALE}, b"")] * 4, Verdict.LOCKED_OUT),
        ([(503, {}, b"")], Verdict.UNREACHABLE),
        ([(302, {"Location": "http://127.0.0.1:9/"}, b"")], Verdict.LOCKED_OUT),
        ([(401, CHALLENGE, b""), (200, {}, b"<html>")], Verdict.UNREACHABLE),
        ([(401, CHALLENGE, b""), (200, {}, b'{"ResponseStatusObject": {"StatusCode": "9"}}')], Verdict.UNREACHABLE),
        ([(401, CHALLENGE, b""), (200, {}, b'{"ResponseStatusObject": {"StatusCode": 4}}')], Verdict.LOCKED_OUT),
    ],
    ids=range(11),
)
def test_whatever_a_registration_gets_back_has_one_meaning(answers: list[Scripted], verdict: Verdict) -> None:
    with scripted(answers) as url:
        link = link_to(url, user=USER, password=PASSWORD, device_id=LOWER)
        with pytest.raises(LinkDown) as down:
            send(link)
    assert (down.value.verdict, link.state) == (verdict, LinkState.OFFLINE)


def test_a_library_that_asks_for_no_proof_is_registered_with_too() -> None:
    ok = b'{"responsestatusobject": {"statusCode": 0, "LocalTime": 1795522500000}}'
    with scripted([(200, {}, ok), (404, {}, b""), (200, {}, ok)]) as url:
        link = link_to(url, user=USER, password=PASSWORD, device_id=LOWER)
        assert send(link).outcomes[0].status is codes.Status.OK
    assert (link.state, link.offset) == (LinkState.ONLINE, None)


def test_a_nonce_that_is_too_old_is_no_refusal(above: RunningLibrary, link: Link) -> None:
    above.faults(stale_nonce=0.5)
    for _ in range(20):
        if link.keep_alive() is LinkState.ONLINE:
            break
        link._next_try = 0
    assert link.state is LinkState.ONLINE


def test_nobody_there_is_unreachable() -> None:
    nobody = link_to(f"http://127.0.0.1:{free_port(host='127.0.0.1')}", user="u", password="p", device_id=LOWER)
    with pytest.raises(LinkDown) as down:
        send(nobody)
    assert down.value.verdict is Verdict.UNREACHABLE


def test_a_restart_registers_again(above: RunningLibrary, link: Link) -> None:
    send(link)
    after = link_to(above.url, user=USER, password=PASSWORD, device_id=LOWER)
    assert send(after).outcomes[0].status is codes.Status.OK
    assert after.registrations == 1


def test_no_number_no_password_and_no_body_is_ever_logged(
    above: RunningLibrary, link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logs:
        send(link)
        above.faults(http_500=1)
        with pytest.raises(LinkDown):
            send(link)
        link.leave()
    told = repr(logs) + caplog.text + repr(link.login)
    for secret in (PASSWORD, FACE["FaceID"], FACE["SourceID"], FACE["DeviceID"]):
        assert secret not in told
