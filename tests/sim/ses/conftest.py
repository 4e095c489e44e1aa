"""A Spanish platform for each module."""

from collections.abc import Iterator
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
def service(ses: RunningSes) -> Any:
    """Zeep's proxy of it."""
    return driver(ses.address)
