"""`linli bench`: every measurement beside the floor it is held against, measured in the same run, as JSON."""

import json
import sys
from collections.abc import Sequence
from importlib import import_module

NAMES = (
    "gate",
    "ingest",
    "checkin",
    "beds",
    "revocation",
    "passages",
    "faces",
    "resync",
    "comparing",
    "gates",
    "links",
)


def main(*, names: Sequence[str], quick: bool = False) -> int:
    """Run the benchmarks named, or all, and print one JSON object a name; 2 for a name that does not exist."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"linli bench: no such benchmark: {', '.join(unknown)}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for name in names or NAMES:
        figures = import_module(f"linli.bench.{name}").run(quick=quick)
        print(json.dumps({"bench": name, **figures}, ensure_ascii=False), flush=True)
    return 0
