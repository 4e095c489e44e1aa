"""What is stored of booking feeds: where they are asked for, each order as last told, and the questions they raised."""

from django.db import models

from linli.server.stays.models.lodging import Booking
from linli.server.stays.rules.intake import TaskKind


class FeedSource(models.Model):
    """A calendar that the worker follows for one unit or room. Its address carries a secret: sealed, and shown only masked."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    unit = models.ForeignKey("lettings.Unit", on_delete=models.PROTECT, related_name="+")
    room = models.ForeignKey("places.Room", on_delete=models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=60)
    url = models.BinaryField()
    url_masked = models.CharField(max_length=120)
    url_index = models.BinaryField(max_length=16)
    takes = models.CharField(max_length=8)
    state = models.CharField(max_length=8)
    every_minutes = models.PositiveIntegerField()
    etag = models.CharField(max_length=200, default="")
    modified = models.CharField(max_length=60, default="")
    next_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    turn = models.PositiveIntegerField(default=0)
    tried_at = models.DateTimeField(null=True)
    good_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=40, default="")
    orders = models.PositiveIntegerField(default=0)
    blocks = models.PositiveIntegerField(default=0)
    lines = models.JSONField(default=list)
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=80)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "unit", "room", "url_index"],
                condition=models.Q(ended_at__isnull=True),
                nulls_distinct=False,
                name="a_calendar_is_followed_once_for_a_place",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["ACTIVE", "PAUSED", "ENDED"]), name="a_feed_is_in_a_known_state"
            ),
            models.CheckConstraint(
                condition=models.Q(state="ENDED", ended_at__isnull=False)
                | (~models.Q(state="ENDED") & models.Q(ended_at__isnull=True)),
                name="a_feed_that_ended_says_when",
            ),
            models.CheckConstraint(
                condition=models.Q(takes__in=["whole", "places"]), name="a_feed_lets_the_whole_or_places"
            ),
        ]
        indexes = [
            models.Index(fields=["next_at"], condition=models.Q(state="ACTIVE"), name="feed_by_turn"),
            models.Index(fields=["estate_id", "unit"], name="feed_by_unit"),
        ]


class FeedEntry(models.Model):
    """One order as a feed last told it: a digest without its timestamps, and how often it has been missing since.

    `scope` is whose references these are: one calendar's, or one operator's at one channel.
    """

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    unit = models.ForeignKey("lettings.Unit", on_delete=models.PROTECT, related_name="+")
    scope = models.CharField(max_length=120)
    feed = models.CharField(max_length=40)
    ref = models.CharField(max_length=120)
    digest = models.CharField(max_length=64)
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, null=True, related_name="+")
    outcome = models.CharField(max_length=30)
    missed = models.PositiveSmallIntegerField(default=0)
    first_missed_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "scope", "ref"], name="an_order_of_a_feed_is_kept_once")
        ]


class IntakeTask(models.Model):
    """A question that a feed raised and its operator answers; the same conflict is one task, however often it is told.

    `order` is the order as told, sealed, for as long as it may still be taken in.
    """

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    operator = models.ForeignKey("lettings.Operator", on_delete=models.PROTECT, related_name="+")
    unit = models.ForeignKey("lettings.Unit", on_delete=models.PROTECT, null=True, related_name="+")
    source = models.ForeignKey(FeedSource, on_delete=models.PROTECT, null=True, related_name="+")
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=12)
    scope = models.CharField(max_length=120)
    feed = models.CharField(max_length=40)
    ref = models.CharField(max_length=120)
    content = models.CharField(max_length=64)
    code = models.CharField(max_length=40, default="")
    facts = models.JSONField(default=dict)
    order = models.BinaryField(null=True)
    times = models.PositiveIntegerField(default=1)
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=80, default="")
    choice = models.CharField(max_length=12, default="")
    note = models.CharField(max_length=200, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "kind", "scope", "ref", "content"], name="one_conflict_is_one_task"
            ),
            models.CheckConstraint(condition=models.Q(kind__in=list(TaskKind)), name="a_task_is_of_a_known_kind"),
            models.CheckConstraint(
                condition=models.Q(closed_at__isnull=True, choice="")
                | (models.Q(closed_at__isnull=False) & ~models.Q(choice="")),
                name="a_closed_task_says_how_it_was_answered",
            ),
            models.CheckConstraint(
                condition=models.Q(closed_at__isnull=True) | models.Q(order__isnull=True),
                name="a_closed_task_keeps_no_order",
            ),
        ]
        indexes = [
            models.Index(
                fields=["estate_id", "operator", "opened_at"],
                condition=models.Q(closed_at__isnull=True),
                name="open_task_by_operator",
            )
        ]
