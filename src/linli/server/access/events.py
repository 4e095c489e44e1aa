"""What happened at the doors, in the past tense."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PassFirstUsed:
    """A pass opened an entry for the first time; `happened_at` is the gate's own time, and may arrive days late."""

    estate_id: str
    pass_id: str
    origin_kind: str
    origin_id: str
    gate: str
    direction: str
    happened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PassRevoked:
    """A pass was withdrawn; no gate opens to it once it has receipted `version`."""

    estate_id: str
    pass_id: str
    origin_kind: str
    origin_id: str
    version: int
    reason: str
    revoked_at: datetime
