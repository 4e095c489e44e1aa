"""What is stored of a right to pass: the pass, what proves it, and the policy it was granted under."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from linli.gate.snapshot import PassState
from linli.server.access import rules


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
    # The flat it belongs to, where it belongs to one: a lock that is fitted there later opens to it too.
    dwelling = models.ForeignKey("places.Dwelling", on_delete=models.PROTECT, null=True, related_name="+")
    groups = ArrayField(models.IntegerField())
    told = ArrayField(models.IntegerField())
    start = models.DateTimeField()
    end = models.DateTimeField()
    told_until = models.DateTimeField()
    state = models.CharField(max_length=12, default=PassState.ACTIVE.value)
    static = models.BooleanField(default=False)
    hours = models.PositiveIntegerField(default=0)
    uses = models.PositiveIntegerField(default=0)
    # What stands on paper and what a guard types: eight letters and digits, drawn apart from the serial.
    number = models.CharField(max_length=9, default="")
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
            models.UniqueConstraint(
                fields=["estate_id", "number"], condition=~models.Q(number=""), name="a_pass_number_is_drawn_once"
            ),
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
            # Whoever lives here is compared with these every minute; a million stays are not looked at.
            models.Index(
                fields=["estate_id", "origin_id"],
                condition=models.Q(origin_kind__in=["residency", "contract"]),
                name="passes_that_last",
            ),
        ]


class Credential(models.Model):
    """What proves a pass besides its code: a card, a PIN, an identity card, a face. Taken back, it stays to say so to late gates.

    `index` is the keyed blind index of the value, by which it is found and kept apart; the value itself is sealed. An identity
    number is not kept at all: `value` is then the digest that gates compare. `label` is what people see: the last digits.
    """

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    purpose = models.ForeignKey("privacy.Purpose", on_delete=models.PROTECT, related_name="+")
    bearer = models.ForeignKey(Pass, on_delete=models.PROTECT, related_name="credentials")
    kind = models.CharField(max_length=8)
    index = models.BinaryField(max_length=32)
    sealed = models.BinaryField(max_length=400)
    label = models.CharField(max_length=16)
    live = models.BooleanField(default=True)
    version = models.BigIntegerField()
    issued_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "kind", "index"],
                condition=models.Q(live=True),
                name="a_card_pin_or_face_proves_one_pass_at_a_time",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["CARD", "PIN", "IDCARD", "FACE"]), name="a_credential_is_of_a_known_kind"
            ),
            models.CheckConstraint(
                condition=models.Q(live=True, ended_at__isnull=True) | models.Q(live=False, ended_at__isnull=False),
                name="a_credential_that_ended_says_when",
            ),
        ]
        indexes = [
            models.Index(fields=["estate_id", "version"], name="credentials_by_version"),
            models.Index(fields=["bearer"], name="credentials_by_pass"),
        ]


class HolderTerms(models.Model):
    """On what terms one kind of holder gets a pass from a day on (appendix A4); earlier rows stay as history.

    `longest_minutes` 0 is as long as its origin lasts; `ends_by` is a minute of the local day that no pass of the kind outlasts.
    """

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    holder_kind = models.CharField(max_length=16)
    doors = ArrayField(models.CharField(max_length=16))
    early_minutes = models.PositiveIntegerField(default=0)
    late_minutes = models.PositiveIntegerField(default=0)
    longest_minutes = models.PositiveIntegerField(default=0)
    ends_by = models.PositiveSmallIntegerField(null=True)
    review_days = models.PositiveIntegerField(default=0)
    hours = models.PositiveIntegerField(default=0)
    uses = models.PositiveIntegerField(default=0)
    ways = ArrayField(models.CharField(max_length=8))
    source = models.CharField(max_length=300)
    in_force_from = models.DateTimeField()
    decided_by = models.CharField(max_length=80)
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "holder_kind", "in_force_from"], name="terms_of_a_holder_begin_once_at_a_time"
            ),
            models.CheckConstraint(condition=models.Q(doors__len__gte=1), name="terms_name_a_door"),
            models.CheckConstraint(
                condition=models.Q(ways__len__gte=1) & ~models.Q(ways=["FACE"]),
                name="terms_offer_a_way_besides_the_face",
            ),
            models.CheckConstraint(condition=~models.Q(source=""), name="terms_name_their_source"),
        ]


class WeeklyHours(models.Model):
    """At which hours of the week a pass counts: rows of weekday (0 is Monday), first and last minute."""

    id = models.BigAutoField(primary_key=True)
    estate_id = models.CharField(max_length=40)
    number = models.PositiveIntegerField()
    name_zh = models.CharField(max_length=80)
    name_en = models.CharField(max_length=80)
    slots = models.JSONField()
    holidays = models.BooleanField(default=True)
    version = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "number"], name="a_weekly_table_number_is_given_once"),
            models.CheckConstraint(condition=models.Q(number__gt=0), name="a_weekly_table_number_is_positive"),
        ]


class HouseList(models.Model):
    """What every gate of an estate is told besides passes: its holidays and the key under which identity numbers are compared."""

    estate_id = models.CharField(primary_key=True, max_length=40)
    holidays = ArrayField(models.DateField(), default=list)
    sealed_pepper = models.BinaryField(max_length=400)
    version = models.BigIntegerField()


class VisitorInvitation(models.Model):
    """A resident or a guest asks somebody in: a link, the visitor's own word who he is, then a pass that ends by 23:00."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    purpose = models.ForeignKey("privacy.Purpose", on_delete=models.PROTECT, related_name="+")
    host_kind = models.CharField(max_length=16)
    host_id = models.CharField(max_length=40)
    entrance = models.ForeignKey("places.Entrance", on_delete=models.PROTECT, null=True, related_name="+")
    dwelling = models.ForeignKey("places.Dwelling", on_delete=models.PROTECT, null=True, related_name="+")
    where = models.CharField(max_length=80)
    start = models.DateTimeField()
    end = models.DateTimeField()
    sealed_name = models.BinaryField(max_length=600, null=True)
    sealed_phone = models.BinaryField(max_length=400, null=True)
    state = models.CharField(max_length=12)
    granted = models.ForeignKey(Pass, on_delete=models.PROTECT, null=True, related_name="+")
    invited_by = models.CharField(max_length=80)
    invited_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "granted"], name="a_visitor_pass_comes_of_one_invitation"),
            models.CheckConstraint(condition=models.Q(start__lt=models.F("end")), name="a_visit_ends_after_it_starts"),
            models.CheckConstraint(
                condition=models.Q(state__in=["INVITED", "ACCEPTED", "WITHDRAWN"]), name="a_visit_is_in_a_known_state"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="ACCEPTED") | models.Q(granted__isnull=False),
                name="an_accepted_visit_has_a_pass",
            ),
        ]
        indexes = [models.Index(fields=["estate_id", "host_id"], name="visits_by_host")]


class HealthOrder(models.Model):
    """The public-health mode, ordered by law for a time: without a basis, an end and an approver it cannot be on (P-29)."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    legal_basis = models.CharField(max_length=300)
    ordered_by = models.CharField(max_length=120)
    asked_by = models.CharField(max_length=80)
    approved_by = models.CharField(max_length=80)
    most_c10 = models.PositiveSmallIntegerField(default=0)
    code_wanted = models.BooleanField(default=False)
    holders = ArrayField(models.CharField(max_length=16), default=list)
    start = models.DateTimeField()
    end = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    purged_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id"], condition=models.Q(ended_at__isnull=True), name="one_health_order_at_a_time"
            ),
            models.CheckConstraint(condition=~models.Q(legal_basis=""), name="a_health_order_has_a_legal_basis"),
            models.CheckConstraint(condition=~models.Q(ordered_by=""), name="a_health_order_names_the_authority"),
            models.CheckConstraint(
                condition=~models.Q(approved_by=models.F("asked_by")) & ~models.Q(approved_by=""),
                name="a_health_order_is_approved_by_another",
            ),
            models.CheckConstraint(condition=models.Q(start__lt=models.F("end")), name="a_health_order_ends"),
        ]
