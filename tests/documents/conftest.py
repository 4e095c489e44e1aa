"""The committed specimens, read once for the whole run: a reading costs half a second."""

from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from linli.documents.fields import Reading
from linli.documents.reading import read_picture

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="session")
def read() -> Callable[[str], Reading]:
    """Read an example by its file name."""

    @cache
    def read_example(name: str) -> Reading:
        return read_picture((EXAMPLES / "documents" / name).read_bytes(), today=date(2026, 11, 24))

    return read_example
