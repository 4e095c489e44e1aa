"""东方新城二期 is written exactly, once, in time, and everybody in it has sound numbers."""

import time
from collections import Counter
from datetime import UTC, datetime

import pytest

from linli.documents import numbers
from linli.server import seed
from linli.server.access import actions as gates
from linli.server.access import queries as access
from linli.server.access.actions import ResidentPasses
from linli.server.access.models import Pass
from linli.server.kernel import crypto
from linli.server.kernel.actors import system
from linli.server.lettings import queries as lettings
from linli.server.people import queries as people
from linli.server.people.models import Document, Person
from linli.server.places import queries as places
from linli.server.privacy import queries as privacy
from linli.server.seed import persons
from linli.server.seed.plan import Plan

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)


def test_the_estate_is_written_at_its_true_size_and_only_once() -> None:
    # Our own time on the processor: on a busy machine the clock on the wall measures the others.
    began = time.process_time()
    first = seed.dongfang(now=NOW)
    seconds = time.process_time() - began
    assert (first.operators, first.units, first.rooms, first.beds, first.gates) == (550, 895, 3627, 5248, 51)
    assert first.residents > 3000
    assert first.password is not None
    assert seconds < 30

    before = _rows()
    second = seed.dongfang(now=NOW)
    assert second.password is None
    assert _rows() == before
    assert (second.operators, second.residents, second.gates) == (first.operators, first.residents, first.gates)

    _the_tree_and_the_lettings_agree(first.estate_id)
    _every_number_is_sound_and_sealed(first.estate_id)
    _every_demo_account_has_its_role(first.estate_id)
    _the_doors_are_where_the_contract_says(first.estate_id)
    _everybody_who_lives_here_has_a_pass(first.estate_id, first.residents)
    assert privacy.verify_chain(estate_id=first.estate_id).whole


def _rows() -> tuple[int, int, int]:
    return Person.objects.count(), Document.objects.count(), sum(1 for _ in people.list_accounts(estate_id=_estate()))


def _estate() -> str:
    found = places.find_estate(code="DF2")
    assert found is not None
    return found.id


def _the_tree_and_the_lettings_agree(estate_id: str) -> None:
    counts = places.count_places(estate_id=estate_id)
    assert (counts.buildings, counts.entrances, counts.rooms, counts.beds) == (15, 45, 3627, 5248)
    kinds = {kind: lettings.list_operators(estate_id=estate_id, kind=kind).total for kind in ("natural", "company")}
    assert kinds == {"natural": 430, "company": 25}
    units = lettings.list_active_units(estate_id=estate_id)
    assert len({unit.operator_id for unit in units}) == 550
    assert all(unit.mark_code and unit.rooms and all(room.beds for room in unit.rooms) for unit in units)
    assert {room.mode for unit in units for room in unit.rooms} == {"room", "bed"}


def _every_number_is_sound_and_sealed(estate_id: str) -> None:
    for document in Document.objects.filter(estate_id=estate_id)[::97]:
        number = crypto.unseal(document.number, context=people.NUMBER)
        assert numbers.parse_number("resident_id", number, today=NOW.date()).number == number
        assert number.encode() not in bytes(document.number)
    for person in Person.objects.filter(estate_id=estate_id)[::97]:
        assert "*" in person.name_masked


def _every_demo_account_has_its_role(estate_id: str) -> None:
    roles = {view.username: [(grant.role, grant.scope) for grant in view.roles] for view in _accounts(estate_id)}
    assert roles["office"] == [("office", "*")]
    assert roles["operator"][0][1].startswith("operator:op_")
    assert set(roles) == {"admin", "office", "property", "committee", "guard", "police", "auditor", "operator"}


def _accounts(estate_id: str) -> tuple[people.AccountView, ...]:
    return people.list_accounts(estate_id=estate_id)


def _the_doors_are_where_the_contract_says(estate_id: str) -> None:
    gates = access.list_gates(estate_id=estate_id, now=NOW)
    assert [gate.code for gate in gates] == [f"G{at:02d}" for at in range(1, 52)]


def _everybody_who_lives_here_has_a_pass(estate_id: str, residents: int) -> None:
    held = Counter(Pass.objects.filter(estate_id=estate_id, state="active").values_list("holder_kind", flat=True))
    assert held["resident"] + held["child"] == residents
    assert held["child"] > 100
    assert (held["guard"], held["staff"], held["cleaner"]) == (6, 4, 20)
    # A second look at the register finds nothing to do.
    assert gates.keep_resident_passes(actor=system(estate_id), now=NOW) == ResidentPasses(
        granted=0, renewed=0, grown=0, withdrawn=0
    )
    (rounds,) = [one.number for one in access.list_door_groups(estate_id=estate_id) if one.kind == "common"]
    assert all(rounds in gate.groups for gate in access.list_gates(estate_id=estate_id, now=NOW))
    assert all(rounds in one.groups for one in Pass.objects.filter(estate_id=estate_id, holder_kind="guard"))


def test_two_drawings_are_the_same() -> None:
    one, other = Plan(), Plan()
    assert one.let_flats == other.let_flats
    assert one.household_sizes == other.household_sizes
    assert persons.operators() == persons.operators()
