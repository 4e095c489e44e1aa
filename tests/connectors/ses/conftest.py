"""The other side, and our side of it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from linli.server.connectors.platforms.ses_hospedajes import SesPlatform
from tests.connectors.ses import guests
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
def platform(ses: RunningSes) -> SesPlatform:
    """Our side."""
    return guests.platform(ses.address)


@pytest.fixture(scope="module")
def service(ses: RunningSes) -> Any:
    """Zeep's proxy of it: what the platform says to somebody who knows nothing of us."""
    return driver(ses.address)
