"""What is stored of reports, and what can never be false: each is in one named state, and who waits says why and for whom.

A report keeps the stay's and the person's id as text and not as a foreign key: what was told to an authority is evidence with a
term of its own, and must not hang on the rows it speaks of.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from linli.server.connectors.rules import STUCK, UNFINISHED, MessageKind, Reason, ReportState

MOVING = [state.value for state in UNFINISHED]
WAITING_FOR_SOMEBODY = [state.value for state in STUCK]


class Report(models.Model):
    """One message to one platform about one guest's stay, from the event that made it due to its receipt."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    platform = models.CharField(max_length=20)
    kind = models.CharField(max_length=20)
    stay_id = models.CharField(max_length=40)
    person_id = models.CharField(max_length=40)
    operator_id = models.CharField(max_length=40)
    unit_label = models.CharField(max_length=80)
    sequence = models.PositiveIntegerField()
    happened_at = models.DateTimeField()
    why = models.CharField(max_length=100, default="")
    belongs = models.CharField(max_length=10)
    message_id = models.CharField(max_length=60)
    edition = models.PositiveSmallIntegerField(default=1)
    fields = ArrayField(models.CharField(max_length=40), default=list)
    body = models.BinaryField(null=True)
    state = models.CharField(max_length=10)
    reason = models.CharField(max_length=30, default="")
    owner = models.CharField(max_length=60, default="")
    code = models.CharField(max_length=40, default="")
    field = models.CharField(max_length=40, default="")
    receipt = models.CharField(max_length=40, default="")
    attempts = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    nonsense = models.PositiveIntegerField(default=0)
    in_doubt = models.BooleanField(default=False)
    disclosed = models.BooleanField(default=False)
    next_try_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    queued_at = models.DateTimeField()
    pending_since = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    alarm_at = models.DateTimeField()
    due_at = models.DateTimeField()
    alarmed_at = models.DateTimeField(null=True)
    breached_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "message_id"], name="a_message_id_is_used_for_one_report"),
            models.UniqueConstraint(
                fields=["estate_id", "platform", "stay_id", "sequence"], name="the_messages_of_a_stay_stand_in_order"
            ),
            models.UniqueConstraint(
                fields=["estate_id", "platform", "stay_id", "kind", "happened_at"],
                name="an_event_is_reported_once_to_a_platform",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=[state.value for state in ReportState]),
                name="every_report_is_in_one_named_state",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=[kind.value for kind in MessageKind]), name="a_report_has_a_known_kind"
            ),
            models.CheckConstraint(
                condition=~models.Q(state=ReportState.ACCEPTED.value)
                | (~models.Q(receipt="") & models.Q(accepted_at__isnull=False)),
                name="accepted_means_there_is_a_receipt",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=WAITING_FOR_SOMEBODY)
                | (~models.Q(reason=Reason.NONE.value) & ~models.Q(owner="")),
                name="what_waits_for_somebody_says_why_and_for_whom",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=ReportState.SENDING.value) | models.Q(lease_until__isnull=False),
                name="who_sends_holds_a_lease",
            ),
            models.CheckConstraint(
                condition=models.Q(body__isnull=False) | models.Q(state=ReportState.PARKED.value),
                name="nothing_moves_that_was_not_written",
            ),
        ]
        indexes = [
            models.Index(
                fields=["platform", "next_try_at"], condition=models.Q(state__in=MOVING), name="report_on_its_way"
            ),
            models.Index(
                fields=["alarm_at"],
                condition=~models.Q(state=ReportState.ACCEPTED.value) & models.Q(breached_at__isnull=True),
                name="report_by_deadline",
            ),
            models.Index(fields=["estate_id", "state", "-queued_at"], name="report_by_state"),
            models.Index(fields=["estate_id", "person_id"], name="report_by_person"),
        ]


class Attempt(models.Model):
    """One exchange with a platform about one report: what was asked, what came back, sealed; a report has as many as it took."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="exchanges")
    number = models.PositiveIntegerField()
    message_id = models.CharField(max_length=60)
    asked = models.BooleanField()
    verdict = models.CharField(max_length=16)
    status = models.PositiveSmallIntegerField(null=True)
    code = models.CharField(max_length=40, default="")
    seconds = models.FloatField()
    request = models.BinaryField(null=True)
    answer = models.BinaryField(null=True)
    ended_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "report", "number"], name="a_report_counts_its_attempts"),
        ]


class Link(models.Model):
    """One platform as one estate uses it: switched off by a person or not, and since when it has been failing."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    platform = models.CharField(max_length=20)
    paused_at = models.DateTimeField(null=True)
    paused_by = models.CharField(max_length=80, default="")
    pause_reason = models.CharField(max_length=200, default="")
    failing_since = models.DateTimeField(null=True)
    failing_with = models.CharField(max_length=30, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "platform"], name="an_estate_has_one_link_to_a_platform"),
            models.CheckConstraint(
                condition=models.Q(paused_at__isnull=True) | ~models.Q(pause_reason=""), name="a_pause_has_a_reason"
            ),
        ]
