"""A simulated view library in a process of its own, for tests that need a real other side."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from linli.sim.platforms.viid.calls import Caller
from linli.sim.platforms.viid.dialects import dialect_of

USER, PASSWORD = "estate", "a-password-of-this-test"
LOWER = "51010800005030000021"
UPPER = "51010800005030000001"


@dataclass
class RunningLibrary:
    """One library process over one file of books; it can be killed and started again on the same port."""

    books: Path
    name: str = "viid"
    options: tuple[str, ...] = ()
    port: int = 0
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "RunningLibrary":
        """Start it and wait until it says that it listens."""
        command = [sys.executable, "-m", "linli.sim", "platform", self.name, "--books", str(self.books)]
        command += ["--port", str(self.port), "--user", USER, "--password", PASSWORD, *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert "listening on http://" in said, said
        self.port = int(said.strip().rsplit(":", 1)[1])
        return self

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end."""
        self._end(signal.SIGTERM)

    def caller(self, *, dialect: str = "strict", device_id: str = LOWER, timeout_s: float = 10.0) -> Caller:
        """A lower platform that calls it."""
        return Caller(url=self.url, device_id=device_id, dialect=dialect_of(dialect), timeout_s=timeout_s)

    def books_of(self, table: str = "object", **asked: Any) -> dict[str, Any]:
        """Read its books."""
        told = httpx.get(f"{self.url}/books", params={"table": table, **asked}, trust_env=False)
        assert told.status_code == 200, told.text
        shown: dict[str, Any] = told.json()
        return shown

    def faults(self, **plan: float) -> None:
        """Change its fault plan; none clears it. A double underscore stands for the colon of a narrowed fault."""
        wishes = {name.replace("__", ":"): value for name, value in plan.items()}
        told = httpx.post(f"{self.url}/faults", json=wishes, trust_env=False)
        assert told.status_code == 200, told.text

    def run(self, errand: str, **words: Any) -> dict[str, Any]:
        """Send it out on an errand."""
        told = httpx.post(f"{self.url}/control/{errand}", json=words, trust_env=False, timeout=30)
        assert told.status_code == 200, told.text
        shown: dict[str, Any] = told.json()
        return shown

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(timeout=10)
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None
