"""What is stored of faces: a sealed template under a consent, nothing else; its removal; errors people reported; evaluations."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from linli.server.access.models.passes import Credential


class FaceTemplate(models.Model):
    """A face as a sealed list of numbers, with the model that made it. There is no picture. Removed, the row says only when and why.

    `expires_at` is the latest instant at which it may still be held; `version` the change by which gates last heard of it.
    """

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    purpose = models.ForeignKey("privacy.Purpose", on_delete=models.PROTECT, related_name="+")
    consent = models.ForeignKey("privacy.Consent", on_delete=models.PROTECT, related_name="+")
    credential = models.OneToOneField(Credential, on_delete=models.PROTECT, related_name="template")
    holder_id = models.CharField(max_length=40)
    model = models.CharField(max_length=80)
    sealed = models.BinaryField(max_length=8000, null=True)
    quality = ArrayField(models.CharField(max_length=40), default=list)
    enrolled_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)
    removed_why = models.CharField(max_length=40, default="")
    removed_version = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "credential"], name="a_face_credential_has_one_template"),
            models.CheckConstraint(
                condition=models.Q(sealed__isnull=False, removed_at__isnull=True)
                | models.Q(sealed__isnull=True, removed_at__isnull=False, removed_version__isnull=False),
                name="a_template_is_held_or_removed_never_both",
            ),
        ]
        indexes = [
            models.Index(
                fields=["estate_id", "expires_at"], condition=models.Q(removed_at__isnull=True), name="templates_by_end"
            ),
            models.Index(fields=["estate_id", "holder_id"], name="templates_by_holder"),
        ]


class FaceError(models.Model):
    """Somebody said: that was wrong. A door let the wrong one in, or kept the right one out."""

    id = models.BigAutoField(primary_key=True)
    estate_id = models.CharField(max_length=40)
    gate = models.CharField(max_length=16)
    sequence = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=16)
    told_by = models.CharField(max_length=80)
    told_at = models.DateTimeField()
    note = models.CharField(max_length=200, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["FALSE_ACCEPT", "FALSE_REJECT"]), name="a_face_error_is_of_a_known_kind"
            ),
            models.UniqueConstraint(
                fields=["estate_id", "gate", "sequence"],
                condition=models.Q(sequence__isnull=False),
                name="a_passage_is_called_wrong_once",
            ),
        ]
        indexes = [models.Index(fields=["estate_id", "gate", "-told_at"], name="face_errors_by_gate")]


class FaceReport(models.Model):
    """An evaluation of the face engine on an operator's own pictures: where a gate's threshold and gallery cap come from."""

    id = models.BigAutoField(primary_key=True)
    estate_id = models.CharField(max_length=40)
    digest = models.CharField(max_length=64)
    model = models.CharField(max_length=80)
    threshold = models.PositiveSmallIntegerField()
    margin = models.PositiveSmallIntegerField()
    gallery_cap = models.PositiveIntegerField()
    figures = models.JSONField()
    taken_by = models.CharField(max_length=80)
    taken_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["estate_id", "digest"], name="an_evaluation_is_taken_in_once")]
