"""Where the tests' database comes from: an instance of our own for each run, or LINLI_TEST_DATABASE_URL when given.

Nothing starts until a test asks for the database, so the rules and the gate are tested in seconds without one.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import hypothesis
import pytest

from linli.server import env, postgres

GIVEN = os.environ.get("LINLI_TEST_DATABASE_URL", "")
WITHOUT_DJANGO = (
    *("gate/", "edge/", "sim/", "faces/", "documents/", "rules/", "supervise/"),
    *("house/test_contracts.py", "house/test_style.py", "server/test_env.py", "server/test_postgres.py"),
)
# No deadlines: a machine that is busy with something else is not a wrong answer.
hypothesis.settings.register_profile("linli", deadline=None)
hypothesis.settings.register_profile("fast", deadline=None, max_examples=25)
hypothesis.settings.load_profile("linli")
HOME = Path(tempfile.mkdtemp(prefix="linli-tests-"))


def _leave_the_users_own_instance_alone() -> None:
    for name in list(os.environ):
        if name in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE") or (
            name.startswith("LINLI_") and not name.startswith(("LINLI_TEST_", "LINLI_WRITE_SNAPSHOTS"))
        ):
            del os.environ[name]
    os.environ["LINLI_HOME"] = str(HOME)
    os.environ["DATABASE_URL"] = GIVEN or postgres.url(HOME / "pg")
    env.prepare_home(env.load())


_leave_the_users_own_instance_alone()


def pytest_pycollect_makemodule(module_path: Path) -> None:
    """Set Django up before the first test module that needs it, and only then.

    Not by a line in pyproject.toml: that would be read before the lines above have run.
    """
    place = module_path.relative_to(Path(__file__).parent).as_posix()
    if not place.startswith(WITHOUT_DJANGO) and "DJANGO_SETTINGS_MODULE" not in os.environ:
        os.environ["DJANGO_SETTINGS_MODULE"] = "linli.server.settings"
        django.setup()


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """Give the address of a running PostgreSQL for this run; tests that need a database of their own make it there."""
    if GIVEN:
        yield GIVEN
        return
    # Killed servers are tested elsewhere, on instances that sync; here a power cut would cost a test run.
    unsynced = {"fsync": "off", "full_page_writes": "off"}
    with postgres.running(HOME / "pg", settings=unsynced) as address:
        yield address


@pytest.fixture(scope="session")
def django_db_modify_db_settings(database_url: str) -> None:
    """Have the server running before Django makes its test database on it."""


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)
    shutil.rmtree(postgres.socket_directory(HOME / "pg"), ignore_errors=True)
