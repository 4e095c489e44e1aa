"""A simulated lodging platform in a process of its own, for tests that need a real other side."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx

TOKEN = "a-token-of-this-test"


@dataclass
class RunningPlatform:
    """One platform process over one file of books; it can be killed and started again on the same port."""

    books: Path
    options: tuple[str, ...] = ()
    port: int = 0
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "RunningPlatform":
        """Start it and wait until it says that it listens."""
        command = [sys.executable, "-m", "linli.sim", "platform", "lodging", "--books", str(self.books)]
        command += ["--port", str(self.port), "--token", TOKEN, *self.options]
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

    def client(self, *, timeout: float = 10.0) -> httpx.Client:
        """A client with the right token."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=timeout, trust_env=False)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(timeout=10)
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None
