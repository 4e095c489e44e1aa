"""What is kept of a face check: the answer, and never the picture; there is no column in which one could lie."""

from django.db import models

from linli.server.connectors.face_check.rules import HIGHEST_SCORE, FaceVerdict

JUDGED = [FaceVerdict.SAME.value, FaceVerdict.NOT_SAME.value, FaceVerdict.UNSURE.value]


class FaceCheck(models.Model):
    """One question to the face layer about one guest, written before it leaves; until an answer came it stands as NO_ANSWER."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    stay_id = models.CharField(max_length=40)
    person_id = models.CharField(max_length=40)
    consent_id = models.CharField(max_length=40)
    message_id = models.CharField(max_length=60)
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=80)
    answered_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=10, default=FaceVerdict.NO_ANSWER.value)
    score = models.PositiveSmallIntegerField(null=True)
    receipt = models.CharField(max_length=40, default="")
    code = models.CharField(max_length=40, default="")
    seconds = models.FloatField(default=0.0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "message_id"], name="a_face_is_asked_about_once_in_a_message"),
            models.CheckConstraint(
                condition=models.Q(verdict__in=[verdict.value for verdict in FaceVerdict]),
                name="a_face_check_has_a_known_verdict",
            ),
            models.CheckConstraint(condition=~models.Q(consent_id=""), name="no_face_is_asked_about_without_consent"),
            models.CheckConstraint(
                condition=models.Q(verdict__in=JUDGED, score__isnull=False, answered_at__isnull=False)
                & ~models.Q(receipt="")
                | ~models.Q(verdict__in=JUDGED) & models.Q(score__isnull=True),
                name="a_judged_face_has_score_and_receipt_and_no_other",
            ),
            models.CheckConstraint(
                condition=models.Q(score__isnull=True) | models.Q(score__lte=HIGHEST_SCORE),
                name="a_face_score_is_in_thousandths",
            ),
        ]
        indexes = [
            models.Index(fields=["estate_id", "stay_id", "-asked_at"], name="face_check_by_stay"),
            models.Index(fields=["estate_id", "person_id"], name="face_check_by_person"),
        ]
