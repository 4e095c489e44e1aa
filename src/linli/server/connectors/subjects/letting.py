"""Flats that are let, and who works in them (从业人员): operators in person, and the people who hold an operator's account."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from linli.server.connectors.protocol import StaffFacts, UnitFacts
from linli.server.connectors.subjects.gathered import Gathered, persons
from linli.server.kernel import clock
from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotFound
from linli.server.lettings import queries as lettings
from linli.server.lettings.queries import OperatorView, UnitState, UnitView
from linli.server.people import queries as people
from linli.server.places import queries as places
from linli.server.places.queries import FlatView

OWN_SCOPE = "operator:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One person's work for one operator."""

    id: str
    operator_id: str
    person_id: str
    job: str
    since_date: date
    ended: bool


def list_units(estate_id: str) -> Iterable[Gathered]:
    """This will list every flat that has its mark, those that are let no more among them."""
    units = lettings.list_marked_units(estate_id=estate_id)
    return _units(estate_id, units)


def gather_unit(estate_id: str, unit_id: str) -> Gathered:
    """This will gather one flat; raises `NotFound`, also while it has no mark: a platform knows it by nothing else."""
    unit = lettings.get_unit(estate_id=estate_id, unit_id=unit_id)
    if unit.mark_code is None:
        raise NotFound(field="unit_id")
    return next(iter(_units(estate_id, (unit,))))


def list_staff(estate_id: str) -> Iterable[Gathered]:
    """This will list whoever works in a flat with a mark, those who do so no more among them."""
    return _staff(estate_id, _posts(estate_id))


def gather_staff(estate_id: str, staff_id: str) -> Gathered:
    """This will gather one person's work; raises `NotFound`."""
    found = next(iter(_staff(estate_id, [post for post in _posts(estate_id) if post.id == staff_id])), None)
    if found is None:
        raise NotFound(field="staff_id")
    return found


def _units(estate_id: str, units: Iterable[UnitView]) -> Iterable[Gathered]:
    estate = places.get_estate(estate_id=estate_id)
    flats = {flat.id: flat for flat in places.list_flats(estate_id=estate_id)}
    codes = {operator.id: operator.uscc or "" for operator in _operators(estate_id)}
    for unit in units:
        yield _unit(unit, flat=flats[unit.dwelling_id], place=estate.name_zh, code=codes[unit.operator_id])


def _unit(unit: UnitView, *, flat: FlatView, place: str, code: str) -> Gathered:
    return Gathered(
        facts=UnitFacts(
            unit_id=unit.id,
            unit_mark=unit.mark_code or "",
            label=unit.code,
            address_zh=f"{place}{unit.label_zh}",
            floor=flat.floor,
            rooms=len(unit.rooms),
            beds=sum(len(room.beds) for room in unit.rooms),
            # A natural person's name is masked here: as a person they are told of once, as staff, and the ledger says so.
            operator_name=unit.operator_name,
            operator_document=code,
            state=unit.state,
        ),
        subject_id=unit.id,
        terms="unit",
        operator_id=unit.operator_id,
        unit_label=unit.code,
        gone=unit.state == UnitState.CLOSED,
    )


def _staff(estate_id: str, posts: Iterable[Post]) -> Iterable[Gathered]:
    chosen = list(posts)
    marks = _marks(lettings.list_marked_units(estate_id=estate_id))
    known = persons(estate_id=estate_id, person_ids={post.person_id for post in chosen})
    for post in chosen:
        standing, ever = marks.get(post.operator_id, ((), ()))
        if ever and post.person_id in known:
            yield Gathered(
                facts=StaffFacts(
                    staff_id=post.id,
                    unit_marks=standing or ever,
                    job=post.job,
                    since_date=post.since_date,
                    person=known[post.person_id],
                ),
                subject_id=post.id,
                terms="staff",
                person_id=post.person_id,
                operator_id=post.operator_id,
                gone=post.ended or not standing,
            )


def _posts(estate_id: str) -> Iterable[Post]:
    zone = places.zone(estate_id=estate_id)
    in_person = {one.id: one for one in _operators(estate_id) if one.person_id}
    for one in in_person.values():
        yield Post(
            id=one.id,
            operator_id=one.id,
            person_id=one.person_id or "",
            job="operator",
            since_date=clock.local_date(one.registered_at, zone),
            ended=one.closed_at is not None,
        )
    for held in people.list_role_holders(estate_id=estate_id, role=Role.OPERATOR):
        operator_id = held.scope.removeprefix(OWN_SCOPE)
        owner = in_person.get(operator_id)
        if held.scope.startswith(OWN_SCOPE) and (owner is None or owner.person_id != held.person_id):
            yield Post(
                id=held.id,
                operator_id=operator_id,
                person_id=held.person_id,
                job="keeper",
                since_date=clock.local_date(held.since, zone),
                ended=held.until is not None,
            )


def _marks(units: Iterable[UnitView]) -> Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """This will say of each operator the marks of the flats that stand, and of all there ever were."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for unit in units:
        standing, ever = found.setdefault(unit.operator_id, ([], []))
        ever.append(unit.mark_code or "")
        if unit.state != UnitState.CLOSED:
            standing.append(unit.mark_code or "")
    return {operator_id: (tuple(standing), tuple(ever)) for operator_id, (standing, ever) in found.items()}


def _operators(estate_id: str) -> Iterable[OperatorView]:
    page = 1
    while items := lettings.list_operators(estate_id=estate_id, page=page).items:
        yield from items
        page += 1
