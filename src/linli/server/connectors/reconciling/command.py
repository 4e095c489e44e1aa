"""`linli reconcile --date DAY`: one night of every estate, counted now and held against every linked platform."""

import json
import sys
from dataclasses import asdict
from datetime import date
from typing import Any

import structlog
from django.db import Error

from linli.server.connectors.platforms import BadLinks, linked
from linli.server.connectors.reconciling import actions
from linli.server.connectors.reconciling.queries import PlatformNight
from linli.server.kernel import clock
from linli.server.kernel.actors import system
from linli.server.kernel.errors import Refusal
from linli.server.places import queries as places


def run(*, day: date, as_json: bool) -> int:
    """Count a night from the command line, whose output is read by programs: the log of the exchanges goes to stderr."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    return main(day=day, as_json=as_json)


def main(*, day: date, as_json: bool) -> int:
    """Count the night that begins in the evening of a day, print what it came to; 1 when it could not be counted."""
    try:
        found = {
            estate.code: actions.reconcile(
                actor=system(estate.id), day=day, platforms=linked(), now=clock.now()
            ).platforms
            for estate in places.list_estates()
        }
    except (Refusal, Error, BadLinks) as problem:
        print(f"linli: the night of {day} could not be counted: {problem}", file=sys.stderr)
        return 1
    estates = {code: {night.platform: _figures(night) for night in nights} for code, nights in found.items()}
    if as_json:
        print(json.dumps({"date": day.isoformat(), "estates": estates}))
        return 0
    for code, platforms in estates.items():
        for platform, figures in platforms.items():
            shown = " ".join(f"{name} {'not known' if value is None else value}" for name, value in figures.items())
            print(f"{code} {platform}: {shown}")
    return 0


def _figures(night: PlatformNight) -> dict[str, Any]:
    # The six figures and what came of them; the flats stand in the API.
    return {
        name: value for name, value in asdict(night).items() if name not in ("platform", "counted_at", "known", "units")
    }
