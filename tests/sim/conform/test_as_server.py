"""As the upper platform: each misdeed of a lower one is found at its step."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from linli.sim.conform.report import Report, Verdict
from linli.sim.platforms.viid.lower import Misdeed
from tests.sim.conform.playing import run

FOUND_AT = {
    Misdeed.ANONYMOUS: "identify",
    Misdeed.STUBBORN: "dead_letter",
    Misdeed.HASTY: "backoff",
    Misdeed.FORGETFUL: "replay",
    Misdeed.BACKWARDS: "replay",
    Misdeed.SLOPPY: "numbers",
    Misdeed.IGNORANT: "register_again",
    Misdeed.UNTYPED: "content_type",
    Misdeed.TIMELESS: "time",
}


@pytest.fixture(scope="module")
def reports() -> Iterator[dict[Misdeed | str, Report]]:
    """One run for each misdeed, two at a time: most of a run is waiting."""
    with ThreadPoolExecutor(5) as pool:
        asked = {misdeed: pool.submit(run, misdeed) for misdeed in FOUND_AT}
        yield {misdeed: made.result() for misdeed, made in asked.items()}


@pytest.mark.parametrize("misdeed", sorted(FOUND_AT))
def test_a_misdeed_is_found_at_its_step(reports: dict[Misdeed, Report], misdeed: Misdeed) -> None:
    report = reports[misdeed]
    step = report.of(FOUND_AT[misdeed])
    advised = FOUND_AT[misdeed] in ("time", "content_type")
    assert step.verdict is (Verdict.NOTE if advised else Verdict.FAIL), report.as_table()
    assert step.why
    assert report.passed is advised, report.as_table()


def test_whoever_does_not_register_is_not_judged_any_further() -> None:
    report = run(password="another")
    assert report.of("challenge").verdict is Verdict.PASS
    assert report.of("register").verdict is Verdict.FAIL
    assert {step.verdict for step in report.steps[2:]} == {Verdict.SKIPPED}
    assert not report.passed
