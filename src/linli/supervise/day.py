"""`linli day`: a fresh estate with real processes, one simulated day over real HTTP, and what both sides counted."""

import hashlib
import json
import time
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from linli.sim.day import Day, Played
from linli.sim.player import Plan
from linli.sim.reader import BenchReader
from linli.supervise.instance import Instance, free_port, script, temporary
from linli.supervise.keeper import ProgramFailed

# The share of its calls that every simulated authority spoils.
FAULTS: Mapping[str, float] = {"none": 0.0, "light": 0.05, "heavy": 0.3}
OF_A_STAY = frozenset({"CHECK_IN", "AMEND", "ROOM_CHANGE", "EXTEND", "CHECK_OUT", "CANCEL"})
OFFLINE_GATE = "G01"
MOST_OFFLINE = 50
READER = "bench-1"
ESTATE = "DF2"
PICTURES = Path(__file__).parents[3] / "examples" / "faces"
PATIENCE_SECONDS = 120.0
TRIES = 30
Say = Callable[[str], None]


def main(*, guests: int, faces: int = 0, offline: int = 1, as_json: bool, faults: str = "light") -> int:
    """Play one day with so many guests and gates offline, and print what came of it; 0 when every invariant held."""
    say: Say = _quiet if as_json else print
    with temporary_day(say=say, faults=FAULTS[faults], offline=offline, cameras=faces > 0) as (instance, clock_file):
        counted = play(instance, clock_file=clock_file, guests=guests, faces=faces, say=print)
    print(json.dumps(counted, ensure_ascii=False))
    return 0 if holds(counted) else 1


class temporary_day:
    """Have a fresh instance on a movable clock whose doors are served by two boxes; one goes offline with its gates."""

    def __init__(self, *, say: Say, faults: float, offline: int = 1, cameras: bool = False) -> None:
        self._say, self._faults, self._cameras = say, faults, cameras
        self._alone = ",".join(f"G{number:02}" for number in range(1, max(1, min(offline, MOST_OFFLINE)) + 1))

    def __enter__(self) -> tuple[Instance, Path]:
        """Start everything; raises what `Instance.start` raises."""
        self._context = temporary(say=self._say, faults=self._faults, two_boxes=self._alone, cameras=self._cameras)
        instance = self._context.__enter__()
        return instance, instance.clock_file

    def __exit__(self, *problem: Any) -> None:
        """Stop and remove everything."""
        self._context.__exit__(*problem)


def play(instance: Instance, *, clock_file: Path, guests: int, faces: int = 0, say: Say) -> dict[str, Any]:
    """Play the day on a running instance and give the counts of both sides as one object."""
    began = time.monotonic()
    plan = replace(plan_for(instance, clock_file=clock_file, guests=guests), faces=faces, pictures=PICTURES)
    day = Day(plan, say)
    played = day.play(drained=lambda: _drained(instance))
    tally = _settled(instance)
    counted = _counts(played, tally, _books(instance), _journals(instance))
    counted["books_equal"] = tally["receipted_digest"] == _digest_of_books(instance)
    counted["templates_left_after_checkout"] = tally["templates_held"] + _templates_on_boxes(instance)
    counted["wall_s"] = round(time.monotonic() - began, 1)
    return counted


def plan_for(instance: Instance, *, clock_file: Path | None, guests: int) -> Plan:
    """Gather what the player needs from a running instance: sign-ins, a trusted reader, which gate is where."""
    key = Ed25519PrivateKey.generate()
    public = urlsafe_b64encode(key.public_key().public_bytes_raw()).rstrip(b"=").decode()
    instance.run("trust-reader", READER, public)
    logins = json.loads((instance.env.home / "demo-logins.json").read_text(encoding="utf-8"))
    entrances = json.loads(instance.run("entrances").splitlines()[-1])[ESTATE]
    return Plan(
        url=instance.url,
        office=(logins["office"]["username"], logins["office"]["password"]),
        guard=(logins["guard"]["username"], logins["guard"]["password"]),
        gates=instance.gate_controls(),
        entrances=entrances,
        offline_gate=OFFLINE_GATE,
        clock_file=clock_file,
        reader=BenchReader(reader_id=READER, key=key),
        guests=guests,
    )


def _tally(instance: Instance) -> dict[str, Any]:
    told: dict[str, Any] = _patiently(lambda: json.loads(instance.run("tally").splitlines()[-1]))[ESTATE]
    return told


def _patiently(ask: Callable[[], Any]) -> Any:
    # Somebody may be killing processes on purpose while this looks: what was killed is being started again.
    for _ in range(TRIES - 1):
        try:
            return ask()
        except (OSError, ProgramFailed, ValueError):
            time.sleep(1.0)
    return ask()


def _drained(instance: Instance) -> bool:
    tally = _tally(instance)
    return not (tally["moving"] or tally["outbox_waiting"] or tally["silent"])


def _settled(instance: Instance) -> dict[str, Any]:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        tally = _tally(instance)
        heads = _journals(instance)
        if tally["journal_heads"] == heads and not tally["revocations_unreceipted"]:
            break
        time.sleep(0.5)
    return tally


def _books(instance: Instance) -> dict[str, Any]:
    books: dict[str, Any] = _patiently(lambda: _fetched(_of_books(instance, "size=1")))
    return books


def _digest_of_books(instance: Instance) -> str:
    # The other side's own pages, line by line: a count could agree by chance.
    lines: list[str] = []
    after: int | None = 0
    while after is not None:
        page = _patiently(partial(_fetched, _of_books(instance, f"answer=ACCEPTED&size=1000&after={after}")))
        lines += [f"{row['zsbh']} {row['kind']}" for row in page["rows"] if row["kind"] in OF_A_STAY]
        after = page["next"]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _of_books(instance: Instance, asked: str) -> urllib.request.Request:
    headers = {"Authorization": f"Bearer {instance.lodging_token}"}
    return urllib.request.Request(f"{instance.lodging_url}/lodging/v1/books?{asked}", headers=headers)


def _fetched(request: urllib.request.Request | str) -> Any:
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def _journals(instance: Instance) -> dict[str, int]:
    heads: dict[str, int] = {}
    for control in set(instance.gate_controls().values()):
        told = _patiently(partial(_fetched, f"{control}/gates"))
        heads |= {gate["gate"]: gate["sequence"] for gate in told["gates"]}
    return {gate: sequence for gate, sequence in heads.items() if sequence}


def _templates_on_boxes(instance: Instance) -> int:
    controls = set(instance.gate_controls().values())
    return sum(_patiently(partial(_fetched, f"{control}/gates"))["templates"] for control in controls)


def _counts(
    played: Played, tally: Mapping[str, Any], books: Mapping[str, Any], journals: Mapping[str, int]
) -> dict[str, Any]:
    behind = sum(max(0, head - tally["journal_heads"].get(gate, 0)) for gate, head in journals.items())
    seen = {
        "booked": played.booked,
        "registered": played.registered,
        "passes": played.passes,
        "opened": played.opened,
        "faces": played.faces,
        "opened_by_face": played.opened_by_face,
        "templates_at_gates": played.templates_at_gates,
        "refused_after_checkout": played.refused_after_checkout,
        "opened_after_checkout": played.opened_after_checkout,
        "why_refused": dict(played.refusals),
    }
    own = ("reported", "receipted", "parked", "parked_without_reason", "silent", "double_bookings")
    times = ("revocation_p99_s", "revocations_unreceipted", "receipt_p99_s", "journal_faults")
    return (
        seen
        | {name: tally[name] for name in own}
        | {"unreceipted_revocations": tally["revocations_unreceipted"]}
        | {"gate_events_lost": behind + tally["journal_missing"]}
        | {name: tally[name] for name in times}
        | {"books": {name: books[name] for name in ("messages", "repeated", "conflicting", "stays", "guests_left")}}
    )


def holds(counted: Mapping[str, Any]) -> bool:
    """Tell whether every invariant of the day held."""
    zero = (
        *("opened_after_checkout", "silent", "double_bookings", "gate_events_lost"),
        *("unreceipted_revocations", "templates_left_after_checkout"),
    )
    return (
        counted["registered"] == counted["passes"] == counted["opened"]
        and counted["faces"] == counted["opened_by_face"]
        and not any(counted[name] for name in zero)
        and counted["reported"] == counted["receipted"] + counted["parked"]
        and not counted["parked_without_reason"]
        and counted["books_equal"]
    )


def _quiet(line: str) -> None:
    """Say nothing: the last line of output is the answer."""


__all__ = ["free_port", "holds", "main", "plan_for", "play", "script"]
