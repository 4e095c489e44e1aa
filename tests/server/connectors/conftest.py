"""An estate with guests, and the platform's other side in a process of its own.

What needs Django is imported when a fixture runs: a conftest is read before the suite has set Django up.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import httpx
import pytest

from tests.sim.running import TOKEN, RunningPlatform


@pytest.fixture(scope="session")
def other_side(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    """The simulated lodging platform."""
    running = RunningPlatform(books=tmp_path_factory.mktemp("platform") / "books.sqlite").start()
    yield running
    running.stop()


@pytest.fixture
def books(other_side: RunningPlatform) -> Iterator[httpx.Client]:
    """A look into its books; faults are cleared before and after."""
    with other_side.client() as client:
        client.post("/faults", json={})
        yield client
        client.post("/faults", json={})


@pytest.fixture
def platform(other_side: RunningPlatform) -> Any:
    """Our link to it."""
    return import_module("linli.server.connectors.platforms.lodging").at(url=other_side.url, token=TOKEN)


@pytest.fixture
def hostel(request: pytest.FixtureRequest) -> Any:
    """An estate with one flat; the test chooses how its database is cleared."""
    wanted = request.node.get_closest_marker("django_db")
    request.getfixturevalue("transactional_db" if wanted and wanted.kwargs.get("transaction") else "db")
    return import_module("tests.server.connectors.hostel").found()
