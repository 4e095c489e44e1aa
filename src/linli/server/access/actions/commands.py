"""A gate is asked from afar to open, to work as usual again, to tell its devices' lists, to compare them; and says what came of it."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from linli.gate.wire import CommandKind, CommandOutcome, CommandReply
from linli.server.access import rules
from linli.server.access.actions.gates import note_seen
from linli.server.access.actions.versions import SNAPSHOT_CHANNEL, tell_after_commit
from linli.server.access.models import Gate, GateCommand
from linli.server.access.queries.boxes import BoxView
from linli.server.access.queries.commands import CommandView, view
from linli.server.access.queries.standing import list_drift
from linli.server.access.rules import NoBoxThere
from linli.server.kernel import ids
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound
from linli.server.privacy import actions as privacy

OPENERS = (Role.GUARD, Role.PROPERTY, Role.ESTATE_ADMIN)
# An answer that was given in time may still be on its way.
GRACE = timedelta(seconds=10)
NIGHTLY = "nightly compare"


def open_gate(*, actor: Actor, gate: str, reason: str, now: datetime) -> CommandView:
    """This will ask a gate to open, on record and with a reason; after twenty seconds nobody does it any more.

    Refuses with `ReasonNeeded`, `NotFound`, or `NoBoxThere`.
    """
    return _ask(actor, gate, CommandKind.OPEN, reason, now)


def release_gate(*, actor: Actor, gate: str, reason: str, now: datetime) -> CommandView:
    """This will ask a gate to work as usual again after a fire alarm. Refuses like `open_gate`."""
    return _ask(actor, gate, CommandKind.RELEASE, reason, now)


def ask_for_listing(*, actor: Actor, gate: str, reason: str, now: datetime) -> CommandView:
    """This will have the devices of a gate give their own lists. Refuses like `open_gate`."""
    return _ask(actor, gate, CommandKind.LISTING, reason, now)


def ask_for_compare(*, actor: Actor, gate: str, reason: str, now: datetime) -> CommandView:
    """This will have the devices of a gate read back, compared and repaired. Refuses like `open_gate`."""
    return _ask(actor, gate, CommandKind.COMPARE, reason, now)


def ask_for_compares(*, actor: Actor, now: datetime) -> int:
    """This will ask every box to compare each of its gates that has a device, and return how many gates (a timer's work); twice is once."""
    actor.require(Role.SYSTEM)
    with transaction.atomic():
        waiting = GateCommand.objects.filter(
            estate_id=actor.estate_id, kind=CommandKind.COMPARE, done_at__isnull=True, expires_at__gt=now
        ).values_list("gate", flat=True)
        gates = (
            Gate.objects.select_for_update(of=("self",))
            .filter(
                estate_id=actor.estate_id,
                box__isnull=False,
                box__retired_at__isnull=True,
                id__in=Gate.objects.filter(estate_id=actor.estate_id, terminals__enabled=True).values("id"),
            )
            .order_by("code")
        )
        found = list(gates)
        already = set(waiting)
        asked = [_command(actor, gate, CommandKind.COMPARE, NIGHTLY, now) for gate in found if gate.code not in already]
        GateCommand.objects.bulk_create(asked)
        for box_id in sorted({command.box_id for command in asked}):
            _wake(actor.estate_id, next(command.gate for command in asked if command.box_id == box_id))
    return len(asked)


def record_command_reply(*, box: BoxView, command_id: str, reply: CommandReply, now: datetime) -> CommandView:
    """This will keep what a box says came of a command; twice is once. Refuses with `NotFound` for another box's.

    What the box really did counts more than our impatience: its word replaces an expiry that only we had noted.
    """
    with transaction.atomic():
        row = (
            GateCommand.objects.select_for_update()
            .filter(estate_id=box.estate_id, box_id=box.id, id=command_id)
            .first()
        )
        if row is None:
            raise NotFound
        if row.done_at is None or (row.outcome == CommandOutcome.EXPIRED and not row.words):
            row.outcome, row.done_at = reply.outcome.value, now
            row.words = _words(row, reply, now)
            row.save(update_fields=["outcome", "words", "done_at"])
    note_seen(box=box, now=now)
    return view(row)


def close_expired_commands(*, actor: Actor, now: datetime) -> int:
    """This will close what nobody did in time, and return how many there were (a timer's work)."""
    actor.require(Role.SYSTEM)
    late = Q(estate_id=actor.estate_id, done_at__isnull=True, expires_at__lt=now - GRACE)
    return GateCommand.objects.filter(late).update(outcome=CommandOutcome.EXPIRED.value, done_at=now)


def _ask(actor: Actor, gate: str, kind: CommandKind, reason: str, now: datetime) -> CommandView:
    actor.require(*OPENERS)
    why = rules.check_reason(reason)
    with transaction.atomic():
        found = Gate.objects.filter(estate_id=actor.estate_id, code=gate).first()
        if found is None:
            raise NotFound
        row = _command(actor, found, kind, why, now)
        row.save(force_insert=True)
        _wake(actor.estate_id, found.code)
        privacy.record(
            actor=actor, verb=f"{kind.value.lower()}_gate", subject=gate, fields=[row.id], reason=why, now=now
        )
    return view(row)


def _command(actor: Actor, gate: Gate, kind: CommandKind, why: str, now: datetime) -> GateCommand:
    if gate.box_id is None:
        raise NoBoxThere
    return GateCommand(
        id=ids.new("command"),
        estate_id=actor.estate_id,
        box_id=gate.box_id,
        gate=gate.code,
        kind=kind.value,
        asked_by=actor.id,
        why=why,
        asked_at=now,
        expires_at=now + rules.COMMAND_LASTS[kind],
    )


def _wake(estate_id: str, gate: str) -> None:
    tell_after_commit(channel=SNAPSHOT_CHANNEL, estate_id=estate_id, event="command", body={"gate": gate})


def _words(row: GateCommand, reply: CommandReply, now: datetime) -> str:
    """Of a compare, say also how the devices stand by what they have told since."""
    told = reply.words.replace("\0", "")
    if row.kind != CommandKind.COMPARE or reply.outcome is not CommandOutcome.DONE:
        return told[:200]
    drifts = list_drift(estate_id=row.estate_id, gate=row.gate, now=now)
    counts = {
        name: sum(getattr(one, name) for one in drifts) for name in ("missing", "surplus", "outdated", "strangers")
    }
    stands = ", ".join(f"{name} {count}" for name, count in counts.items())
    return f"{told[:120]}; {stands}" if told else stands
