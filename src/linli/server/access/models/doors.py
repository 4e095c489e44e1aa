"""What is stored of the doors: their groups, the gates, the boxes that serve them and what they said of the list.

A version is a change of the estate's list of passes and gates. `SnapshotCounter` hands versions out in commit order, so that whoever
has read up to version V has missed nothing that is committed.
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from linli.gate.snapshot import FailMode, Pairing
from linli.server.access import rules


class SnapshotCounter(models.Model):
    """The version at which one estate's list of passes and gates stands."""

    estate_id = models.CharField(max_length=40)
    version = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["estate_id"], name="an_estate_has_one_snapshot_version")]


class DoorGroup(models.Model):
    """Doors that open to the same passes: the estate gates, the garage, one entrance of a building, one flat's lock, all that are common."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=16)
    name_zh = models.CharField(max_length=80)
    name_en = models.CharField(max_length=80)
    entrance = models.ForeignKey("places.Entrance", on_delete=models.PROTECT, null=True, related_name="+")
    dwelling = models.ForeignKey("places.Dwelling", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "number"], name="a_door_group_number_is_given_once"),
            models.UniqueConstraint(fields=["estate_id", "entrance"], name="an_entrance_has_one_door_group"),
            models.UniqueConstraint(fields=["estate_id", "dwelling"], name="a_flat_has_one_door_group"),
            models.UniqueConstraint(
                fields=["estate_id"],
                condition=models.Q(kind=rules.DoorKind.COMMON),
                name="an_estate_has_one_group_of_common_doors",
            ),
            models.CheckConstraint(
                condition=models.Q(number__gte=1, number__lte=rules.LAST_GROUP), name="a_door_group_number_fits_a_pass"
            ),
            models.CheckConstraint(
                condition=models.Q(kind=rules.DoorKind.ENTRANCE, entrance__isnull=False)
                | ~models.Q(kind=rules.DoorKind.ENTRANCE) & models.Q(entrance__isnull=True),
                name="an_entrance_group_names_its_entrance",
            ),
            models.CheckConstraint(
                condition=models.Q(kind=rules.DoorKind.DWELLING, dwelling__isnull=False)
                | ~models.Q(kind=rules.DoorKind.DWELLING) & models.Q(dwelling__isnull=True),
                name="a_lock_group_names_its_flat",
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
    # None named is every way; wherever the face is offered, another way is too.
    ways = ArrayField(models.CharField(max_length=8), default=list, blank=True)
    area = models.PositiveIntegerField(default=0)
    pairing = models.CharField(max_length=8, default=Pairing.OFF.value)
    most_inside = models.PositiveIntegerField(default=0)
    face_threshold = models.PositiveSmallIntegerField(default=550)
    face_margin = models.PositiveSmallIntegerField(default=50)
    face_frames = models.PositiveSmallIntegerField(default=3)
    face_gallery_cap = models.PositiveIntegerField(default=200)
    face_head_turn = models.BooleanField(default=False)
    face_report = models.CharField(max_length=64, default="", blank=True)
    version = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "code"], name="a_gate_code_is_given_once"),
            models.CheckConstraint(condition=models.Q(groups__len__gte=1), name="a_gate_belongs_to_a_door_group"),
            models.CheckConstraint(condition=~models.Q(ways=["FACE"]), name="a_face_is_never_the_only_way_in"),
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
