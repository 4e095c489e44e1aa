"""The platforms this process is linked to: one module each, made from its table in the links file, found by name."""

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from django.conf import settings

from linli.server.connectors.platforms import community, lodging, ses_hospedajes, viid
from linli.server.connectors.protocol import Platform

Settings = Mapping[str, str]
# One line a platform: docs/platforms.md says how to add one in a day.
MAKERS: Mapping[str, Callable[[Settings], Platform]] = MappingProxyType(
    {"community": community.make, "lodging": lodging.make, "viid": viid.make, "ses_hospedajes": ses_hospedajes.make}
)


class BadLinks(ValueError):
    """The links file cannot be used: it is no TOML, or names a platform that does not exist."""


@cache
def linked() -> Mapping[str, Platform]:
    """This will give the platforms of this process by name, each with its pool of connections; raises `BadLinks`."""
    return MappingProxyType({name: MAKERS[name](table) for name, table in link_settings().items() if name in MAKERS})


@cache
def link_settings() -> Mapping[str, Settings]:
    """This will give each platform's table of the links file; the lodging platform's also from its two variables."""
    environment = settings.ENV
    tables = read_links(environment.links) if environment.links else {}
    # Without an address nothing is lost: reports queue and say that the platform cannot be reached.
    spoken = {"url": environment.lodging_url, "token": environment.lodging_token}
    return MappingProxyType({"lodging": {**spoken, **tables.pop("lodging", {})}, **tables})


def read_links(file: Path) -> dict[str, Settings]:
    """This will read a links file: a table a platform, words and numbers as text; raises `BadLinks`."""
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise BadLinks(f"{file}: {problem}") from problem
    unknown = sorted(set(told) - KNOWN)
    if unknown or not all(isinstance(table, dict) for table in told.values()):
        raise BadLinks(
            f"{file}: {', '.join(unknown) or 'a name outside a table'} is no platform; there are {', '.join(sorted(KNOWN))}"
        )
    return {name: {key: str(value) for key, value in table.items()} for name, table in told.items()}


# The face layer is asked while a guest waits, not by the couriers: it has a table, but no line above.
KNOWN = frozenset(MAKERS) | {"face_layer"}
