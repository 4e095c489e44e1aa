"""How people are asked for over HTTP: sessions and accounts, a person masked, and a number opened with a reason."""

from typing import Annotated
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from ninja import Router, Status
from pydantic import BaseModel, Field, StringConstraints, TypeAdapter

from linli.server.kernel import clock
from linli.server.kernel.actors import Role
from linli.server.kernel.door import actor_of, created
from linli.server.kernel.errors import NotAllowed
from linli.server.kernel.text import Line, Word
from linli.server.people import actions, queries
from linli.server.people.queries import AccountView, CheckView, PersonView, ResidentCounts

router = Router(tags=["people"])
WATCHERS = (Role.ESTATE_ADMIN, Role.OFFICE, Role.POLICE, Role.AUDITOR)

Secret = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class SignIn(BaseModel):
    """A user name and a password."""

    username: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    password: Secret


class NewAccount(BaseModel):
    """An account to open, and the roles it shall have."""

    username: Word
    password: Secret
    display_name: Line
    roles: Annotated[tuple["NewRole", ...], Field(max_length=10)] = ()


class NewRole(BaseModel):
    """A role, and where it holds: `*` for the estate, `operator:…` for an operator."""

    role: Word
    scope: Word = "*"


class NewPassword(BaseModel):
    """A new password."""

    password: Secret


class Reason(BaseModel):
    """Why somebody must look."""

    reason: Line


class Revealed(BaseModel):
    """A document's number in full."""

    number: str


@router.post("/session", auth=None, response=AccountView)
def sign_in(request: HttpRequest, body: SignIn) -> HttpResponse:
    """This will sign an account in and set the session and CSRF cookies; the answer says who it is and what it may be."""
    _check_origin(request)
    who = actions.sign_in(request=request, username=body.username, password=body.password, now=clock.now())
    return _with_token(request, who)


@router.get("/session", auth=None, response=AccountView | None)
def who_am_i(request: HttpRequest) -> HttpResponse:
    """This will say who is signed in, or null for nobody, and set the CSRF cookie."""
    return _with_token(request, _signed_in(request))


@router.delete("/session", response={204: None})
def sign_out(request: HttpRequest) -> Status[None]:
    """This will end the session."""
    actor_of(request)
    auth.logout(request)
    return Status(204, None)


@router.get("/accounts", response=list[AccountView])
def list_accounts(request: HttpRequest) -> list[AccountView]:
    """This will list the estate's accounts."""
    actor = actor_of(request)
    actor.require(Role.ESTATE_ADMIN, Role.AUDITOR)
    return list(queries.list_accounts(estate_id=actor.estate_id))


@router.post("/accounts", response={201: AccountView})
def open_account(request: HttpRequest, body: NewAccount) -> HttpResponse:
    """This will open an account with its roles."""
    actor = actor_of(request)
    roles = [actions.RoleInput(role=role.role, scope=role.scope) for role in body.roles]
    return created(
        request,
        lambda: actions.open_account(
            actor=actor,
            username=body.username,
            password=body.password,
            display_name=body.display_name,
            roles=roles,
            now=clock.now(),
        ),
    )


@router.post("/accounts/{account_id}/roles", response=AccountView)
def grant_role(request: HttpRequest, account_id: str, body: NewRole) -> AccountView:
    """This will give an account a role."""
    return actions.grant_role(
        actor=actor_of(request), account_id=account_id, role=body.role, scope=body.scope, now=clock.now()
    )


@router.post("/accounts/{account_id}/roles/withdraw", response=AccountView)
def withdraw_role(request: HttpRequest, account_id: str, body: NewRole) -> AccountView:
    """This will take a role away."""
    return actions.withdraw_role(
        actor=actor_of(request), account_id=account_id, role=body.role, scope=body.scope, now=clock.now()
    )


@router.post("/accounts/{account_id}/close", response=AccountView)
def close_account(request: HttpRequest, account_id: str) -> AccountView:
    """This will close an account."""
    return actions.close_account(actor=actor_of(request), account_id=account_id, now=clock.now())


@router.post("/accounts/{account_id}/password", response={204: None})
def change_password(request: HttpRequest, account_id: str, body: NewPassword) -> Status[None]:
    """This will set a new password and end the account's sessions."""
    actions.change_password(actor=actor_of(request), account_id=account_id, password=body.password, now=clock.now())
    return Status(204, None)


@router.get("/residents/counts", response=ResidentCounts)
def count_residents(request: HttpRequest) -> ResidentCounts:
    """This will count households and residents, by kind of residency."""
    actor = actor_of(request)
    actor.require(*WATCHERS, Role.PROPERTY, Role.COMMITTEE)
    return queries.count_residents(estate_id=actor.estate_id)


@router.get("/people/{person_id}", response=PersonView)
def get_person(request: HttpRequest, person_id: str) -> PersonView:
    """This will return a person, masked."""
    actor = actor_of(request)
    actor.require(*WATCHERS)
    return queries.get_person(estate_id=actor.estate_id, person_id=person_id)


@router.get("/documents/{document_id}/checks", response=list[CheckView])
def list_checks(request: HttpRequest, document_id: str) -> list[CheckView]:
    """This will list how a document was checked."""
    actor = actor_of(request)
    actor.require(*WATCHERS)
    return list(queries.list_checks(estate_id=actor.estate_id, document_id=document_id))


@router.post("/people/{person_id}/reveal-document", response=Revealed)
def reveal_document(request: HttpRequest, person_id: str, body: Reason) -> Revealed:
    """This will open a document's number once the reason stands in the audit chain."""
    number = actions.reveal_document(actor=actor_of(request), person_id=person_id, reason=body.reason, now=clock.now())
    return Revealed(number=number)


_WHO: TypeAdapter[AccountView | None] = TypeAdapter(AccountView | None)


def _signed_in(request: HttpRequest) -> AccountView | None:
    account_id = request.session.get(auth.SESSION_KEY)
    if account_id is None:
        return None
    session_hash = request.session.get(auth.HASH_SESSION_KEY, "")
    if queries.find_actor(account_id=str(account_id), session_hash=session_hash) is None:
        return None
    return queries.get_account(account_id=str(account_id))


def _with_token(request: HttpRequest, who: AccountView | None) -> HttpResponse:
    response = HttpResponse(_WHO.dump_json(who), content_type="application/json; charset=utf-8")
    get_token(request)
    response.set_cookie(
        settings.CSRF_COOKIE_NAME,
        request.META["CSRF_COOKIE"],
        max_age=settings.CSRF_COOKIE_AGE,
        secure=settings.CSRF_COOKIE_SECURE,
        samesite="Lax",
    )
    return response


def _check_origin(request: HttpRequest) -> None:
    """A page elsewhere must not sign its visitor in here as somebody else; what is no browser sends no Origin."""
    origin = request.headers.get("Origin")
    if (
        origin is not None
        and origin not in settings.CSRF_TRUSTED_ORIGINS
        and urlsplit(origin).netloc != request.get_host()
    ):
        raise NotAllowed
