"""Write the enrolment file of a gate box: `linli enrol`. It holds the box's key, which the server itself does not keep."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from linli.server.access import actions as access
from linli.server.access import queries as gates
from linli.server.kernel import actors, clock
from linli.server.places import queries as places


class NothingToEnrol(RuntimeError):
    """There is no such estate, or it has no gates yet."""


def main(
    *, file: Path, server: str, estate_code: str | None, gate_codes: Sequence[str], but: Sequence[str] = ()
) -> int:
    """Enrol a box for the gates given, or for all of an estate but some, and write its file with mode 0600.

    Raises `NothingToEnrol`, or `NoSuchGate` before anything is written.
    """
    now = clock.now()
    estates = [estate for estate in places.list_estates() if estate_code in (None, estate.code)]
    if not estates:
        raise NothingToEnrol(f"there is no estate {estate_code or ''} here: seed or create one first")
    estate = estates[0].id
    known = tuple(gate.code for gate in gates.list_gates(estate_id=estate, now=now))
    codes = tuple(code for code in gate_codes or known if code not in but)
    if not codes:
        raise NothingToEnrol(f"{estates[0].code} has no gates")
    box = access.enrol_box(actor=actors.system(estate), gate_codes=codes, now=now)
    told = {"server": server, "box": box.box_id, "secret": box.key, "estate": box.estate_id, "gates": list(box.gates)}
    _write_privately(file, json.dumps(told, indent=2) + "\n")
    print(f"{file}: {len(box.gates)} gates")
    return 0


def _write_privately(file: Path, text: str) -> None:
    # Whole or not at all: half a file would be taken for an enrolment at the next start.
    draft = file.with_name(f".{file.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
