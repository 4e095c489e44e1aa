"""Calls to another view library, as a lower platform or as an upper one: what was sent, what came, and in which dialect."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

from linli.sim.platforms.viid import digest
from linli.sim.platforms.viid.codes import Kind
from linli.sim.platforms.viid.dialects import STRICT, Dialect, Json, Reading, lookup

REGISTER = "/VIID/System/Register"
MOST_CHALLENGES = 3
LONGEST_ANSWER = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came back of one call; `status` is None when nothing did."""

    method: str
    path: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    seconds: float = 0.0
    problem: str = ""
    statuses: tuple[tuple[int | None, str, str], ...] = ()
    reading: Reading = field(default_factory=Reading)

    @property
    def code(self) -> int | None:
        """This will give the status code of an answer that has exactly one."""
        return self.statuses[0][0] if len(self.statuses) == 1 else None

    @property
    def challenge(self) -> str:
        """This will give the digest challenge of a refusal, or nothing."""
        told = self.headers.get("www-authenticate", "")
        return told if self.status == 401 and told.lower().startswith("digest ") else ""

    def words(self) -> str:
        """This will say in a few words what came."""
        if self.status is None:
            return self.problem
        codes = ",".join("?" if code is None else str(code) for code, _, _ in self.statuses)
        return (
            f"HTTP {self.status}"
            + (f", status {codes}" if codes else "")
            + (f", {self.problem}" if self.problem else "")
        )

    def as_json(self) -> Json:
        """This will show the whole of it, for a test that asked for the call."""
        return {
            "status": self.status,
            "body": self.body,
            "statuses": [list(row) for row in self.statuses],
            "seconds": round(self.seconds, 3),
            "problem": self.problem,
            "dialect": self.reading.words(),
        }


class Caller:
    """This will call one peer in one dialect; it never raises for what the peer does."""

    def __init__(self, *, url: str, device_id: str, dialect: Dialect = STRICT, timeout_s: float = 10.0) -> None:
        """Take the peer's address, with or without a trailing /VIID, and who is calling."""
        self.device_id, self.dialect = device_id, dialect
        self._client = httpx.Client(
            base_url=url.rstrip("/").removesuffix("/VIID"), timeout=timeout_s, trust_env=False, follow_redirects=False
        )
        # A deadline of the whole: a peer that trickles would otherwise reset the read timeout with every byte.
        self._deadline_s = timeout_s

    def __enter__(self) -> Self:
        """Keep the connection for the calls to come."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._client.close()

    def call(
        self,
        *,
        method: str,
        path: str,
        body: Json | None = None,
        query: Mapping[str, str] | None = None,
        authorization: str = "",
        identify: bool = True,
    ) -> Heard:
        """This will send one request and read what comes back."""
        headers = {"content-type": self.dialect.content_type}
        if identify:
            headers["user-identify"] = self.device_id
        if authorization:
            headers["authorization"] = authorization
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        started = time.monotonic()
        try:
            with self._client.stream(method, path, content=content, params=query, headers=headers) as response:
                raw = self._read(response=response, started=started)
        except httpx.HTTPError as problem:
            words = f"{type(problem).__name__}: {problem}"[:120]
            return Heard(method=method, path=path, problem=words, seconds=time.monotonic() - started)
        return _heard(method=method, path=path, response=response, raw=raw, seconds=time.monotonic() - started)

    def register(self, *, username: str, password: str) -> list[Heard]:
        """This will register: the refusal with a challenge, then the answer to it, once more when it was stale."""
        steps = [self.ask_to_register()]
        while steps[-1].challenge and len(steps) <= MOST_CHALLENGES:
            challenge = steps[-1].challenge
            if len(steps) > 1 and digest.words_in(challenge[7:]).get("stale", "").lower() != "true":
                break
            try:
                proof = self.proof(challenge=challenge, username=username, password=password)
            except ValueError:
                break
            steps.append(self.ask_to_register(proof=proof))
        return steps

    def ask_to_register(self, *, proof: str = "") -> Heard:
        """This will send one Register, with the answer to a challenge or without."""
        body: Json = {"RegisterObject": {"DeviceID": self.device_id}}
        return self.call(method="POST", path=REGISTER, body=body, authorization=proof)

    def proof(self, *, challenge: str, username: str, password: str) -> str:
        """This will answer a challenge to Register, or raise ValueError when it cannot be answered."""
        uri = self._client.base_url.path.rstrip("/") + REGISTER
        return digest.answer(challenge=challenge, username=username, password=password, method="POST", uri=uri)

    def unregister(self) -> Heard:
        """This will take leave."""
        body: Json = {"UnRegisterObject": {"DeviceID": self.device_id}}
        return self.call(method="POST", path="/VIID/System/UnRegister", body=body)

    def keep_alive(self) -> Heard:
        """This will say that we are still here."""
        body: Json = {"KeepaliveObject": {"DeviceID": self.device_id}}
        return self.call(method="POST", path="/VIID/System/Keepalive", body=body)

    def ask_time(self) -> Heard:
        """This will ask what time it is there."""
        return self.call(method="GET", path="/VIID/System/Time")

    def send(self, *, kind: Kind, objects: list[Json], method: str = "POST") -> Heard:
        """This will send a list of objects."""
        return self.call(method=method, path=f"/VIID/{kind.path}", body=self.dialect.listed(kind=kind, objects=objects))

    def delete(self, *, kind: Kind, numbers: list[str]) -> Heard:
        """This will take objects, or subscriptions, back by their numbers."""
        return self.call(method="DELETE", path=f"/VIID/{kind.path}", query={"IDList": ",".join(numbers)})

    def _read(self, *, response: httpx.Response, started: float) -> bytes:
        raw = bytearray()
        for chunk in response.iter_bytes():
            raw += chunk
            if len(raw) > LONGEST_ANSWER:
                raise httpx.DecodingError("the answer does not end")
            if time.monotonic() - started > self._deadline_s:
                raise httpx.ReadTimeout("the answer trickles")
        return bytes(raw)


def _heard(*, method: str, path: str, response: httpx.Response, raw: bytes, seconds: float) -> Heard:
    reading = Reading()
    try:
        body = json.loads(raw) if raw else None
    except (ValueError, RecursionError):
        body = None
    problem = "" if body is not None else "no JSON"
    if body is not None:
        reading.content_type(response.headers.get("content-type", ""))
    statuses = reading.statuses(body)
    told = lookup(body, "SystemTimeObject")[0]
    if isinstance(told, dict):
        reading.moment(lookup(told, "LocalTime")[0])
    return Heard(
        method=method,
        path=path,
        status=response.status_code,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=body,
        seconds=seconds,
        problem=problem,
        statuses=tuple(statuses or ()),
        reading=reading,
    )
