"""What is stored of letting: operators, units with their state and its history, and the rooms that are let."""

from django.db import models

from linli.server.lettings import rules


class Operator(models.Model):
    """Who lets dwellings: a natural person, an individual business (个体工商户) or a company."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    purpose = models.ForeignKey("privacy.Purpose", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20)
    name = models.CharField(
        max_length=80
    )  # the registered name; a natural person's is masked, the full one is sealed in people
    uscc = models.CharField(max_length=18, null=True)
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, null=True, related_name="+")
    phone = models.BinaryField(null=True)
    phone_masked = models.CharField(max_length=24, default="")
    licence = models.CharField(max_length=12)
    registered_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "uscc"],
                condition=models.Q(closed_at__isnull=True),
                name="an_organisation_registers_once",
            ),
            models.UniqueConstraint(
                fields=["estate_id", "person"],
                condition=models.Q(closed_at__isnull=True, kind=rules.OperatorKind.NATURAL),
                name="a_natural_person_registers_once",
            ),
            models.CheckConstraint(
                condition=models.Q(kind=rules.OperatorKind.NATURAL, uscc__isnull=True, person__isnull=False)
                | models.Q(kind__in=rules.ORGANISATIONS, uscc__isnull=False),
                name="an_operator_is_a_person_or_has_a_credit_code",
            ),
        ]


class Unit(models.Model):
    """One dwelling let by one operator (网约房), from its draft to its closing."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    operator = models.ForeignKey(Operator, on_delete=models.PROTECT, related_name="units")
    dwelling = models.ForeignKey("places.Dwelling", on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    state = models.CharField(max_length=12)
    max_occupancy = models.PositiveSmallIntegerField()
    mark_code = models.CharField(max_length=16, null=True)
    drafted_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "code"], name="a_unit_code_is_given_once"),
            models.UniqueConstraint(fields=["estate_id", "mark_code"], name="a_mark_hangs_on_one_door"),
            models.UniqueConstraint(
                fields=["estate_id", "dwelling"],
                condition=~models.Q(state=rules.UnitState.CLOSED),
                name="one_open_unit_per_dwelling",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=list(rules.UnitState)), name="a_unit_is_in_a_known_state"
            ),
            models.CheckConstraint(
                condition=models.Q(mark_code__isnull=False) | ~models.Q(state__in=rules.MARKED),
                name="nothing_is_let_without_its_mark",
            ),
            models.CheckConstraint(condition=models.Q(max_occupancy__gte=1), name="a_unit_sleeps_somebody"),
        ]
        indexes = [models.Index(fields=["estate_id", "state"], name="unit_by_state")]


class UnitChange(models.Model):
    """One step of a unit: from where to where, who took it, why and when."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="changes")
    verb = models.CharField(max_length=12)
    before = models.CharField(max_length=12)
    after = models.CharField(max_length=12)
    actor_id = models.CharField(max_length=80)
    reason = models.CharField(max_length=200, default="")
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["estate_id", "id"], name="a_unit_change_belongs_to_one_estate")]


class LetRoom(models.Model):
    """One room of a unit as it is let: whole or by the bed, and how many may sleep in it."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="rooms")
    room = models.ForeignKey("places.Room", on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(max_length=8)
    max_occupancy = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "unit", "room"], name="a_room_is_let_once_in_a_unit"),
            models.CheckConstraint(
                condition=models.Q(mode__in=list(rules.LettingMode)), name="a_room_is_let_whole_or_by_the_bed"
            ),
            models.CheckConstraint(condition=models.Q(max_occupancy__gte=1), name="a_room_sleeps_somebody"),
        ]
