"""As a lower platform: our own library passes the script in every dialect, and each fault is found at its step."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from linli.sim import cli
from linli.sim.clock import SimulatedClock
from linli.sim.conform.as_client import FORMS, STEPS, Account, ClientRun
from linli.sim.conform.report import Report, Verdict, width
from linli.sim.platforms.viid import codes
from linli.sim.platforms.viid.calls import Caller
from linli.sim.platforms.viid.dialects import TRAITS, dialect_of
from linli.sim.terminals.ports import Port, Request, Response, in_json
from tests.sim.viid.running import PASSWORD, USER, RunningLibrary

CLOCK = SimulatedClock(file=None)
DEVICE = "51010800005030000099"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLibrary]:
    """A library to be judged."""
    books: Path = tmp_path_factory.mktemp("judged") / "books.sqlite"
    running = RunningLibrary(books=books).start()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def in_order(library: RunningLibrary) -> Iterator[None]:
    """Whatever a test spoils is mended after it."""
    yield
    library.faults()
    library.run("dialect", dialect="strict")


def run(url: str, *, dialect: str = "strict", timeout_s: float = 5.0, upload: codes.Kind = codes.FACE) -> Report:
    """Play the script against a library."""
    account = Account(
        username=USER,
        password=PASSWORD,
        camera_id=f"{DEVICE[:10]}1190000001",
        receive_at="http://192.0.2.1/VIID/SubscribeNotifications",
    )
    report = Report(role="as client", peer=url)
    with Caller(url=url, device_id=DEVICE, dialect=dialect_of(dialect), timeout_s=timeout_s) as caller:
        return ClientRun(caller=caller, account=account, report=report, clock=CLOCK, upload=upload).run()


def failed(report: Report) -> list[str]:
    """The steps that failed."""
    return [step.name for step in report.steps if step.verdict is Verdict.FAIL]


@pytest.mark.parametrize("theirs", ["strict", "loose", *sorted(TRAITS)])
@pytest.mark.parametrize("ours", ["strict", "loose"])
def test_our_own_library_passes_whatever_either_of_us_speaks(library: RunningLibrary, ours: str, theirs: str) -> None:
    library.run("dialect", dialect=theirs)
    report = run(library.url, dialect=ours)
    assert report.passed, report.as_table()
    assert {step.verdict for step in report.steps} == {Verdict.PASS}, report.as_table()
    assert [step.name for step in report.steps] == [*STEPS, *FORMS]


@pytest.mark.parametrize("upload", [codes.PERSON, codes.APE])
def test_persons_and_devices_can_be_uploaded_instead(library: RunningLibrary, upload: codes.Kind) -> None:
    assert run(library.url, upload=upload).passed


def test_the_dialect_of_a_peer_is_noticed(library: RunningLibrary) -> None:
    library.run("dialect", dialect="loose")
    report = run(library.url)
    assert "number_codes" in report.of("keepalive").dialect
    assert "epoch_time" in report.of("time").dialect
    assert "response_list" in report.of("upload").dialect


FOUND_AT: list[tuple[dict[str, float], list[str]]] = [
    ({"refuse_auth": 1}, ["register"]),
    ({"stale_nonce": 1}, ["register"]),
    ({"forget:Keepalive": 1}, ["keepalive", "subscribe", "upload", "repeat", "unsubscribe", "unregister"]),
    ({"item_error": 1}, ["upload", "repeat"]),
    ({"item_error": 1, "item_code": 2}, ["upload", "repeat"]),
    ({"timeout:Faces": 1, "timeout_s": 0.05}, ["upload", "repeat"]),
    ({"timeout:Subscribes": 1, "timeout_s": 30}, ["subscribe", "unsubscribe"]),
    ({"trickle:Time": 1, "trickle_s": 30}, ["time"]),
    ({"lost_answer:Keepalive": 1}, ["keepalive", "silence"]),
    ({"http_500:Faces": 1}, ["upload", "repeat"]),
    ({"reboot:Keepalive": 1}, ["keepalive"]),
    ({"busy:Subscribes": 1}, ["subscribe", "unsubscribe"]),
    ({"nonsense:Time": 1}, ["time"]),
    ({"duplicate:Subscribes": 1}, ["subscribe", "unsubscribe"]),
    ({"duplicate:Time": 1}, ["time"]),
    ({"clock_offset_s": 86_400}, ["time"]),
    ({"latency_ms": 5}, []),
]


@pytest.mark.parametrize(("plan", "steps"), FOUND_AT, ids=[next(iter(plan)) + str(len(plan)) for plan, _ in FOUND_AT])
def test_a_fault_is_found_at_its_step(library: RunningLibrary, plan: dict[str, float], steps: list[str]) -> None:
    told = httpx.post(f"{library.url}/faults", json=plan, trust_env=False)
    assert told.status_code == 200
    report = run(library.url, timeout_s=0.5)
    assert failed(report) == steps, report.as_table()
    assert report.passed is (steps == [])
    assert all(report.of(name).why for name in steps)


def test_nothing_more_is_tried_when_registering_failed(library: RunningLibrary) -> None:
    library.faults(refuse_auth=1)
    report = run(library.url)
    assert {step.verdict for step in report.steps if step.name not in ("challenge", "register", *FORMS)} == {
        Verdict.SKIPPED
    }


def test_a_peer_that_is_not_there_fails_at_the_first_step() -> None:
    report = run("http://127.0.0.1:9", timeout_s=1)
    assert failed(report) == ["challenge"]
    assert "ConnectError" in report.of("challenge").why


def test_a_peer_that_says_yes_to_everything_is_found_out() -> None:
    def yes(request: Request) -> Response:
        said = {"RequestURL": request.path, "StatusCode": "0", "StatusString": "OK", "Id": "", "LocalTime": "now"}
        return in_json({"ResponseStatusObject": said})

    port = Port(answer=yes)
    port.start()
    try:
        report = run(port.url)
    finally:
        port.stop()
    assert not report.passed
    assert "challenge" in failed(report)


def command(url: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Run the command as an integrator does."""
    words = [sys.executable, "-m", "linli.sim", "conform", "viid", url, "--as", "client", "--user", USER]
    return subprocess.run(
        [*words, "--password", PASSWORD, *more], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_command_prints_a_table_and_ends_with_0_when_all_is_well(library: RunningLibrary) -> None:
    told = command(library.url, "--dialect", "loose")
    assert told.returncode == 0, told.stdout
    lines = told.stdout.splitlines()
    assert lines[0].startswith("step 步骤")
    assert any(line.startswith("upload 上传") and "pass" in line for line in lines)
    assert lines[-1].endswith("passed 通过")
    assert PASSWORD not in told.stdout + told.stderr
    assert len({width(line[: line.index("pass")]) for line in lines[2:14]}) == 1


def test_the_command_prints_one_object_and_ends_with_1_when_not(library: RunningLibrary) -> None:
    library.faults(item_error=1)
    told = command(library.url, "--json")
    assert told.returncode == 1
    shown = json.loads(told.stdout)
    assert (shown["passed"], shown["role"]) == (False, "as client")
    assert [step["step"] for step in shown["steps"] if step["verdict"] == "fail"] == ["upload", "repeat"]


def test_a_dialect_nobody_knows_is_refused_before_anything_is_sent(library: RunningLibrary) -> None:
    told = command(library.url, "--dialect", "klingon")
    assert told.returncode == 2
    assert "klingon" in told.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["ftp://peer", "--as", "client"],
        ["-", "--as", "client"],
        ["-", "--as", "server", "--listen", "here"],
        ["http://127.0.0.1:9", "--as", "client", "--device-id", "123"],
    ],
)
def test_arguments_that_cannot_be_meant_are_refused_before_anything_is_sent(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["conform", "viid", *words]) == 2
    assert "linli-sim conform: " in capsys.readouterr().err


def test_an_address_that_is_taken_is_said(library: RunningLibrary, capsys: pytest.CaptureFixture[str]) -> None:
    taken = f"127.0.0.1:{library.port}"
    assert cli.main(["conform", "viid", "-", "--as", "server", "--listen", taken]) == 3
    assert "cannot listen" in capsys.readouterr().err


def test_the_clock_of_a_slow_peer_is_told_in_the_table(library: RunningLibrary) -> None:
    library.faults(clock_offset_s=-60)
    report = run(library.url)
    assert report.passed
    assert (
        timedelta(seconds=-62)
        < timedelta(seconds=float(report.of("time").sent.split(", ")[1][:-2]))
        < timedelta(seconds=-58)
    )
