"""The links themselves, and the accounts that operators have at platforms of their own."""

from django.db import models


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


class PlatformAccount(models.Model):
    """An operator's own account at a platform that wants one of each; the secret is sealed and never shown again."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    platform = models.CharField(max_length=20)
    operator_id = models.CharField(max_length=40)
    username = models.CharField(max_length=80)
    secret = models.BinaryField()
    party_code = models.CharField(max_length=40, default="")
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "platform", "operator_id"], name="an_operator_has_one_account_at_a_platform"
            ),
        ]
