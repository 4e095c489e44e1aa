"""How the simulated ISAPI terminal lets somebody in, and says no in XML."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from urllib.request import parse_http_list, parse_keqv_list

from linli.sim.terminals.ports import Request, Response

REALM = "IP Camera(SIM)"
MOST_WRONG = 5
LOCKED_S = 1800.0
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n<{root} version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">{body}</{root}>'


class Digest:
    """HTTP digest as RFC 7616 has it: nonces that expire, counts that may not come twice, and a lock after wrong ones."""

    def __init__(
        self, *, username: str, password: str, nonce_s: float, monotonic: Callable[[], float] = time.monotonic
    ):
        """Take the account, and for how long a nonce is good."""
        self.username, self._password, self.nonce_s = username, password, nonce_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._nonces: dict[str, tuple[float, set[str]]] = {}
        self._wrong, self._locked_until = 0, float("-inf")

    def check(self, request: Request) -> Response | None:
        """This will give the answer to send instead, or None for a request that may pass."""
        with self._lock:
            if self._monotonic() < self._locked_until:
                return in_xml("userCheck", {"statusValue": "401", "lockStatus": "lock"}, status=401)
            given = request.headers.get("authorization", "")
            if not given.lower().startswith("digest "):
                return self._challenge(stale=False)
            words = parse_keqv_list(parse_http_list(given[7:]))
            if not secrets.compare_digest(self._proof(request, words).encode(), words.get("response", "").encode()):
                self._wrong += 1
                if self._wrong >= MOST_WRONG:
                    self._wrong, self._locked_until = 0, self._monotonic() + LOCKED_S
                return self._challenge(stale=False)
            self._wrong = 0
            return None if self._is_fresh(words) else self._challenge(stale=True)

    def _is_fresh(self, words: dict[str, str]) -> bool:
        made, counts = self._nonces.get(words.get("nonce", ""), (float("-inf"), set()))
        if self._monotonic() - made > self.nonce_s or words.get("nc", "") in counts:
            return False
        counts.add(words.get("nc", ""))
        return True

    def _proof(self, request: Request, words: dict[str, str]) -> str:
        who = _md5(f"{self.username}:{REALM}:{self._password}")
        what = _md5(f"{request.method}:{request.target}")
        if words.get("username") != self.username or words.get("uri") != request.target:
            return secrets.token_hex(16)
        return _md5(f"{who}:{words.get('nonce')}:{words.get('nc')}:{words.get('cnonce')}:{words.get('qop')}:{what}")

    def _challenge(self, *, stale: bool) -> Response:
        nonce = secrets.token_hex(16)
        self._nonces = {
            kept: (made, counts)
            for kept, (made, counts) in self._nonces.items()
            if self._monotonic() - made <= self.nonce_s
        }
        self._nonces[nonce] = (self._monotonic(), set())
        words = f'Digest qop="auth", realm="{REALM}", nonce="{nonce}", stale="{"true" if stale else "false"}"'
        told = in_xml("userCheck", {"statusValue": "401", "statusString": "Unauthorized"}, status=401)
        return Response(status=401, kind=told.kind, body=told.body, headers={"www-authenticate": words})


def in_xml(root: str, words: dict[str, str], *, status: int = 200) -> Response:
    """This will make a response of an XML element with plain texts."""
    body = "".join(f"<{name}>{value}</{name}>" for name, value in words.items())
    return Response(status=status, kind="application/xml", body=_XML.format(root=root, body=body).encode())


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
