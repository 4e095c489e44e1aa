"""A fresh estate for a benchmark: a temporary PostgreSQL with the seeded town, and a process of its own that measures there."""

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from linli.server import env, postgres


def measured(module: str, *arguments: str) -> dict[str, Any]:
    """Run `python -m module arguments` on a fresh migrated and seeded database, and give the JSON of its last line."""
    with postgres.temporary() as address, tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "DATABASE_URL": address, "LINLI_HOME": home, "DJANGO_SETTINGS_MODULE": SETTINGS}
        env.prepare_home(env.load(environment))
        for command in (("migrate",), ("seed", "dongfang")):
            _finished([sys.executable, "-m", "linli.cli", *command], environment)
        told = _finished([sys.executable, "-m", module, *arguments], environment)
    figures: dict[str, Any] = json.loads(told.splitlines()[-1])
    return figures


SETTINGS = "linli.server.settings"


def _finished(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return done.stdout


def percentile(values: list[float], percent: int) -> float:
    """Give the value below which so many percent lie, by nearest rank; 0 of nothing."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0.0
