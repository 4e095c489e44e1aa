"""What is stored of the doors: gates and the boxes that serve them, passes by snapshot version, receipts, and the gates' journals.

A version is a change of the estate's list of passes and gates. `SnapshotCounter` hands versions out in commit order, so that whoever
has read up to version V has missed nothing that is committed.
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from linli.gate.snapshot import FailMode, PassState
from linli.server.access import rules


class SnapshotCounter(models.Model):
    """The version at which one estate's list of passes and gates stands."""

    estate_id = models.CharField(max_length=40)
    version = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["estate_id"], name="an_estate_has_one_snapshot_version")]


class DoorGroup(models.Model):
    """Doors that open to the same passes: the estate gates, the garage, one entrance of a building, later one flat's lock."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=16)
    name_zh = models.CharField(max_length=80)
    name_en = models.CharField(max_length=80)
    entrance = models.ForeignKey("places.Entrance", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "number"], name="a_door_group_number_is_given_once"),
            models.UniqueConstraint(fields=["estate_id", "entrance"], name="an_entrance_has_one_door_group"),
            models.CheckConstraint(
                condition=models.Q(number__gte=1, number__lte=rules.LAST_GROUP), name="a_door_group_number_fits_a_pass"
            ),
            models.CheckConstraint(
                condition=models.Q(kind=rules.DoorKind.ENTRANCE, entrance__isnull=False)
                | ~models.Q(kind=rules.DoorKind.ENTRANCE) & models.Q(entrance__isnull=True),
                name="an_entrance_group_names_its_entrance",
            ),
        ]


class Box(models.Model):
    """One agent installation with its own key; it serves one gate or all of an estate. Of the key only the digest is kept."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    secret_sha256 = models.BinaryField(max_length=32)
    # A box that was given more doors has missed what changed there before; a reader behind this version is sent everything.
    whole_since = models.BigIntegerField(default=0)
    enrolled_at = models.DateTimeField()
    last_seen_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["estate_id", "id"], name="a_box_belongs_to_one_estate")]


class Gate(models.Model):
    """One access point (门禁点) and what it does when it knows too little."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    code = models.CharField(max_length=16)
    name_zh = models.CharField(max_length=80)
    name_en = models.CharField(max_length=80)
    kind = models.CharField(max_length=16)
    groups = ArrayField(models.IntegerField())
    box = models.ForeignKey(Box, on_delete=models.PROTECT, null=True, related_name="gates")
    fail_mode = models.CharField(max_length=12, default=FailMode.LISTED.value)
    max_age_s = models.PositiveIntegerField(default=86_400)
    strike_s = models.PositiveSmallIntegerField(default=5)
    version = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "code"], name="a_gate_code_is_given_once"),
            models.CheckConstraint(condition=models.Q(groups__len__gte=1), name="a_gate_belongs_to_a_door_group"),
        ]


class Pass(models.Model):
    """A right to pass certain doors for a period (通行授权), held by whoever its origin says.

    `groups` are the doors it opens now, `told` all it ever opened: a gate that once knew of it must hear that it no longer counts there.
    `told_until` is the latest end any gate was ever told: until then an offline gate may hold an older entry, and the pass stays listed.
    """

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    purpose = models.ForeignKey("privacy.Purpose", on_delete=models.PROTECT, related_name="+")
    serial = models.BigIntegerField()
    holder_kind = models.CharField(max_length=16)
    holder_id = models.CharField(max_length=40)
    origin_kind = models.CharField(max_length=16)
    origin_id = models.CharField(max_length=40)
    groups = ArrayField(models.IntegerField())
    told = ArrayField(models.IntegerField())
    start = models.DateTimeField()
    end = models.DateTimeField()
    told_until = models.DateTimeField()
    state = models.CharField(max_length=12, default=PassState.ACTIVE.value)
    static = models.BooleanField(default=False)
    override = models.BooleanField(default=False)
    version = models.BigIntegerField()
    reason = models.CharField(max_length=200, default="")
    granted_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    first_used_at = models.DateTimeField(null=True)
    unlisted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "serial"], name="a_pass_serial_is_drawn_once"),
            models.CheckConstraint(condition=models.Q(serial__gt=0), name="a_pass_serial_is_positive"),
            models.CheckConstraint(condition=models.Q(start__lt=models.F("end")), name="a_pass_ends_after_it_starts"),
            models.CheckConstraint(
                condition=models.Q(groups__len__gte=1, groups__len__lte=rules.MOST_GROUPS),
                name="a_pass_opens_one_to_four_door_groups",
            ),
            models.CheckConstraint(
                condition=models.Q(told__contains=models.F("groups"), told_until__gte=models.F("end")),
                name="a_gate_is_told_of_every_pass_it_may_open_to",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=[state.value for state in PassState]),
                name="a_pass_is_active_suspended_or_revoked",
            ),
        ]
        indexes = [
            models.Index(
                fields=["estate_id", "version"],
                condition=models.Q(unlisted_at__isnull=True),
                name="listed_passes_by_version",
            ),
            models.Index(
                fields=["estate_id", "told_until"],
                condition=models.Q(unlisted_at__isnull=True),
                name="listed_passes_by_end",
            ),
            models.Index(fields=["estate_id", "origin_id"], name="passes_by_origin"),
            models.Index(fields=["estate_id", "holder_id"], name="passes_by_holder"),
        ]


class BoxReceipt(models.Model):
    """A box's word that these gates decide by this version: `applied_at` by its clock, `receipted_at` by ours."""

    id = models.BigAutoField(primary_key=True)
    estate_id = models.CharField(max_length=40)
    box = models.ForeignKey(Box, on_delete=models.PROTECT, related_name="receipts")
    version = models.BigIntegerField()
    gates = ArrayField(models.CharField(max_length=16))
    applied_at = models.DateTimeField()
    receipted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "box", "version", "applied_at"], name="a_receipt_is_taken_once"
            )
        ]
        indexes = [BrinIndex(fields=["receipted_at"], name="receipts_by_age")]


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
        indexes = [BrinIndex(fields=["happened_at"], name="gate_events_by_time", pages_per_range=32)]


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
