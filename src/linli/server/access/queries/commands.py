"""What gates were asked to do from afar, by whom and why, and what came of it."""

from dataclasses import dataclass
from datetime import datetime

from linli.gate.wire import Command, CommandKind
from linli.server.access.models import GateCommand
from linli.server.access.queries.boxes import BoxView
from linli.server.kernel.errors import NotFound

MOST_OPEN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandView:
    """Something asked of a gate; `outcome` is empty while it is under way, then DONE, FAILED or EXPIRED."""

    id: str
    gate: str
    kind: str
    asked_by: str
    why: str
    asked_at: datetime
    expires_at: datetime
    outcome: str
    words: str
    done_at: datetime | None


def view(row: GateCommand) -> CommandView:
    """This will show a stored command."""
    return CommandView(
        id=row.id,
        gate=row.gate,
        kind=row.kind,
        asked_by=row.asked_by,
        why=row.why,
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        outcome=row.outcome,
        words=row.words,
        done_at=row.done_at,
    )


def list_open_commands(*, box: BoxView, now: datetime) -> tuple[Command, ...]:
    """This will list what a box is still asked to do, oldest first; what is too late is not among it."""
    rows = GateCommand.objects.filter(
        estate_id=box.estate_id, box_id=box.id, done_at__isnull=True, expires_at__gt=now
    ).order_by("asked_at", "id")
    return tuple(
        Command(
            id=row.id,
            gate=row.gate,
            kind=CommandKind(row.kind),
            by=row.asked_by,
            why=row.why,
            expires_at=row.expires_at,
        )
        for row in rows[:MOST_OPEN]
    )


def list_commands(*, estate_id: str, gate: str | None, limit: int) -> tuple[CommandView, ...]:
    """This will list the newest commands of one gate or of all."""
    rows = GateCommand.objects.filter(estate_id=estate_id)
    if gate is not None:
        rows = rows.filter(gate=gate)
    return tuple(view(row) for row in rows.order_by("-asked_at", "-id")[: min(max(limit, 1), 500)])


def get_command(*, estate_id: str, command_id: str) -> CommandView:
    """This will return one command, or refuse with `NotFound`."""
    row = GateCommand.objects.filter(estate_id=estate_id, id=command_id).first()
    if row is None:
        raise NotFound
    return view(row)
