"""The small estate, for these tests. It needs Django, which is set up only after this file has been read."""

from importlib import import_module
from typing import Any

import pytest


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Any:
    """A fresh small estate; the test's own mark says how its database is cleared."""
    wanted = request.node.get_closest_marker("django_db")
    request.getfixturevalue("transactional_db" if wanted and wanted.kwargs.get("transaction") else "db")
    return import_module("tests.world").build()
