"""Who holds a pass because of living here or working here, as the desk sees it: masked, by flat or by contract."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from linli.gate.snapshot import PassState
from linli.server.access import rules
from linli.server.access.models import Pass
from linli.server.access.queries.passes import PassView, view
from linli.server.kernel import clock
from linli.server.people import queries as people
from linli.server.places import queries as places

MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentPassView:
    """Somebody who lives in a flat, masked, and the pass that comes of it; None where it was withdrawn and not given anew."""

    residency_id: str
    name_masked: str
    granted: PassView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractPassView:
    """A pass by contract: whose, by which contract, and to which flat, if it belongs to one."""

    contract: str
    holder_id: str
    dwelling_id: str | None
    granted: PassView


def list_resident_passes(*, estate_id: str, dwelling_id: str, now: datetime) -> tuple[ResidentPassView, ...]:
    """This will list who lives in a flat with the pass of each; refuses with `NotFound` for a flat that is not there."""
    places.get_dwelling(estate_id=estate_id, dwelling_id=dwelling_id)
    today = clock.local_date(now, places.zone(estate_id=estate_id))
    living = people.list_living(estate_id=estate_id, today=today, dwelling_id=dwelling_id)
    names = {
        one.id: one.name_masked
        for one in people.list_people(estate_id=estate_id, person_ids=[one.person_id for one in living])
    }
    held = _by_origin(
        Pass.objects.filter(
            estate_id=estate_id, origin_kind=rules.RESIDENCY, origin_id__in=[one.id for one in living], static=False
        )
    )
    return tuple(
        ResidentPassView(residency_id=one.id, name_masked=names.get(one.person_id, ""), granted=held.get(one.id))
        for one in living
    )


def list_contract_passes(*, estate_id: str, now: datetime) -> tuple[ContractPassView, ...]:
    """This will list the passes by contract that are not withdrawn, those of shifts that are over included, by contract."""
    rows = Pass.objects.filter(estate_id=estate_id, origin_kind=rules.CONTRACT, unlisted_at__isnull=True, static=False)
    open_ones: Iterable[Pass] = rows.exclude(state=PassState.REVOKED).order_by("origin_id", "id")[:MOST]
    return tuple(
        ContractPassView(
            contract=row.origin_id, holder_id=row.holder_id, dwelling_id=row.dwelling_id, granted=view(row)
        )
        for row in open_ones
    )


def _by_origin(rows: "QuerySet[Pass]") -> Mapping[str, PassView]:
    open_ones = rows.exclude(state=PassState.REVOKED).order_by("granted_at", "id")
    return {row.origin_id: view(row) for row in open_ones}
