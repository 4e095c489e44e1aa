"""The estate's own library under the script, over a real socket: two implementations that share no line."""

from importlib import import_module
from typing import Any

import pytest

from linli.sim.clock import SimulatedClock
from linli.sim.conform.as_client import Account, ClientRun
from linli.sim.conform.report import Report, Verdict
from linli.sim.platforms.viid import codes
from linli.sim.platforms.viid.calls import Caller
from linli.sim.platforms.viid.dialects import dialect_of

pytestmark = pytest.mark.django_db(transaction=True)


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
    with Caller(url=server.url, device_id=calling.NUMBER, dialect=dialect_of(dialect), timeout_s=10) as caller:
        clock = SimulatedClock(file=None)
        return ClientRun(caller=caller, account=account, report=report, clock=clock, upload=upload).run()


@pytest.mark.parametrize("dialect", ["strict", "loose"])
def test_the_estates_own_library_passes_with_devices_in_both_families(live_server: Any, dialect: str) -> None:
    report = run(live_server, dialect=dialect, upload=codes.APE)
    assert report.passed, report.as_table()
    assert {step.verdict for step in report.steps} == {Verdict.PASS}, report.as_table()
    assert ("epoch_time" in report.of("time").dialect) == (dialect == "loose")


def test_the_estates_own_library_takes_no_faces_and_offers_none(live_server: Any) -> None:
    report = run(live_server, dialect="strict", upload=codes.FACE, details="11,12")
    failed = [step.name for step in report.steps if step.verdict is Verdict.FAIL]
    assert failed == ["subscribe", "upload", "repeat", "unsubscribe"], report.as_table()
    assert "status 4" in report.of("subscribe").why
