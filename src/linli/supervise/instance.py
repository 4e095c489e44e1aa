"""One whole Linli on one machine: the database, the server, the worker, the simulated platform and the gates."""

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

from linli.server import env, postgres
from linli.supervise.authorities import Authority, simulated, write_links
from linli.supervise.gates import GateBox, gate_boxes
from linli.supervise.keeper import Keeper, Program, ProgramFailed, Say
from linli.supervise.reach import answers, free_port

TOWN = "dongfang"
SETTLE_SECONDS = 1.0  # a program without an address counts as started when it has run this long
TICK_SECONDS = 0.25


class AlreadyRunning(RuntimeError):
    """An instance runs in this home already."""


class Instance:
    """Start, look after and stop everything that makes one estate run, with its data under one home."""

    def __init__(
        self,
        *,
        environ: Mapping[str, str],
        say: Say,
        faults: float = 0.0,
        two_boxes: str = "",
        cameras: bool = False,
    ) -> None:
        """Take the environment, the share of calls the platform spoils, the gates that have a box of their own (codes
        with commas between), and whether each box looks through a camera and so keeps faces.
        """
        self.env = env.load(environ)
        self.url = f"http://127.0.0.1:{self.env.port}"
        self.keeper = Keeper(home=self.env.home, say=say)
        self.cluster = postgres.Cluster(home=self.env.pg_home, binaries=self.env.pg_bin) if self.env.embedded else None
        self.faults, self.cameras = faults, cameras
        self.boxes = gate_boxes(home=self.env.home, alone=two_boxes)
        self.plays_lodging = not self.env.lodging_url
        lodging_port = free_port() if self.plays_lodging else 0
        self.lodging_url = self.env.lodging_url or f"http://127.0.0.1:{lodging_port}"
        self.lodging_token = self.env.lodging_token or secrets.token_urlsafe(24)
        # Whoever names an address or a links file of their own talks to real platforms, and to no simulated one beside them.
        played = simulated(lodging_url=self.lodging_url, lodging_token=self.lodging_token)
        self.authorities = played if self.plays_lodging and self.env.links is None else ()
        self.links = self.env.links or self.env.home / "links.toml"
        self._say = say
        self._lock: int | None = None
        self._owns_database = False
        self._looked_at_database = 0.0
        self._errands: set[subprocess.Popen[bytes]] = set()
        self._over = False
        self.environ = {
            **environ,
            "LINLI_HOME": str(self.env.home),
            "LINLI_PORT": str(self.env.port),
            "LINLI_PUBLIC_URL": self.env.public_url,
            "LINLI_LODGING_URL": self.lodging_url,
            "LINLI_LODGING_TOKEN": self.lodging_token,
            **({"LINLI_LINKS": str(self.links)} if self.authorities or self.env.links else {}),
            # Given outright, so that no child thinks the embedded database is its own to start.
            "DATABASE_URL": self.env.database_url,
            "PYTHONUNBUFFERED": "1",
        }

    @property
    def clock_file(self) -> Path:
        """The file that moves the clocks of every process; raises `LookupError` where time is only real."""
        if self.env.clock_file is None:
            raise LookupError("this instance runs on the real clock")
        return self.env.clock_file

    def gate_controls(self) -> dict[str, str]:
        """Give the address at which each gate's simulated reader takes scans."""
        return {gate: box.control for box in self.boxes for gate in box.gates()}

    def start(self) -> None:
        """Start everything in order; raises `AlreadyRunning`, `ProgramFailed` or `PostgresProblem`."""
        env.prepare_home(self.env)
        self._hold_home()
        self._step("数据库 PostgreSQL", self._start_database)
        self._step("数据表 tables", lambda: self.run("migrate"))
        if self.authorities:
            self._step("模拟平台 simulated platforms", self._start_authorities)
        self._step("服务 server and worker", lambda: self.keeper.start(self._server(), self._worker()))
        # After the server: somebody who waits for the first page need not wait for five thousand beds.
        if self._is_empty():
            self._step("示范小区 东方新城二期 estate", lambda: self.run("seed", TOWN))
        self._step("门岗 51 simulated gates", self._start_gates)

    def look_after(self) -> None:
        """Start again what has died, the database first; called a few times a second."""
        if self.cluster is not None and time.monotonic() - self._looked_at_database > 1.0:
            if not self.cluster.alive():
                self._say(f"PostgreSQL had stopped and is started again; see {self.cluster.log}")
                self._start_database()
            self._looked_at_database = time.monotonic()
        self.keeper.look_after()

    def stop(self) -> None:
        """Stop everything in reverse order, the database last; what was committed is kept."""
        self._over = True
        # Another thread may have just sent somebody out: without its database an errand would wait for a minute.
        for errand in tuple(self._errands):
            errand.kill()
        self.keeper.stop()
        if self.cluster is not None and self._owns_database:
            self.cluster.stop()
            self._owns_database = False
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def run(self, *words: str) -> str:
        """Run one `linli` command to its end and give what it printed; raises `ProgramFailed` with its last words."""
        if self._over:
            raise ProgramFailed(f"linli {words[0]} was not started: the instance stops")
        log = self.env.logs / f"{words[0]}.log"
        command = [*postgres.leash(signal.SIGTERM), script("linli"), *words]
        with log.open("w+") as output:
            process = subprocess.Popen(
                command,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            self._errands.add(process)
            try:
                # Looked at again after it is known: whoever stops in between has not seen it.
                if self._over:
                    process.kill()
                code = process.wait()
            except BaseException:
                process.terminate()
                process.wait()
                raise
            finally:
                self._errands.discard(process)
            output.seek(0)
            told = output.read()
        if code:
            raise ProgramFailed(f"linli {' '.join(words)} failed; see {log}\n" + "\n".join(told.splitlines()[-15:]))
        return told

    def program(self, *, name: str, command: list[str]) -> Program:
        """Describe one more program that runs beside this instance, with its environment."""
        return Program(name=name, command=command, ready=Settled(seconds=SETTLE_SECONDS), environment=self.environ)

    def _step(self, what: str, do: Callable[[], object]) -> None:
        began = time.monotonic()
        do()
        self._say(f"  {what} … {time.monotonic() - began:.1f} s")

    def _hold_home(self) -> None:
        run = self.env.home / "run"
        run.mkdir(mode=0o700, exist_ok=True)
        self._lock = os.open(run / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            self._lock = None
            raise AlreadyRunning(f"Linli already runs in {self.env.home}, at {self.env.public_url}") from None

    def _start_database(self) -> None:
        if self.cluster is not None:
            self._owns_database = self.cluster.start() or self._owns_database

    def _start_gates(self) -> None:
        for box in self.boxes:
            if not box.file.exists():
                self.run("enrol", str(box.file), "--server", self.url, *box.which)
            box.call(self.url)
        self.keeper.start(*(self._agent(box) for box in self.boxes))

    def _is_empty(self) -> bool:
        with psycopg.connect(self.env.database_url) as connection:
            row = connection.execute("SELECT EXISTS (SELECT 1 FROM places_estate)").fetchone()
        return not (row and row[0])

    def _server(self) -> Program:
        return Program(
            name="server",
            command=[script("linli"), "serve"],
            ready=lambda: answers(f"{self.url}/api/health"),
            environment=self.environ,
        )

    def _worker(self) -> Program:
        return self.program(name="worker", command=[script("linli"), "work"])

    def _agent(self, box: GateBox) -> Program:
        command = [script("linli-gate"), "run", "--enrolment", str(box.file), "--home", str(box.home)]
        if self.cameras:
            eye = box.home.parent / f"{box.name}-camera"
            eye.mkdir(parents=True, exist_ok=True)
            command += ["--camera", f"{box.gates()[0]}={eye}"]
        return Program(
            name=f"gates-{box.name}",
            command=[*command, "--control-port", str(box.port)],
            ready=box.listens,
            environment=self.environ,
        )

    def _start_authorities(self) -> None:
        write_links(self.links, self.authorities)
        self.keeper.start(*(self._authority(authority) for authority in self.authorities))

    def _authority(self, authority: Authority) -> Program:
        return Program(
            name=authority.name,
            command=authority.command(program=script("linli-sim"), books=self.env.home, faults=self.faults),
            ready=lambda: answers(f"{authority.url}/health"),
            environment=self.environ,
        )


@contextmanager
def running(
    *, environ: Mapping[str, str], say: Say, faults: float = 0.0, two_boxes: str = "", cameras: bool = False
) -> Iterator[Instance]:
    """Have a whole instance for the length of a block, looked after by a thread; then stop it."""
    instance = Instance(environ=environ, say=say, faults=faults, two_boxes=two_boxes, cameras=cameras)
    over = threading.Event()

    def look_after() -> None:
        # The thread ends only after the programs: the kernel takes the end of a starting thread for the parent's.
        while not over.wait(TICK_SECONDS):
            instance.look_after()

    nurse = threading.Thread(target=look_after, name="look-after")
    try:
        instance.start()
        nurse.start()
        yield instance
    finally:
        over.set()
        if nurse.is_alive():
            nurse.join()
        instance.stop()


@contextmanager
def temporary(*, say: Say, faults: float = 0.0, two_boxes: str = "", cameras: bool = False) -> Iterator[Instance]:
    """Have a fresh instance on free ports and a movable clock for the length of a block, and remove it afterwards."""
    place = Path(tempfile.mkdtemp(prefix="linli-"))
    clock = place / "clock"
    clock.write_text("0")
    clean = {name: value for name, value in os.environ.items() if name != "DATABASE_URL" and name[:6] != "LINLI_"}
    here = {"LINLI_HOME": str(place), "LINLI_PORT": str(free_port()), "LINLI_CLOCK_FILE": str(clock)}
    try:
        environ = {**clean, **here}
        with running(environ=environ, say=say, faults=faults, two_boxes=two_boxes, cameras=cameras) as instance:
            yield instance
    finally:
        shutil.rmtree(place, ignore_errors=True)
        shutil.rmtree(postgres.socket_directory(place / "pg"), ignore_errors=True)


def script(name: str) -> str:
    """Find one of our commands beside the Python that runs us."""
    return str(Path(sys.executable).with_name(name))


class Settled:
    """Tell whether a program has run for a while since it was first asked about."""

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._since: float | None = None

    def __call__(self) -> bool:
        self._since = self._since or time.monotonic()
        return time.monotonic() - self._since > self._seconds


__all__ = ["AlreadyRunning", "Instance", "free_port", "running", "script", "temporary"]
