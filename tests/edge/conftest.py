"""A fake server, and a box put together in this process or run as the real command."""

import json
import os
import subprocess
import sys
import time

import httpx
import pytest

from linli.edge.agent import Agent
from linli.edge.clock import TrustedClock
from linli.edge.drivers.simulated import SimulatedDoor
from linli.edge.store import JournalStore, ListStore
from tests.edge.fake_server import ESTATE, FakeServer, dump_enrolment


@pytest.fixture
def server():
    fake = FakeServer()
    yield fake
    fake.close()


class LocalBox:
    """Stores, agent and doors of one box, without a line to the server."""

    def __init__(self, home, gates=("G01", "G02"), **first):
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        (home / "box.json").write_text(json.dumps({"box": "box_1", "estate": ESTATE, "gates": gates}))
        self.clock = TrustedClock()
        self.lists = ListStore(path=home / "list.sqlite3", estate=ESTATE, secret="a box's secret")
        self.journal = JournalStore(path=home / "journal.sqlite3", gates=gates, **first)
        self.doors = {gate: SimulatedDoor() for gate in gates}
        self.agent = Agent(
            estate=ESTATE, doors=self.doors, list_store=self.lists, journal=self.journal, clock=self.clock
        )

    def lines(self, gate="G01"):
        return self.journal.lines(gate)


@pytest.fixture
def box(tmp_path):
    return LocalBox(tmp_path / "box")


class AgentProcess:
    """The real command, in a process of its own, driven through its control port."""

    def __init__(self, home, enrolment, *arguments, clock_file=None):
        self.home, self.enrolment, self.arguments = home, enrolment, arguments
        self.environment = {**os.environ, **({"LINLI_CLOCK_FILE": str(clock_file)} if clock_file else {})}
        self.start()

    def start(self):
        command = [sys.executable, "-m", "linli.edge.cli", "run", "--enrolment", str(self.enrolment)]
        self.process = subprocess.Popen(
            [*command, "--home", str(self.home), *self.arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self.environment,
        )
        self.ready = json.loads(self.process.stdout.readline())
        address = f"http://127.0.0.1:{self.ready['control_port']}"
        self.http = httpx.Client(base_url=address, trust_env=False, timeout=15)

    def scan(self, gate="G01", **words):
        return self.http.post(f"/gates/{gate}/scan", json=words).json()

    def state(self):
        return self.http.get("/gates").json()

    def gate(self, gate="G01"):
        return next(row for row in self.state()["gates"] if row["gate"] == gate)

    def cable(self, *, online):
        self.http.post("/uplink", json={"online": online})

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.http.close()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=10)
        self.process.stdout.close()
        self.http.close()


@pytest.fixture
def run_agent(tmp_path, server):
    started = []

    def run(*arguments, **changes):
        enrolment = dump_enrolment(tmp_path / "enrolment.json", server)
        agent = AgentProcess(tmp_path / "box", enrolment, *arguments, **changes)
        started.append(agent)
        return agent

    yield run
    for agent in started:
        agent.stop()


def until(true, *, seconds=30.0):
    """Wait for something to become true, and fail if it does not."""
    end = time.monotonic() + seconds
    while not (answer := true()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
    return answer
