"""The public-health mode: off unless ordered by law, for a time, by two people; and what a health code's provider says (P-29)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from linli.gate.reasons import Reason
from linli.server.kernel.errors import Refusal

LONGEST = timedelta(days=90)
KEPT = timedelta(days=14)
# A thermometer that shuts out whoever is well, or nobody at all, is set wrongly.
LEAST_C10, MOST_C10 = 370, 400
# Nobody is kept from his own home, and nobody on duty from his post, by a thermometer.
NEVER_SHUT_OUT = frozenset({"resident", "child", "guard"})
HEALTH_REASONS: tuple[Reason, ...] = (Reason.TEMPERATURE, Reason.HEALTH_CODE, Reason.HEALTH_UNREAD)


class BasisNeeded(Refusal):
    """The public-health mode needs the law it rests on and the authority that ordered it."""

    zh = "公共卫生模式须写明法律依据和发布机关。"
    status = 422


class OrderTooLong(Refusal):
    """The public-health mode ends after the present and within ninety days."""

    zh = "公共卫生模式须有结束时间，最长九十天。"
    status = 422


class NothingToRead(Refusal):
    """An order reads the temperature, between 37.0 and 40.0 degrees, or the health code, or both."""

    zh = "须至少启用测温（37.0 至 40.0 度）或健康码之一。"
    status = 422


class ShutOutOfHome(Refusal):
    """Residents, children and guards are never kept out by a thermometer or a code; they are let in with a remark."""

    zh = "不得因体温或健康码拒绝住户、儿童或值班保安进入，只能备注。"
    status = 422


class HealthOrderRunning(Refusal):
    """An order is in force or waits for its answer; there is one at a time."""

    zh = "已有生效或待批准的公共卫生模式，同时只能有一个。"


class OwnProposal(Refusal):
    """Whoever asked for the public-health mode cannot also approve it."""

    zh = "提出人不得批准自己的申请。"
    status = 403


class AlreadyAnswered(Refusal):
    """This proposal has been answered."""

    zh = "该申请已处理。"


class OrderOver(Refusal):
    """This order is over."""

    zh = "该公共卫生模式已结束。"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthTerms:
    """What a health order says: its basis and authority, what is read, whom it shuts out, and when it ends."""

    legal_basis: str
    ordered_by: str
    end: datetime
    most_c10: int = 0
    code_wanted: bool = False
    holders: tuple[str, ...] = ()


def check_order(terms: HealthTerms, *, now: datetime) -> None:
    """This will refuse an order without a basis, without an end, without a purpose, or one that shuts people out of their homes."""
    if not terms.legal_basis.strip() or not terms.ordered_by.strip():
        raise BasisNeeded(field="legal_basis" if not terms.legal_basis.strip() else "ordered_by")
    if not now < terms.end <= now + LONGEST:
        raise OrderTooLong(field="end")
    if terms.most_c10 and not LEAST_C10 <= terms.most_c10 <= MOST_C10:
        raise NothingToRead(field="most_c10")
    if not terms.most_c10 and not terms.code_wanted:
        raise NothingToRead(field="most_c10")
    if NEVER_SHUT_OUT.intersection(terms.holders):
        raise ShutOutOfHome(field="holders")


def check_approver(*, asked_by: str, actor_id: str) -> None:
    """This will refuse whoever would approve his own proposal."""
    if asked_by == actor_id:
        raise OwnProposal


class HealthStatus(StrEnum):
    """What a health code says; a gate keeps this and the time, and nothing else."""

    GREEN = "GREEN"
    YELLOW = "YELLOW"
    RED = "RED"
    UNREAD = ""


class HealthCodeProvider(Protocol):
    """Whoever knows what a health code means: a province's platform. It is told the code that was shown, and nothing of us."""

    def status(self, *, code: str, now: datetime) -> HealthStatus:
        """This will return what a code says at an instant; `UNREAD` when it is none, is too old, or nobody answers."""


class SimulatedHealthCodes:
    """A province's platform in one process, for tests and the simulated day: codes by status, each good until its time."""

    def __init__(self, codes: Mapping[str, tuple[HealthStatus, datetime]], *, down: Collection[str] = ()) -> None:
        self._codes, self._down = dict(codes), frozenset(down)

    def status(self, *, code: str, now: datetime) -> HealthStatus:
        """This will return the status of a known code that is not too old."""
        known = self._codes.get(code)
        if known is None or code in self._down or now >= known[1]:
            return HealthStatus.UNREAD
        return known[0]
