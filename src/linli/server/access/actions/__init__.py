"""What can be done at the doors."""

from linli.server.access.actions.gates import (
    DoorGroupPlan,
    Enrolment,
    GatePlan,
    NoSuchGate,
    enrol_box,
    forget_old_receipts,
    lay_out_gates,
    note_seen,
    record_receipt,
    retire_box,
    rotate_box_key,
)
from linli.server.access.actions.journals import record_gate_events
from linli.server.access.actions.passes import (
    OverrideRunning,
    amend_pass,
    grant_override,
    grant_pass,
    resume_passes,
    revoke_pass,
    revoke_passes,
    suspend_passes,
    unlist_ended_passes,
)
from linli.server.access.rules import DoorKind, Origin

__all__ = [
    "DoorGroupPlan",
    "DoorKind",
    "Enrolment",
    "GatePlan",
    "NoSuchGate",
    "Origin",
    "OverrideRunning",
    "amend_pass",
    "enrol_box",
    "forget_old_receipts",
    "grant_override",
    "grant_pass",
    "lay_out_gates",
    "note_seen",
    "record_gate_events",
    "record_receipt",
    "resume_passes",
    "retire_box",
    "revoke_pass",
    "revoke_passes",
    "rotate_box_key",
    "suspend_passes",
    "unlist_ended_passes",
]
