"""Whether the public-health mode is on, who asked for it, who agreed, on what basis, until when; and what was purged since."""

from dataclasses import dataclass
from datetime import datetime

from linli.server.access.models import HealthOrder, HealthProposal
from linli.server.kernel.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthOrderView:
    """An order as it holds or held; `running` says whether gates read anything because of it."""

    id: str
    legal_basis: str
    ordered_by: str
    asked_by: str
    approved_by: str
    most_c10: int
    code_wanted: bool
    holders: tuple[str, ...]
    start: datetime
    end: datetime
    ended_at: datetime | None
    purged_at: datetime | None
    running: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthProposalView:
    """A proposal and its answer; while `answered_at` is None it waits for somebody else."""

    id: str
    legal_basis: str
    ordered_by: str
    most_c10: int
    code_wanted: bool
    holders: tuple[str, ...]
    end: datetime
    asked_by: str
    asked_at: datetime
    answered_by: str
    answered_at: datetime | None
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthView:
    """The mode at one glance: on or off, the orders newest first, the proposals newest first."""

    on: bool
    orders: tuple[HealthOrderView, ...]
    proposals: tuple[HealthProposalView, ...]


def get_health(*, estate_id: str, now: datetime) -> HealthView:
    """This will show the public-health mode and its history."""
    orders = HealthOrder.objects.filter(estate_id=estate_id).order_by("-start")[:100]
    proposals = HealthProposal.objects.filter(estate_id=estate_id).order_by("-asked_at")[:100]
    shown = tuple(order_view(row, now) for row in orders)
    return HealthView(
        on=any(order.running for order in shown),
        orders=shown,
        proposals=tuple(proposal_view(row) for row in proposals),
    )


def get_health_order(*, estate_id: str, order_id: str, now: datetime) -> HealthOrderView:
    """This will return one order, or refuse with `NotFound`."""
    row = HealthOrder.objects.filter(estate_id=estate_id, id=order_id).first()
    if row is None:
        raise NotFound
    return order_view(row, now)


def order_view(row: HealthOrder, now: datetime) -> HealthOrderView:
    """This will show a stored order."""
    return HealthOrderView(
        id=row.id,
        legal_basis=row.legal_basis,
        ordered_by=row.ordered_by,
        asked_by=row.asked_by,
        approved_by=row.approved_by,
        most_c10=row.most_c10,
        code_wanted=row.code_wanted,
        holders=tuple(row.holders),
        start=row.start,
        end=row.end,
        ended_at=row.ended_at,
        purged_at=row.purged_at,
        running=row.ended_at is None and row.start <= now < row.end,
    )


def proposal_view(row: HealthProposal) -> HealthProposalView:
    """This will show a stored proposal."""
    return HealthProposalView(
        id=row.id,
        legal_basis=row.legal_basis,
        ordered_by=row.ordered_by,
        most_c10=row.most_c10,
        code_wanted=row.code_wanted,
        holders=tuple(row.holders),
        end=row.end,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        answered_by=row.answered_by,
        answered_at=row.answered_at,
        accepted=row.accepted,
    )
