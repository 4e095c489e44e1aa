"""What is stored of the gates' journals: each line that holds, what is missing, what did not hold, and the counts that remain."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from linli.server.access import rules


class JournalHead(models.Model):
    """How far one gate's journal has come in: its highest sequence and the hash of that line. Ingest locks this row."""

    id = models.BigAutoField(primary_key=True)
    estate_id = models.CharField(max_length=40)
    gate = models.CharField(max_length=16)
    sequence = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["estate_id", "gate"], name="a_gate_has_one_journal")]


class JournalGap(models.Model):
    """Lines of a gate's journal, first to last, that have not come in; closed when they have, or when part of them split it."""

    id = models.BigAutoField(primary_key=True)
    estate_id = models.CharField(max_length=40)
    gate = models.CharField(max_length=16)
    first = models.BigIntegerField()
    last = models.BigIntegerField()
    found_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "gate", "first"],
                condition=models.Q(closed_at__isnull=True),
                name="an_open_gap_is_noted_once",
            ),
            models.CheckConstraint(condition=models.Q(first__lte=models.F("last")), name="a_gap_is_one_line_or_more"),
        ]


class JournalFault(models.Model):
    """What did not hold in a gate's journal. A line that cannot be believed is kept here, apart from the events, as it came."""

    id = models.BigAutoField(primary_key=True)
    estate_id = models.CharField(max_length=40)
    box_id = models.CharField(max_length=40)
    gate = models.CharField(max_length=16)
    sequence = models.BigIntegerField()
    why = models.CharField(max_length=16)
    line = models.BinaryField(max_length=rules.LONGEST_LINE)
    digest = models.BinaryField(max_length=32)
    found_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "box_id", "why", "digest"], name="a_faulty_line_is_kept_once"),
        ]
        indexes = [models.Index(fields=["estate_id", "-id"], name="journal_faults_newest_first")]


class GateEvent(models.Model):
    """One line of a gate's journal that holds: what happened at a door, when by the gate's clock, and when it came in.

    No foreign keys: 40,000 lines a second come in here. The gate's code is checked against the box's own gates on the way in.
    """

    pk = models.CompositePrimaryKey("estate_id", "gate", "sequence")
    estate_id = models.CharField(max_length=40)
    gate = models.CharField(max_length=16)
    sequence = models.BigIntegerField()
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField()
    clock_sure = models.BooleanField()
    method = models.CharField(max_length=16)
    direction = models.CharField(max_length=3)
    opened = models.BooleanField()
    reason = models.CharField(max_length=32)
    serial = models.BigIntegerField(null=True)
    snapshot_version = models.BigIntegerField()
    note = models.CharField(max_length=80)
    prev = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    class Meta:
        indexes = [
            BrinIndex(fields=["happened_at"], name="gate_events_by_time", pages_per_range=32),
            models.Index(
                fields=["estate_id", "gate", "sequence"], condition=models.Q(method="ALARM"), name="alarm_lines_by_gate"
            ),
        ]


class PassageCount(models.Model):
    """What remains of gate events past their ninety days: how many, by gate, local day and outcome; nobody in particular."""

    id = models.BigAutoField(primary_key=True)
    estate_id = models.CharField(max_length=40)
    gate = models.CharField(max_length=16)
    date = models.DateField()
    method = models.CharField(max_length=16)
    direction = models.CharField(max_length=3)
    reason = models.CharField(max_length=32)
    opened = models.BooleanField()
    passages = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "gate", "date", "method", "direction", "reason", "opened"],
                name="passages_are_counted_once",
            )
        ]
