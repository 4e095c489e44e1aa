"""`linli-sim platform ses_hospedajes`: start the Spanish lodging platform from the command line."""

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from starlette.applications import Starlette

from linli.sim.clock import Clock
from linli.sim.faults import FaultInjector, plan_in, plan_of
from linli.sim.platforms.ses_hospedajes import Login, ses_platform


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This will add what only this platform is asked."""
    parser.add_argument(
        "--account",
        action="append",
        default=[],
        type=_login,
        metavar="USER:PASSWORD:PARTY",
        help="one lessor's login and code (arrendador); may be given again",
    )
    parser.add_argument(
        "--accounts", type=Path, default=None, help='a JSON file: [{"username", "password", "party"}, …]'
    )
    parser.add_argument("--delay", type=float, default=0.5, help="seconds until a lot is decided")
    parser.add_argument(
        "--token",
        default=os.environ.get("LINLI_SES_TOKEN") or None,
        help="demand this bearer token of books and faults",
    )


def application(asked: argparse.Namespace, *, clock: Clock) -> Starlette:
    """This will make the platform that was asked for."""
    spread, single = plan_of({"all": asked.faults}), plan_in(asked.fault)
    plan = replace(single, chances={**spread.chances, **single.chances})
    return ses_platform(
        books_file=asked.books,
        logins=_logins(asked.account, file=asked.accounts),
        faults=FaultInjector(plan=plan, seed=asked.seed),
        clock=clock,
        delay=timedelta(seconds=asked.delay),
        token=asked.token,
    )


def _login(text: str) -> Login:
    parts = text.split(":")
    if len(parts) != 3 or not all(parts):
        raise argparse.ArgumentTypeError("USER:PASSWORD:PARTY")
    return Login(username=parts[0], password=parts[1], party=parts[2])


def _logins(single: Sequence[Login], *, file: Path | None) -> dict[str, Login]:
    listed = json.loads(file.read_text(encoding="utf-8")) if file else []
    return {login.username: login for login in (*single, *(Login(**one) for one in listed))}
