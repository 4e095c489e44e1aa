"""`linli up` on a bare home: it starts all, serves, is stopped, is killed, and comes back with the same data."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from linli.server import postgres
from linli.supervise.reach import ask, free_port
from tests.waiting import eventually

LINLI = Path(sys.executable).with_name("linli")
SEEDING_SECONDS = 240.0
STARTING_SECONDS = 90.0


class Estate:
    """One home on a free port, and the `linli up` that may be running in it."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environ = {
            name: value for name, value in os.environ.items() if not name.startswith(("LINLI_", "DATABASE_"))
        }
        self.environ |= {"LINLI_HOME": str(home), "LINLI_PORT": str(self.port)}
        self.told = home.with_suffix(".told")

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [LINLI, *words], env=self.environ, capture_output=True, text=True, check=False, timeout=STARTING_SECONDS
        )

    def up(self, *, seconds: float = STARTING_SECONDS) -> subprocess.Popen[bytes]:
        with self.told.open("wb") as told:
            process = subprocess.Popen([LINLI, "up"], env=self.environ, stdout=told, stderr=told)
        ready = eventually(lambda: "Ready in" in self.said() or process.poll() is not None, seconds=seconds)
        assert ready, self.said()
        assert process.poll() is None, self.said()
        return process

    def said(self) -> str:
        return self.told.read_text()

    def processes(self) -> list[str]:
        """Everything that runs for this home, by what it was started with."""
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            try:
                words = (place / "cmdline").read_bytes() + (place / "environ").read_bytes()
                alive = (place / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
            except OSError:
                continue
            if alive and str(self.home).encode() in words:
                found.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:120])
        return found

    def count(self, table: str) -> int:
        with psycopg.connect(postgres.url(self.home / "pg")) as connection:
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert row
            return int(row[0])


def page_of(address: str) -> bytes:
    try:
        with urllib.request.urlopen(address) as response:
            return bytes(response.read())
    except urllib.error.HTTPError as unbuilt:
        # A clone without Node says how to build the pages.
        told = unbuilt.read()
        return told if b"make setup" in told else b""


@pytest.fixture(scope="module")
def estate() -> Iterator[Estate]:
    place = Path(tempfile.mkdtemp(prefix="linli-up-"))
    estate = Estate(place / "home")
    process = estate.up(seconds=SEEDING_SECONDS)
    process.send_signal(signal.SIGINT)
    process.wait(60)
    yield estate
    assert eventually(lambda: not estate.processes(), seconds=30), estate.processes()
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def running(estate: Estate) -> Iterator[subprocess.Popen[bytes]]:
    process = estate.up()
    yield process
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def test_it_serves_the_pages_and_51_gates_hear_it(estate: Estate, running: subprocess.Popen[bytes]) -> None:
    assert ask(f"{estate.url}/api/health")
    for page in ("/m/", "/console/"):
        assert page_of(estate.url + page)
    assert estate.count("access_gate") == 51
    assert f"{estate.url}/console/" in estate.said()


def test_a_second_up_in_the_same_home_is_refused_and_disturbs_nothing(
    estate: Estate, running: subprocess.Popen[bytes]
) -> None:
    second = estate.command("up")
    assert second.returncode == 1
    assert "already runs" in second.stderr
    assert estate.url in second.stderr
    assert ask(f"{estate.url}/api/health")
    assert running.poll() is None


def test_another_command_uses_the_database_that_runs(estate: Estate, running: subprocess.Popen[bytes]) -> None:
    done = estate.command("audit", "verify")
    assert done.returncode == 0, done.stderr
    assert ask(f"{estate.url}/api/health")


def test_ctrl_c_stops_everything_and_the_next_start_keeps_the_data(estate: Estate) -> None:
    process = estate.up()
    before = {table: estate.count(table) for table in ("places_bed", "access_gate", "lettings_unit")}
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    # What the live day had just asked for ends with its parent, a moment later.
    assert eventually(lambda: not estate.processes(), seconds=10), estate.processes()
    assert "the data are kept" in estate.said().splitlines()[-1]
    process = estate.up()
    assert {table: estate.count(table) for table in before} == before
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert eventually(lambda: not estate.processes(), seconds=10), estate.processes()


def test_killed_outright_it_leaves_no_orphan_and_starts_again(estate: Estate) -> None:
    process = estate.up()
    process.kill()
    process.wait()
    assert eventually(lambda: not estate.processes(), seconds=30), estate.processes()
    process = estate.up()
    assert ask(f"{estate.url}/api/health")
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0


@pytest.mark.parametrize("name", ["server", "worker", "lodging", "gates-estate"])
def test_a_killed_program_comes_back_by_itself(name: str, estate: Estate, running: subprocess.Popen[bytes]) -> None:
    victim = int((estate.home / "run" / f"{name}.lock").read_text())
    os.kill(victim, signal.SIGKILL)
    assert eventually(lambda: f"{name} had stopped" in estate.said(), seconds=30)
    assert eventually(lambda: int((estate.home / "run" / f"{name}.lock").read_text() or victim) != victim, seconds=30)
    assert eventually(lambda: ask(f"{estate.url}/api/health"), seconds=60)


def test_a_killed_database_comes_back_by_itself(estate: Estate, running: subprocess.Popen[bytes]) -> None:
    cluster = postgres.Cluster(home=estate.home / "pg")
    victim = cluster.postmaster()
    assert victim
    os.kill(victim, signal.SIGKILL)
    assert eventually(lambda: cluster.postmaster() not in (None, victim) and cluster.answers(), seconds=30)
    assert eventually(lambda: ask(f"{estate.url}/api/health"), seconds=30)
