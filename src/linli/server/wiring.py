"""Who reacts to what, on one page. Each reaction runs from the outbox after commit, and is safe to run twice."""

from linli.server.access import events as access
from linli.server.access import tasks as access_tasks
from linli.server.connectors import tasks as connectors_tasks
from linli.server.kernel.outbox import Reactions
from linli.server.lettings import events as lettings
from linli.server.stays import events as stays
from linli.server.stays import tasks as stays_tasks

REACTIONS: Reactions = {
    access.PassFirstUsed: (stays_tasks.mark_arrival, connectors_tasks.queue_visitor),
    access.PassRevoked: (access_tasks.end_visits_of_host, connectors_tasks.queue_visitor),
    lettings.UnitActivated: (),
    lettings.UnitSuspended: (stays_tasks.hold_passes_of_unit,),
    lettings.UnitResumed: (stays_tasks.release_passes_of_unit,),
    lettings.UnitClosed: (),
    stays.GuestCheckedIn: (connectors_tasks.queue_report,),
    stays.RegistrationAmended: (connectors_tasks.queue_report,),
    stays.GuestMoved: (connectors_tasks.queue_report,),
    stays.StayExtended: (connectors_tasks.queue_report,),
    stays.GuestCheckedOut: (connectors_tasks.queue_report,),
    stays.StayCancelled: (connectors_tasks.queue_report,),
}
