"""The estate's own library and its link to another under the script, over real sockets: two implementations that share no line."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from linli.sim.clock import SimulatedClock
from linli.sim.conform.as_client import Account, ClientRun
from linli.sim.conform.as_server import ServerRun
from linli.sim.conform.report import Report, Verdict
from linli.sim.platforms.viid import codes
from linli.sim.platforms.viid.calls import Caller
from linli.sim.platforms.viid.dialects import dialect_of
from tests.sim.conform.playing import TERMS

CLOCK = SimulatedClock(file=None)
SERVED = pytest.mark.django_db(transaction=True)


def run(server: Any, *, dialect: str, upload: codes.Kind, details: str = "3,4") -> Report:
    """Play the script as a peer that the estate knows."""
    calling = import_module("tests.connectors.viid.calling")
    calling.peer_of(import_module("tests.world").build(), dialect=dialect)
    account = Account(
        username=calling.USER,
        password=calling.SECRET,
        camera_id="51010800001190000077",
        receive_at="http://127.0.0.1:9/VIID/SubscribeNotifications",
        details=details,
    )
    report = Report(role="as client", peer=server.url)
    with Caller(url=server.url, device_id=calling.NUMBER, dialect=dialect_of(dialect), timeout_s=60) as caller:
        return ClientRun(caller=caller, account=account, report=report, clock=CLOCK, upload=upload).run()


@SERVED
@pytest.mark.parametrize("dialect", ["strict", "loose"])
def test_the_estates_own_library_passes_with_devices_in_both_families(live_server: Any, dialect: str) -> None:
    report = run(live_server, dialect=dialect, upload=codes.APE)
    assert report.passed, report.as_table()
    assert {step.verdict for step in report.steps} == {Verdict.PASS}, report.as_table()
    assert ("epoch_time" in report.of("time").dialect) == (dialect == "loose")


@SERVED
def test_the_estates_own_library_takes_no_faces_and_offers_none(live_server: Any) -> None:
    report = run(live_server, dialect="strict", upload=codes.FACE, details="11,12")
    failed = [step.name for step in report.steps if step.verdict is Verdict.FAIL]
    assert failed == ["subscribe", "upload", "repeat", "unsubscribe"], report.as_table()
    assert "status 4" in report.of("subscribe").why


@contextmanager
def courier(url: str, *, dialect: str) -> Iterator[None]:
    """The estate's link to a library, and a courier who keeps an order of passages and waits after a refusal that may pass."""
    ids, posting = (import_module(f"linli.server.connectors.viid.{name}") for name in ("ids", "posting"))
    client, shapes, kinds, says = (
        import_module(f"linli.server.connectors.viid.{name}") for name in ("client", "shapes", "codes", "dialects")
    )
    login = client.Login(url=url, device_id="51010800005030000021", username=TERMS.username, password=TERMS.password)
    link = client.Link(login=login, dialect=says.dialect_of(dialect), keepalive_seconds=0.1, luck=lambda: 0.0)
    stopping, waiting = threading.Event(), deque[Any]()

    def deliver() -> None:
        camera, serial = ids.device_id(area="510108", type=ids.CAMERA, serial=1), 0
        # Longer than between keepalives: the link says that it is there only after a silence.
        while not stopping.wait(0.15):
            link.keep_alive()
            serial += 1
            face = shapes.face(device=camera, at=CLOCK(), serial=serial)
            waiting.append(posting.Parcel(method="POST", kind=kinds.FACE, number=face["FaceID"], object=face))
            (told,) = posting.post(link, [waiting[0]])
            if told.verdict.value in ("ACCEPTED", "REJECTED"):
                waiting.popleft()
            else:
                stopping.wait(0.3)

    thread = threading.Thread(target=deliver, daemon=True)
    thread.start()
    yield
    stopping.set()
    thread.join(timeout=10)
    link.leave()
    link.close()


@pytest.mark.parametrize("dialect", ["strict", "loose"])
def test_the_estates_link_to_another_library_passes_in_both_families(dialect: str) -> None:
    report = Report(role="as server", peer="the estate")
    terms = replace(TERMS, dialect=dialect_of(dialect), patience=15.0)
    upper = ServerRun(terms=terms, report=report, clock=CLOCK)
    with courier(upper.url, dialect=dialect):
        upper.run()
    assert report.passed, report.as_table()
    tried = {step.name: step.verdict for step in report.steps if step.verdict is not Verdict.SKIPPED}
    assert set(tried.values()) == {Verdict.PASS}, report.as_table()
    assert {"time", "reboot", "register_again", "backoff", "replay", "dead_letter", "identify", "numbers"} <= set(tried)
