"""A view library's process for each module, and what a lower platform sends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from linli.sim.platforms.viid.calls import Caller
from tests.sim.viid.running import PASSWORD, USER, RunningLibrary


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLibrary]:
    """A library without faults."""
    books: Path = tmp_path_factory.mktemp("library") / "books.sqlite"
    running = RunningLibrary(books=books).start()
    yield running
    running.stop()


@pytest.fixture
def registered(library: RunningLibrary) -> Iterator[Caller]:
    """A lower platform that is registered there; faults are cleared afterwards."""
    with library.caller() as caller:
        assert caller.register(username=USER, password=PASSWORD)[-1].code == 0
        yield caller
    library.faults()
    library.run("dialect", dialect="strict")
    library.run("reboot", times=0)
