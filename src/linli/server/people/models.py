"""What is stored of people, and what can never be false.

Names, numbers and phones are sealed; a keyed blind index finds them, a masked column shows them. No row about a person can
exist without the purpose it is kept for (PIPL art. 6).
"""

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models

from linli.server.people import rules


class Person(models.Model):
    """A human being as one estate knows them; a guest, a resident and an operator may be the same person."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    purpose = models.ForeignKey("privacy.Purpose", on_delete=models.PROTECT, related_name="+")
    native_name = models.BinaryField()
    latin_name = models.BinaryField(null=True)
    name_masked = models.CharField(max_length=80)
    sex = models.CharField(max_length=12)
    birth_date = models.DateField(null=True)
    nationality = models.CharField(max_length=3)
    belongs = models.CharField(max_length=10)
    phone = models.BinaryField(null=True)
    phone_index = models.BinaryField(null=True, max_length=16)
    phone_masked = models.CharField(max_length=24, default="")
    known_since = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "id"], name="a_person_belongs_to_one_estate"),
            models.CheckConstraint(condition=models.Q(sex__in=rules.SEXES), name="sex_as_documents_state_it"),
            models.CheckConstraint(condition=models.Q(belongs__in=rules.BELONGS), name="a_person_belongs_somewhere"),
            models.CheckConstraint(condition=models.Q(nationality__regex="^[A-Z]{3}$"), name="nationality_is_alpha_3"),
            models.CheckConstraint(
                condition=models.Q(phone__isnull=True, phone_index__isnull=True)
                | models.Q(phone__isnull=False, phone_index__isnull=False),
                name="a_phone_is_sealed_and_findable_or_absent",
            ),
        ]
        indexes = [
            models.Index(fields=["estate_id", "phone_index"], name="person_by_phone"),
            models.Index(
                fields=["last_seen_at"], condition=models.Q(erased_at__isnull=True), name="person_by_last_seen"
            ),
        ]


class PersonUse(models.Model):
    """A purpose that goes on until it is ended (a residency, an operator's file), for which a person is kept."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="uses")
    purpose = models.ForeignKey("privacy.Purpose", on_delete=models.PROTECT, related_name="+")
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "person", "purpose"],
                condition=models.Q(ended_at__isnull=True),
                name="a_person_is_kept_once_for_a_purpose",
            )
        ]


class Document(models.Model):
    """An identity document of a person; `number_index` is equal for equal numbers of one family of documents."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="documents")
    purpose = models.ForeignKey("privacy.Purpose", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=40)
    number = models.BinaryField()
    number_index = models.BinaryField(max_length=16)
    number_masked = models.CharField(max_length=40)
    issuing_country = models.CharField(max_length=3)
    valid_until = models.DateField(null=True)
    issued_by = models.CharField(max_length=60, default="")  # the police station of a certificate
    shown_at = models.DateTimeField()

    class Meta:
        constraints = [
            # The index first: it also serves the look-up by number, whatever the kind.
            models.UniqueConstraint(
                fields=["estate_id", "number_index", "kind"], name="a_document_belongs_to_one_person"
            ),
        ]


class DocumentCheck(models.Model):
    """One look at a document: how sure we became, by which means, on what evidence (never personal data)."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="checks")
    level = models.PositiveSmallIntegerField()
    method = models.CharField(max_length=12)
    evidence = models.JSONField(default=dict)
    checked_by = models.CharField(max_length=80)
    checked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estate_id", "id"], name="a_check_belongs_to_one_estate"),
            models.CheckConstraint(condition=models.Q(level__lte=4), name="levels_run_from_0_to_4"),
            models.CheckConstraint(condition=models.Q(method__in=rules.METHODS), name="a_check_has_a_known_method"),
        ]


class Accounts(BaseUserManager["Account"]):
    """Finds accounts by the name they sign in with, whatever its capitals."""

    use_in_migrations = False

    def get_by_natural_key(self, username: str | None) -> "Account":
        return self.get(username=rules.plain_username(username or ""))


class Account(AbstractBaseUser):
    """Somebody who signs in; `estate_id` is the estate that keeps the account, roles may reach further."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    purpose = models.ForeignKey("privacy.Purpose", on_delete=models.PROTECT, related_name="+")
    username = models.CharField(max_length=40)
    display_name = models.CharField(max_length=80)
    person = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")
    is_active = models.BooleanField(default=True)
    opened_at = models.DateTimeField()

    USERNAME_FIELD = "username"
    objects = Accounts()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["username"], name="a_username_is_taken_once"),
            models.UniqueConstraint(fields=["estate_id", "id"], name="an_account_is_kept_by_one_estate"),
        ]


class RoleGrant(models.Model):
    """A role of an account on an estate, in a scope; withdrawn rather than deleted."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="grants")
    role = models.CharField(max_length=20)
    scope = models.CharField(max_length=80)
    granted_by = models.CharField(max_length=80)
    granted_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "account", "role", "scope"],
                condition=models.Q(withdrawn_at__isnull=True),
                name="a_role_is_granted_once",
            )
        ]


class SignInFailures(models.Model):
    """How often a name, an address, or the pair of them failed to sign in; keys are blind, for people type passwords as names."""

    key = models.BinaryField(primary_key=True, max_length=16)
    failures = models.PositiveIntegerField()
    since = models.DateTimeField()
    locked_until = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["since"], name="sign_in_failures_by_age")]


class Household(models.Model):
    """The people who live in a dwelling together."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    dwelling = models.ForeignKey("places.Dwelling", on_delete=models.PROTECT, related_name="+")
    formed_at = models.DateTimeField()
    dissolved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["estate_id", "id"], name="a_household_belongs_to_one_estate")]


class Residency(models.Model):
    """A person who lives here (实有人口), since when, and as what; guests are never residents."""

    id = models.CharField(primary_key=True, max_length=40)
    estate_id = models.CharField(max_length=40)
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="residencies")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="residencies")
    purpose = models.ForeignKey("privacy.Purpose", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12)
    relation = models.CharField(max_length=2)  # GB/T 4761, to the head of the household
    moved_in_date = models.DateField()
    moved_out_date = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estate_id", "person", "household"],
                condition=models.Q(moved_out_date__isnull=True),
                name="a_resident_moves_in_once",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=rules.RESIDENCY_KINDS), name="a_residency_has_a_known_kind"
            ),
            models.CheckConstraint(
                condition=models.Q(moved_out_date__isnull=True)
                | models.Q(moved_out_date__gte=models.F("moved_in_date")),
                name="nobody_moves_out_before_moving_in",
            ),
        ]
