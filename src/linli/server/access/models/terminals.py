"""What is stored of terminals: the devices at the gates, what each is known to hold, alarms, and what a box was asked to do."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from linli.server.access.models.doors import Box, Gate


class Terminal(models.Model):
    """One device at a gate, with how to reach it and what its box last said of it; its secret is sealed."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    code = models.CharField(max_length=16)
    gate = models.ForeignKey(Gate, on_delete=models.PROTECT, related_name="terminals")
    make = models.CharField(max_length=16)
    model = models.CharField(max_length=40, default="")
    settings = models.JSONField(default=dict)
    sealed_secret = models.BinaryField(max_length=600, default=b"")
    enabled = models.BooleanField(default=True)
    version = models.BigIntegerField()
    added_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)
    firmware = models.CharField(max_length=40, default="")
    drift_ms = models.BigIntegerField(null=True)
    # The device's own list, as it was last read back: which passes it would open to.
    listing = ArrayField(models.BigIntegerField(), default=list)
    listing_checksum = models.CharField(max_length=64, default="")
    # People the device knows and we do not: whoever put them there did it behind our back.
    listing_unknown = models.PositiveIntegerField(default=0)
    listed_at = models.DateTimeField(null=True)
    trouble = models.CharField(max_length=200, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "code"], name="a_terminal_code_is_given_once"),
            models.CheckConstraint(
                condition=models.Q(make__in=["httpv2", "isapi", "ttlock", "camera", "simulated"]),
                name="a_terminal_is_of_a_known_make",
            ),
        ]


class TerminalPerson(models.Model):
    """Whether one terminal holds one pass as it should: PENDING, OK, FAILED with its trouble, REMOVED."""

    id = models.BigAutoField(primary_key=True)
    estate_id = models.CharField(max_length=40)
    terminal = models.ForeignKey(Terminal, on_delete=models.PROTECT, related_name="people")
    serial = models.BigIntegerField()
    state = models.CharField(max_length=8)
    trouble = models.CharField(max_length=20, default="")
    words = models.CharField(max_length=120, default="")
    version = models.BigIntegerField()
    changed_at = models.DateTimeField()
    told_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "terminal", "serial"], name="a_terminal_holds_a_pass_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=["PENDING", "OK", "FAILED", "REMOVED"]),
                name="a_pass_at_a_terminal_is_in_a_known_state",
            ),
        ]
        indexes = [
            models.Index(fields=["estate_id", "serial"], name="terminals_by_pass"),
            # The board counts what is amiss on every look; a million passes that stand as they should are not looked at.
            models.Index(
                fields=["terminal", "state"],
                condition=models.Q(state__in=["PENDING", "FAILED"]),
                name="passes_amiss_at_terminals",
            ),
        ]


class GateAlarm(models.Model):
    """A door that complains: forced, held open, tampered with, offline, low on battery, fire. It stays until it is over.

    `sequence` is the line of the gate's journal with which it began; None for a silence, which only we can notice.
    """

    id = models.BigAutoField(primary_key=True)
    estate_id = models.CharField(max_length=40)
    gate = models.CharField(max_length=16)
    source = models.CharField(max_length=40)
    kind = models.CharField(max_length=12)
    words = models.CharField(max_length=80, default="")
    sequence = models.BigIntegerField(null=True)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    seen_by = models.CharField(max_length=80, default="")
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "gate", "source", "kind"],
                condition=models.Q(ended_at__isnull=True),
                name="an_alarm_rings_once_until_it_is_over",
            ),
            models.UniqueConstraint(
                fields=["estate_id", "gate", "source", "kind", "sequence"], name="a_line_begins_one_alarm"
            ),
        ]
        indexes = [models.Index(fields=["estate_id", "-began_at"], name="alarms_newest_first")]


class GateCommand(models.Model):
    """What somebody asked a gate to do from afar, why, and what came of it; after its time nobody may do it any more."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    box = models.ForeignKey(Box, on_delete=models.PROTECT, related_name="+")
    gate = models.CharField(max_length=16)
    kind = models.CharField(max_length=12)
    asked_by = models.CharField(max_length=80)
    why = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    outcome = models.CharField(max_length=12, default="")
    words = models.CharField(max_length=200, default="")
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "id"], name="a_command_belongs_to_one_estate"),
            models.CheckConstraint(condition=~models.Q(why=""), name="a_command_says_why"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["OPEN", "RELEASE", "LISTING", "COMPARE"]),
                name="a_command_is_of_a_known_kind",
            ),
        ]
        indexes = [
            models.Index(
                fields=["box", "asked_at"], condition=models.Q(done_at__isnull=True), name="open_commands_by_box"
            )
        ]
