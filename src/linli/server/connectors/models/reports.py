"""What is stored of reports, and what can never be false: each is in one named state, and who waits says why and for whom.

A report keeps its subject's and the person's id as text and not as a foreign key: what was told to an authority is evidence with a
term of its own, and must not hang on the rows it speaks of.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from linli.server.connectors.rules import STUCK, UNFINISHED, MessageKind, Reason, ReportState, SubjectKind

MOVING = [state.value for state in UNFINISHED]
WAITING_FOR_SOMEBODY = [state.value for state in STUCK]


class Report(models.Model):
    """One message to one platform about one subject (a guest's stay, a visit, a flat, a door …), from what made it due to its receipt.

    `person_id` is empty when nobody's data is in it, `operator_id` when no operator answers for it; `terms` says which deadlines run.
    `ticket` is the platform's own number for what it has not decided yet.
    """

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    platform = models.CharField(max_length=20)
    kind = models.CharField(max_length=20)
    subject_kind = models.CharField(max_length=10)
    subject_id = models.CharField(max_length=60)
    person_id = models.CharField(max_length=40, default="")
    operator_id = models.CharField(max_length=40, default="")
    unit_label = models.CharField(max_length=80, default="")
    sequence = models.PositiveIntegerField()
    happened_at = models.DateTimeField()
    why = models.CharField(max_length=100, default="")
    terms = models.CharField(max_length=10)
    message_id = models.CharField(max_length=60)
    edition = models.PositiveSmallIntegerField(default=1)
    fields = ArrayField(models.CharField(max_length=40), default=list)
    body = models.BinaryField(null=True)
    state = models.CharField(max_length=10)
    reason = models.CharField(max_length=30, default="")
    owner = models.CharField(max_length=60, default="")
    code = models.CharField(max_length=40, default="")
    field = models.CharField(max_length=40, default="")
    receipt = models.CharField(max_length=60, default="")
    ticket = models.CharField(max_length=60, default="")
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
                fields=["estate_id", "platform", "subject_id", "sequence"],
                name="the_messages_of_a_subject_stand_in_order",
            ),
            models.UniqueConstraint(
                fields=["estate_id", "platform", "subject_id", "kind", "happened_at"],
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
                condition=models.Q(subject_kind__in=[kind.value for kind in SubjectKind]),
                name="a_report_is_about_a_known_kind_of_subject",
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
            models.Index(fields=["estate_id", "subject_id"], name="report_by_subject"),
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
    dialect = models.CharField(max_length=30, default="")
    seconds = models.FloatField()
    request = models.BinaryField(null=True)
    answer = models.BinaryField(null=True)
    ended_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "report", "number"], name="a_report_counts_its_attempts"),
        ]


class Hit(models.Model):
    """A platform said that somebody is sought (命中). It is for the police role alone, and changes nothing else in the estate."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    platform = models.CharField(max_length=20)
    report_id = models.CharField(max_length=40)
    subject_kind = models.CharField(max_length=10)
    subject_id = models.CharField(max_length=60)
    person_id = models.CharField(max_length=40)
    told_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    read_by = models.CharField(max_length=80, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "report_id"], name="a_report_is_hit_once"),
        ]


class Catalogued(models.Model):
    """What a platform was last told of a standing subject (a flat, a door, a resident): a digest, so that only changes are told."""

    estate_id = models.CharField(max_length=40)
    platform = models.CharField(max_length=20)
    subject_kind = models.CharField(max_length=10)
    subject_id = models.CharField(max_length=60)
    digest = models.CharField(max_length=64)
    gone = models.BooleanField(default=False)
    told_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "platform", "subject_kind", "subject_id"], name="a_subject_is_catalogued_once"
            ),
        ]


class PassageMark(models.Model):
    """How far a gate's journal has been told to a platform: every event up to it was queued, or was none of the platform's business."""

    estate_id = models.CharField(max_length=40)
    platform = models.CharField(max_length=20)
    gate_id = models.CharField(max_length=40)
    sequence = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "platform", "gate_id"], name="a_journal_is_told_up_to_one_place"
            ),
        ]
