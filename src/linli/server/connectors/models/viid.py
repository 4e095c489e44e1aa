"""Peers of the view library (GA/T 1400): who registers where, who has subscribed to what, and which devices a peer has told of."""

from django.db import models

SIDES = ["up", "down"]
# The whole of what an estate may ask to be told: SubscribeDetail 3 (the catalogue of devices) and 4 (their state).
OURS_MAY_BE = ["3", "4", "3,4"]
STATES = ["OFFLINE", "CHALLENGED", "ONLINE", "STALE"]


class ViidPeer(models.Model):
    """Another view library or device platform: `up`, where we register, or `down`, which registers with us."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    device_id = models.CharField(max_length=20)
    name = models.CharField(max_length=80)
    side = models.CharField(max_length=4)
    url = models.CharField(max_length=200, default="")
    username = models.CharField(max_length=80)
    secret = models.BinaryField()
    dialect = models.CharField(max_length=30, default="")
    state = models.CharField(max_length=10, default="OFFLINE")
    registered_at = models.DateTimeField(null=True)
    kept_alive_at = models.DateTimeField(null=True)
    offset_ms = models.IntegerField(null=True)
    failures = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    enabled = models.BooleanField(default=True)
    # After registration the protocol knows a peer by a header alone: it must at least come from where it registered.
    registered_from = models.CharField(max_length=45, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "device_id"], name="a_peer_is_known_once"),
            models.CheckConstraint(condition=models.Q(side__in=SIDES), name="a_peer_is_above_or_below"),
            models.CheckConstraint(condition=models.Q(state__in=STATES), name="a_peer_is_in_a_known_state"),
            models.CheckConstraint(
                condition=~models.Q(side="up") | ~models.Q(url=""), name="who_is_above_has_an_address"
            ),
        ]


class ViidSubscription(models.Model):
    """A standing order for notifications: `theirs`, of a peer with us, or `ours`, with a peer; it ends by itself.

    Of ours, `pushed_at` is when it was last sent, `answer` and `answer_code` what came back, and the rest what the peer has told since.
    """

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    peer = models.ForeignKey(ViidPeer, on_delete=models.PROTECT, related_name="subscriptions")
    side = models.CharField(max_length=6)
    subscription_id = models.CharField(max_length=33)
    title = models.CharField(max_length=256)
    details = models.CharField(max_length=100)
    resource_uri = models.CharField(max_length=256, default="")
    receive_addr = models.CharField(max_length=256, default="")
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    every_seconds = models.PositiveIntegerField()
    state = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=200, default="")
    pushed_up_to = models.BigIntegerField(default=0)
    pushed_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=20, default="")
    answer_code = models.CharField(max_length=30, default="")
    notices = models.PositiveIntegerField(default=0)
    noticed_at = models.DateTimeField(null=True)
    unwanted = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            # By its side too: a peer that orders under the number of an order of ours must not take that order's place.
            models.UniqueConstraint(
                fields=["estate_id", "peer", "side", "subscription_id"], name="a_subscription_is_known_once"
            ),
            models.CheckConstraint(
                condition=~models.Q(side="ours") | models.Q(details__in=OURS_MAY_BE),
                name="we_order_devices_and_nothing_else",
            ),
            models.CheckConstraint(condition=models.Q(side__in=["theirs", "ours"]), name="a_subscription_has_a_side"),
            models.CheckConstraint(condition=models.Q(begins_at__lt=models.F("ends_at")), name="a_subscription_ends"),
        ]


class ViidNotice(models.Model):
    """A notification that an order of ours has brought, by its number alone, so that a repeated one is taken once."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    subscription = models.ForeignKey(ViidSubscription, on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=33)
    heard_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "subscription", "number"], name="a_notification_counts_once")
        ]


class ViidNonce(models.Model):
    """A challenge that was given out and how often it was used: each count answers once (RFC 2617, 3.2.2)."""

    nonce = models.CharField(primary_key=True, max_length=64)
    counter = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField()


class ViidDevice(models.Model):
    """A device that a peer has told of, and since when it says that it is so; no personal data."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    peer = models.ForeignKey(ViidPeer, on_delete=models.PROTECT, related_name="devices")
    ape_id = models.CharField(max_length=20)
    name = models.CharField(max_length=100)
    online = models.BooleanField(null=True)
    told_at = models.DateTimeField()
    changed_at = models.DateTimeField(null=True)
    # By the peer's own clock, and only ever compared with itself: what was said earlier changes nothing that was said later.
    said_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "peer", "ape_id"], name="a_peer_tells_of_a_device_once")
        ]


class ViidNumber(models.Model):
    """The number by which a platform with twenty-digit ids knows a stay or a residency: counted, never drawn, so that no two share one."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=60)
    number = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "subject_id"], name="a_subject_has_one_number"),
            models.UniqueConstraint(fields=["estate_id", "number"], name="a_number_is_given_once"),
        ]
