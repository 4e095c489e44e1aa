"""What can be done about reports: one function an intention, and the only writers."""

from linli.server.connectors.actions.delivering import Claim, claim_due, record_answer
from linli.server.connectors.actions.links import (
    PauseReasonNeeded,
    note_failing,
    note_working,
    pause_link,
    resume_link,
)
from linli.server.connectors.actions.queueing import (
    CheckInNotQueued,
    mark_overdue,
    queue_reports,
    replay_all,
    replay_report,
)

__all__ = [
    "CheckInNotQueued",
    "Claim",
    "PauseReasonNeeded",
    "claim_due",
    "mark_overdue",
    "note_failing",
    "note_working",
    "pause_link",
    "queue_reports",
    "record_answer",
    "replay_all",
    "replay_report",
    "resume_link",
]
