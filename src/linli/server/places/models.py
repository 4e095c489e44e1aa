"""What is stored of places: estate › building › entrance › dwelling › room › bed, and other names for them.

A code is given once: a closed place keeps its row and its code, so that an old record never points at a different bed.
Migration 0002 lets the database refuse a changed code and a deleted place. Codes: domain sheet 3.5, `EST-BLD-UNT-FLR/RM-Rn-Bn`.
"""

from django.db import models


class Estate(models.Model):
    """One residential estate (小区)."""

    id = models.CharField(primary_key=True, max_length=40)
    code = models.CharField(max_length=12)
    name_zh = models.CharField(max_length=80)
    name_en = models.CharField(max_length=80)
    zone = models.CharField(max_length=40)
    division_code = models.CharField(
        max_length=12
    )  # GB/T 2260: district, or as much as is known of the 12 digits below it
    # A made-up estate holds no real person's data: it alone may try a platform of another country.
    fictional = models.BooleanField(default=False)
    founded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code"], name="an_estate_code_is_given_once")]


class Building(models.Model):
    """One building (幢)."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    code = models.CharField(max_length=40)
    number = models.PositiveSmallIntegerField()
    floors = models.PositiveSmallIntegerField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["estate_id", "code"], name="a_building_code_is_given_once")]


class Entrance(models.Model):
    """One entrance of a building (单元), behind one door."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    building = models.ForeignKey(Building, on_delete=models.PROTECT, related_name="entrances")
    code = models.CharField(max_length=40)
    number = models.PositiveSmallIntegerField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["estate_id", "code"], name="an_entrance_code_is_given_once")]


class Dwelling(models.Model):
    """One flat (户/套) with its front door."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    entrance = models.ForeignKey(Entrance, on_delete=models.PROTECT, related_name="dwellings")
    code = models.CharField(max_length=40)
    floor = models.SmallIntegerField()
    door = models.CharField(max_length=8)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["estate_id", "code"], name="a_dwelling_code_is_given_once")]


class Room(models.Model):
    """One room of a dwelling (隔间)."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    dwelling = models.ForeignKey(Dwelling, on_delete=models.PROTECT, related_name="rooms")
    code = models.CharField(max_length=40)
    number = models.PositiveSmallIntegerField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["estate_id", "code"], name="a_room_code_is_given_once")]


class Bed(models.Model):
    """One bed, whoever sleeps in it."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="beds")
    code = models.CharField(max_length=40)
    number = models.PositiveSmallIntegerField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["estate_id", "code"], name="a_bed_code_is_given_once")]


class Alias(models.Model):
    """Another name of a place: a door plate, a booking site's listing, the police's standard address."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    kind = models.CharField(max_length=20)
    text = models.CharField(max_length=120)
    place_code = models.CharField(max_length=40)
    named_at = models.DateTimeField()
    dropped_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "kind", "text"],
                condition=models.Q(dropped_at__isnull=True),
                name="an_alias_means_one_place",
            )
        ]
        indexes = [models.Index(fields=["estate_id", "place_code"], name="alias_by_place")]
