"""A small estate on an evening that is over, and the platform's other side in a process of its own.

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
def evening(db: None, other_side: RunningPlatform, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The estate at eight of an evening whose night is over by now, linked to that platform alone."""
    module = import_module("tests.connectors.reconciling.evening")
    lodging = import_module("linli.server.connectors.platforms.lodging")
    found = module.build(platform=lodging.at(url=other_side.url, token=TOKEN))
    module.link(monkeypatch, found)
    return found
