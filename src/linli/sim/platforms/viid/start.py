"""`linli-sim platform viid`: start a view library from the command line."""

import argparse
import os
from collections.abc import Mapping
from datetime import timedelta

from starlette.applications import Starlette

from linli.sim.clock import Clock
from linli.sim.platforms.viid import codes
from linli.sim.platforms.viid.application import Answering, RunningLibrary, library_application
from linli.sim.platforms.viid.application import __doc__ as application_text
from linli.sim.platforms.viid.books import Books
from linli.sim.platforms.viid.codes import Kind
from linli.sim.platforms.viid.dialects import FAMILIES, OPPOSITES, TRAITS, dialect_of
from linli.sim.platforms.viid.digest import NONCE_SECONDS, Guard
from linli.sim.platforms.viid.faults import ViidFaults, viid_plan_in
from linli.sim.platforms.viid.faults import __doc__ as faults_text
from linli.sim.platforms.viid.library import LAPSE, ViewLibrary

DEVICE_ID = "51010800005030000001"
DIALECTS = f"{' or '.join(FAMILIES)}, or with commas any of: {' '.join((*TRAITS, *OPPOSITES))}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This will add what only a view library is asked, and end its help with its routes and its faults."""
    parser.epilog = f"{application_text}\n{faults_text}"
    parser.add_argument("--device-id", default=DEVICE_ID, help="its own twenty digits")
    parser.add_argument("--user", default="viid", help="the account that may register")
    parser.add_argument(
        "--password", default=os.environ.get("LINLI_VIID_PASSWORD") or "viid-password", help="of that account"
    )
    parser.add_argument("--realm", default="viid")
    parser.add_argument("--dialect", default="strict", help=DIALECTS)
    parser.add_argument("--nonce-s", type=float, default=NONCE_SECONDS, help="for how long a nonce is good")
    parser.add_argument("--lapse-s", type=float, default=LAPSE.total_seconds(), help="forget whoever is silent so long")
    parser.add_argument("--token", default=None, help="demand this bearer token at the desk: /books /faults /control")


def application(asked: argparse.Namespace, *, clock: Clock) -> Starlette:
    """This will make the view library that was asked for."""
    return application_of(asked, clock=clock, name="viid", collections=codes.COLLECTIONS)


def application_of(
    asked: argparse.Namespace,
    *,
    clock: Clock,
    name: str,
    collections: Mapping[str, Kind],
    more: dict[str, Answering] | None = None,
) -> Starlette:
    """This will make a library of any collections on the same transport."""
    library = ViewLibrary(
        device_id=asked.device_id,
        books=Books(file=asked.books),
        guard=Guard(realm=asked.realm, accounts={asked.user: asked.password}, nonce_s=asked.nonce_s),
        collections=collections,
        dialect=dialect_of(asked.dialect),
        lapse=timedelta(seconds=asked.lapse_s),
    )
    single = f"all={asked.faults},{asked.fault}" if asked.faults else asked.fault
    faults = ViidFaults(plan=viid_plan_in(single), seed=asked.seed)
    return library_application(
        RunningLibrary(library=library, faults=faults, clock=clock, name=name, token=asked.token), more=more
    )
