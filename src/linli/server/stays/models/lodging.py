"""What is stored of stays, and what can never be false: a bed is let once at a time, and sleeps one guest of a booking."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models

from linli.server.stays.rules.states import OPEN_STAYS, BookingState, ReportState, StayState


class Booking(models.Model):
    """Who reserved what and when: one booker, many guests."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    unit = models.ForeignKey("lettings.Unit", on_delete=models.PROTECT, related_name="+")
    purpose = models.ForeignKey("privacy.Purpose", on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(max_length=20)
    channel_ref = models.CharField(max_length=80, null=True)
    booker_name = models.BinaryField(null=True)
    booker_phone = models.BinaryField(null=True)
    booker_masked = models.CharField(max_length=80, default="")
    arrive_at = models.DateTimeField()
    leave_at = models.DateTimeField()
    guests_expected = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=12, default=BookingState.BOOKED)
    link_version = models.PositiveSmallIntegerField(default=0)
    booked_by = models.CharField(max_length=80)
    booked_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "channel", "channel_ref"], name="an_order_is_booked_once"),
            models.CheckConstraint(
                condition=models.Q(arrive_at__lt=models.F("leave_at")), name="guests_leave_after_they_arrive"
            ),
            models.CheckConstraint(condition=models.Q(guests_expected__gte=1), name="a_booking_expects_somebody"),
            models.CheckConstraint(
                condition=models.Q(state__in=list(BookingState)), name="a_booking_is_in_a_known_state"
            ),
        ]
        indexes = [
            models.Index(fields=["estate_id", "arrive_at"], name="booking_by_arrival"),
            models.Index(fields=["estate_id", "unit", "arrive_at"], name="booking_by_unit"),
        ]


class BedHold(models.Model):
    """A bed that a booking holds for a period; released beds stay as history."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="holds")
    room = models.ForeignKey("places.Room", on_delete=models.PROTECT, related_name="+")
    bed = models.ForeignKey("places.Bed", on_delete=models.PROTECT, related_name="+")
    period = DateTimeRangeField()
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="bed_is_let_once_at_a_time",
                expressions=[
                    ("estate_id", RangeOperators.EQUAL),
                    ("bed", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ],
                condition=models.Q(released_at__isnull=True),
            ),
            models.UniqueConstraint(fields=["estate_id", "id"], name="a_hold_belongs_to_one_estate"),
            models.CheckConstraint(condition=models.Q(period__isempty=False), name="a_hold_lasts"),
        ]


class Stay(models.Model):
    """One guest's stay under a booking: where they sleep, how sure we are who they are, and where the report stands."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="stays")
    unit = models.ForeignKey("lettings.Unit", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    document = models.ForeignKey("people.Document", on_delete=models.PROTECT, related_name="+")
    purpose = models.ForeignKey("privacy.Purpose", on_delete=models.PROTECT, related_name="+")
    room = models.ForeignKey("places.Room", on_delete=models.PROTECT, related_name="+")
    bed = models.ForeignKey("places.Bed", on_delete=models.PROTECT, null=True, related_name="+")
    access_pass = models.ForeignKey("access.Pass", on_delete=models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=12, default=StayState.REGISTERED)
    guest_masked = models.CharField(max_length=80)
    belongs = models.CharField(max_length=10)
    age = models.CharField(max_length=8)
    minor = models.BooleanField()
    document_masked = models.CharField(max_length=40)
    level = models.PositiveSmallIntegerField()
    eyes = ArrayField(models.CharField(max_length=80), default=list)
    paper = models.CharField(max_length=12)
    company = models.CharField(max_length=12)
    elsewhere = models.CharField(max_length=12, default="no")
    overlap_reason = models.CharField(max_length=120, default="")
    decision_row = models.PositiveSmallIntegerField()
    decision_result = models.CharField(max_length=8)
    duties = ArrayField(models.CharField(max_length=30), default=list)
    relation_to_booker = models.CharField(max_length=60, default="")
    house_rules_version = models.CharField(max_length=20)
    notice_version = models.CharField(max_length=20)
    arrive_at = models.DateTimeField()
    leave_at = models.DateTimeField()
    registered_at = models.DateTimeField()
    registered_by = models.CharField(max_length=80)
    arrived_at = models.DateTimeField(null=True)
    checked_in_at = models.DateTimeField(null=True)
    checked_out_at = models.DateTimeField(null=True)
    presumed_left = models.BooleanField(default=False)
    report_state = models.CharField(max_length=10, default=ReportState.NONE)
    receipt = models.CharField(max_length=80, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "booking", "bed"],
                condition=models.Q(state__in=OPEN_STAYS),
                name="a_bed_sleeps_one_guest_of_a_booking",
            ),
            models.UniqueConstraint(
                fields=["estate_id", "booking", "person"],
                condition=models.Q(state__in=OPEN_STAYS),
                name="a_guest_is_registered_once_in_a_booking",
            ),
            models.CheckConstraint(condition=models.Q(state__in=list(StayState)), name="a_stay_is_in_a_known_state"),
            models.CheckConstraint(
                condition=models.Q(report_state__in=list(ReportState)), name="a_report_is_in_a_named_state"
            ),
            models.CheckConstraint(
                condition=~models.Q(state=StayState.IN_HOUSE)
                | models.Q(checked_in_at__isnull=False, access_pass__isnull=False),
                name="whoever_is_in_the_house_came_in_with_a_pass",
            ),
            models.CheckConstraint(
                condition=models.Q(checked_in_at__isnull=True) | ~models.Q(report_state=ReportState.NONE),
                name="whoever_came_in_is_never_silent",
            ),
            models.CheckConstraint(
                condition=models.Q(state=StayState.REGISTERED)
                | ~models.Q(state__in=[StayState.VERIFIED, StayState.IN_HOUSE])
                | models.Q(level__gte=2),
                name="nobody_passes_below_level_two",
            ),
        ]
        indexes = [
            models.Index(fields=["estate_id", "arrive_at", "state"], name="stay_by_arrival"),
            models.Index(fields=["estate_id", "person", "leave_at"], name="stay_by_person"),
            models.Index(
                fields=["estate_id", "leave_at"], condition=models.Q(state__in=OPEN_STAYS), name="open_stay_by_end"
            ),
            models.Index(
                fields=["estate_id", "unit"], condition=models.Q(state__in=OPEN_STAYS), name="open_stay_by_unit"
            ),
            models.Index(
                fields=["estate_id", "report_state"],
                condition=~models.Q(report_state__in=[ReportState.NONE, ReportState.ACCEPTED]),
                name="stay_with_open_report",
            ),
        ]


class GuardianContact(models.Model):
    """A minor's guardian, sealed; read by police and child protection, hidden from the operator after check-out (五必须)."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    stay = models.ForeignKey(Stay, on_delete=models.PROTECT, related_name="guardians")
    purpose = models.ForeignKey("privacy.Purpose", on_delete=models.PROTECT, related_name="+")
    name = models.BinaryField()
    name_masked = models.CharField(max_length=80)
    phone = models.BinaryField()
    phone_masked = models.CharField(max_length=24)
    relation = models.CharField(max_length=30)
    answer = models.CharField(max_length=12)
    called_at = models.DateTimeField(null=True)
    called_by = models.CharField(max_length=80, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "stay"], name="a_minor_has_one_guardian_contact_a_stay")
        ]


class BenchReader(models.Model):
    """A document reader on a desk whose signature the estate trusts: its Ed25519 public key, 32 raw bytes."""

    estate_id = models.CharField(max_length=40)
    reader_id = models.CharField(max_length=40)
    public_key = models.BinaryField(max_length=32)
    enrolled_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["estate_id", "reader_id"], name="a_reader_is_enrolled_once")]


class HouseRules(models.Model):
    """The house rules guests accept, by version, in both languages; a new text is a new version."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    version = models.CharField(max_length=20)
    zh = ArrayField(models.CharField(max_length=300))
    en = ArrayField(models.CharField(max_length=300))
    in_force_from = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "version"], name="house_rules_have_one_text_a_version")
        ]


class StayPolicy(models.Model):
    """The terms for stays in minutes, with their legal source; the newest row in force counts."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    grace_before_minutes = models.PositiveIntegerField()
    grace_after_minutes = models.PositiveIntegerField()
    auto_close_after_minutes = models.PositiveIntegerField()
    no_show_after_minutes = models.PositiveIntegerField()
    source = models.TextField()
    in_force_from = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["estate_id", "in_force_from"], name="one_stay_policy_at_a_time")]
