"""What can be done about reports: one function an intention, and the only writers."""

from linli.server.connectors.actions.accounts import remove_account, set_account
from linli.server.connectors.actions.cataloguing import queue_catalogue
from linli.server.connectors.actions.delivering import Claim, claim_due, record_answers
from linli.server.connectors.actions.face_checks import (
    FaceCheckConsent,
    check_face,
    consent_to_face_check,
    withdraw_face_check_consent,
)
from linli.server.connectors.actions.hits import read_hits
from linli.server.connectors.actions.links import (
    PauseReasonNeeded,
    note_failing,
    note_working,
    pause_link,
    resume_link,
)
from linli.server.connectors.actions.passing import queue_passages
from linli.server.connectors.actions.queueing import (
    CheckInNotQueued,
    mark_overdue,
    queue_reports,
    queue_visit,
)
from linli.server.connectors.actions.replaying import PlatformNotLinked, replay_all, replay_report

__all__ = [
    "CheckInNotQueued",
    "Claim",
    "FaceCheckConsent",
    "PauseReasonNeeded",
    "PlatformNotLinked",
    "check_face",
    "claim_due",
    "consent_to_face_check",
    "mark_overdue",
    "note_failing",
    "note_working",
    "pause_link",
    "queue_catalogue",
    "queue_passages",
    "queue_reports",
    "queue_visit",
    "read_hits",
    "record_answers",
    "remove_account",
    "replay_all",
    "replay_report",
    "resume_link",
    "set_account",
    "withdraw_face_check_consent",
]
