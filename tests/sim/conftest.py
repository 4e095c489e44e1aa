"""A platform process for each module, and messages in good order."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.sim.running import RunningPlatform


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    """A platform without faults."""
    books: Path = tmp_path_factory.mktemp("platform") / "books.sqlite"
    running = RunningPlatform(books=books).start()
    yield running
    running.stop()


@pytest.fixture
def client(platform: RunningPlatform) -> Iterator[httpx.Client]:
    """A client of that platform; faults are cleared afterwards."""
    with platform.client() as opened:
        yield opened
        opened.post("/faults", json={})
