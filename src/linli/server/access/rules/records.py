"""What a journal line says of the device that made it, and how it is told to others in the words every driver shares (appendix C)."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from linli.gate.decision import Kind
from linli.gate.reasons import Reason

_RECORD = re.compile(r"(?:^| )rec ([^ /]{1,40})/([^ ]{1,60}) dt (-?\d{1,11})(?: d (-?\d{1,14}))?(?= |$)", re.ASCII)
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:linli:gate-event")

METHODS: Mapping[str, str] = MappingProxyType(
    {
        Kind.CODE: "qr",
        Kind.CARD: "card",
        Kind.PIN: "pin",
        Kind.IDCARD: "idcard",
        Kind.FACE: "face",
        Kind.GUARD: "manual",
        Kind.EXIT: "manual",
        Kind.REMOTE: "remote",
        Kind.FIRE: "emergency",
    }
)
REASONS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys((Reason.OK, Reason.EXIT, Reason.FIRE, Reason.GUARD_OPENED, Reason.REMOTE_OPENED), "ok"),
        **dict.fromkeys((Reason.EXPIRED, Reason.STALE_CODE), "expired"),
        Reason.NOT_YET: "not_yet",
        **dict.fromkeys((Reason.WRONG_DOOR, Reason.OUTSIDE_HOURS, Reason.WAY_CLOSED), "zone"),
        **dict.fromkeys((Reason.REVOKED, Reason.SUSPENDED), "blacklist"),
        **dict.fromkeys((Reason.REPLAYED, Reason.STILL_INSIDE), "replay"),
        **dict.fromkeys((Reason.FULL, Reason.USES_EXHAUSTED), "capacity"),
        **dict.fromkeys((Reason.TEMPERATURE, Reason.HEALTH_CODE, Reason.HEALTH_UNREAD), "temperature"),
        **dict.fromkeys((Reason.SNAPSHOT_TOO_OLD, Reason.CLOCK_UNSURE), "offline_policy"),
        **dict.fromkeys(
            (Reason.DOOR_FAILED, Reason.JOURNAL_FAILED, Reason.REFUSED_BY_DEVICE, Reason.TOO_MANY_TRIES),
            "device_locked",
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRecord:
    """A passage that a terminal decided: which one, its own number for it, its own time, and by how much that was wrong (ms)."""

    terminal: str
    record: str
    device_time: datetime
    drift_ms: int


def read_record(note: str) -> DeviceRecord | None:
    """This will read "rec terminal/record dt unix d drift" in a line's note, or return None for a line of the box itself."""
    match = _RECORD.search(note)
    if match is None:
        return None
    try:
        device_time = datetime.fromtimestamp(int(match[3]), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return DeviceRecord(
        terminal=match[1], record=match[2], device_time=device_time, drift_ms=int(match[4]) if match[4] else 0
    )


def event_id(*, estate_id: str, make: str, device: str, record: str) -> str:
    """This will name an event so that the same record of the same device has the same name wherever it is told."""
    return str(uuid.uuid5(_SPACE, "\n".join((estate_id, make, device, record))))


def shared_words(*, method: str, reason: str) -> tuple[str, str]:
    """This will translate a line's method and reason; what the table does not know is `manual` and `unknown`."""
    return METHODS.get(method, "manual"), REASONS.get(reason, "unknown")
