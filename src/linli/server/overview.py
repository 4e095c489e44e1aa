"""The estate at a glance: counts from every domain for the console's first page, and the ticket to its live stream."""

from dataclasses import dataclass
from datetime import date, datetime

from django.http import HttpRequest
from ninja import Router

from linli.server.access import queries as access
from linli.server.connectors import queries as connectors
from linli.server.kernel import clock, tickets
from linli.server.kernel.actors import Role
from linli.server.kernel.door import actor_of
from linli.server.lettings import queries as lettings
from linli.server.places import queries as places
from linli.server.stays import queries as stays
from linli.server.stays.queries import Tonight

router = Router(tags=["overview"])
WATCHERS = (Role.ESTATE_ADMIN, Role.OFFICE, Role.PROPERTY, Role.COMMITTEE, Role.GUARD, Role.POLICE, Role.AUDITOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class EstateName:
    """An estate by its names."""

    id: str
    code: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Counts only, nobody's name: what the estate is, tonight's guests, the reports, the gates, and the server's own time."""

    estate: EstateName
    now: datetime
    date: date
    operators: int
    units: int
    rooms: int
    beds: int
    gates: int
    tonight: Tonight
    reports: dict[str, int]
    gates_online: int
    gates_offline: int
    passages_today: int


@router.get("/overview", response=Overview)
def get_overview(request: HttpRequest, date: date | None = None) -> Overview:
    """This will count the estate and one local day, today when none is named."""
    actor = actor_of(request)
    actor.require(*WATCHERS)
    now = clock.now()
    estate = places.get_estate(estate_id=actor.estate_id)
    day = date or clock.local_date(now, estate.zone)
    start, end = clock.local_day(day, estate.zone)
    let, gates = lettings.count_lettings(estate_id=estate.id), access.count_gates(estate_id=estate.id, now=now)
    return Overview(
        estate=EstateName(id=estate.id, code=estate.code, name_zh=estate.name_zh, name_en=estate.name_en),
        now=now,
        date=day,
        operators=let.operators,
        units=let.units,
        rooms=let.rooms,
        beds=let.beds,
        gates=gates.gates,
        tonight=stays.count_tonight(estate_id=estate.id, day=day),
        reports=connectors.count_by_state(estate_id=estate.id, since=start),
        gates_online=gates.online,
        gates_offline=gates.offline,
        passages_today=access.count_passages(estate_id=estate.id, start=start, end=end),
    )


@router.post("/stream-ticket", response=dict[str, str])
def issue_stream_ticket(request: HttpRequest) -> dict[str, str]:
    """This will give a ticket, good for a minute, with which a browser opens the live stream (it cannot send headers there).

    It names the classes of events that the roles of whoever asks may hear.
    """
    actor = actor_of(request)
    actor.require(*WATCHERS)
    body = {"estate_id": actor.estate_id, "hears": access.classes_heard(actor=actor)}
    return {"ticket": tickets.issue("console-stream", body, now=clock.now())}
