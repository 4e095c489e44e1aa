"""When somebody may be asked in, by whom, and what the visitor says of himself (appendix A4, row visitor)."""

from datetime import datetime, timedelta
from enum import StrEnum

from linli.server.kernel.errors import Refusal
from linli.server.kernel.periods import Period

MOST_OPEN_VISITS = 10
FURTHEST_AHEAD = timedelta(days=30)
# A host says "at two" a minute after two.
JUST_NOW = timedelta(minutes=15)


class VisitState(StrEnum):
    """How far an invitation has come."""

    INVITED = "INVITED"
    ACCEPTED = "ACCEPTED"
    WITHDRAWN = "WITHDRAWN"


class NotInHouse(Refusal):
    """Only somebody who lives here or is in the house asks visitors in."""

    zh = "只有在住的居民或住客才能邀请访客。"
    status = 403


class TooManyVisits(Refusal):
    """This host has ten invitations open already; withdraw one or wait until one is over."""

    zh = "该邀请人未结束的访客邀请已达十个，请先撤回或等待结束。"


class VisitTooFar(Refusal):
    """Visitors are asked in for today or the next thirty days."""

    zh = "访客邀请只能是当前或未来三十天之内。"
    status = 422


class VisitOver(Refusal):
    """This invitation was withdrawn or is over."""

    zh = "该邀请已撤回或已结束。"


def check_visit(period: Period, *, now: datetime) -> None:
    """This will refuse a visit that lies in the past or too far ahead."""
    if period.start < now - JUST_NOW or period.start > now + FURTHEST_AHEAD:
        raise VisitTooFar(field="start")


def check_open_visits(count: int) -> None:
    """This will refuse one more invitation than a host may have open."""
    if count >= MOST_OPEN_VISITS:
        raise TooManyVisits(limit=MOST_OPEN_VISITS)


def check_answerable(*, state: VisitState, end: datetime, now: datetime) -> None:
    """This will refuse an answer to an invitation that is withdrawn or over."""
    if state is VisitState.WITHDRAWN or now >= end:
        raise VisitOver
