"""Where an address that somebody typed may lead: the public internet, never near us, not even by a detour."""

import socket

import pytest

from linli.server.kernel import addresses, http
from linli.server.kernel.addresses import AddressRefused
from linli.server.kernel.http import NoAnswer

NEAR = [
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("::1", "::", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::"),
    *("224.0.0.1", "255.255.255.255", "240.0.0.1", "ff02::1", "2001:0:1::1", "not an address", "192.0.2.1"),
]


@pytest.mark.parametrize("address", NEAR)
def test_nothing_near_us_is_public(address: str) -> None:
    assert not addresses.is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "2002:808:808::"])
def test_the_internet_is(address: str) -> None:
    assert addresses.is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://x.example/a", "file:///etc/passwd", "gopher://x.example", "//x.example", "x.example", "", "http://"),
        *("http:///a", "http://x.example:99999/", "http://[::1", "http://a b.example/", "http://x.example/\r\nHost: y"),
        *("http://x.example\\@y.example/", "javascript:alert(1)", "http://" + "x" * 3000),
    ],
)
def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        addresses.parts(url)
    assert refused.value.reason == "not_http"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "0", "2130706433", "0x7f000001", "127.1", "[::1]", "[::ffff:7f00:1]"]
)
def test_loopback_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises(NoAnswer) as silence:
        http.download(f"http://{host}:9/", headers={}, nearby=(), most_bytes=10, seconds=2)
    assert silence.value.reason in ("address_forbidden", "unknown_host", "not_http")
    assert not silence.value.sent


def test_one_private_address_among_public_ones_spoils_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*args: object, **kwargs: object) -> list:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, 80)) for number in ("8.8.8.8", "10.1.2.3")]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with pytest.raises(AddressRefused) as refused:
        addresses.resolved("two-faced.example", 80)
    assert refused.value.reason == "address_forbidden"


def test_a_host_named_for_tests_and_simulators_may_be_near() -> None:
    assert addresses.resolved("127.0.0.1", 80, nearby={"127.0.0.1"}) == ("127.0.0.1",)
