"""What is so: masked persons for everybody who may see them, opened ones for platforms only, accounts as actors, residents."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import F, Max, Q, QuerySet

from linli.documents import kinds
from linli.server.kernel import crypto
from linli.server.kernel.actors import Actor, Grant, Role
from linli.server.kernel.errors import NotFound, SignInNeeded
from linli.server.people import rules
from linli.server.people.models import Account, Document, DocumentCheck, Household, Person, Residency, RoleGrant
from linli.server.people.rules.identities import read_phone

NATIVE_NAME = "person.native_name"
LATIN_NAME = "person.latin_name"
PHONE = "person.phone"
NUMBER = "document.number"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """A person with nothing that identifies them but masked forms, and the document shown last."""

    id: str
    name_masked: str
    birth_date: date | None
    sex: str
    nationality: str
    belongs: str
    document_id: str | None
    document_kind: str | None
    document_masked: str | None
    document_valid_until: date | None
    document_level: int
    phone_masked: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person opened. Only for a platform that must be told, or an audited look; whoever asks writes down that they did."""

    person_id: str
    native_name: str = field(repr=False)
    latin_name: str | None = field(repr=False)
    sex: str
    birth_date: date | None = field(repr=False)
    nationality: str
    belongs: str
    document_id: str
    document_kind: str
    document_code: str
    document_number: str = field(repr=False)
    document_country: str
    document_valid_until: date | None
    document_issued_by: str
    phone: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckView:
    """One look at a document."""

    id: str
    document_id: str
    level: int
    method: str
    checked_by: str
    checked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantView:
    """A role and where it holds."""

    role: str
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """An account, and what it may be on its estate."""

    id: str
    estate_id: str
    username: str
    display_name: str
    active: bool
    roles: tuple[GrantView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentCounts:
    """How many households and residents there are now, by kind of residency."""

    households: int
    residents: int
    by_kind: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidencyView:
    """A residency of one person."""

    id: str
    person_id: str
    household_id: str
    dwelling_id: str
    kind: str
    relation: str
    moved_in_date: date
    moved_out_date: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleHolder:
    """A role that a known person holds or held, by the grant's id."""

    id: str
    person_id: str
    scope: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LivingView:
    """Somebody who lives here now: the residency by its id, who, since when, in which flat behind which entrance."""

    id: str
    person_id: str
    dwelling_id: str
    entrance_id: str
    moved_in_date: date
    birth_date: date | None


def get_person(*, estate_id: str, person_id: str, document_id: str | None = None) -> PersonView:
    """This will return the masked person with the document named, or the one shown last; refuses with `NotFound`."""
    person = Person.objects.filter(estate_id=estate_id, id=person_id).first()
    if person is None:
        raise NotFound(field="person_id")
    return view_person(person, _document(person, document_id))


def list_people(*, estate_id: str, person_ids: Iterable[str]) -> tuple[PersonView, ...]:
    """This will return the masked persons with those ids, each with the document shown last; unknown ones are left out."""
    people = Person.objects.filter(estate_id=estate_id, id__in=set(person_ids)).order_by("id")
    documents = {
        document.person_id: document
        for document in Document.objects.filter(estate_id=estate_id, person__in=people)
        .annotate(best=Max("checks__level"))
        .order_by("shown_at")
    }
    return tuple(
        view_person(person, documents.get(person.id), level=getattr(documents.get(person.id), "best", 0) or 0)
        for person in people
    )


def get_identity(*, estate_id: str, person_id: str, document_id: str | None = None) -> Identity:
    """This will open a person's names, number and phone; refuses with `NotFound`. The caller records the disclosure or the look."""
    person = Person.objects.filter(estate_id=estate_id, id=person_id, erased_at__isnull=True).first()
    document = _document(person, document_id) if person else None
    if person is None or document is None:
        raise NotFound(field="person_id")
    return _identity(person, document)


def list_identities(*, estate_id: str, person_ids: Iterable[str]) -> dict[str, Identity]:
    """This will open many persons at once, by id, each with the document shown last; who was erased is left out. As `get_identity`."""
    rows = Document.objects.filter(estate_id=estate_id, person__in=list(person_ids), person__erased_at__isnull=True)
    shown = rows.select_related("person").order_by("shown_at", "id")
    return {row.person_id: _identity(row.person, row) for row in shown}


def find_person_by_phone(*, estate_id: str, phone: str) -> tuple[PersonView, ...]:
    """This will return the masked persons who gave that telephone number; refuses with `PhoneWrong`."""
    index = crypto.blind_index(read_phone(phone).e164, context=PHONE)
    rows = Person.objects.filter(estate_id=estate_id, phone_index=index)
    return list_people(estate_id=estate_id, person_ids=rows.values_list("id", flat=True))


def list_checks(*, estate_id: str, document_id: str) -> tuple[CheckView, ...]:
    """This will list the looks at a document, oldest first."""
    rows = DocumentCheck.objects.filter(estate_id=estate_id, document_id=document_id).order_by("checked_at", "id")
    return tuple(view_check(row) for row in rows)


def masked_name(text: str) -> str:
    """This will hide a name for display: 张伟 → 张*."""
    return rules.mask_name(rules.check_name(text, field="name"))


def plain_phone(text: str) -> str:
    """This will write a typed telephone number as E.164; refuses with `PhoneWrong`."""
    return read_phone(text).e164


def masked_phone(text: str) -> str:
    """This will hide a typed telephone number for display; refuses with `PhoneWrong`."""
    return read_phone(text).masked


def find_actor(*, account_id: str, session_hash: str | None = None) -> Actor | None:
    """This will return the account as an actor on its estate, or None when it is closed.

    With the hash a session carries, also None when the password has changed since.
    """
    account = Account.objects.filter(id=account_id, is_active=True).first()
    if account is None or (session_hash is not None and session_hash != account.get_session_auth_hash()):
        return None
    return _actor(account, account.estate_id)


def actor_of_account(*, account_id: str, estate_id: str | None = None) -> Actor:
    """This will return the account as an actor on the estate named, or on its own; refuses with `SignInNeeded`."""
    account = Account.objects.filter(id=account_id, is_active=True).first()
    if account is None:
        raise SignInNeeded
    return _actor(account, estate_id or account.estate_id)


def get_account(*, account_id: str) -> AccountView:
    """This will return the account, or refuse with `NotFound`."""
    account = Account.objects.filter(id=account_id).first()
    if account is None:
        raise NotFound(field="account_id")
    return view_account(account)


def find_account(*, username: str) -> AccountView | None:
    """This will return the account with that user name, or None."""
    account = Account.objects.filter(username=rules.plain_username(username)).first()
    return view_account(account) if account else None


def list_accounts(*, estate_id: str) -> tuple[AccountView, ...]:
    """This will list the accounts an estate keeps, by user name."""
    return tuple(view_account(row) for row in Account.objects.filter(estate_id=estate_id).order_by("username"))


def list_residencies(*, estate_id: str, person_id: str) -> tuple[ResidencyView, ...]:
    """This will list where a person has lived on the estate, newest first."""
    rows = Residency.objects.filter(estate_id=estate_id, person_id=person_id)
    return _residencies(rows.order_by("-moved_in_date", "-id"))


def list_residents(*, estate_id: str, left_since: date, only: str = "") -> tuple[ResidencyView, ...]:
    """This will list who lives on the estate and who has moved out since a day, everybody or `only` the residency of that id."""
    here = Q(moved_out_date__isnull=True) | Q(moved_out_date__gte=left_since)
    here &= Q(id=only) if only else Q()
    return _residencies(Residency.objects.filter(here, estate_id=estate_id).order_by("id"))


def list_living(
    *, estate_id: str, today: date, dwelling_id: str | None = None, residency_id: str | None = None
) -> tuple[LivingView, ...]:
    """This will list who lives here on a day, on the whole estate, in one flat, or by one residency."""
    rows = Residency.objects.filter(
        Q(moved_out_date__isnull=True) | Q(moved_out_date__gt=today), estate_id=estate_id, moved_in_date__lte=today
    )
    if dwelling_id is not None:
        rows = rows.filter(household__dwelling_id=dwelling_id)
    if residency_id is not None:
        rows = rows.filter(id=residency_id)
    wanted = ("id", "person_id", "household__dwelling_id", "household__dwelling__entrance_id")
    found = rows.order_by("id").values_list(*wanted, "moved_in_date", "person__birth_date")
    return tuple(
        LivingView(
            id=row_id,
            person_id=person_id,
            dwelling_id=flat_id,
            entrance_id=entrance_id,
            moved_in_date=moved_in,
            birth_date=born,
        )
        for row_id, person_id, flat_id, entrance_id, moved_in, born in found
    )


def count_residents(*, estate_id: str) -> ResidentCounts:
    """This will count who lives here now."""
    kinds_now = Residency.objects.filter(estate_id=estate_id, moved_out_date__isnull=True).values_list(
        "kind", flat=True
    )
    counted = dict.fromkeys(rules.RESIDENCY_KINDS, 0)
    for kind in kinds_now:
        counted[kind] += 1
    return ResidentCounts(
        households=Household.objects.filter(estate_id=estate_id, dissolved_at__isnull=True).count(),
        residents=sum(counted.values()),
        by_kind=tuple(counted.items()),
    )


def list_inhabited(*, estate_id: str, dwelling_ids: Collection[str]) -> frozenset[str]:
    """This will say in which of these flats a household lives now."""
    rows = Household.objects.filter(estate_id=estate_id, dissolved_at__isnull=True, dwelling_id__in=dwelling_ids)
    return frozenset(rows.values_list("dwelling_id", flat=True))


def list_role_holders(*, estate_id: str, role: Role) -> tuple[RoleHolder, ...]:
    """This will list the known persons whose accounts hold or held a role, by grant."""
    rows = RoleGrant.objects.filter(estate_id=estate_id, role=role, account__person__isnull=False).order_by("id")
    held = rows.annotate(person_id=F("account__person"), since=F("granted_at"), until=F("withdrawn_at"))
    return tuple(RoleHolder(**row) for row in held.values("id", "person_id", "scope", "since", "until"))


def view_person(person: Person, document: Document | None, *, level: int | None = None) -> PersonView:
    """This will return a row as a view, without opening anything."""
    if level is None:
        level = document.checks.aggregate(best=Max("level"))["best"] or 0 if document else 0
    return PersonView(
        id=person.id,
        name_masked=person.name_masked,
        birth_date=person.birth_date,
        sex=person.sex,
        nationality=person.nationality,
        belongs=person.belongs,
        document_id=document.id if document else None,
        document_kind=document.kind if document else None,
        document_masked=document.number_masked if document else None,
        document_valid_until=document.valid_until if document else None,
        document_level=level,
        phone_masked=person.phone_masked,
    )


def view_check(row: DocumentCheck) -> CheckView:
    """This will return a row as a view."""
    return CheckView(
        id=row.id,
        document_id=row.document_id,
        level=row.level,
        method=row.method,
        checked_by=row.checked_by,
        checked_at=row.checked_at,
    )


def view_account(account: Account) -> AccountView:
    """This will return an account with its roles on its own estate."""
    grants = RoleGrant.objects.filter(account=account, estate_id=account.estate_id, withdrawn_at__isnull=True)
    return AccountView(
        id=account.id,
        estate_id=account.estate_id,
        username=account.username,
        display_name=account.display_name,
        active=account.is_active,
        roles=tuple(GrantView(role=row.role, scope=row.scope) for row in grants.order_by("role", "scope")),
    )


def _identity(person: Person, document: Document) -> Identity:
    return Identity(
        person_id=person.id,
        native_name=crypto.unseal(bytes(person.native_name), context=NATIVE_NAME),
        latin_name=crypto.unseal(bytes(person.latin_name), context=LATIN_NAME) if person.latin_name else None,
        sex=person.sex,
        birth_date=person.birth_date,
        nationality=person.nationality,
        belongs=person.belongs,
        document_id=document.id,
        document_kind=document.kind,
        document_code=kinds.get_kind(document.kind).code,
        document_number=crypto.unseal(bytes(document.number), context=NUMBER),
        document_country=document.issuing_country,
        document_valid_until=document.valid_until,
        document_issued_by=document.issued_by,
        phone=crypto.unseal(bytes(person.phone), context=PHONE) if person.phone else None,
    )


def _residencies(rows: "QuerySet[Residency]") -> tuple[ResidencyView, ...]:
    wanted = ("id", "person_id", "household_id", "kind", "relation", "moved_in_date", "moved_out_date")
    return tuple(ResidencyView(**row) for row in rows.values(*wanted, dwelling_id=F("household__dwelling_id")))


def _document(person: Person, document_id: str | None) -> Document | None:
    wanted = Q(id=document_id) if document_id else Q()
    return Document.objects.filter(wanted, person=person).order_by("-shown_at", "-id").first()


def _actor(account: Account, estate_id: str) -> Actor:
    grants = RoleGrant.objects.filter(account=account, estate_id=estate_id, withdrawn_at__isnull=True)
    held = frozenset(Grant(role=Role(row.role), scope=row.scope) for row in grants)
    return Actor(id=account.id, estate_id=estate_id, grants=held)


def plain_name(text: str) -> str:
    """This will return a typed name trimmed and composed; refuses with `NameMissing`, `NameTooLong` or `NameUnreadable`."""
    return rules.check_name(text, field="name")


refusal = rules.refusal
