"""HTTP digest as RFC 2617 has it, both sides: MD5, qop=auth, a nonce good once and not for long."""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from threading import Lock
from urllib.request import parse_http_list

NONCE_SECONDS = 60.0
MOST_NONCES = 10_000


class Proof(StrEnum):
    """What a request's Authorization is worth."""

    SOUND = "sound"
    MISSING = "missing"
    WRONG = "wrong"
    STALE = "stale"


class Guard:
    """This will let the holders of accounts in; every nonce is used up by the first proof that bears it."""

    def __init__(
        self,
        *,
        realm: str,
        accounts: Mapping[str, str],
        nonce_s: float = NONCE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the realm, passwords by user name, and for how long a nonce is good."""
        self.realm, self.nonce_s = realm, nonce_s
        self._accounts, self._monotonic = dict(accounts), monotonic
        self._opaque = secrets.token_hex(8)
        self._nonces: dict[str, float] = {}
        self._lock = Lock()

    def challenge(self, *, stale: bool = False) -> str:
        """This will write a WWW-Authenticate with a fresh nonce."""
        nonce = secrets.token_hex(16)
        with self._lock:
            now = self._monotonic()
            kept = [(old, made) for old, made in self._nonces.items() if now - made <= self.nonce_s]
            self._nonces = dict(kept[-MOST_NONCES:])
            self._nonces[nonce] = now
        said = f'Digest realm="{self.realm}", qop="auth", nonce="{nonce}", opaque="{self._opaque}", algorithm=MD5'
        return said + (", stale=true" if stale else "")

    def prove(self, *, header: str, method: str, target: str) -> tuple[Proof, str]:
        """This will weigh an Authorization header, and tell whose it is."""
        if not header.lower().startswith("digest "):
            return Proof.MISSING, ""
        words = words_in(header[7:])
        username = words.get("username", "")
        password = self._accounts.get(username)
        # The same work for an unknown name: how long a refusal takes must not tell whether there is such an account.
        expected = proof(username=username, password=password or secrets.token_hex(8), method=method, words=words)
        sound = hmac.compare_digest(expected.encode(), words.get("response", "").lower().encode())
        if password is None or not sound or not self._is_about(words=words, target=target):
            return Proof.WRONG, username
        with self._lock:
            made = self._nonces.pop(words.get("nonce", ""), None)
        fresh = made is not None and self._monotonic() - made <= self.nonce_s
        return (Proof.SOUND if fresh else Proof.STALE), username

    def _is_about(self, *, words: Mapping[str, str], target: str) -> bool:
        uri = words.get("uri", "")
        return (
            words.get("realm") == self.realm
            and words.get("qop") == "auth"
            and re.fullmatch(r"[0-9a-f]{8}", words.get("nc", "").lower()) is not None
            and words.get("algorithm", "MD5").upper() == "MD5"
            and (uri == target or uri.endswith(target))
        )


def proof(*, username: str, password: str, method: str, words: Mapping[str, str]) -> str:
    """This will compute the response of RFC 2617 §3.2.2 for the words of a header."""
    who = _md5(f"{username}:{words.get('realm', '')}:{password}")
    what = _md5(f"{method}:{words.get('uri', '')}")
    if not words.get("qop"):
        return _md5(f"{who}:{words.get('nonce', '')}:{what}")
    told = ":".join(words.get(name, "") for name in ("nonce", "nc", "cnonce", "qop"))
    return _md5(f"{who}:{told}:{what}")


def answer(*, challenge: str, username: str, password: str, method: str, uri: str) -> str:
    """This will write the Authorization that answers a challenge, or raise ValueError when it is no digest of ours."""
    if not challenge.lower().startswith("digest "):
        raise ValueError("not a digest challenge")
    asked = words_in(challenge[7:])
    if not asked.get("nonce") or asked.get("algorithm", "MD5").upper() != "MD5":
        raise ValueError("no nonce, or another algorithm than MD5")
    words = {"realm": asked.get("realm", ""), "nonce": asked["nonce"], "uri": uri}
    if "auth" in [word.strip() for word in asked.get("qop", "").split(",")]:
        words |= {"qop": "auth", "nc": "00000001", "cnonce": secrets.token_hex(8)}
    response = proof(username=username, password=password, method=method, words=words)
    quoted = {"username": username, **{name: words[name] for name in words if name not in ("qop", "nc")}}
    quoted["response"] = response
    if "opaque" in asked:
        quoted["opaque"] = asked["opaque"]
    plain = {name: words[name] for name in ("qop", "nc") if name in words} | {"algorithm": "MD5"}
    said = [f'{name}="{value}"' for name, value in quoted.items()]
    return "Digest " + ", ".join(said + [f"{name}={value}" for name, value in plain.items()])


def words_in(text: str) -> dict[str, str]:
    """This will read `a="b", c=d`, with or without spaces and quotes."""
    told: dict[str, str] = {}
    for part in parse_http_list(text):
        name, _, value = part.partition("=")
        told[name.strip().lower()] = value.strip().strip('"')
    return told


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
