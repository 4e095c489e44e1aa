"""Which passes there are, the codes a phone shows, and the proof that a pass is closed."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from linli.gate import passes as codes
from linli.gate.passes import PassClaims
from linli.gate.snapshot import PassState
from linli.server.access import rules
from linli.server.access.models import Credential, DoorGroup, Pass, SnapshotCounter
from linli.server.access.queries.credentials import CredentialView
from linli.server.access.queries.credentials import view as credential_view
from linli.server.access.rules import Origin
from linli.server.kernel import crypto
from linli.server.kernel.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class PassView:
    """A right to pass doors; `serial` is 16 hex digits, as it stands in a gate's journal, `number` what stands on paper.

    `hours` numbers a weekly table, 0 is any hour; `uses` is how often it opens an entry, 0 is without end.
    """

    id: str
    serial: str
    number: str
    state: PassState
    start: datetime
    end: datetime
    groups: tuple[int, ...]
    version: int
    static: bool
    override: bool
    holder_kind: str
    origin_kind: str
    origin_id: str
    first_used_at: datetime | None
    hours: int
    uses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorName:
    """A door group by its number and names."""

    number: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPass:
    """What a guard sees of a pass: its doors, its time and what proves it, and not whose it is."""

    id: str
    number: str
    holder_kind: str
    state: PassState
    start: datetime
    end: datetime
    static: bool
    hours: int
    uses: int
    doors: tuple[DoorName, ...]
    credentials: tuple[CredentialView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeView:
    """One signed code and when a phone shows it; gates also take the codes just before and after."""

    start: datetime
    end: datetime
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptView:
    """One gate's word that it decides by the pass's change: times by its clock and ours, None while it is owed."""

    gate: str
    box: str | None
    concerned: bool
    version: int | None
    applied_at: datetime | None
    receipted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationView:
    """How the newest change of a pass reached the gates; `seconds` from the change to the last receipt, None while any is owed."""

    pass_id: str
    state: PassState
    version: int
    changed_at: datetime
    gates: int
    receipted: int
    seconds: float | None
    receipts: tuple[ReceiptView, ...]


def view(row: Pass) -> PassView:
    """This will show a stored pass."""
    return PassView(
        id=row.id,
        serial=f"{row.serial:016x}",
        number=row.number,
        state=PassState(row.state),
        start=row.start,
        end=row.end,
        groups=tuple(row.groups),
        version=row.version,
        static=row.static,
        override=row.override,
        holder_kind=row.holder_kind,
        origin_kind=row.origin_kind,
        origin_id=row.origin_id,
        first_used_at=row.first_used_at,
        hours=row.hours,
        uses=row.uses,
    )


def get_pass(*, estate_id: str, pass_id: str) -> PassView:
    """This will return a pass of the estate, or refuse with `NotFound`."""
    return view(_row(estate_id, pass_id))


def list_passes(*, estate_id: str, origin: Origin) -> tuple[PassView, ...]:
    """This will list the passes of one origin, newest first."""
    rows = Pass.objects.filter(estate_id=estate_id, origin_id=origin.id, origin_kind=origin.kind)
    return tuple(view(row) for row in rows.order_by("-granted_at", "-id")[:100])


def find_pass(*, estate_id: str, origin: Origin) -> PassView | None:
    """This will return the pass that counts for an origin: not withdrawn, and neither an override nor paper if there is another."""
    found = list_passes(estate_id=estate_id, origin=origin)
    # A stable sort: of equals the newest stays first.
    ranked = sorted(found, key=lambda one: (one.state is PassState.REVOKED, one.override, one.static))
    return ranked[0] if ranked else None


def find_desk_pass(*, estate_id: str, number: str) -> DeskPass:
    """This will return what a guard sees of a pass by its number, typed as it may be; refuses with `NotFound`."""
    wanted = rules.read_number(number)
    row = Pass.objects.filter(estate_id=estate_id, number=wanted).first() if wanted else None
    if row is None:
        raise NotFound(field="number")
    groups = DoorGroup.objects.filter(estate_id=estate_id, number__in=row.groups).order_by("number")
    proofs = Credential.objects.filter(bearer=row, live=True).order_by("issued_at", "id")
    return DeskPass(
        id=row.id,
        number=row.number,
        holder_kind=row.holder_kind,
        state=PassState(row.state),
        start=row.start,
        end=row.end,
        static=row.static,
        hours=row.hours,
        uses=row.uses,
        doors=tuple(DoorName(number=group.number, zh=group.name_zh, en=group.name_en) for group in groups),
        credentials=tuple(credential_view(one) for one in proofs),
    )


def snapshot_version(*, estate_id: str) -> int:
    """This will return the version at which the estate's list stands; 0 before anything was laid out."""
    version = SnapshotCounter.objects.filter(estate_id=estate_id).values_list("version", flat=True).first()
    return version or 0


def pass_codes(*, estate_id: str, pass_id: str, count: int, now: datetime) -> tuple[CodeView, ...]:
    """This will sign the codes of the windows from now on, so that a phone survives a dead zone; a printed pass has one.

    Refuses with `NotFound`, `PassNotActive` or `PassOver`.
    """
    row = _row(estate_id, pass_id)
    rules.check_code(state=PassState(row.state), end=row.end, now=now)
    if row.static:
        return (CodeView(start=row.start, end=row.end, code=_mint(row, None)),)
    first = codes.window_at(now)
    sheaf = []
    for window in range(first, first + max(1, min(count, rules.MOST_CODES))):
        if codes.window_start(window) >= row.end:
            break
        start, end = codes.window_start(window), codes.window_start(window + 1)
        sheaf.append(CodeView(start=start, end=end, code=_mint(row, window)))
    return tuple(sheaf)


def list_receipts(*, estate_id: str, pass_id: str) -> RevocationView:
    """This will list, for every gate of the estate, its first receipt at or after the pass's newest change.

    Gates that never knew of the pass give theirs too: from then on their list provably does not hold it.
    """
    row = _row(estate_id, pass_id)
    with connection.cursor() as cursor:
        cursor.execute(_RECEIPTS, {"estate": estate_id, "version": row.version, "told": list(row.told)})
        receipts = tuple(
            ReceiptView(gate=gate, box=box, concerned=concerned, version=version, applied_at=applied, receipted_at=came)
            for gate, box, concerned, version, applied, came in cursor.fetchall()
        )
    times = [receipt.receipted_at for receipt in receipts if receipt.receipted_at is not None]
    complete = bool(receipts) and len(times) == len(receipts)
    return RevocationView(
        pass_id=row.id,
        state=PassState(row.state),
        version=row.version,
        changed_at=row.changed_at,
        gates=len(receipts),
        receipted=len(times),
        seconds=max(0.0, (max(times) - row.changed_at).total_seconds()) if complete else None,
        receipts=receipts,
    )


_RECEIPTS = """
    SELECT g.code, g.box_id, g.groups && %(told)s::int[], r.version, r.applied_at, r.receipted_at
    FROM access_gate g
    LEFT JOIN LATERAL (
        SELECT r.version, r.applied_at, r.receipted_at FROM access_boxreceipt r
        WHERE r.estate_id = g.estate_id AND r.box_id = g.box_id AND r.version >= %(version)s AND r.gates @> ARRAY[g.code]
        ORDER BY r.version LIMIT 1
    ) r ON true
    WHERE g.estate_id = %(estate)s ORDER BY g.code
"""


def list_revocation_seconds(*, estate_id: str, most: int) -> tuple[float | None, ...]:
    """This will say of the newest withdrawn passes how long the last gate's receipt took, None where one is still owed."""
    revoked = Pass.objects.filter(estate_id=estate_id, state=PassState.REVOKED).order_by("-version")
    pass_ids = list(revoked.values_list("id", flat=True)[:most])
    return tuple(list_receipts(estate_id=estate_id, pass_id=pass_id).seconds for pass_id in pass_ids)


def _row(estate_id: str, pass_id: str) -> Pass:
    row = Pass.objects.filter(estate_id=estate_id, id=pass_id).first()
    if row is None:
        raise NotFound
    return row


def _mint(row: Pass, window: int | None) -> str:
    number, key = crypto.signing_key()
    claims = PassClaims(
        serial=row.serial, key_id=number, groups=tuple(row.groups), start=row.start, end=row.end, window=window
    )
    return codes.mint(claims=claims, key=key)
