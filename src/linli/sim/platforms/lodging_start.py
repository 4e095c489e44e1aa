"""`linli-sim platform lodging`: start the lodging platform from the command line."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from starlette.applications import Starlette

from linli.sim.clock import Clock
from linli.sim.faults import BadFaultPlan, FaultInjector, FaultPlan, plan_in, plan_of
from linli.sim.platforms.lodging import lodging_platform


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This will add what only the lodging platform is asked."""
    parser.add_argument(
        "--token", default=os.environ.get("LINLI_LODGING_TOKEN") or None, help="demand this bearer token"
    )
    parser.add_argument(
        "--hit", type=Path, default=None, help="a file of document numbers, one a line, that are answered with a hit"
    )


def application(asked: argparse.Namespace, *, clock: Clock) -> Starlette:
    """This will make the lodging platform that was asked for."""
    faults = FaultInjector(plan=_plan(asked), seed=asked.seed)
    # Read before anything is served: a list that is not there would be no hits and nobody the wiser.
    wanted = _wanted(asked.hit) if asked.hit else ()
    return lodging_platform(books_file=asked.books, faults=faults, clock=clock, token=asked.token, wanted=wanted)


def _wanted(file: Path) -> Sequence[str]:
    try:
        return file.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as problem:
        raise BadFaultPlan(f"--hit {file}: {type(problem).__name__}") from problem


def _plan(asked: argparse.Namespace) -> FaultPlan:
    spread = plan_of({"all": asked.faults})
    single = plan_in(asked.fault)
    return replace(single, chances={**spread.chances, **single.chances})
