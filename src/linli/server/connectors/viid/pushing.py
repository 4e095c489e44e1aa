"""What a subscriber is told when its interval has come round: devices that changed, and passages of people who said yes to it.

A passage is entered in the disclosure ledger before it leaves. What was not taken is told again at the next interval, under the same numbers.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog
from django.db import transaction

from linli.server.access import queries as access
from linli.server.connectors import subjects
from linli.server.connectors.actions.passing import whole_up_to
from linli.server.connectors.models import PassageMark, ViidSubscription
from linli.server.connectors.viid import catalogue, codes, ids, orders, shapes
from linli.server.connectors.viid.codes import Kind, Status
from linli.server.connectors.viid.dialects import Dialect, Json, dialect_of
from linli.server.connectors.viid.reading import Outcome, Reader, Unreadable
from linli.server.kernel.actors import system
from linli.server.kernel.http import NoAnswer, Peer
from linli.server.places import queries as places
from linli.server.privacy import actions as privacy_actions
from linli.server.privacy import queries as privacy

RECIPIENT = "view library (视图库)"
FIELDS = ("DeviceID", "ShotTime", "Serial")
ANSWER_SECONDS = 5.0
ORDERS_AT_ONCE = 50
LINES_AT_ONCE = 500
# A kept digest fits a signed column of eight bytes and is never 0, which says that nothing was told yet.
NOTHING_YET = 0
log = structlog.get_logger(__name__)

Lists = list[tuple[Kind, list[Json]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one order gets this time, and what to remember once it was taken."""

    lists: Lists = field(repr=False)
    digest: int
    marks: Mapping[str, int]


def push_due(*, now: datetime) -> int:
    """This will tell every subscriber whose interval has come round, and return to how many something was sent."""
    orders.end_due_orders(now=now)
    return sum(_push(row, now=now) for row in _due(now=now))


def _due(*, now: datetime) -> list[ViidSubscription]:
    rows = ViidSubscription.objects.select_related("peer").filter(
        side=orders.THEIRS, state=codes.ACTIVE, begins_at__lte=now, ends_at__gt=now, peer__enabled=True
    )
    waiting = [
        row for row in rows if row.pushed_at is None or row.pushed_at + timedelta(seconds=row.every_seconds) <= now
    ]
    return [row for row in waiting[:ORDERS_AT_ONCE] if _claim(row, now=now)]


def _claim(row: ViidSubscription, *, now: datetime) -> bool:
    # Of two workers that look at once one gets it: nobody is told twice in one interval.
    mine = ViidSubscription.objects.filter(id=row.id, state=codes.ACTIVE, pushed_at=row.pushed_at)
    return mine.update(pushed_at=now) == 1


def _push(row: ViidSubscription, *, now: datetime) -> int:
    load = _load(row, now=now)
    if not any(objects for _, objects in load.lists):
        _remember(row, load)
        return 0
    if not orders.is_at_home(peer=row.peer, address=row.receive_addr):
        ViidSubscription.objects.filter(id=row.id).update(reason="ReceiveAddr is not the subscriber's own")
        return 0
    say = dialect_of(row.peer.dialect)
    told = list(_notifications(row, load.lists, say=say, now=now))
    outcomes = _send(row, say.listed(codes.NOTIFICATION, told), say)
    if not outcomes:
        return 1
    statuses = {outcome.status for outcome in outcomes}
    if Status.INVALID_OPERATION in statuses:
        # It has forgotten its own order: it may make a new one.
        ViidSubscription.objects.filter(id=row.id).update(
            state=codes.CANCELLED, reason="the subscriber no longer knows it"
        )
        orders.forget_marks(row)
    elif not statuses & {None, Status.OTHER_ERROR, Status.DEVICE_BUSY, Status.DEVICE_ERROR, Status.REBOOT}:
        _remember(row, load)
    return 1


def _load(row: ViidSubscription, *, now: datetime) -> Load:
    details = set(row.details.split(","))
    lists, digest = _devices(row, details, now=now)
    marks: dict[str, int] = {}
    if details & orders.SEEN and orders.faces_offered(estate_id=row.estate_id):
        seen, marks = _passages(row, details, now=now)
        lists += seen
    return Load(lists=lists, digest=digest, marks=marks)


def _devices(row: ViidSubscription, details: set[str], *, now: datetime) -> tuple[Lists, int]:
    if not details & orders.OFFERED:
        return [], row.pushed_up_to
    devices = catalogue.own_devices(estate_id=row.estate_id)
    digest = zlib.crc32(shapes.encoded({"devices": devices})) + 1
    if digest == row.pushed_up_to:
        return [], digest
    lists: Lists = [(codes.APE, list(devices))] if codes.DEVICES in details else []
    if codes.DEVICE_STATES in details:
        lists.append((codes.APE_STATUS, list(catalogue.states_of(devices, now=now))))
    return lists, digest


def _passages(row: ViidSubscription, details: set[str], *, now: datetime) -> tuple[Lists, dict[str, int]]:
    faces: list[Json] = []
    persons: list[Json] = []
    marks: dict[str, int] = {}
    known = dict(
        PassageMark.objects.filter(estate_id=row.estate_id, platform=orders.mark_name(row)).values_list(
            "gate_id", "sequence"
        )
    )
    journals = access.list_journals(estate_id=row.estate_id)
    numbers = catalogue.gate_numbers(estate_id=row.estate_id, gates=[journal.gate for journal in journals])
    for journal in journals:
        after = known.get(journal.gate, 0)
        up_to = min(whole_up_to(journal, now=now), after + LINES_AT_ONCE)
        if up_to <= after:
            continue
        marks[journal.gate] = up_to
        device = numbers[journal.gate]
        for passage in access.list_told_passages(
            estate_id=row.estate_id,
            gate=journal.gate,
            after=after,
            up_to=up_to,
            origins=subjects.HOLDERS_WITH_A_ROOF,
        ):
            if not _said_yes(row.estate_id, passage.holder_id):
                continue
            serial = passage.sequence % ids.SERIALS
            face = shapes.face(device=device, at=passage.happened_at, serial=serial)
            _enter(row, person_id=passage.holder_id, number=str(face["FaceID"]), now=now)
            faces.append(face)
            persons.append(shapes.person(device=device, at=passage.happened_at, serial=serial))
    lists: Lists = [(codes.FACE, faces)] if codes.FACES in details else []
    return lists + ([(codes.PERSON, persons)] if codes.PERSONS in details else []), marks


def _said_yes(estate_id: str, person_id: str) -> bool:
    return privacy.find_consent(estate_id=estate_id, person_id=person_id, purpose=orders.FACES_PURPOSE) is not None


def _enter(row: ViidSubscription, *, person_id: str, number: str, now: datetime) -> None:
    # The number of the passage and the end of the order's id: one line a passage and subscriber, however often it is sent.
    leaving = privacy_actions.Leaving(
        person_id=person_id,
        purpose_code=orders.FACES_PURPOSE,
        fields=FIELDS,
        message_id=f"{number}:{row.id[-11:]}",
    )
    privacy_actions.disclose(actor=system(row.estate_id), recipient=RECIPIENT, leaving=[leaving], now=now)


def _notifications(row: ViidSubscription, lists: Lists, *, say: Dialect, now: datetime) -> Iterator[Json]:
    office = f"{places.get_estate(estate_id=row.estate_id).division_code[:6]}000000"
    # Its last digits tell orders apart that are served in the same second, and the parts of one.
    serial = zlib.crc32(row.id.encode())
    for place, part in enumerate(_parts(lists)):
        number = ids.order_id(office=office, kind=ids.NOTIFICATION, at=now, serial=(serial + place) % ids.SERIALS)
        yield shapes.notification(say, number=number, order=row.subscription_id, title=row.title, at=now, lists=part)


def _parts(lists: Lists) -> Iterator[Sequence[tuple[Kind, Sequence[Json]]]]:
    """This will part the objects so that the numbers of each part fit into one notification's InfoIDs."""
    left = [(kind, one) for kind, objects in lists for one in objects]
    while left:
        count = max(1, shapes.fitting([str(one[kind.number]) for kind, one in left]))
        part, left = left[:count], left[count:]
        kinds = dict.fromkeys(kind for kind, _ in part)
        yield [(kind, [one for other, one in part if other is kind]) for kind in kinds]


def _send(row: ViidSubscription, body: Json, say: Dialect) -> tuple[Outcome, ...]:
    split = urlsplit(row.receive_addr)
    peer = Peer(name="viid_subscriber", url=f"{split.scheme}://{split.netloc}", timeout=ANSWER_SECONDS, connections=1)
    headers = {
        "User-Identify": catalogue.library_number(estate_id=row.estate_id),
        "Content-Type": say.content_type,
    }
    path = f"{split.path or '/'}?{split.query}" if split.query else split.path or "/"
    reader = Reader()
    try:
        answer = peer.send("POST", path, content=shapes.encoded(body), headers=headers)
        if answer.status >= 400:
            log.info("viid_push_refused", subscription=row.id, status=answer.status)
            return ()
        return reader.outcomes(reader.body(answer.body, content_type=answer.content_type))
    except (NoAnswer, Unreadable) as problem:
        log.info("viid_push_unheard", subscription=row.id, problem=type(problem).__name__)
        return ()
    finally:
        peer.close()


def _remember(row: ViidSubscription, load: Load) -> None:
    with transaction.atomic():
        ViidSubscription.objects.filter(id=row.id).update(pushed_up_to=load.digest)
        for gate, sequence in load.marks.items():
            PassageMark.objects.update_or_create(
                estate_id=row.estate_id,
                platform=orders.mark_name(row),
                gate_id=gate,
                defaults={"sequence": sequence},
            )
