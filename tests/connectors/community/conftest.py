"""The simulated community platform in a process of its own, and an estate's link to it."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from tests.sim.viid.running import LOWER, PASSWORD, USER, RunningLibrary


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLibrary]:
    """The community platform."""
    running = RunningLibrary(books=tmp_path_factory.mktemp("community") / "books.sqlite", name="community").start()
    yield running
    running.stop()


@pytest.fixture
def above(library: RunningLibrary) -> Iterator[RunningLibrary]:
    """The platform, its faults cleared afterwards."""
    library.faults()
    yield library
    library.faults()


@pytest.fixture
def link(above: RunningLibrary) -> Iterator[Any]:
    """An estate's link to it."""
    made = import_module("tests.connectors.viid.facts").link(above.url, user=USER, password=PASSWORD, device_id=LOWER)
    yield made
    made.close()
