"""The `linli-sim` command: the other side of a wire, for tests, simulated days and integrators. Never in production."""

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from starlette.types import ASGIApp

from linli.sim import people, reader, serving
from linli.sim.clock import clock_from_environment
from linli.sim.conform import start as conforming
from linli.sim.faults import BadFaultPlan
from linli.sim.feeds import command as feeds
from linli.sim.platforms.viid.dialects import UnknownDialect

PLATFORMS = {
    "lodging": "linli.sim.platforms.lodging_start",
    "viid": "linli.sim.platforms.viid.start",
    "community": "linli.sim.platforms.community",
    "ses_hospedajes": "linli.sim.platforms.ses_start",
    "face_layer": "linli.sim.platforms.face_layer",
}
TERMINALS = {
    "httpv2": "a device that calls the box by itself",
    "isapi": "a terminal that is called, by Hikvision's ISAPI",
    "ttlock": "a cloud of locks with codes",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """This will run one command and give its exit code: 0 done, 2 wrong arguments, 3 address or books are taken."""
    asked = _parser().parse_args(arguments)
    try:
        return int(asked.run(asked))
    except (BadFaultPlan, UnknownDialect, reader.ReaderKeyUnusable) as problem:
        print(f"linli-sim: {problem}", file=sys.stderr)
        return 2
    except (serving.AddressTaken, serving.BooksInUse) as problem:
        print(f"linli-sim: {type(problem).__doc__} {problem}", file=sys.stderr)
        return 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="linli-sim", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_platform(commands.add_parser("platform", help="serve an authority's platform with its own books"))
    conform = commands.add_parser("conform", help="run the view library's script against any peer, and judge it")
    conforming.add_arguments(conform)
    conform.set_defaults(run=conforming.main)
    _add_reader(
        commands.add_parser("reader", help="print the signed record a bench reader would give of a fictional person")
    )
    _add_people(commands.add_parser("people", help="print fictional people, one JSON object a line"))
    feeds.add_arguments(commands.add_parser("feed", help="serve a channel's calendar of bookings, with faults"))
    _add_terminals(commands.add_parser("terminal", help="run one simulated terminal, lock or its cloud"))
    return parser


def _add_platform(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", choices=sorted(PLATFORMS), help="which platform")
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="see `linli-sim platform NAME --help`")
    parser.set_defaults(run=_run_platform)


def _run_platform(asked: argparse.Namespace) -> int:
    # Looked up by name: a platform is one module with `add_arguments` and `application`, and one line in PLATFORMS.
    platform = importlib.import_module(PLATFORMS[asked.name])
    parser = argparse.ArgumentParser(prog=f"linli-sim platform {asked.name}", description=platform.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free port; it is printed")
    parser.add_argument("--books", type=Path, required=True, help="SQLite file; kept between starts")
    parser.add_argument("--faults", type=float, default=0.0, help="one chance, spread over the faults of the wire")
    parser.add_argument("--fault", default="", help="single faults, e.g. timeout=0.01,latency_ms=200")
    parser.add_argument("--seed", type=int, default=1, help="the same seed draws the same faults")
    platform.add_arguments(parser)
    return _serve_platform(parser.parse_args(asked.rest), name=asked.name, make=platform.application)


def _serve_platform(asked: argparse.Namespace, *, name: str, make: Callable[..., ASGIApp]) -> int:
    with serving.lock_books(file=asked.books):
        application = make(asked, clock=clock_from_environment())
        port = asked.port or serving.free_port(host=asked.host)
        serving.serve(application=application, host=asked.host, port=port, name=f"{name} platform")
    return 0


def _add_reader(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--key", type=Path, required=True, help="the reader's key file; made when it is not there")
    parser.add_argument("--reader-id", default="reader-01")
    parser.add_argument("--person", type=int, default=0, help="which fictional person lies on the reader")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--at", type=datetime.fromisoformat, default=None, help="when it was read (aware); now when left out"
    )
    parser.add_argument("--public-key", action="store_true", help="print only the key that the estate must enrol")
    parser.set_defaults(run=_read_card)


def _add_people(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.set_defaults(run=_list_people)


def _add_terminals(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("make", choices=sorted(TERMINALS), help="; ".join(f"{n}: {w}" for n, w in TERMINALS.items()))
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="see `linli-sim terminal MAKE --help`")
    parser.set_defaults(run=_run_terminal)


def _run_terminal(asked: argparse.Namespace) -> int:
    # Looked up by name: a make is one module with `add_arguments` and `main`, and one line in TERMINALS.
    make = importlib.import_module(f"linli.sim.terminals.{asked.make}")
    parser = argparse.ArgumentParser(prog=f"linli-sim terminal {asked.make}", description=make.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="of the device itself; 0: any free port; it is printed")
    parser.add_argument("--control-port", type=int, default=0, help="by which a test plays the people at the door")
    make.add_arguments(parser)
    return int(make.main(parser.parse_args(asked.rest)))


def _read_card(asked: argparse.Namespace) -> int:
    bench = reader.BenchReader(reader_id=asked.reader_id, key=reader.key_in(file=asked.key))
    if asked.public_key:
        print(bench.public_key)
        return 0
    now = asked.at or clock_from_environment()()
    person = people.person(index=asked.person, seed=asked.seed, today=now.date())
    print(json.dumps(bench.read(person=person, now=now).as_json(), ensure_ascii=False))
    return 0


def _list_people(asked: argparse.Namespace) -> int:
    today = clock_from_environment()().date()
    for index in range(asked.count):
        print(json.dumps(people.person(index=index, seed=asked.seed, today=today).as_json(), ensure_ascii=False))
    return 0
