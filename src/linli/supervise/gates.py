"""The gate boxes that are simulated on this machine: their files, their homes and their control ports."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from linli.supervise.reach import ask, free_port


@dataclass(frozen=True, slots=True, kw_only=True)
class GateBox:
    """One agent: its enrolment file, where it keeps its list and journal, and which gates it asks to serve."""

    name: str
    file: Path
    home: Path
    port: int
    which: tuple[str, ...] = ()

    @property
    def control(self) -> str:
        """The address that takes scans for its gates."""
        return f"http://127.0.0.1:{self.port}"

    def gates(self) -> tuple[str, ...]:
        """Give the gates of the box, once it is enrolled."""
        return tuple(json.loads(self.file.read_text())["gates"])

    def listens(self) -> bool:
        """Tell whether the agent serves its gates and hears the server."""
        told = ask(f"{self.control}/gates")
        return bool(told and told["listening"] and len(told["gates"]) == len(self.gates()))

    def call(self, server: str) -> None:
        """Have the box call the server at this address: a later start may serve on another port."""
        told = json.loads(self.file.read_text())
        if told["server"] != server:
            draft = self.file.with_suffix(".draft")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
                json.dump({**told, "server": server}, out, indent=2)
            draft.replace(self.file)


def gate_boxes(*, home: Path, alone: str) -> tuple[GateBox, ...]:
    """Plan one box for all gates, or two when one gate is to stand alone."""

    def box(name: str, *which: str) -> GateBox:
        file, place = home / "boxes" / f"{name}.json", home / "gates" / name
        return GateBox(name=name, file=file, home=place, port=free_port(), which=which)

    if not alone:
        return (box("estate"),)
    return (box("estate", "--but", alone), box("alone", "--gates", alone))
