"""The platforms this estate is linked to: one module each, found by name."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from linli.server.connectors.platforms.lodging import lodging_platform
from linli.server.connectors.protocol import Platform


@cache
def linked() -> Mapping[str, Platform]:
    """This will give the platforms of this process by name, each with its pool of connections."""
    platforms = (lodging_platform(),)
    return MappingProxyType({platform.name: platform for platform in platforms})
