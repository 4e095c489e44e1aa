"""More people through the gates than a flat has registered: asked of its operator as two numbers, from journals as boxes send them."""

from dataclasses import asdict
from datetime import datetime, timedelta

import httpx
import pytest

from linli.server.access import actions as access
from linli.server.access import queries as doors
from linli.server.access.queries import Origin, PassView
from linli.server.connectors.models import Question
from linli.server.connectors.reconciling import queries
from linli.server.kernel.actors import Role
from linli.server.kernel.periods import Period
from linli.server.privacy import queries as privacy
from linli.server.stays.queries import StayView
from tests.connectors.reconciling.evening import Evening
from tests.server.access.estate import Gate, batch

pytestmark = pytest.mark.django_db


@pytest.fixture
def gate() -> Gate:
    """The journal of the estate's gate."""
    return Gate("G01")


def let_in(evening: Evening, gate: Gate, held: PassView, *, at: datetime, direction: str = "in") -> None:
    """A pass opens the gate, and the box says so."""
    lines = gate.write(serial=int(held.serial, 16), at=at, direction=direction)
    box = doors.get_box(estate_id=evening.world.estate_id, box_id=evening.world.box.box_id)
    access.record_gate_events(box=box, body=batch(lines), now=at + timedelta(seconds=2))


def own_pass(evening: Evening, guest: StayView) -> PassView:
    """A guest's pass."""
    found = doors.find_pass(estate_id=evening.world.estate_id, origin=Origin(kind="stay", id=guest.id))
    assert found is not None
    return found


def granted(evening: Evening, holder_kind: str, origin: Origin) -> PassView:
    """A pass of somebody else."""
    return access.grant_pass(
        actor=evening.world.hand,
        holder_kind=holder_kind,
        holder_id=f"per_of_{holder_kind}",
        dwelling_id=evening.world.units["dorm"].dwelling_id,
        period=Period(start=evening.world.now, end=evening.world.now + timedelta(days=1)),
        origin=origin,
        now=evening.world.now,
    )


def settled(evening: Evening) -> StayView:
    """One guest of a flat, in and receipted."""
    (guest,) = evening.arrive()
    evening.tell(guest)
    evening.deliver()
    return guest


def test_a_guest_who_goes_in_and_out_is_one_person(evening: Evening, books: httpx.Client, gate: Gate) -> None:
    guest = settled(evening)
    for hour in (20, 22):
        let_in(evening, gate, own_pass(evening, guest), at=evening.at(hour, 30))
    let_in(evening, gate, own_pass(evening, guest), at=evening.at(1, day=1))
    evening.count()
    assert evening.questions() == []


def test_a_second_person_on_a_guests_account_is_asked_about(evening: Evening, books: httpx.Client, gate: Gate) -> None:
    guest = settled(evening)
    own = own_pass(evening, guest)
    second = granted(evening, "companion", Origin(kind="stay", id=guest.id))
    let_in(evening, gate, own, at=evening.at(21))
    let_in(evening, gate, second, at=evening.at(21, 1))
    evening.count()
    assert evening.questions() == [("gate", "operator", 2, 1)]
    page = queries.list_questions(actor=evening.world.operator, state=None, day=None, page=1, now=evening.after)
    (asked,) = page.items
    assert asked.unit_label in asked.says.zh
    # Numbers only: neither whose pass, nor which gate, nor when.
    shown = str(asdict(asked))
    for secret in (guest.id, own.id, own.serial, second.serial, "G01", "21:0", "per_of_companion"):
        assert secret not in shown


def test_who_comes_back_after_checking_out_through_a_gate_that_had_not_heard_is_asked_about(
    evening: Evening, books: httpx.Client, gate: Gate
) -> None:
    guest = settled(evening)
    held = own_pass(evening, guest)
    let_in(evening, gate, held, at=evening.at(20, 30))
    evening.leave(guest, at=evening.at(22))
    evening.count()
    assert ("gate", "operator", 1, 0) not in evening.questions()
    let_in(evening, gate, held, at=evening.at(23))
    evening.count()
    assert ("gate", "operator", 1, 0) in evening.questions()


@pytest.mark.parametrize(
    ("holder_kind", "origin_kind"), [("resident", "residency"), ("cleaner", "contract"), ("operator", "contract")]
)
def test_residents_cleaners_and_operators_are_not_counted(
    evening: Evening, books: httpx.Client, gate: Gate, holder_kind: str, origin_kind: str
) -> None:
    settled(evening)
    held = granted(evening, holder_kind, Origin(kind=origin_kind, id="somebody"))
    let_in(evening, gate, held, at=evening.at(21))
    evening.count()
    assert evening.questions() == []


def test_a_visitor_of_the_evening_is_nobodys_question_and_one_of_the_night_is(
    evening: Evening, books: httpx.Client, gate: Gate
) -> None:
    guest = settled(evening)
    held = _visitor(evening, guest)
    let_in(evening, gate, held, at=evening.at(21))
    evening.count()
    assert evening.questions() == []
    let_in(evening, gate, held, at=evening.at(1, day=1))
    evening.count()
    assert evening.questions() == [("gate", "operator", 2, 1)]
    assert Question.objects.get().theirs == 1


def _visitor(evening: Evening, guest: StayView) -> PassView:
    now = evening.world.now
    invited = access.invite_visitor(
        actor=evening.world.guest(guest),
        host_id=None,
        period=Period(start=now, end=evening.at(22)),
        now=now,
    )
    notice = privacy.get_notice(estate_id=evening.world.estate_id, purpose="visitor")
    visitor = evening.world.actor(Role.GUEST, scope=f"visit:{invited.visit.id}", name=f"guest:{invited.visit.id}:0")
    access.accept_visit(actor=visitor, name="王访客", phone="13800138000", notice_digest=notice.digest, now=now)
    (held,) = doors.list_passes(estate_id=evening.world.estate_id, origin=Origin(kind="visit", id=invited.visit.id))
    return held
