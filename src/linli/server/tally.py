"""What must be so after a day, counted from the estate's own tables: `linli tally` prints it as JSON."""

import base64
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from linli.server.access import queries as access
from linli.server.connectors import queries as connectors
from linli.server.kernel import clock, outbox
from linli.server.kernel.actors import system
from linli.server.places import queries as places
from linli.server.stays import actions as stay_actions
from linli.server.stays import queries as stays

SAMPLE = 300
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The figures of one estate: guests, messages by what became of them, doors and their journals, and how fast."""

    checked_in: int
    silent: int
    double_bookings: int
    outbox_waiting: int
    reported: int
    receipted: int
    parked: int
    parked_without_reason: int
    moving: int
    receipt_p99_s: float
    receipted_digest: str
    journal_heads: dict[str, int]
    journal_missing: int
    journal_faults: int
    revocations: int
    revocations_unreceipted: int
    revocation_p99_s: float
    templates_held: int


def main() -> int:
    """Print the tally of every estate as one JSON object."""
    print(json.dumps({found.code: asdict(count(found.id)) for found in places.list_estates()}))
    return 0


def count(estate_id: str) -> Tally:
    """Count what must be so on one estate now; revocations are counted over the newest of them."""
    journals = access.list_journals(estate_id=estate_id)
    revocations = access.list_revocation_seconds(estate_id=estate_id, most=SAMPLE)
    known = [seconds for seconds in revocations if seconds is not None]
    told = connectors.delivered(estate_id=estate_id, platform="lodging", since=BEGINNING)
    return Tally(
        checked_in=stays.count_checked_in(estate_id=estate_id),
        silent=stays.count_silent(estate_id=estate_id),
        double_bookings=stays.count_double_bookings(estate_id=estate_id),
        outbox_waiting=outbox.count_waiting(),
        reported=told.reported,
        receipted=told.receipted,
        parked=told.stuck,
        parked_without_reason=told.stuck_without_reason,
        moving=told.waiting,
        receipt_p99_s=percentile(told.seconds_to_receipt, 99),
        receipted_digest=connectors.digest_accepted(estate_id=estate_id, platform="lodging"),
        journal_heads={journal.gate: journal.sequence for journal in journals if journal.sequence},
        journal_missing=sum(journal.missing for journal in journals),
        journal_faults=sum(journal.faults for journal in journals),
        revocations=len(revocations),
        revocations_unreceipted=access.count_unreceipted_revocations(estate_id=estate_id),
        revocation_p99_s=percentile(known, 99),
        templates_held=access.get_face_holdings(estate_id=estate_id).persons,
    )


def entrances() -> int:
    """Print, for every estate, which gate each entrance has: `{estate: {entrance id: gate code}}`."""
    found = {estate.code: _gates_of(estate.id) for estate in places.list_estates()}
    print(json.dumps(found))
    return 0


def _gates_of(estate_id: str) -> dict[str, str]:
    groups = {group.number: group.entrance_id for group in access.list_door_groups(estate_id=estate_id)}
    gates = access.list_gates(estate_id=estate_id, now=clock.now())
    return {entrance: gate.code for gate in gates for number in gate.groups if (entrance := groups.get(number))}


def trust_reader(*, reader_id: str, public_key: str) -> int:
    """Trust a bench reader's signature on every estate of this instance; 1 when the key is no Ed25519 key."""
    raw = base64.urlsafe_b64decode(public_key + "=" * (-len(public_key) % 4))
    if len(raw) != 32:
        print("the public key has 32 bytes", file=sys.stderr)
        return 1
    for estate_id in places.estate_ids():
        stay_actions.enrol_reader(actor=system(estate_id), reader_id=reader_id, public_key=raw, now=clock.now())
    return 0


def percentile(values: Sequence[float], percent: int) -> float:
    """Give the value below which so many percent lie, by nearest rank; 0 of nothing."""
    ordered = sorted(values)
    return round(ordered[max(0, -(-len(ordered) * percent // 100) - 1)], 3) if ordered else 0.0
