"""Accounts: names to sign in with, passwords that hold, roles that may be given, and how long wrong guesses shut the door."""

import re
import unicodedata
from datetime import timedelta

from linli.server.kernel.actors import Role
from linli.server.kernel.errors import BadField, Refusal

LONGEST_USERNAME = 40
LONGEST_PASSWORD = 128
SHORTEST_PASSWORD = 10
DIFFERENT_CHARACTERS = 5
LOCKED_FOR = timedelta(minutes=15)
# How many failures within LOCKED_FOR shut the door. Per name and address: guessing from one place. Per name: from many; it is
# far higher, so that a stranger cannot lock the guard out with a handful of wrong tries.
LIMITS = {"pair": 5, "name": 50}
# Guests come by their link, boxes by their key, the estate's own hand by nothing: none of these is a role of an account.
GRANTABLE = frozenset(
    {
        Role.ESTATE_ADMIN,
        Role.OFFICE,
        Role.PROPERTY,
        Role.COMMITTEE,
        Role.GUARD,
        Role.POLICE,
        Role.AUDITOR,
        Role.OPERATOR,
    }
)
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")
_OPERATOR_SCOPE = re.compile(r"operator:op_[0-9A-Z]{26}")


class SignInWrong(Refusal):
    """User name or password is wrong."""

    zh = "用户名或密码错误。"
    status = 401


class SignInLocked(Refusal):
    """Too many failed sign-ins; please try again in {minutes} minutes or ask the office."""

    zh = "登录失败次数过多，请在 {minutes} 分钟后再试，或联系社区办公室。"
    status = 429


class UsernameUnreadable(Refusal):
    """A user name has 2 to 40 lower-case letters, digits, dots, dashes or underscores."""

    zh = "用户名为 2 至 40 位小写字母、数字、点、连字符或下划线。"
    status = 422


class UsernameTaken(Refusal):
    """That user name is taken."""

    zh = "该用户名已被使用。"


class PasswordWeak(Refusal):
    """A password has 10 to 128 characters, at least five different ones, and is not the user name."""

    zh = "密码为 10 至 128 个字符，至少含五种不同字符，且不得与用户名相同。"
    status = 422


class RoleUnknown(Refusal):
    """This role cannot be given to an account in this scope."""

    zh = "不能授予该角色或范围。"
    status = 422


def plain_username(text: str) -> str:
    """This will return the name as it is compared: composed, trimmed, without capitals."""
    return unicodedata.normalize("NFKC", text[: 4 * LONGEST_USERNAME]).strip().casefold()


def check_username(text: str) -> str:
    """This will return the plain name, or refuse with `UsernameUnreadable`."""
    name = plain_username(text)
    if not _USERNAME.fullmatch(name):
        raise UsernameUnreadable(field="username")
    return name


def check_password(password: str, *, username: str) -> None:
    """This will refuse a password that is easily guessed, or cannot be stored, with `PasswordWeak`."""
    short_or_long = not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD
    if short_or_long or len(set(password)) < DIFFERENT_CHARACTERS or plain_username(password) == username:
        raise PasswordWeak(field="password")
    if "\x00" in password:
        raise BadField(field="password")


def check_role(role: str, scope: str) -> Role:
    """This will return the role; refuses with `RoleUnknown` one that accounts do not have, or a scope that does not fit it."""
    if role not in [known.value for known in GRANTABLE]:
        raise RoleUnknown(field="role")
    wanted = _OPERATOR_SCOPE.fullmatch(scope) if role == Role.OPERATOR else scope == "*"
    if not wanted:
        raise RoleUnknown(field="scope")
    return Role(role)
