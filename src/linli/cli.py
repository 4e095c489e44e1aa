"""The `linli` command: it parses, prepares what a command needs, and calls one thing."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

from linli.server import env, postgres

# What each command runs. By name, so that `linli serve` does not pay for what only `linli bench` needs.
DOORS = {
    "up": "linli.supervise.up:main",
    "serve": "linli.server.serving:main",
    "work": "linli.server.worker:main",
    "seed": "linli.server.seed:main",
    "enrol": "linli.server.enrolment:main",
    "tally": "linli.server.tally:main",
    "entrances": "linli.server.tally:entrances",
    "trust_reader": "linli.server.tally:trust_reader",
    "rotate_keys": "linli.server.keys:rotate",
    "reconcile": "linli.server.connectors.reconciling.command:run",
    "day": "linli.supervise.day:main",
    "journey": "linli.supervise.journey:main",
    "bench": "linli.bench:main",
    "faces": "linli.faces.cli:main",
    "audited_estates": "linli.server.privacy.queries:audited_estates",
    "verify_chain": "linli.server.privacy.queries:verify_chain",
    "django_setup": "django:setup",
    "django_command": "django.core.management:call_command",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 0 done, 1 refused or failed, 2 wrong arguments."""
    asked = _parser().parse_args(arguments)
    try:
        return int(asked.run(asked) or 0)
    except (env.BadEnvironment, postgres.PostgresProblem) as problem:
        return _refused(problem)
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="linli", description="Linli 邻里: run a residential estate.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int | None], about: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=about, description=about)
        command.set_defaults(run=run)
        return command

    add("up", lambda asked: _door("up")(), "start everything on this machine and watch over it until Ctrl-C")
    add("serve", _serve, "serve the API, the pages and the streams")
    add("work", _work, "run background jobs: outbox, timers, retention")
    add("migrate", _migrate, "bring the tables up to date").add_argument(
        "--check", action="store_true", help="only tell whether models and migrations agree"
    )
    add("seed", _seed, "fill an empty database with a fictional estate").add_argument("town", choices=["dongfang"])
    _add_enrol(add("enrol", _enrol, "enrol a gate box and write its enrolment file"))
    add("audit", _audit, "check the audit chain of every estate").add_argument("verb", choices=["verify"])
    add("keys", _rotate_keys, "draw a new sealing key and rewrap what is sealed").add_argument(
        "verb", choices=["rotate"]
    )
    add("tally", _tally, "count what must be so on every estate, as JSON")
    add("entrances", _entrances, "tell which gate each entrance has, as JSON")
    reader = add("trust-reader", _trust_reader, "trust a document reader's signature on every estate")
    reader.add_argument("reader")
    reader.add_argument("public_key", help="Ed25519, base64url without padding")
    night = add("reconcile", _reconcile, "count a night, hold it against every platform, and ask about what differs")
    night.add_argument("--date", type=date.fromisoformat, required=True, help="the day in whose evening it begins")
    night.add_argument("--json", action="store_true", help="print one JSON object")
    _add_day(add("day", _day, "run one simulated day on a fresh instance and count it"))
    add("journey", _journey, "walk one guest through on real input files").add_argument("--json", action="store_true")
    faces = add(
        "faces", _faces, "the face models: show them, fetch them by checksum, measure them on your own pictures"
    )
    faces.add_argument("verb", choices=["models", "fetch", "evaluate"])
    faces.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="see `linli faces VERB --help`")
    bench = add("bench", _bench, "measure, each beside the floor it is held against; prints JSON")
    bench.add_argument("names", nargs="*", metavar="NAME", help="all when left out")
    bench.add_argument("--quick", action="store_true", help="a small run, to see that it works")
    bench.add_argument("--json", action="store_true", help="it always prints JSON, one object a benchmark")
    return parser


def _add_enrol(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--server", help="the address the box will call; LINLI_PUBLIC_URL when left out")
    parser.add_argument("--estate", help="the estate's code; the only one when left out")
    parser.add_argument("--gates", type=_codes, default=(), help="codes, e.g. G01,G02; all when left out")
    parser.add_argument("--but", type=_codes, default=(), help="codes that stay with another box")


def _add_day(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--guests", type=int, default=100)
    parser.add_argument("--faces", type=int, default=0, metavar="GUESTS", help="so many of them open doors by face")
    parser.add_argument("--offline", type=int, default=1, metavar="GATES", help="so many gates lose their network")
    parser.add_argument(
        "--faults", choices=["none", "light", "heavy"], default="light", help="0, 5 or 30 % of all calls"
    )
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")


def _serve(asked: argparse.Namespace) -> int:
    with _database() as settings:
        try:
            return int(_door("serve")(settings=settings))
        except RuntimeError as problem:
            return _refused(problem)


def _work(asked: argparse.Namespace) -> int | None:
    with _django():
        return _door("work")()  # type: ignore[no-any-return]


def _migrate(asked: argparse.Namespace) -> None:
    if asked.check:
        # On a database of its own: the question is about the code, and every migration is tried on the way.
        with postgres.temporary() as address:
            os.environ["DATABASE_URL"] = address
            with _django():
                _door("django_command")("makemigrations", check=True, dry_run=True)
                _door("django_command")("migrate", verbosity=0)
        return
    with _django():
        _door("django_command")("migrate", interactive=False)


def _seed(asked: argparse.Namespace) -> int | None:
    with _django():
        return _door("seed")(town=asked.town)  # type: ignore[no-any-return]


def _enrol(asked: argparse.Namespace) -> int | None:
    server = asked.server or env.load().public_url
    with _django():
        try:
            return _door("enrol")(  # type: ignore[no-any-return]
                file=asked.file, server=server, estate_code=asked.estate, gate_codes=asked.gates, but=asked.but
            )
        except RuntimeError as problem:
            return _refused(problem)


def _codes(text: str) -> tuple[str, ...]:
    return tuple(code for code in text.split(",") if code)


def _audit(asked: argparse.Namespace) -> int:
    with _django():
        reports = [_door("verify_chain")(estate_id=estate) for estate in _door("audited_estates")()]
    for report in reports:
        print(report)
    return 0 if all(report.whole for report in reports) else 1


def _rotate_keys(asked: argparse.Namespace) -> int | None:
    with _django():
        return _door("rotate_keys")()  # type: ignore[no-any-return]


def _tally(asked: argparse.Namespace) -> int | None:
    with _django():
        return _door("tally")()  # type: ignore[no-any-return]


def _entrances(asked: argparse.Namespace) -> int | None:
    with _django():
        return _door("entrances")()  # type: ignore[no-any-return]


def _trust_reader(asked: argparse.Namespace) -> int | None:
    with _django():
        return _door("trust_reader")(reader_id=asked.reader, public_key=asked.public_key)  # type: ignore[no-any-return]


def _reconcile(asked: argparse.Namespace) -> int | None:
    with _django():
        return _door("reconcile")(day=asked.date, as_json=asked.json)  # type: ignore[no-any-return]


def _day(asked: argparse.Namespace) -> int | None:
    return _door("day")(  # type: ignore[no-any-return]
        guests=asked.guests, faces=asked.faces, offline=asked.offline, faults=asked.faults, as_json=asked.json
    )


def _journey(asked: argparse.Namespace) -> int | None:
    return _door("journey")(as_json=asked.json)  # type: ignore[no-any-return]


def _bench(asked: argparse.Namespace) -> int | None:
    return _door("bench")(names=asked.names, quick=asked.quick)  # type: ignore[no-any-return]


def _faces(asked: argparse.Namespace) -> int:
    return int(_door("faces")([asked.verb, *asked.rest]))


def _refused(problem: Exception) -> int:
    print(f"linli: {problem}", file=sys.stderr)
    return 1


def _door(name: str) -> Callable[..., Any]:
    module, _, function = DOORS[name].partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


@contextmanager
def _database() -> Iterator[env.Env]:
    """Have the database for the length of a command: somebody's, the one that runs, or our own started for it."""
    settings = env.load()
    env.prepare_home(settings)
    if not settings.embedded:
        yield settings
        return
    with postgres.running(settings.pg_home, binaries=settings.pg_bin) as address:
        os.environ["DATABASE_URL"] = address
        yield env.load()


@contextmanager
def _django() -> Iterator[None]:
    os.environ["DJANGO_SETTINGS_MODULE"] = "linli.server.settings"
    with _database():
        _door("django_setup")()
        yield


if __name__ == "__main__":
    sys.exit(main())
