"""A small estate, and the face layer's other side in a process of its own."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import httpx
import pytest

from tests.sim.face_layer.running import TOKEN, RunningLayer


@pytest.fixture(scope="session")
def other_side(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLayer]:
    """The simulated face layer."""
    running = RunningLayer(books=tmp_path_factory.mktemp("face_layer") / "books.sqlite").start()
    yield running
    running.stop()


@pytest.fixture
def books(other_side: RunningLayer) -> Iterator[httpx.Client]:
    """A look into its books; faults and scripts are cleared before and after."""
    with other_side.client() as client:
        for path in ("/faults", "/control/holders"):
            client.post(path, json={})
        yield client
        for path in ("/faults", "/control/holders"):
            client.post(path, json={})


@pytest.fixture
def layer(other_side: RunningLayer, books: httpx.Client) -> Any:
    """Our link to it, with a fresh breaker."""
    return import_module("linli.server.connectors.face_check.client").at(url=other_side.url, token=TOKEN)


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Any:
    """A fresh small estate; the test's own mark says how its database is cleared."""
    wanted = request.node.get_closest_marker("django_db")
    request.getfixturevalue("transactional_db" if wanted and wanted.kwargs.get("transaction") else "db")
    return import_module("tests.world").build()
