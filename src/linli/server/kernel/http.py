"""The only way out: HTTP with a time limit on every leg, retries where they are harmless, and nothing secret in the logs."""

import random
import time
from dataclasses import dataclass
from typing import Any

import httpx
import structlog

ANSWER_BYTES = 1_000_000
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
    """What came back: status, content type, body (at most a megabyte) and seconds taken."""

    status: int
    content_type: str
    body: bytes
    seconds: float


class Peer:
    """One other party, with its address, its credentials and a pool of connections. Safe to share between threads."""

    def __init__(
        self, *, name: str, url: str, token: str | None = None, timeout: float = 10.0, connections: int = 16
    ) -> None:
        self.name = name
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

    def close(self) -> None:
        """This will close the pool."""
        self._client.close()

    def _exchange(self, method: str, path: str, json: Any) -> Answer:
        started = time.perf_counter()
        try:
            with self._client.stream(method, path, json=json) as response:
                body = _bounded(response)
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
        )

    def _no_answer(self, reason: str, problem: Exception, *, sent: bool) -> NoAnswer:
        log.info("peer_silent", peer=self.name, reason=reason, kind=type(problem).__name__)
        return NoAnswer(reason, sent=sent)


def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > ANSWER_BYTES:
            raise NoAnswer("answer_too_long", sent=True)
    return bytes(body)
