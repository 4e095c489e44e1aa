"""As the upper platform: a lower one that behaves passes the whole script, subscriptions and all."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from linli.sim.conform.as_server import STEPS
from linli.sim.conform.report import Report, Verdict
from linli.sim.platforms.viid.lower import LowerPlatform, Misdeed
from tests.sim.conform.playing import CLOCK, PACE, TERMS, run


@pytest.fixture(scope="module")
def reports() -> Iterator[dict[str, Report]]:
    """Three runs at once: most of a run is waiting."""
    with ThreadPoolExecutor(3) as pool:
        asked = {dialect: pool.submit(run, subscribing=True, dialect=dialect) for dialect in ("strict", "loose")}
        asked["deaf"] = pool.submit(run, Misdeed.DEAF, subscribing=True)
        yield {name: made.result() for name, made in asked.items()}


@pytest.mark.parametrize("dialect", ["strict", "loose"])
def test_a_lower_platform_that_behaves_passes_the_whole_script(reports: dict[str, Report], dialect: str) -> None:
    report = reports[dialect]
    assert report.passed, report.as_table()
    assert [step.name for step in report.steps] == list(STEPS)
    assert [step.name for step in report.steps if step.verdict is not Verdict.PASS] == ["unregister"]
    assert ("lower_camel" in report.of("dead_letter").dialect) == (dialect == "loose")


def test_whoever_pushes_on_after_the_end_is_found_out(reports: dict[str, Report]) -> None:
    report = reports["deaf"]
    assert not report.passed
    for name in ("expiry", "unsubscribe"):
        assert report.of(name).verdict is Verdict.FAIL
        assert "pushes go on" in report.of(name).why


def test_the_command_waits_for_a_peer_and_prints_one_object() -> None:
    command = [sys.executable, "-m", "linli.sim", "conform", "viid", "-", "--as", "server", "--json"]
    command += ["--user", TERMS.username, "--password", TERMS.password, "--patience", "3", "--quiet", "0.7"]
    process = subprocess.Popen(
        [*command, "--backoff", "0.15", "--leave"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    url = process.stderr.readline().strip().rsplit(" ", 1)[1]
    lower = LowerPlatform(url=url, username=TERMS.username, password=TERMS.password, clock=CLOCK, pace=PACE)
    lower.start()
    try:
        printed = process.communicate(timeout=60)[0]
    finally:
        lower.stop()
    told = json.loads(printed)
    failed = [step["step"] for step in told["steps"] if step["verdict"] == "fail"]
    # It was demanded to leave, and nobody told it to.
    assert failed == ["unregister"]
    assert (process.returncode, told["passed"]) == (1, False)
