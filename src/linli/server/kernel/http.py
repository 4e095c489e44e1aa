"""The only way out: HTTP with a time limit on every leg, retries where they are harmless, and nothing secret in the logs."""

import random
import ssl
import threading
import time
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urljoin

import httpx
import structlog

from linli.server.kernel import addresses
from linli.server.kernel.addresses import AddressRefused

ANSWER_BYTES = 1_000_000
MOST_MOVES = 5
MOVED = (301, 302, 303, 307, 308)
RETRY_PAUSE_SECONDS = 0.2
log = structlog.get_logger(__name__)


class NoAnswer(Exception):
    """The other side gave no usable answer; `sent` says whether it may nevertheless have acted on the request."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: status, content type, body (at most a megabyte), seconds taken, and headers by their small names."""

    status: int
    content_type: str
    body: bytes
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Peer:
    """One other party, with its address, its credentials and a pool of connections. Safe to share between threads."""

    def __init__(
        self,
        *,
        name: str,
        url: str,
        token: str | None = None,
        timeout: float = 10.0,
        connections: int = 16,
        whole: float = 0.0,
    ) -> None:
        self.name = name
        self._whole = whole or float("inf")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(
            base_url=url,
            headers=headers,
            timeout=httpx.Timeout(timeout, connect=min(timeout, 5.0)),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            follow_redirects=False,
            trust_env=False,
        )

    def post(self, path: str, json: Any) -> Answer:
        """This will post JSON once; a second try is the caller's decision, for only the caller knows whether it is harmless."""
        return self._exchange("POST", path, json)

    def get(self, path: str, *, attempts: int = 3) -> Answer:
        """This will ask, and ask again when nothing came back; raises `NoAnswer` at last."""
        for attempt in range(1, attempts):
            try:
                return self._exchange("GET", path, None)
            except NoAnswer:
                time.sleep(RETRY_PAUSE_SECONDS * attempt * random.uniform(0.5, 1.5))
        return self._exchange("GET", path, None)

    def send(self, method: str, path: str, *, content: bytes | None = None, headers: Mapping[str, str]) -> Answer:
        """This will send a body as it is, once, under headers of the caller's."""
        return self._exchange(method, path, None, content=content, headers=headers)

    def close(self) -> None:
        """This will close the pool."""
        self._client.close()

    def _exchange(
        self,
        method: str,
        path: str,
        json: Any,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        started = time.perf_counter()
        try:
            with self._client.stream(method, path, json=json, content=content, headers=headers) as response:
                body = _bounded(response, until=started + self._whole)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as problem:
            raise self._no_answer("unreachable", problem, sent=False) from problem
        except httpx.TimeoutException as problem:
            raise self._no_answer("timeout", problem, sent=True) from problem
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            raise self._no_answer("broken_connection", problem, sent=True) from problem
        seconds = time.perf_counter() - started
        # Path and status only: bodies carry names and numbers, headers carry the token.
        log.debug(
            "peer_answered", peer=self.name, method=method, status=response.status_code, seconds=round(seconds, 3)
        )
        return Answer(
            status=response.status_code,
            content_type=response.headers.get("content-type", ""),
            body=body,
            seconds=seconds,
            headers={name.lower(): value for name, value in response.headers.items()},
        )

    def _no_answer(self, reason: str, problem: Exception, *, sent: bool) -> NoAnswer:
        log.info("peer_silent", peer=self.name, reason=reason, kind=type(problem).__name__)
        return NoAnswer(reason, sent=sent)


def _bounded(response: httpx.Response, *, until: float) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        # A trickle keeps every single read within its limit: who waits may limit the whole.
        if time.perf_counter() > until:
            raise NoAnswer("timeout", sent=True)
        if len(body) > ANSWER_BYTES:
            raise NoAnswer("answer_too_long", sent=True)
    return bytes(body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A document fetched from an address that somebody named: status, media type, body, and how to ask for changes only."""

    status: int
    content_type: str
    body: bytes
    etag: str
    modified: str
    seconds: float


def download(
    url: str, *, headers: Mapping[str, str], nearby: Collection[str], most_bytes: int, seconds: float
) -> Download:
    """This will fetch a document from the public internet within limits of size and time; raises `NoAnswer`.

    Every address on the way is looked at before it is connected to, redirects too; what began under TLS does not leave it.
    """
    started = time.perf_counter()
    scheme = ""
    for _ in range(MOST_MOVES + 1):
        try:
            here, host, port = addresses.parts(url)
            if (scheme, here) == ("https", "http"):
                raise AddressRefused("tls_left")
            scheme, reachable = here, addresses.resolved(host, port, nearby=nearby)
        except AddressRefused as refused:
            raise NoAnswer(refused.reason, sent=False) from refused
        answer, target = _fetched(
            url, host, reachable, headers=headers, most_bytes=most_bytes, until=started + seconds, started=started
        )
        if target is None:
            return answer
        url = urljoin(url, target)
    raise NoAnswer("too_many_redirects", sent=True)


def _fetched(
    url: str,
    host: str,
    reachable: Collection[str],
    *,
    headers: Mapping[str, str],
    most_bytes: int,
    until: float,
    started: float,
) -> tuple[Download, str | None]:
    last: Exception | None = None
    for address in reachable:
        left = until - time.perf_counter()
        if left <= 0:
            raise NoAnswer("timeout", sent=True)
        timeout = httpx.Timeout(left, connect=min(left, 5.0))
        client = httpx.Client(timeout=timeout, verify=_certificates(), trust_env=False)
        # Headers that trickle are as endless as a body that does: the connection goes when the time is up.
        end = threading.Timer(left, client.close)
        end.start()
        try:
            with client, client.stream("GET", **_pinned(url, host, address, headers)) as response:
                return _document(response, most_bytes=most_bytes, until=until, started=started)
        except (httpx.ConnectError, httpx.ConnectTimeout) as problem:
            last = problem
        except httpx.TimeoutException as problem:
            raise NoAnswer("timeout", sent=True) from problem
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError, RuntimeError, OSError) as problem:
            reason = "timeout" if time.perf_counter() >= until else "broken_connection"
            raise NoAnswer(reason, sent=True) from problem
        finally:
            end.cancel()
    log.info("document_out_of_reach", host=host)
    raise NoAnswer("unreachable", sent=False) from last


@cache
def _certificates() -> ssl.SSLContext:
    # Reading the authorities' certificates costs more than most fetches.
    return httpx.create_ssl_context(trust_env=False)


def _pinned(url: str, host: str, address: str, headers: Mapping[str, str]) -> dict[str, Any]:
    # Connected to by number, asked for and certified by name: a second look-up could lead elsewhere.
    named = httpx.URL(url)
    port = "" if named.port is None else f":{named.port}"
    shown = f"[{host}]" if ":" in host else host
    return {
        "url": named.copy_with(host=address, username="", password=""),
        "headers": {"Accept-Encoding": "gzip", **_login(named), **headers, "Host": f"{shown}{port}"},
        "extensions": {"sni_hostname": host},
    }


def _login(named: httpx.URL) -> dict[str, str]:
    if not named.userinfo:
        return {}
    signed = httpx.Request("GET", named.copy_with(username="", password=""))
    flow = httpx.BasicAuth(named.username, named.password).auth_flow(signed)
    return {"Authorization": next(flow).headers["Authorization"]}


def _document(
    response: httpx.Response, *, most_bytes: int, until: float, started: float
) -> tuple[Download, str | None]:
    target = response.headers.get("location") if response.status_code in MOVED else None
    body = b"" if target else _limited(response, most_bytes=most_bytes, until=until)
    told = response.headers
    answer = Download(
        status=response.status_code,
        content_type=told.get("content-type", "")[:200],
        body=body,
        etag=told.get("etag", "")[:200],
        modified=told.get("last-modified", "")[:60],
        seconds=time.perf_counter() - started,
    )
    return answer, target


def _limited(response: httpx.Response, *, most_bytes: int, until: float) -> bytes:
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity", "gzip", "x-gzip"):
        raise NoAnswer("unreadable_encoding", sent=True)
    body = bytearray()
    for piece in _unpacked(response.iter_raw(), packed=bool(coding) and coding != "identity", most_bytes=most_bytes):
        body += piece
        if len(body) > most_bytes:
            raise NoAnswer("answer_too_long", sent=True)
        # A trickle keeps every single read within its limit: the whole is limited too.
        if time.perf_counter() > until:
            raise NoAnswer("timeout", sent=True)
    return bytes(body)


def _unpacked(pieces: Iterator[bytes], *, packed: bool, most_bytes: int) -> Iterator[bytes]:
    if not packed:
        yield from pieces
        return
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for piece in pieces:
            # Never more than the limit at once: a small body may unpack to gigabytes.
            yield unpacker.decompress(piece, most_bytes + 1)
        if not unpacker.eof:
            raise NoAnswer("cut_short", sent=True)
    except zlib.error as problem:
        raise NoAnswer("unreadable_encoding", sent=True) from problem
