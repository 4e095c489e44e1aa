"""Flats that are let, and who works in them (从业人员): operators in person, and the people who hold an operator's account."""

from collections.abc import Iterable, Mapping, Sequence
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
    place = places.get_estate(estate_id=estate_id).name_zh
    floors = {flat.id: flat.floor for flat in places.list_flats(estate_id=estate_id)}
    codes = {operator.id: operator.uscc or "" for operator in _operators(estate_id)}
    for unit in lettings.list_marked_units(estate_id=estate_id):
        yield _unit(unit, floor=floors[unit.dwelling_id], place=place, code=codes[unit.operator_id])


def gather_unit(estate_id: str, unit_id: str) -> Gathered:
    """This will gather one flat; raises `NotFound`, also while it has no mark: a platform knows it by nothing else."""
    unit = lettings.get_unit(estate_id=estate_id, unit_id=unit_id)
    if unit.mark_code is None:
        raise NotFound(field="unit_id")
    operator = lettings.get_operator(estate_id=estate_id, operator_id=unit.operator_id)
    return _unit(
        unit,
        floor=places.get_dwelling(estate_id=estate_id, dwelling_id=unit.dwelling_id).floor,
        place=places.get_estate(estate_id=estate_id).name_zh,
        code=operator.uscc or "",
    )


def list_staff(estate_id: str) -> Iterable[Gathered]:
    """This will list whoever works in a flat with a mark, those who do so no more among them."""
    units = lettings.list_marked_units(estate_id=estate_id)
    owners = {one.id: one for one in _operators(estate_id)}
    posts = [*_owners(estate_id, owners.values()), *_keepers(estate_id, owners)]
    return _staff(estate_id, posts, units=units)


def gather_staff(estate_id: str, staff_id: str) -> Gathered:
    """This will gather one person's work; raises `NotFound`."""
    post = _post(estate_id, staff_id)
    units = lettings.list_marked_units(estate_id=estate_id, operator_id=post.operator_id) if post else ()
    found = next(iter(_staff(estate_id, [post] if post else [], units=units)), None)
    if found is None:
        raise NotFound(field="staff_id")
    return found


def _unit(unit: UnitView, *, floor: int, place: str, code: str) -> Gathered:
    return Gathered(
        facts=UnitFacts(
            unit_id=unit.id,
            unit_mark=unit.mark_code or "",
            label=unit.code,
            address_zh=f"{place}{unit.label_zh}",
            floor=floor,
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


def _staff(estate_id: str, posts: Sequence[Post], *, units: Iterable[UnitView]) -> Iterable[Gathered]:
    marks = _marks(units)
    known = persons(estate_id=estate_id, person_ids={post.person_id for post in posts})
    for post in posts:
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


def _post(estate_id: str, staff_id: str) -> Post | None:
    try:
        owner = lettings.get_operator(estate_id=estate_id, operator_id=staff_id)
    except NotFound:
        owners = {one.id: one for one in _operators(estate_id)}
        return next((post for post in _keepers(estate_id, owners) if post.id == staff_id), None)
    return next(iter(_owners(estate_id, [owner])), None)


def _owners(estate_id: str, operators: Iterable[OperatorView]) -> Iterable[Post]:
    zone = places.zone(estate_id=estate_id)
    for one in operators:
        if one.person_id:
            yield Post(
                id=one.id,
                operator_id=one.id,
                person_id=one.person_id,
                job="operator",
                since_date=clock.local_date(one.registered_at, zone),
                ended=one.closed_at is not None,
            )


def _keepers(estate_id: str, owners: Mapping[str, OperatorView]) -> Iterable[Post]:
    zone = places.zone(estate_id=estate_id)
    for held in people.list_role_holders(estate_id=estate_id, role=Role.OPERATOR):
        operator_id = held.scope.removeprefix(OWN_SCOPE)
        # Who lets in person and signs in too is told of once.
        if operator_id in owners and owners[operator_id].person_id != held.person_id:
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
