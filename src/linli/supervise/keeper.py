"""Keep programs running: started in order, restarted after a crash, stopped in reverse, never orphaned.

An orphan has three chances to be avoided and one to be found: the kernel signals a child when the thread that started it
dies, a child that is stopped takes its whole process group along, the keeper leaves a will (`linli.supervise.will`), and
what still survives holds a lock that the next start sees, together with the number of the group to end.
"""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from linli.server.postgres import leash

BACK_OFF_SECONDS = (0.2, 1.0, 2.0, 5.0, 10.0, 15.0)
STEADY_SECONDS = 60.0  # a program that ran this long starts again with the shortest pause
LOG_LIMIT = 16 * 2**20

Say = Callable[[str], None]


class ProgramFailed(RuntimeError):
    """A program did not start, or did not answer in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program: what to run, how to know that it is ready, and how long it may take to start and to stop."""

    name: str
    command: Sequence[str]
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    patience: float = 60.0
    grace: float = 10.0


class Child:
    """Hold one program's process, its log and its lock."""

    def __init__(self, *, program: Program, home: Path) -> None:
        self.program = program
        self.log = home / "logs" / f"{program.name}.log"
        self.restarts = 0
        self._lock_file = home / "run" / f"{program.name}.lock"
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._failures = 0
        self._next_start = 0.0

    @property
    def pid(self) -> int | None:
        """The process number while the program runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Run the program, after ending what a killed supervisor may have left of it."""
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _rotate(self.log)
        descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._take(descriptor)
            with self.log.open("ab") as log:
                # Its own session: Ctrl-C reaches the supervisor alone, which then stops the programs in order.
                self._process = subprocess.Popen(
                    [*leash(signal.SIGTERM), *self.program.command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, **self.program.environment},
                    pass_fds=(descriptor,),
                    start_new_session=True,
                )
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(self._process.pid).encode(), 0)
        finally:
            os.close(descriptor)
        self._started_at = time.monotonic()

    def wait_until_ready(self, *, stopping: threading.Event) -> None:
        """Wait until the program answers; raises `ProgramFailed` with the end of its log when it dies or never does."""
        deadline = time.monotonic() + self.program.patience
        while not stopping.wait(0.05):
            if self.pid is None:
                raise ProgramFailed(f"{self.program.name} stopped at once.\n{self.last_words()}")
            if self.program.ready():
                return
            if time.monotonic() > deadline:
                raise ProgramFailed(f"{self.program.name} does not answer.\n{self.last_words()}")

    def look_after(self, *, now: float) -> bool:
        """Start the program again if it died and its pause is over; true when that happened. Times are monotonic."""
        if self._process is None or self._process.poll() is None:
            return False
        if not self._next_start:
            self._end_group()
            self._failures = 0 if now - self._started_at > STEADY_SECONDS else self._failures + 1
            self._next_start = now + BACK_OFF_SECONDS[min(self._failures, len(BACK_OFF_SECONDS) - 1)]
        if now < self._next_start:
            return False
        self._next_start = 0.0
        self.restarts += 1
        self.start()
        return True

    def stop(self) -> bool:
        """Ask the program to end, then make it, its helpers with it; tell whether asking was enough."""
        if self._process is None:
            return True
        willing = True
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            self._process.wait(self.program.grace)
        except subprocess.TimeoutExpired:
            willing = False
        self._end_group()
        self._process.wait()
        self._process = None
        return willing

    def last_words(self) -> str:
        """Give the end of the program's log."""
        with suppress(FileNotFoundError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
        return ""

    def _end_group(self) -> None:
        # The group outlives its leader while a helper lives, and its number is not given away before that.
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _take(self, descriptor: int) -> None:
        for attempt in range(100):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # An orphan's leash gives it a moment to end by itself; then it is ended.
                if attempt >= 20:
                    _kill_orphan(descriptor)
                time.sleep(0.1)
            else:
                return
        raise ProgramFailed(f"An earlier {self.program.name} still runs and cannot be stopped: see {self._lock_file}")


class Keeper:
    """Look after several programs at once."""

    def __init__(self, *, home: Path, say: Say) -> None:
        self.home = home
        self.children: dict[str, Child] = {}
        self._say = say
        self._stopping = threading.Event()
        self._will: subprocess.Popen[bytes] | None = None

    def start(self, *programs: Program) -> None:
        """Start programs side by side and wait for each; raises `ProgramFailed`."""
        if self._will is None:
            self._will = _leave_will(self.home / "run")
        started = []
        for program in programs:
            child = Child(program=program, home=self.home)
            self.children[program.name] = child
            child.start()
            started.append(child)
        for child in started:
            child.wait_until_ready(stopping=self._stopping)

    def look_after(self) -> None:
        """Start again what has died; called a few times a second."""
        for child in self.children.values():
            if child.look_after(now=time.monotonic()):
                self._say(f"{child.program.name} had stopped and was started again; see {child.log}")

    def stop(self) -> None:
        """Stop everything, the last started first."""
        self._stopping.set()
        for child in reversed(self.children.values()):
            if not child.stop():
                self._say(f"{child.program.name} did not stop in {child.program.grace:.0f} s and was ended")
        if self._will is not None:
            self._will.communicate()
            self._will = None


def _leave_will(run: Path) -> subprocess.Popen[bytes]:
    # Only we hold the other end of its input: however we die, it reads the end.
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    words = [sys.executable, "-m", "linli.supervise.will", str(run)]
    return subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def _kill_orphan(descriptor: int) -> None:
    group = os.pread(descriptor, 32, 0).decode()
    if group.isdecimal():
        with suppress(ProcessLookupError, PermissionError):
            # While the lock is held, the number in its file is still that group's and nobody else's.
            os.killpg(int(group), signal.SIGKILL)


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
