"""Objects on their way to a library: in batches, one outcome an object, the object's own number as the key that makes a repeat harmless."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from linli.server.connectors.protocol import Told
from linli.server.connectors.rules import Verdict
from linli.server.connectors.viid import shapes
from linli.server.connectors.viid.client import Link, LinkDown, Reply
from linli.server.connectors.viid.codes import VERDICTS, Kind, Status
from linli.server.connectors.viid.dialects import Json
from linli.server.connectors.viid.reading import Outcome

MOST_TOGETHER = 100
MOST_BYTES = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One object, how it is sent and under which number."""

    method: str
    kind: Kind
    number: str = field(repr=False)
    object: Json = field(repr=False)


def post(link: Link, parcels: Sequence[Parcel]) -> tuple[Told, ...]:
    """This will send objects in as few requests as the limits allow, and say what became of each, in their order; it never raises."""
    told: list[Told] = []
    for batch in batches(parcels):
        told += _send(link, batch)
    return tuple(told)


def ask(link: Link, parcel: Parcel) -> Told:
    """This will look for an object over there; what is not found may be sent again under its number, which harms nobody.

    A catalogue's entry is sent again in any case: that it is there does not say that it is the newest.
    """
    path = f"{parcel.kind.path}/{parcel.number}"
    try:
        reply = link.exchange("GET", path)
    except LinkDown as down:
        return _of_link(down)
    found = parcel.method == "POST" and parcel.number.encode() in reply.raw and reply.status == 200
    answers = [outcome for outcome in reply.outcomes if outcome.status is not Status.OK]
    if found and not answers and not parcel.kind.stands:
        return _told(reply, Verdict.ACCEPTED, receipt=parcel.number)
    return _told(reply, Verdict.UNHEARD_OF)


def batches(parcels: Sequence[Parcel]) -> Iterator[tuple[Parcel, ...]]:
    """This will part objects by verb and kind, at most a hundred and five megabytes at once."""
    for _, group in groupby(parcels, key=lambda parcel: (parcel.method, parcel.kind.path)):
        batch: list[Parcel] = []
        size = 0
        for parcel in group:
            weight = len(shapes.encoded(parcel.object))
            if batch and (len(batch) >= MOST_TOGETHER or size + weight > MOST_BYTES):
                yield tuple(batch)
                batch, size = [], 0
            batch.append(parcel)
            size += weight
        if batch:
            yield tuple(batch)


def _send(link: Link, batch: Sequence[Parcel]) -> list[Told]:
    method, kind = batch[0].method, batch[0].kind
    try:
        if method == "DELETE":
            numbers = ",".join(parcel.number for parcel in batch)
            reply = link.exchange(method, f"{kind.path}?IDList={numbers}")
        else:
            reply = link.exchange(method, kind.path, link.dialect.listed(kind, [parcel.object for parcel in batch]))
    except LinkDown as down:
        return [_of_link(down)] * len(batch)
    return [_outcome(reply, parcel, batch, place) for place, parcel in enumerate(batch)]


def _outcome(reply: Reply, parcel: Parcel, batch: Sequence[Parcel], place: int) -> Told:
    found = _outcome_for(reply.outcomes, parcel, batch, place)
    if found is None or found.status is None:
        return _told(reply, Verdict.NOT_A_MESSAGE if reply.status in (400, 413, 415, 422) else Verdict.NONSENSE)
    verdict = VERDICTS[found.status]
    if parcel.method == "DELETE" and found.status is Status.INVALID_OPERATION:
        # It is not there: that is what we asked for.
        verdict = Verdict.ACCEPTED
    return _told(
        reply,
        verdict,
        receipt=parcel.number if verdict is Verdict.ACCEPTED else "",
        code=str(int(found.status)) if verdict is not Verdict.ACCEPTED else "",
    )


def _outcome_for(outcomes: Sequence[Outcome], parcel: Parcel, batch: Sequence[Parcel], place: int) -> Outcome | None:
    # By its number first. An answer to somebody else's question has other numbers, and must not be taken for this one's.
    by_number = [outcome for outcome in outcomes if outcome.id == parcel.number]
    if by_number:
        return by_number[0]
    ours = [outcome for outcome in outcomes if _is_about(outcome.path, parcel.kind.path)]
    if len(ours) == len(batch) == len(outcomes) and not any(outcome.id for outcome in ours):
        return ours[place]
    # One status for the whole, and no good one: whoever takes nothing need not say it a hundred times.
    whole = ours[0] if len(ours) == len(outcomes) == 1 else None
    return whole if whole is not None and whole.status is not Status.OK and not whole.id else None


def _is_about(told: str, path: str) -> bool:
    return told.partition("?")[0].rstrip("/").lower().endswith(path.lower().removeprefix("/viid"))


def _of_link(down: LinkDown) -> Told:
    return Told(verdict=down.verdict, code=down.code, status=down.status, raw=down.raw)


def _told(reply: Reply, verdict: Verdict, *, receipt: str = "", code: str = "") -> Told:
    return Told(
        verdict=verdict,
        receipt=receipt,
        code=code,
        status=reply.status,
        seconds=reply.seconds,
        raw=reply.raw,
        dialect=reply.dialect,
    )
