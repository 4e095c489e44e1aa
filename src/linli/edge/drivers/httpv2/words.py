"""Read what a device writes, which is not always of the type that the document says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Words = Mapping[str, Any]
WELL: Words = {"Success": 1}
REFUSED: Words = {"Success": 0}


def whole(value: object) -> int:
    """Read a whole number that may be written as a text. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("not a number")
    try:
        return int(value) if not isinstance(value, str) or value.strip() else 0
    except OverflowError:
        raise ValueError("not a number") from None


def number_in(words: Words, name: str, *, otherwise: int = 0) -> int:
    """Give a number by its name; something else when there is none."""
    try:
        return otherwise if words.get(name) is None else whole(words[name])
    except ValueError:
        return otherwise


def list_in(words: Words, *names: str) -> list[Any]:
    """Give the first list that stands under one of these names."""
    return next((words[name] for name in names if isinstance(words.get(name), list)), [])


def object_in(words: Words, name: str) -> Words | None:
    """Give an object that may be written as a text; None when there is none."""
    value = words.get(name)
    try:
        given = json.loads(value) if isinstance(value, str) and value.strip() else value
    except (ValueError, RecursionError):
        return None
    return given if isinstance(given, Mapping) and given else None
