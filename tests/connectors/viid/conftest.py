"""The simulated view library in a process of its own, an estate's link to it, and a real Apache."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from tests.sim.viid.running import LOWER, PASSWORD, USER, RunningLibrary


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLibrary]:
    """A view library above us."""
    running = RunningLibrary(books=tmp_path_factory.mktemp("library") / "books.sqlite").start()
    yield running
    running.stop()


@pytest.fixture
def above(library: RunningLibrary) -> Iterator[RunningLibrary]:
    """The library, its faults cleared afterwards and nobody registered."""
    library.faults()
    library.run("forget")
    library.run("dialect", dialect="strict")
    yield library
    library.faults()


@pytest.fixture
def ticks() -> Any:
    """Seconds that go by when a test says so."""
    return import_module("tests.connectors.viid.facts").Ticks()


@pytest.fixture
def link(above: RunningLibrary, ticks: Any) -> Iterator[Any]:
    """An estate's link to it."""
    made = import_module("tests.connectors.viid.facts").link(
        above.url, user=USER, password=PASSWORD, device_id=LOWER, seconds=ticks
    )
    yield made
    made.close()


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Any:
    """A fresh small estate; the test's own mark says how its database is cleared."""
    wanted = request.node.get_closest_marker("django_db")
    request.getfixturevalue("transactional_db" if wanted and wanted.kwargs.get("transaction") else "db")
    return import_module("tests.world").build()


@pytest.fixture
def below(world: Any) -> Any:
    """A peer that may register with the estate, and how it calls."""
    return import_module("tests.connectors.viid.calling").peer_of(world)


@pytest.fixture
def link_to() -> Any:
    """A link to anywhere."""
    return import_module("tests.connectors.viid.facts").link
