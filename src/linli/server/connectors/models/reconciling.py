"""What a night came to, flat by flat, and what is asked where the figures differ. Numbers only: nobody's movements are kept here."""

from django.db import models

from linli.server.connectors.reconciling.rules import QuestionKind, QuestionState


class Reconciliation(models.Model):
    """One night held against one platform: when it was last counted, and whether the other side could be asked.

    `known` is None for a platform that does not count nights, False where it could not be reached: it is then asked again.
    """

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    platform = models.CharField(max_length=20)
    night_date = models.DateField()
    counted_at = models.DateTimeField()
    known = models.BooleanField(null=True)
    differences = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "platform", "night_date"], name="a_night_is_held_against_a_platform_once"
            ),
        ]
        indexes = [models.Index(fields=["estate_id", "-night_date"], name="reconciliation_by_night")]


class NightCount(models.Model):
    """The figures of one flat in one night beside what one platform has; `counted` None is not known, and never zero."""

    id = models.BigAutoField(primary_key=True)
    estate_id = models.CharField(max_length=40)
    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="counts")
    unit_id = models.CharField(max_length=40)
    unit_label = models.CharField(max_length=80)
    booked = models.PositiveIntegerField()
    registered = models.PositiveIntegerField()
    entered = models.PositiveIntegerField()
    due = models.PositiveIntegerField()
    reported = models.PositiveIntegerField()
    receipted = models.PositiveIntegerField()
    counted = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "reconciliation", "unit_id"], name="a_flat_is_counted_once_a_night"
            ),
            models.CheckConstraint(
                condition=models.Q(receipted__lte=models.F("reported")), name="a_receipt_answers_a_report"
            ),
        ]


class Question(models.Model):
    """One difference, asked of whoever can mend it, with a clock; evened out, it settles itself and stays as history.

    `platform` is empty where the difference lies within the house. `owner` is `office` or `operator:op_…`.
    """

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    platform = models.CharField(max_length=20, default="")
    night_date = models.DateField()
    unit_id = models.CharField(max_length=40)
    unit_label = models.CharField(max_length=80)
    kind = models.CharField(max_length=12)
    ours = models.PositiveIntegerField()
    theirs = models.PositiveIntegerField()
    owner = models.CharField(max_length=60)
    state = models.CharField(max_length=10, default=QuestionState.OPEN)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    answer = models.CharField(max_length=300, default="")
    answered_by = models.CharField(max_length=80, default="")
    answered_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "platform", "night_date", "unit_id", "kind"],
                name="a_difference_is_asked_about_once",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=[kind.value for kind in QuestionKind]), name="a_question_has_a_known_kind"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=[state.value for state in QuestionState]),
                name="a_question_is_in_a_known_state",
            ),
            models.CheckConstraint(condition=~models.Q(owner=""), name="a_question_has_an_owner"),
            models.CheckConstraint(
                condition=~models.Q(state=QuestionState.SETTLED.value) | models.Q(settled_at__isnull=False),
                name="a_settled_question_says_when",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=QuestionState.ANSWERED.value)
                | (~models.Q(answer="") & ~models.Q(answered_by="") & models.Q(answered_at__isnull=False)),
                name="an_answer_says_what_by_whom_and_when",
            ),
        ]
        indexes = [
            models.Index(fields=["estate_id", "owner", "state", "due_at"], name="question_by_owner"),
            models.Index(
                fields=["estate_id", "night_date"],
                condition=~models.Q(state=QuestionState.SETTLED.value),
                name="open_question_by_night",
            ),
        ]
