"""One run of the script as the upper platform, with a lower one that behaves or does one thing wrong."""

from dataclasses import replace
from datetime import timedelta

from linli.sim.clock import SimulatedClock
from linli.sim.conform.as_server import ServerRun, Terms
from linli.sim.conform.report import Report
from linli.sim.platforms.viid.dialects import dialect_of
from linli.sim.platforms.viid.lower import LowerPlatform, Misdeed, Pace

CLOCK = SimulatedClock(file=None)
TERMS = Terms(
    peer="",
    device_id="51010800005030000001",
    username="estate",
    password="a-password-of-this-test",
    dialect=dialect_of("strict"),
    patience=4.0,
    subscription=timedelta(seconds=2),
    quiet=0.7,
    backoff=0.15,
    leave=False,
)
PACE = Pace(keepalive=0.3, upload=0.05, push=0.2, backoff=0.2, longest_backoff=0.8)


def run(
    *misdeeds: Misdeed, subscribing: bool = False, dialect: str = "strict", password: str = TERMS.password
) -> Report:
    """Play the script with one lower platform."""
    upper = ServerRun(
        terms=replace(TERMS, dialect=dialect_of(dialect)), report=Report(role="as server", peer="lower"), clock=CLOCK
    )
    lower = LowerPlatform(
        url=upper.url,
        username=TERMS.username,
        password=password,
        clock=CLOCK,
        dialect=dialect_of(dialect),
        pace=PACE,
        misdeeds=frozenset(misdeeds),
    )
    if subscribing:
        upper.terms = replace(upper.terms, peer=lower.address, patience=10.0)
    lower.start()
    try:
        return upper.run()
    finally:
        lower.stop()
