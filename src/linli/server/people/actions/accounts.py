"""Open and close accounts, give and take roles, sign in; wrong guesses shut the door for a while."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from django.contrib import auth
from django.contrib.auth.hashers import check_password as verify
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, connection, transaction
from django.http import HttpRequest

from linli.server.kernel import crypto, ids
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.errors import NotFound
from linli.server.people import rules
from linli.server.people.models import Account, RoleGrant, SignInFailures
from linli.server.people.queries import AccountView, view_account
from linli.server.privacy import actions as privacy
from linli.server.privacy import queries as purposes

KEEPERS = (Role.SYSTEM, Role.ESTATE_ADMIN)
BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleInput:
    """A role to give, and where it holds."""

    role: str
    scope: str = "*"


def open_account(
    *,
    actor: Actor,
    username: str,
    password: str,
    display_name: str,
    roles: Sequence[RoleInput] = (),
    person_id: str | None = None,
    now: datetime,
) -> AccountView:
    """This will open an account with its roles.

    Raises `UsernameUnreadable`, `UsernameTaken`, `PasswordWeak`, `RoleUnknown`, or what `rules.check_name` raises for the
    display name.
    """
    actor.require(*KEEPERS)
    name = rules.check_username(username)
    rules.check_password(password, username=name)
    shown = rules.check_name(display_name, field="display_name")
    purpose = purposes.get_purpose(estate_id=actor.estate_id, code="staff_account")
    try:
        with transaction.atomic():
            account = Account.objects.create(
                id=ids.new("acc"),
                estate_id=actor.estate_id,
                purpose_id=purpose.id,
                username=name,
                display_name=shown,
                person_id=person_id,
                password=make_password(password),
                opened_at=now,
            )
            for role in roles:
                _give(actor, account, rules.check_role(role.role, role.scope), role.scope, now)
            privacy.record(actor=actor, verb="open_account", subject=account.id, now=now)
    except IntegrityError as problem:
        raise rules.UsernameTaken(field="username") from problem
    return view_account(account)


def grant_role(*, actor: Actor, account_id: str, role: str, scope: str = "*", now: datetime) -> AccountView:
    """This will give an account a role on the actor's estate; giving it twice changes nothing. Refuses with `RoleUnknown`."""
    actor.require(*KEEPERS)
    known = rules.check_role(role, scope)
    with transaction.atomic():
        account = _account(actor, account_id)
        if _give(actor, account, known, scope, now):
            privacy.record(actor=actor, verb="grant_role", subject=account.id, reason=f"{known} {scope}", now=now)
    return view_account(account)


def withdraw_role(*, actor: Actor, account_id: str, role: str, scope: str = "*", now: datetime) -> AccountView:
    """This will take a role away; it holds from the next request on. Refuses with `NotFound` when it is not held."""
    actor.require(*KEEPERS)
    with transaction.atomic():
        account = _account(actor, account_id)
        withdrawn = RoleGrant.objects.filter(
            estate_id=actor.estate_id, account=account, role=role, scope=scope, withdrawn_at__isnull=True
        ).update(withdrawn_at=now)
        if not withdrawn:
            raise NotFound(field="role")
        privacy.record(actor=actor, verb="withdraw_role", subject=account.id, reason=f"{role} {scope}", now=now)
    return view_account(account)


def close_account(*, actor: Actor, account_id: str, now: datetime) -> AccountView:
    """This will close an account; its sessions end with the next request."""
    return _set_active(actor, account_id, active=False, verb="close_account", now=now)


def reopen_account(*, actor: Actor, account_id: str, now: datetime) -> AccountView:
    """This will open a closed account again, with the roles it had."""
    return _set_active(actor, account_id, active=True, verb="reopen_account", now=now)


def change_password(*, actor: Actor, account_id: str, password: str, now: datetime) -> None:
    """This will set a new password, one's own or as the estate's admin; every session of the account ends."""
    if actor.id != account_id:
        actor.require(*KEEPERS)
    with transaction.atomic():
        account = _account(actor, account_id)
        rules.check_password(password, username=account.username)
        account.password = make_password(password)
        account.save(update_fields=["password"])
        privacy.record(actor=actor, verb="change_password", subject=account.id, now=now)


def sign_in(*, request: HttpRequest, username: str, password: str, now: datetime) -> AccountView:
    """This will sign an account in to the request's session, under a new session key.

    Raises `SignInWrong`, and `SignInLocked` after too many failures; the two look alike for names that exist and that do not.
    """
    name = rules.plain_username(username)
    keys = _failure_keys(name, str(request.META.get("REMOTE_ADDR", "")))
    _check_lock(keys, now)
    account = Account.objects.filter(username=name).first() if name.isprintable() else None
    if not _right(account, password) or account is None:
        _note_failure(keys, now)
        raise rules.SignInWrong
    SignInFailures.objects.filter(key__in=list(keys.values())).delete()
    auth.login(request, account, backend=BACKEND)
    return view_account(account)


def forget_failures(*, now: datetime) -> int:
    """This will forget failures that lie so far back that they no longer count, and return how many."""
    return SignInFailures.objects.filter(since__lt=now - 2 * rules.LOCKED_FOR).delete()[0]


def _give(actor: Actor, account: Account, role: Role, scope: str, now: datetime) -> bool:
    held = RoleGrant.objects.filter(
        estate_id=actor.estate_id, account=account, role=role.value, scope=scope, withdrawn_at__isnull=True
    )
    if held.exists():
        return False
    RoleGrant.objects.create(
        id=ids.new("grant"),
        estate_id=actor.estate_id,
        account=account,
        role=role.value,
        scope=scope,
        granted_by=actor.id,
        granted_at=now,
    )
    return True


def _right(account: Account | None, password: str) -> bool:
    if len(password) > rules.accounts.LONGEST_PASSWORD:
        return False
    if account is None or not account.is_active:
        # As slow as a real one, so that the clock does not tell which names exist.
        make_password(password)
        return False
    return verify(password, account.password)


def _account(actor: Actor, account_id: str) -> Account:
    account = Account.objects.select_for_update().filter(id=account_id, estate_id=actor.estate_id).first()
    if account is None:
        raise NotFound(field="account_id")
    return account


def _set_active(actor: Actor, account_id: str, *, active: bool, verb: str, now: datetime) -> AccountView:
    actor.require(*KEEPERS)
    with transaction.atomic():
        account = _account(actor, account_id)
        account.is_active = active
        account.save(update_fields=["is_active"])
        privacy.record(actor=actor, verb=verb, subject=account.id, now=now)
    return view_account(account)


def _failure_keys(name: str, address: str) -> dict[str, bytes]:
    return {
        "pair": crypto.blind_index(f"{name}\x00{address}", context="sign_in.pair"),
        "name": crypto.blind_index(name, context="sign_in.name"),
    }


def _check_lock(keys: dict[str, bytes], now: datetime) -> None:
    until = (
        SignInFailures.objects.filter(key__in=list(keys.values()), locked_until__gt=now)
        .order_by("-locked_until")
        .values_list("locked_until", flat=True)
        .first()
    )
    if until is not None:
        raise rules.SignInLocked(minutes=ceil((until - now).total_seconds() / 60))


def _note_failure(keys: dict[str, bytes], now: datetime) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for which, key in sorted(keys.items(), key=lambda item: item[1]):
            # Counted in one statement: a hundred guesses at once are a hundred.
            cursor.execute(
                """
                INSERT INTO people_signinfailures AS f (key, failures, since) VALUES (%(key)s, 1, %(now)s)
                ON CONFLICT (key) DO UPDATE SET
                    failures = CASE WHEN f.since < %(old)s THEN 1 ELSE f.failures + 1 END,
                    since = CASE WHEN f.since < %(old)s THEN %(now)s ELSE f.since END,
                    locked_until = CASE WHEN f.since >= %(old)s AND f.failures + 1 >= %(limit)s THEN %(until)s::timestamptz
                                        ELSE f.locked_until END
                """,
                {
                    "key": key,
                    "now": now,
                    "old": now - rules.LOCKED_FOR,
                    "limit": rules.LIMITS[which],
                    "until": now + rules.LOCKED_FOR,
                },
            )
