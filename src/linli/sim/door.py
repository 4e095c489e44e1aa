"""The estate as the outside knows it: its HTTP API as an operator, a guest or the desk calls it, and its simulated gates."""

import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

TIMEOUT_SECONDS = 30.0
BUSY = (429, 502, 503, 504)
TRIES = 12


class Refused(Exception):
    """The estate said no: the status and the stable code of its problem document."""

    def __init__(self, status: int, code: str, body: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code, self.body = status, code, body


class Estate:
    """One party's connection to the estate's API; a lost answer is asked for again with the same idempotency key."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False)
        self._pause = threading.Event()

    def sign_in(self, *, username: str, password: str) -> Any:
        """This will open a session with its cookie, and send the CSRF header from now on."""
        self._client.get("/api/session")
        return self.call("POST", "/api/session", {"username": username, "password": password})

    def call(self, method: str, path: str, body: object = None, *, token: str | None = None) -> Any:
        """This will ask once, or again after a lost answer or a busy server, and return the JSON; raises `Refused`."""
        headers = {"Idempotency-Key": uuid.uuid4().hex} if method == "POST" else {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        for turn in range(TRIES):
            response = self._once(method, path, body, headers)
            if response is not None and response.status_code not in BUSY:
                return _read(response)
            self._pause.wait(min(2.0, 0.1 * 2**turn))
        raise Refused(response.status_code if response is not None else 0, "no_answer", {})

    def _once(self, method: str, path: str, body: object, headers: dict[str, str]) -> httpx.Response | None:
        csrf = self._client.cookies.get("csrftoken")
        if csrf and "Authorization" not in headers:
            headers = {**headers, "X-CSRFToken": csrf, "Referer": str(self._client.base_url)}
        try:
            return self._client.request(method, path, json=body, headers=headers)
        except httpx.TransportError:
            return None

    def send_file(
        self,
        path: str,
        *,
        field: str,
        name: str,
        content: bytes,
        fields: Mapping[str, str] | None = None,
        token: str = "",
    ) -> Any:
        """This will send one file in a form and return the JSON; raises `Refused`."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        csrf = self._client.cookies.get("csrftoken")
        if csrf and not token:
            headers |= {"X-CSRFToken": csrf, "Referer": str(self._client.base_url)}
        files = {field: (name, content, "application/octet-stream")}
        return _read(self._client.post(path, files=files, data=dict(fields or {}), headers=headers))

    def send_files(self, path: str, *, files: Sequence[tuple[str, str, bytes]], token: str) -> Any:
        """This will send several files (field, name, content) in one form and return the JSON; raises `Refused`."""
        parts = [(field, (name, content, "application/octet-stream")) for field, name, content in files]
        return _read(self._client.post(path, files=parts, headers={"Authorization": f"Bearer {token}"}))

    def close(self) -> None:
        """This will close the connection."""
        self._client.close()


def _read(response: httpx.Response) -> Any:
    if response.status_code < 400:
        return response.json() if response.content else None
    try:
        body = response.json()
    except ValueError:
        body = {}
    raise Refused(response.status_code, str(body.get("code", "")), body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a gate said to a scan."""

    open: bool
    reason: str


class Gates:
    """The simulated gates of one or several agents, by the codes they serve."""

    def __init__(self, controls: Mapping[str, str]) -> None:
        """`controls` maps a gate's code to its agent's control address."""
        self._controls = dict(controls)
        self._clients = {
            url: httpx.Client(base_url=url, timeout=10.0, trust_env=False) for url in set(controls.values())
        }
        self._pause = threading.Event()

    def scan(self, *, gate: str, code: str, direction: str = "in", kind: str = "code") -> Opening:
        """This will hold a code, or something else, before a gate's reader; an agent that is being restarted is waited for."""
        body = {"kind": kind, "code": code, "direction": direction}
        for turn in range(TRIES):
            try:
                answer = self._clients[self._controls[gate]].post(f"/gates/{gate}/scan", json=body)
                verdict = answer.raise_for_status().json()
                return Opening(open=bool(verdict["open"]), reason=str(verdict["reason"]))
            except httpx.HTTPError:
                self._pause.wait(min(2.0, 0.1 * 2**turn))
        return Opening(open=False, reason="no_answer")

    def pull_the_cable(self, *, gate: str, online: bool) -> None:
        """This will cut or mend the network of the agent that serves a gate."""
        for turn in range(TRIES):
            try:
                self._clients[self._controls[gate]].post("/uplink", json={"online": online}).raise_for_status()
                return
            except httpx.HTTPError:
                self._pause.wait(min(2.0, 0.1 * 2**turn))
        raise Refused(0, "no_answer", {})

    def templates(self) -> int:
        """This will count the face templates that the agents hold, together."""
        answers = [client.get("/gates").raise_for_status().json() for client in self._clients.values()]
        return sum(int(answer["templates"]) for answer in answers)

    def close(self) -> None:
        """This will close the connections."""
        for client in self._clients.values():
            client.close()
