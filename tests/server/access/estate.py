"""A small estate with doors, built by calling real actions, and gates that write real journals."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from linli.gate import journal, snapshot
from linli.gate.decision import Kind, Reason, Scan, Verdict, decide
from linli.gate.journal import Event, Head
from linli.gate.snapshot import Snapshot
from linli.server.access import actions, queries
from linli.server.access.actions import DoorGroupPlan, DoorKind, GatePlan, Origin
from linli.server.access.queries import BoxView, PassView
from linli.server.kernel import ids
from linli.server.kernel.actors import Actor, Grant, Role, system
from linli.server.kernel.periods import Period
from linli.server.places import actions as places
from linli.server.places import queries as place_queries
from linli.server.places.actions import BuildingPlan, DwellingPlan, EntrancePlan
from linli.server.privacy import actions as privacy

NOON = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
STAY = Period(start=NOON - timedelta(hours=2), end=NOON + timedelta(days=2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Two estate gates, a garage gate and three entrances; one box serves them all."""

    estate_id: str
    keeper: Actor
    entrances: tuple[str, ...]
    box_id: str
    key: str

    @property
    def box(self) -> BoxView:
        """The box that serves every gate, as it stands now."""
        return queries.get_box(estate_id=self.estate_id, box_id=self.box_id)

    @property
    def flats(self) -> tuple[str, ...]:
        """The one flat behind each entrance."""
        pages = [place_queries.list_dwellings(estate_id=self.estate_id, entrance_id=one) for one in self.entrances]
        return tuple(page.items[0].id for page in pages)

    def actor(self, role: Role) -> Actor:
        """Somebody with one role on the whole estate."""
        return Actor(id=f"acct_{role}", estate_id=self.estate_id, grants=frozenset({Grant(role=role)}))

    def grant(
        self, stay: str = "stay_1", *, entrance: int = 0, period: Period = STAY, now: datetime = NOON
    ) -> PassView:
        """A guest's pass from a stay."""
        return actions.grant_pass(
            actor=self.keeper,
            holder_kind="guest",
            holder_id=f"person_of_{stay}",
            entrance_id=self.entrances[entrance],
            period=period,
            origin=Origin(kind="stay", id=stay),
            now=now,
        )

    def grant_home(
        self, kind: str, *, flat: int = 0, holder: str = "", period: Period = STAY, now: datetime = NOON
    ) -> PassView:
        """A pass of that kind of holder to one flat."""
        return actions.grant_pass(
            actor=self.keeper,
            holder_kind=kind,
            holder_id=holder or f"{kind}_{flat}",
            dwelling_id=self.flats[flat],
            period=period,
            origin=Origin(kind="stay", id=f"{kind}_{flat}"),
            now=now,
        )

    def revoke(self, stay: str = "stay_1", *, now: datetime = NOON) -> int:
        """A check-out."""
        return actions.revoke_passes(
            actor=self.keeper, origin=Origin(kind="stay", id=stay), reason="checked out", now=now
        )

    def visitor(self, visit_id: str) -> Actor:
        """Whoever holds the link of an invitation."""
        grant = Grant(role=Role.GUEST, scope=f"visit:{visit_id}")
        return Actor(id=f"guest:{visit_id}", estate_id=self.estate_id, grants=frozenset({grant}))

    def prove(self, kind: Kind, text: str, gate: str = "G01", *, now: datetime = NOON) -> Reason:
        """What a gate that has heard everything says to a card, digits or an identity number."""
        return decide(Scan(gate=gate, kind=kind, text=text), self.whole_list(now=now), now).reason

    def second_box(self, *gates: str) -> BoxView:
        """Another box, which takes these gates over."""
        enrolled = actions.enrol_box(actor=self.keeper, gate_codes=gates, now=NOON)
        return queries.get_box(estate_id=self.estate_id, box_id=enrolled.box_id)

    def whole_list(self, box: BoxView | None = None, *, now: datetime = NOON) -> Snapshot:
        """What a box knows that begins today."""
        empty = Snapshot(estate=self.estate_id)
        return snapshot.apply(empty, queries.get_delta(box=box or self.box, since=0, now=now))

    def present(self, granted: PassView, gate: str, *, known: Snapshot | None = None, now: datetime = NOON) -> Verdict:
        """What a gate decides about the pass's code of this moment; the code is the phone's, fetched before."""
        code = queries.pass_codes(estate_id=self.estate_id, pass_id=granted.id, count=1, now=now)[0].code
        return self.scan(code, gate, known=known, now=now)

    def scan(self, code: str, gate: str, *, known: Snapshot | None = None, now: datetime = NOON) -> Verdict:
        """What a gate decides about a code."""
        return decide(Scan(gate=gate, kind=Kind.CODE, text=code), known or self.whole_list(), now)


def found(*, boxless: bool = False) -> Doors:
    """An estate of one building with three entrances behind six gates."""
    estate_id = ids.new("estate")
    keeper = system(estate_id)
    privacy.declare_purposes(actor=keeper, now=NOON)
    places.found_estate(
        actor=keeper,
        code=f"T{estate_id[-5:]}",
        name_zh="测试小区",
        name_en="Test estate",
        zone="Asia/Shanghai",
        division_code="510104",
        now=NOON,
    )
    flat = DwellingPlan(floor=1, door="0101", beds=(1,))
    plan = BuildingPlan(
        number=1, floors=1, entrances=tuple(EntrancePlan(number=number, dwellings=(flat,)) for number in (1, 2, 3))
    )
    places.lay_out(actor=keeper, buildings=[plan], now=NOON)
    entrances = tuple(entrance.id for entrance in place_queries.list_entrances(estate_id=estate_id))
    actions.lay_out_gates(actor=keeper, groups=_groups(entrances), gates=GATES, now=NOON)
    enrolled = actions.enrol_box(actor=keeper, gate_codes=[gate.code for gate in GATES], now=NOON)
    return Doors(estate_id=estate_id, keeper=keeper, entrances=entrances, box_id=enrolled.box_id, key=enrolled.key)


def _groups(entrances: Sequence[str]) -> list[DoorGroupPlan]:
    own = [
        DoorGroupPlan(
            number=number,
            kind=DoorKind.ENTRANCE,
            name_zh=f"{number - 2}单元",
            name_en=f"Entrance {number - 2}",
            entrance_id=entrance,
        )
        for number, entrance in enumerate(entrances, start=3)
    ]
    estate = DoorGroupPlan(number=1, kind=DoorKind.ESTATE, name_zh="小区大门", name_en="Estate gates")
    garage = DoorGroupPlan(number=2, kind=DoorKind.GARAGE, name_zh="车库", name_en="Garage")
    return [estate, garage, *own]


def _plan(code: str, kind: DoorKind, group: int) -> GatePlan:
    return GatePlan(code=code, name_zh=f"{code}号门", name_en=f"Gate {code}", kind=kind, groups=(group,))


GATES = (
    _plan("G01", DoorKind.ESTATE, 1),
    _plan("G02", DoorKind.ESTATE, 1),
    _plan("G05", DoorKind.GARAGE, 2),
    _plan("G07", DoorKind.ENTRANCE, 3),
    _plan("G08", DoorKind.ENTRANCE, 4),
    _plan("G09", DoorKind.ENTRANCE, 5),
)


@dataclass(slots=True)
class Gate:
    """A gate's journal on its box: writes chained lines."""

    code: str
    head: Head = field(init=False)
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.head = Head(gate=self.code)

    def write(self, count: int = 1, *, serial: int | None = None, at: datetime = NOON, **facts: object) -> list[str]:
        """So many more lines, a second apart; by default openings of the entry."""
        before = len(self.lines)
        for number in range(count):
            event = Event(
                at=at + timedelta(seconds=number),
                clock=str(facts.get("clock", "ok")),
                method="CODE",
                direction=str(facts.get("direction", "in")),
                opened=bool(facts.get("opened", True)),
                reason=str(facts.get("reason", "OK")),
                serial=serial,
                snapshot_version=1,
            )
            line, self.head = journal.append(head=self.head, event=event)
            self.lines.append(line)
        return self.lines[before:]


def batch(*lines: str | Sequence[str]) -> bytes:
    """Lines as they travel."""
    flat = [line for part in lines for line in ([part] if isinstance(part, str) else part)]
    return "".join(f"{line}\n" for line in flat).encode("utf-8", "surrogateescape")
