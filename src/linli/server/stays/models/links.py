"""What is stored of a flat's links with channels: hooks by which orders come in, calendars by which its nights are known."""

from django.db import models


class OrderHook(models.Model):
    """A door for one channel's orders to one operator: what is sent there is signed with a secret that was shown once."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    operator = models.ForeignKey("lettings.Operator", on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(max_length=20)
    secret = models.BinaryField()
    old_secret = models.BinaryField(null=True)
    old_ends_at = models.DateTimeField(null=True)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=80)
    rotated_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "operator", "channel"],
                condition=models.Q(ended_at__isnull=True),
                name="a_channel_has_one_hook_an_operator",
            ),
            models.CheckConstraint(
                condition=models.Q(old_secret__isnull=True) | models.Q(old_ends_at__isnull=False),
                name="an_old_secret_has_an_end",
            ),
        ]


class HookEvent(models.Model):
    """An event that came in by a hook, and what was answered; told again, it is answered again and done once."""

    estate_id = models.CharField(max_length=40)
    hook = models.ForeignKey(OrderHook, on_delete=models.PROTECT, related_name="+")
    event_id = models.CharField(max_length=80)
    digest = models.CharField(max_length=64)
    answer = models.JSONField(default=dict)
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "hook", "event_id"], name="an_event_of_a_hook_happens_once")
        ]
        indexes = [models.Index(fields=["received_at"], name="hook_event_by_age")]


class CalendarLink(models.Model):
    """A link by which a channel reads when a flat or a room is occupied; revoked, it opens nothing."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    unit = models.ForeignKey("lettings.Unit", on_delete=models.PROTECT, related_name="+")
    room = models.ForeignKey("places.Room", on_delete=models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=60)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=80)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["estate_id", "id"], name="a_calendar_belongs_to_one_estate")]
        indexes = [models.Index(fields=["estate_id", "unit"], name="calendar_by_unit")]


class CalendarBlock(models.Model):
    """A block of nights as a calendar last told it, so that its UID stays and its SEQUENCE counts its changes."""

    estate_id = models.CharField(max_length=40)
    calendar = models.ForeignKey(CalendarLink, on_delete=models.PROTECT, related_name="blocks")
    uid = models.CharField(max_length=120)
    begins_date = models.DateField()
    ends_date = models.DateField()
    sequence = models.PositiveIntegerField(default=0)
    stamped_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "calendar", "uid"], name="a_block_is_told_once_by_a_calendar"),
            models.CheckConstraint(
                condition=models.Q(begins_date__lt=models.F("ends_date")), name="a_block_lasts_a_night"
            ),
        ]
