"""`linli-sim conform viid URL`: run the script of GA/T 1400 against any peer, and print a table or one JSON object.

    --as client   we play a lower platform, against the peer's library at URL
    --as server   we play the upper platform: the peer must be set to register with us at --listen; URL is where the
                  peer answers Subscribes, or `-` when it has no such address

Exit code 0 when everything required passed, 1 when not, 2 for wrong arguments, 3 for an address that is taken.
"""

import argparse
import json
import os
import sys
from datetime import timedelta
from urllib.parse import urlsplit

from linli.sim.clock import clock_from_environment
from linli.sim.conform.as_client import MAKERS, Account, ClientRun
from linli.sim.conform.as_server import ServerRun, Terms
from linli.sim.conform.report import Report, Step
from linli.sim.platforms.viid import ids
from linli.sim.platforms.viid.calls import Caller
from linli.sim.platforms.viid.dialects import dialect_of
from linli.sim.platforms.viid.start import DEVICE_ID, DIALECTS

LOWER_ID = "51010800005030000099"
ROLES = ("client", "server")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This will add what a conformance run is asked."""
    parser.description, parser.formatter_class = __doc__, argparse.RawDescriptionHelpFormatter
    parser.add_argument("interface", choices=["viid"], help="which interface")
    parser.add_argument("url", help="where the peer is")
    parser.add_argument("--as", dest="role", choices=ROLES, required=True, help="what we play")
    parser.add_argument("--dialect", default="strict", help=f"how we speak: {DIALECTS}")
    parser.add_argument("--user", default="viid", help="the account: ours at the peer, or the peer's with us")
    parser.add_argument("--password", default=os.environ.get("LINLI_VIID_PASSWORD") or "viid-password")
    parser.add_argument("--device-id", default="", help="our own twenty digits")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    client = parser.add_argument_group("--as client")
    client.add_argument("--camera-id", default="", help="the device that saw the objects; a gate of ours when left out")
    client.add_argument("--upload", default="Faces", choices=[kind.path for kind in MAKERS], help="which objects")
    client.add_argument(
        "--receive-at", default="http://192.0.2.1/VIID/SubscribeNotifications", help="for notifications"
    )
    client.add_argument(
        "--details", default="11,12", help="what we subscribe to: 3 devices 4 states 11 persons 12 faces"
    )
    client.add_argument("--timeout", type=float, default=10.0, help="seconds in which an answer must be complete")
    server = parser.add_argument_group("--as server")
    server.add_argument("--listen", default="127.0.0.1:0", help="HOST:PORT where the peer registers")
    server.add_argument("--receive-address", default="", help="our address as the peer sees it, if not --listen")
    server.add_argument("--patience", type=float, default=300.0, help="seconds to wait for each thing the peer must do")
    server.add_argument("--subscription", type=float, default=60.0, help="seconds after which our subscription ends")
    server.add_argument("--quiet", type=float, default=10.0, help="seconds without a push that prove it has ended")
    server.add_argument("--backoff", type=float, default=0.5, help="the shortest pause after a refusal that is one")
    server.add_argument("--leave", action="store_true", help="demand that the peer unregisters at the end")


def main(asked: argparse.Namespace) -> int:
    """This will run the script and print what it found; 0 when everything required passed."""
    report = Report(role=f"as {asked.role}", peer=asked.url, told=_say_nothing if asked.json else _say)
    if (flaw := _flaw(asked)) is not None:
        print(f"linli-sim conform: {flaw}", file=sys.stderr)
        return 2
    run = {"client": _as_client, "server": _as_server}[asked.role]
    try:
        run(asked, report)
    except OSError as problem:
        print(f"linli-sim conform: cannot listen at {asked.listen}: {problem.strerror}", file=sys.stderr)
        return 3
    print(json.dumps(report.as_json(), ensure_ascii=False) if asked.json else report.as_table())
    return 0 if report.passed else 1


def _flaw(asked: argparse.Namespace) -> str | None:
    address = urlsplit(asked.url)
    if asked.url != "-" and (address.scheme not in ("http", "https") or not address.hostname):
        return f"not an address: {asked.url}"
    if asked.url == "-" and asked.role == "client":
        return "as a client we must know where the peer is"
    if not asked.listen.rpartition(":")[2].isdecimal():
        return f"not HOST:PORT: {asked.listen}"
    for name, number in (("device-id", asked.device_id), ("camera-id", asked.camera_id)):
        if number and (flaw := ids.flaw_of_device(number)) is not None:
            return f"--{name}: {flaw}"
    return None


def _as_client(asked: argparse.Namespace, report: Report) -> None:
    device_id = asked.device_id or LOWER_ID
    account = Account(
        username=asked.user,
        password=asked.password,
        camera_id=asked.camera_id or f"{device_id[:10]}1190000001",
        receive_at=asked.receive_at,
        details=asked.details,
    )
    upload = next(kind for kind in MAKERS if kind.path == asked.upload)
    with Caller(
        url=asked.url, device_id=device_id, dialect=dialect_of(asked.dialect), timeout_s=asked.timeout
    ) as caller:
        ClientRun(caller=caller, account=account, report=report, clock=clock_from_environment(), upload=upload).run()


def _as_server(asked: argparse.Namespace, report: Report) -> None:
    host, _, port = asked.listen.rpartition(":")
    terms = Terms(
        peer="" if asked.url == "-" else asked.url,
        device_id=asked.device_id or DEVICE_ID,
        username=asked.user,
        password=asked.password,
        dialect=dialect_of(asked.dialect),
        patience=asked.patience,
        subscription=timedelta(seconds=asked.subscription),
        quiet=asked.quiet,
        backoff=asked.backoff,
        leave=asked.leave,
    )
    run = ServerRun(terms=terms, report=report, clock=clock_from_environment(), host=host, port=int(port))
    run.receive_address = asked.receive_address or run.url
    print(f"waiting for the peer to register at {run.url}", file=sys.stderr, flush=True)
    run.run()


def _say(step: Step) -> None:
    print(f"{step.verdict.value:8}{step.name} {step.zh} {step.why}".rstrip(), file=sys.stderr, flush=True)


def _say_nothing(step: Step) -> None:
    return None
