"""The small estate, for these tests. It needs Django, which is set up only after this file has been read."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from tests.feeds.running import RunningChannel, running


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Any:
    """A fresh small estate; the test's own mark says how its database is cleared."""
    wanted = request.node.get_closest_marker("django_db")
    request.getfixturevalue("transactional_db" if wanted and wanted.kwargs.get("transaction") else "db")
    return import_module("tests.world").build()


@pytest.fixture(scope="module")
def served() -> Iterator[RunningChannel]:
    """A simulated channel that listens."""
    with running() as channel:
        yield channel


@pytest.fixture
def channel(served: RunningChannel, settings: Any) -> RunningChannel:
    """The channel, sound and empty, and a server that may reach it."""
    settings.LINLI_NEARBY_FEEDS = frozenset({"127.0.0.1"})
    served.lets()
    served.channel.fetched = served.channel.unchanged = 0
    return served
