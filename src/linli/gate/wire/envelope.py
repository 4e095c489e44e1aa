"""What every message has around it: its kind and the wire's version. A reader takes this version and the one before it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

WIRE_VERSION = 2
READABLE = frozenset({WIRE_VERSION, WIRE_VERSION - 1})

T = TypeVar("T")


class BadMessage(Exception):
    """That message is not in a form this side can read."""


def dump(kind: str, **said: object) -> bytes:
    """Write a message as compact JSON."""
    return json.dumps({"wire": WIRE_VERSION, "kind": kind, **said}, separators=(",", ":")).encode()


def read(raw: bytes | str, kind: str, build: Callable[[dict[str, Any]], T]) -> T:
    """Read a message of one kind with `build`. Raises BadMessage, and nothing else."""
    try:
        message = json.loads(raw)
        if not isinstance(message, dict) or message.get("kind") != kind:
            raise BadMessage(f"that is not a {kind}")
        if message.get("wire") not in READABLE:
            raise BadMessage(f"wire version {message.get('wire')!r} is not readable here")
        return build(message)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError, AttributeError) as problem:
        raise BadMessage(f"{kind}: {type(problem).__name__}: {problem}"[:300]) from None
