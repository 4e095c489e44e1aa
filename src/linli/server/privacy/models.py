"""What privacy stores: purposes, the audit chain with its head, and the ledger of what left the estate."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Purpose(models.Model):
    """Why personal data may be held; no personal row exists without one (PIPL art. 6, 13)."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    code = models.CharField(max_length=40)
    legal_basis = models.TextField()
    data_set = ArrayField(models.CharField(max_length=60))
    retention_days = models.PositiveIntegerField()
    recipients = ArrayField(models.CharField(max_length=60), default=list)
    notice_version = models.CharField(max_length=20)
    notice_zh = models.TextField()
    notice_en = models.TextField()
    declared_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "code", "notice_version"], name="a_purpose_has_one_notice_a_version"
            ),
            models.CheckConstraint(condition=~models.Q(legal_basis=""), name="a_purpose_has_a_legal_basis"),
            models.CheckConstraint(condition=models.Q(retention_days__gt=0), name="a_purpose_ends"),
        ]


class AuditEntry(models.Model):
    """One thing that was done or looked at, chained to the one before (SM3). Rows are never changed: a trigger sees to it."""

    id = models.BigAutoField(primary_key=True)
    estate_id = models.CharField(max_length=40)
    sequence = models.BigIntegerField()
    at = models.DateTimeField()
    actor_id = models.CharField(max_length=80)
    verb = models.CharField(max_length=60)
    subject = models.CharField(max_length=80)
    fields = ArrayField(models.CharField(max_length=60), default=list)
    reason = models.CharField(max_length=300, default="")
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "sequence"], name="the_audit_chain_has_one_entry_a_place")
        ]
        indexes = [models.Index(fields=["estate_id", "subject", "sequence"], name="audit_by_subject")]


class AuditHead(models.Model):
    """The end of an estate's audit chain: without it, entries cut off the end would not be missed."""

    estate_id = models.CharField(primary_key=True, max_length=40)
    sequence = models.BigIntegerField()
    digest = models.CharField(max_length=64)


class Disclosure(models.Model):
    """Personal data that left the estate: whose, to whom, why, which fields, in which message (PIPL art. 55; kept three years)."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    person_id = models.CharField(max_length=40)
    purpose = models.ForeignKey(Purpose, on_delete=models.PROTECT)
    recipient = models.CharField(max_length=60)
    fields = ArrayField(models.CharField(max_length=60))
    message_id = models.CharField(max_length=60)
    disclosed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "recipient", "message_id"], name="a_message_is_disclosed_once"
            ),
        ]
        indexes = [models.Index(fields=["estate_id", "person_id"], name="disclosure_by_person")]


class Consent(models.Model):
    """Somebody said yes, to this notice, for this purpose and no other (PIPL art. 14, 23, 29, 31). Rows are never changed.

    `given_by` differs from `person_id` when a guardian speaks for a child; `withdrawn` rows stand for themselves and name the yes they end.
    """

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    person_id = models.CharField(max_length=40)
    given_by = models.CharField(max_length=80)
    purpose = models.ForeignKey(Purpose, on_delete=models.PROTECT)
    notice_digest = models.CharField(max_length=64)
    channel = models.CharField(max_length=20)
    evidence = models.CharField(max_length=200, default="")
    withdraws = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="withdrawal")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "withdraws"], name="a_consent_is_taken_back_once"),
        ]
        indexes = [models.Index(fields=["estate_id", "person_id", "at"], name="consents_by_person")]
