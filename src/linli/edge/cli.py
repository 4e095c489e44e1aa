"""The `linli-gate` command: run an agent, look into its store, send its journal again, show it a picture."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx

from linli.edge.agent import UnknownGate
from linli.edge.box import AlreadyRunning, Box, run_until_stopped
from linli.edge.drivers import frames
from linli.edge.enrolment import BadEnrolment, read_enrolment
from linli.edge.inspection import inspect_home, send_again
from linli.edge.store import StoreFailed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 0 well, 1 found something wrong, 2 could not be done."""
    given = _parser().parse_args(arguments)
    level = logging.INFO if given.verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        return int(given.command(given))
    except (BadEnrolment, AlreadyRunning, StoreFailed, UnknownGate, OSError) as problem:
        print(f"linli-gate: {problem}", file=sys.stderr)
        return 2


def _run(given: argparse.Namespace) -> int:
    clock_file = os.environ.get("LINLI_CLOCK_FILE")
    box = Box(
        enrolment=read_enrolment(given.enrolment),
        home=given.home,
        control_port=given.control_port,
        clock_file=Path(clock_file) if clock_file else None,
        cameras=given.camera,
        devices_at=(given.device_host, given.device_port),
    )
    for gate, direction, source in given.frames:
        box.watch(gate=gate, direction=direction, source=source)
    run_until_stopped(box)
    return 0


def _inspect(given: argparse.Namespace) -> int:
    found = inspect_home(given.home)
    print(json.dumps(found, ensure_ascii=False, indent=2))
    return 0 if found["well"] else 1


def _replay(given: argparse.Namespace) -> int:
    again = send_again(given.home, gate=given.gate, first=given.first)
    print(json.dumps({"sent_again_from": again}))
    return 0 if again else 1


def _read_picture(given: argparse.Namespace) -> int:
    try:
        codes = frames.read_picture(given.picture)
    except frames.UnreadablePicture as problem:
        print(f"linli-gate: {problem}", file=sys.stderr)
        return 2
    if given.gate is None:
        print(json.dumps({"codes": codes}))
        return 0 if codes else 1
    answers = [_present(given, code) for code in codes]
    print(json.dumps({"codes": len(codes), "outcomes": answers}, ensure_ascii=False))
    return 0 if any(answer.get("open") for answer in answers) else 1


def _present(given: argparse.Namespace, code: str) -> dict[str, object]:
    scan = {"kind": "code", "code": code, "direction": given.direction}
    address = f"http://127.0.0.1:{given.control_port}/gates/{given.gate}/scan"
    try:
        return dict(httpx.post(address, json=scan, timeout=10, trust_env=False).json())
    except (httpx.HTTPError, ValueError) as problem:
        raise OSError(f"the agent does not answer at port {given.control_port}: {problem}") from None


def _frames(text: str) -> tuple[str, str, Path]:
    """Read GATE=PATH or GATE:out=PATH."""
    where, equals, source = text.partition("=")
    gate, _, direction = where.partition(":")
    if not equals or not gate or not source or direction not in ("", "in", "out"):
        raise argparse.ArgumentTypeError("write GATE=PATH or GATE:out=PATH")
    return gate, direction or "in", Path(source)


def _camera(text: str) -> tuple[str, str, Path | str]:
    """Read GATE=SOURCE or GATE:out=SOURCE: a picture, a folder, a film, a camera's number or its address."""
    gate, direction, path = _frames(text)
    source = text.partition("=")[2]
    return gate, direction, source if source.isdigit() or "://" in source else path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="linli-gate", description=__doc__)
    parser.add_argument("--verbose", action="store_true", help="say more in the log")
    commands = parser.add_subparsers(required=True)

    run = commands.add_parser("run", help="serve the gates of one box until stopped")
    run.add_argument("--enrolment", type=Path, required=True, help="the box's enrolment file")
    run.add_argument("--home", type=Path, required=True, help="where the box keeps its list and its journal")
    run.add_argument("--control-port", type=int, default=0, help="port on this machine for scans; 0 takes a free one")
    run.add_argument(
        "--frames", type=_frames, action="append", default=[], metavar="GATE[:out]=PATH", help=_FRAMES_HELP
    )
    run.add_argument(
        "--camera", type=_camera, action="append", default=[], metavar="GATE[:out]=PATH", help=_CAMERA_HELP
    )
    run.add_argument("--device-host", default="", help="address of this box at which its terminals call")
    run.add_argument("--device-port", type=int, default=0, help="port at which they call; 0 takes a free one")
    run.set_defaults(command=_run)

    inspect = commands.add_parser("inspect", help="say what a box knows and whether its journal holds")
    inspect.add_argument("--home", type=Path, required=True)
    inspect.set_defaults(command=_inspect)

    replay = commands.add_parser("replay", help="send journal lines to the server again, also while the agent runs")
    replay.add_argument("--home", type=Path, required=True)
    replay.add_argument("--gate", help="one gate only")
    replay.add_argument("--first", type=int, default=1, help="from this sequence on")
    replay.set_defaults(command=_replay)

    picture = commands.add_parser("read-picture", help="read the QR codes in a picture, and show them to a gate")
    picture.add_argument("picture", type=Path)
    picture.add_argument("--gate", help="the gate to show them to; without it they are only printed")
    picture.add_argument("--direction", choices=("in", "out"), default="in")
    picture.add_argument("--control-port", type=int, default=8700, help="the running agent's control port")
    picture.set_defaults(command=_read_picture)
    return parser


_CAMERA_HELP = "look for the faces of those who may pass a gate: a picture, a folder, a film or a camera"
_FRAMES_HELP = "read QR codes for a gate from a picture, a folder or a film"

if __name__ == "__main__":
    sys.exit(main())
