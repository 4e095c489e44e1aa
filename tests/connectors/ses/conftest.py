"""The other side, and our side of it.

What needs Django is imported when a fixture runs: a conftest is read before the suite has set Django up.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import httpx
import pytest

from tests.sim.ses.running import RunningSes, driver


@pytest.fixture(scope="module")
def ses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSes]:
    """The platform, without faults."""
    started = RunningSes(books=tmp_path_factory.mktemp("ses") / "books.sqlite").start()
    yield started
    started.stop()


@pytest.fixture
def books(ses: RunningSes) -> Iterator[httpx.Client]:
    """A look into its books; faults are cleared afterwards."""
    with ses.client() as client:
        yield client
        client.post("/faults", json={})


@pytest.fixture(scope="module")
def platform(ses: RunningSes) -> Any:
    """Our side."""
    return import_module("tests.connectors.ses.guests").platform(ses.address)


@pytest.fixture(scope="module")
def service(ses: RunningSes) -> Any:
    """Zeep's proxy of it: what the platform says to somebody who knows nothing of us."""
    return driver(ses.address)
