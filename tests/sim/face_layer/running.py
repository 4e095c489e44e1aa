"""A simulated face layer in a process of its own, and pictures of nobody."""

import base64
import io
import itertools
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

TOKEN = "a-token-of-this-test"
GREEN, RED, GREY = (20, 200, 20), (200, 20, 20), (120, 120, 120)
_serial = itertools.count(1)


def picture(
    colour: tuple[int, int, int] = GREEN, *, size: tuple[int, int] = (320, 400), kind: str = "JPEG", **more: Any
) -> bytes:
    """A plain picture of one colour: the simulator takes green for the holder and red for somebody else."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind, **more)
    return out.getvalue()


def question(**changes: Any) -> dict[str, Any]:
    """A question in good order, with changes; None takes a field away."""
    body = {
        "check_id": f"face_{next(_serial):06d}",
        "document_kind": "resident_id",
        "document_number": "510108199003070010",
        "name": "王甲子",
        "picture": base64.b64encode(picture()).decode(),
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


@dataclass
class RunningLayer:
    """One face layer over one file of books."""

    books: Path
    port: int = 0
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "RunningLayer":
        """Start it and wait until it says that it listens."""
        command = [sys.executable, "-m", "linli.sim", "platform", "face_layer", "--books", str(self.books)]
        command += ["--port", str(self.port), "--token", TOKEN]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert "face_layer platform listening on http://" in said, said
        self.port = int(said.strip().rsplit(":", 1)[1])
        return self

    def stop(self) -> None:
        """End it."""
        if self.process is None:
            return
        self.process.terminate()
        self.process.wait(timeout=10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None

    def client(self) -> httpx.Client:
        """A client with the right token."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=10.0, trust_env=False)
