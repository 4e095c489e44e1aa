"""What the kernel stores: the outbox and the memory of what was already asked once."""

from django.db import models


class OutboxEvent(models.Model):
    """Something that happened, written in the transaction in which it happened, until everybody who must react has reacted."""

    id = models.BigAutoField(primary_key=True)
    estate_id = models.CharField(max_length=40)
    key = models.CharField(max_length=80)
    type = models.CharField(max_length=80)
    body = models.JSONField()
    published_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    failure = models.TextField(default="")
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["estate_id", "id"], name="an_event_belongs_to_one_estate")]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(done_at__isnull=True), name="outbox_waiting"),
            models.Index(fields=["key", "id"], condition=models.Q(done_at__isnull=True), name="outbox_waiting_by_key"),
        ]


class OnceKey(models.Model):
    """An idempotency key that was used, by whom, for which request, and what was answered (kept a day)."""

    estate_id = models.CharField(max_length=40)
    actor_id = models.CharField(max_length=80)
    key = models.CharField(max_length=80)
    request_digest = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.BinaryField(null=True)
    asked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "actor_id", "key"], name="a_key_is_used_once_by_one_actor")
        ]
        indexes = [models.Index(fields=["asked_at"], name="once_by_age")]
