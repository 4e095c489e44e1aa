"""Whom an address that somebody typed may lead us to: the public internet, and nothing near us (CWE-918).

A name is resolved here and connected to by the very address that was looked at, so that a name which answers differently the second
time leads nowhere. What embeds an IPv4 address is judged by the address inside.
"""

import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
LONGEST = 2000


class AddressRefused(ValueError):
    """An address leads nowhere we go; `reason` says why: `not_http`, `unknown_host` or `address_forbidden`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parts(url: str) -> tuple[str, str, int]:
    """This will return scheme, host and port of an http or https address, or raise `AddressRefused`."""
    if len(url) > LONGEST or any(ord(sign) <= 32 or ord(sign) == 127 for sign in url):
        raise AddressRefused("not_http")
    try:
        split = urlsplit(url)
        port = split.port
        host = (split.hostname or "").rstrip(".").encode("idna").decode("ascii").lower()
    except ValueError as problem:
        raise AddressRefused("not_http") from problem
    if split.scheme not in PORTS or not host or "\\" in url:
        raise AddressRefused("not_http")
    return split.scheme, host, port or PORTS[split.scheme]


def resolved(host: str, port: int, *, nearby: Collection[str] = ()) -> tuple[str, ...]:
    """This will return the addresses of a host, all of them public; one private address among them spoils the name.

    A host in `nearby` may be private: tests and simulators live there. Raises `AddressRefused`.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        raise AddressRefused("unknown_host") from problem
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    if host not in nearby and not all(is_public(address) for address in addresses):
        raise AddressRefused("address_forbidden")
    return addresses


def is_public(address: str) -> bool:
    """This will say whether an address belongs to the public internet."""
    try:
        number = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(number, ipaddress.IPv6Address):
        inside = number.ipv4_mapped or number.sixtofour
        if number in NAT64:
            inside = ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(str(inside))
        if number.teredo is not None or number.is_site_local:
            return False
    return number.is_global and not number.is_multicast and not number.is_reserved
