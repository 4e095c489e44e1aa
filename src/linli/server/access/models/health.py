"""What is stored of the public-health mode before it is one: a proposal that waits for somebody else's yes."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class HealthProposal(models.Model):
    """Somebody asks for the public-health mode, on a legal basis and to an end; nothing is read at any door until another agrees."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    legal_basis = models.CharField(max_length=300)
    ordered_by = models.CharField(max_length=120)
    most_c10 = models.PositiveSmallIntegerField(default=0)
    code_wanted = models.BooleanField(default=False)
    holders = ArrayField(models.CharField(max_length=16), default=list)
    end = models.DateTimeField()
    asked_by = models.CharField(max_length=80)
    asked_at = models.DateTimeField()
    answered_by = models.CharField(max_length=80, default="")
    answered_at = models.DateTimeField(null=True)
    accepted = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id"],
                condition=models.Q(answered_at__isnull=True),
                name="one_health_proposal_waits_at_a_time",
            ),
            models.CheckConstraint(
                condition=~models.Q(answered_by=models.F("asked_by")), name="nobody_answers_his_own_health_proposal"
            ),
        ]
