"""How a terminal of each make is reached, what it can hold, and for how long what a box was asked to do is still wanted."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from linli.gate.decision import Kind
from linli.gate.wire import CommandKind
from linli.server.kernel.errors import Refusal

MOST_TERMINALS = 500
MOST_SECRET = 200
# How long somebody at the door, or the box, still wants what was asked for.
COMMAND_LASTS: Mapping[CommandKind, timedelta] = MappingProxyType(
    {
        CommandKind.OPEN: timedelta(seconds=20),
        CommandKind.RELEASE: timedelta(seconds=60),
        CommandKind.LISTING: timedelta(minutes=10),
        CommandKind.COMPARE: timedelta(hours=6),
    }
)
# Which proofs a make keeps in the device itself; a code that changes is only ever asked of the box.
# A simulated one takes whatever a door takes.
DEVICE_WAYS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "httpv2": frozenset({Kind.CODE, Kind.CARD, Kind.PIN, Kind.FACE}),
        "isapi": frozenset({Kind.CARD, Kind.PIN, Kind.FACE}),
        "ttlock": frozenset({Kind.PIN}),
        "camera": frozenset({Kind.FACE}),
        "simulated": frozenset({Kind.CODE, Kind.CARD, Kind.PIN, Kind.IDCARD, Kind.FACE}),
    }
)
SECRET_NEEDED = frozenset({"isapi", "ttlock"})
_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{0,15}", re.ASCII)
_SERIAL = re.compile(r"[A-Za-z0-9_-]{4,32}", re.ASCII)
_TOKEN = re.compile(r"[\x21-\x7e]{1,80}", re.ASCII)


class TerminalCodeUnreadable(Refusal):
    """A terminal's code is one to sixteen capital letters, digits and hyphens."""

    zh = "设备编号应为 1 至 16 个大写字母、数字或连字符。"
    status = 422


class UnknownMake(Refusal):
    """There is no driver for that make of terminal."""

    zh = "不支持该品牌类型的设备。"
    status = 422


class SettingUnreadable(Refusal):
    """That setting is missing, unknown to this make, or not of the form it needs."""

    zh = "设备参数缺失、不适用或格式有误。"
    status = 422


class SecretUnreadable(Refusal):
    """The secret of this make is one to two hundred visible characters."""

    zh = "该类设备的密钥应为 1 至 200 个可见字符。"
    status = 422


class NoBoxThere(Refusal):
    """No box serves this gate, so nobody could do that."""

    zh = "该门禁点没有接入控制盒，无法执行。"


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalForm:
    """What a terminal is: checked, with its settings as they are kept."""

    code: str
    make: str
    model: str
    settings: Mapping[str, Any]


def check_terminal(*, code: str, make: str, model: str, settings: Mapping[str, Any]) -> TerminalForm:
    """This will return the form, its settings read by its make; refuses with what is wrong with it."""
    if _CODE.fullmatch(code) is None:
        raise TerminalCodeUnreadable(field="code")
    if make not in SETTINGS:
        raise UnknownMake(field="make")
    return TerminalForm(code=code, make=make, model=_plain(model)[:40], settings=check_settings(make, settings))


def check_settings(make: str, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """This will return the settings of a make as they are kept, or refuse with `SettingUnreadable` and name the first that fails."""
    known = SETTINGS[make]
    for name in settings:
        if name not in known:
            raise SettingUnreadable(field=f"settings.{name[:40]}")
    kept = {}
    for name, (needed, read) in known.items():
        if settings.get(name) is None:
            if needed:
                raise SettingUnreadable(field=f"settings.{name}")
            continue
        value = read(settings[name])
        if value is None:
            raise SettingUnreadable(field=f"settings.{name}")
        kept[name] = value
    return kept


def check_secret(make: str, secret: str | None, *, kept: bool = False) -> str | None:
    """This will return the secret to seal, or None to leave the one that is kept; refuses with `SecretUnreadable`."""
    if not secret:
        if make in SECRET_NEEDED and not kept:
            raise SecretUnreadable(field="secret")
        return None
    if len(secret) > MOST_SECRET or not secret.isprintable():
        raise SecretUnreadable(field="secret")
    return secret


def _plain(text: str) -> str:
    return "".join(character for character in text if character.isprintable()).strip()


def _text(most: int) -> Callable[[Any], str | None]:
    def read(value: Any) -> str | None:
        good = isinstance(value, str) and 0 < len(value) <= most and value.isprintable() and value == value.strip()
        return str(value) if good else None

    return read


def _matching(pattern: re.Pattern[str]) -> Callable[[Any], str | None]:
    return lambda value: value if isinstance(value, str) and pattern.fullmatch(value) else None


def _number(least: int, most: int) -> Callable[[Any], int | None]:
    return lambda value: value if type(value) is int and least <= value <= most else None


def _yes_or_no(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _address(value: Any) -> str | None:
    """Read where a device is: http or https, a host, and nothing that would put a password into an address."""
    if not isinstance(value, str) or not 8 <= len(value) <= 120 or not value.isascii() or not value.isprintable():
        return None
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return None
    spoilt = parts.username or parts.password or parts.query or parts.fragment or " " in value or port == 0
    return None if parts.scheme not in ("http", "https") or not parts.hostname or spoilt else value.rstrip("/")


def _source(value: Any) -> str | None:
    """Read where a camera's frames come from: a stream, a file or a folder on the box, or a device number."""
    if type(value) is int:
        return str(value) if 0 <= value <= 63 else None
    return _text(200)(value)


Reader = Callable[[Any], Any]

# name: (needed, how it is read). The names are those the drivers on the box know.
SETTINGS: Mapping[str, Mapping[str, tuple[bool, Reader]]] = MappingProxyType(
    {
        "httpv2": {
            "sn": (True, _matching(_SERIAL)),
            "entrance": (False, _yes_or_no),
            "period_s": (False, _number(1, 60)),
            "least_face_threshold": (False, _number(1, 100)),
        },
        "isapi": {
            "address": (True, _address),
            "user": (True, _matching(_TOKEN)),
            "door": (True, _number(1, 64)),
            "verify": (False, _yes_or_no),
        },
        "ttlock": {
            "lock_id": (True, _number(1, 2**53)),
            "client_id": (True, _matching(_TOKEN)),
            "address": (False, _address),
            # The cloud signs nobody in without the name of the account that owns the lock.
            "user": (True, _matching(_TOKEN)),
        },
        "camera": {"source": (True, _source), "frames_per_s": (False, _number(1, 30))},
        "simulated": {},
    }
)
