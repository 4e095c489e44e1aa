"""The golden messages, by file name."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "connectors" / "golden" / "viid"
NAMES = sorted(file.stem for file in FOLDER.glob("*.json"))


def golden(name: str) -> dict[str, Any]:
    """Read one message: {"about", "dialect", "body"}."""
    told: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return told
