"""The digest of RFC 2617 (and its MD5 successors), as computed on either side; no clock, no chance, no storage.

Peers are read generously: parts with or without a blank after the comma, quoted or not, `opaque` missing, `qop` missing.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

HASHES: Mapping[str, str] = MappingProxyType(
    {"MD5": "md5", "MD5-SESS": "md5", "SHA-256": "sha256", "SHA-256-SESS": "sha256"}
)
PART = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
LONGEST = 4000


class NoDigest(ValueError):
    """A header holds no digest challenge, or none that can be answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What a server asks: prove that you know the password, by this nonce."""

    realm: str
    nonce: str = field(repr=False)
    opaque: str | None = None
    qop: str | None = "auth"
    algorithm: str | None = None
    stale: bool = False

    def header(self) -> str:
        """This will write the challenge as `WWW-Authenticate`."""
        parts = [f'realm="{self.realm}"', f'qop="{self.qop or "auth"}"', f'nonce="{self.nonce}"']
        parts += [f'opaque="{self.opaque}"'] if self.opaque else []
        parts += ["algorithm=MD5"] + (["stale=true"] if self.stale else [])
        return "Digest " + ", ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a client answers; `count` is 0 where the old form without qop is spoken."""

    username: str = field(repr=False)
    realm: str
    nonce: str = field(repr=False)
    uri: str
    response: str = field(repr=False)
    qop: str
    count: int
    cnonce: str = field(repr=False)
    algorithm: str


def challenge_in(header: str) -> Challenge:
    """This will read a challenge, or raise `NoDigest`; of several schemes the digest is taken."""
    scheme = re.search(r"(?:^|,)\s*Digest\s+", header[:LONGEST], re.IGNORECASE)
    if scheme is None:
        raise NoDigest("no digest")
    parts = _parts(header[scheme.end() : LONGEST])
    if not parts.get("nonce"):
        raise NoDigest("no nonce")
    algorithm = parts.get("algorithm")
    if (algorithm or "MD5").upper() not in HASHES:
        raise NoDigest("unknown algorithm")
    offered = [word.strip().lower() for word in parts.get("qop", "").split(",") if word.strip()]
    if offered and "auth" not in offered:
        raise NoDigest("unknown qop")
    return Challenge(
        realm=parts.get("realm", ""),
        nonce=parts["nonce"],
        opaque=parts.get("opaque"),
        qop="auth" if offered else None,
        algorithm=algorithm,
        stale=parts.get("stale", "").lower() == "true",
    )


def answer(
    challenge: Challenge, *, username: str, password: str, method: str, uri: str, cnonce: str, count: int = 1
) -> str:
    """This will write the `Authorization` that answers a challenge."""
    response = response_of(
        username=username,
        realm=challenge.realm,
        password=password,
        method=method,
        uri=uri,
        nonce=challenge.nonce,
        qop=challenge.qop or "",
        count=count,
        cnonce=cnonce,
        algorithm=challenge.algorithm or "MD5",
    )
    quoted = {
        "username": username,
        "realm": challenge.realm,
        "nonce": challenge.nonce,
        "uri": uri,
        "response": response,
    }
    parts = [f'{name}="{_escaped(value)}"' for name, value in quoted.items()]
    parts += [f"algorithm={challenge.algorithm}"] if challenge.algorithm else []
    parts += [f'opaque="{_escaped(challenge.opaque)}"'] if challenge.opaque else []
    parts += ["qop=auth", f"nc={count:08x}", f'cnonce="{cnonce}"'] if challenge.qop else []
    return "Digest " + ", ".join(parts)


def proof_in(header: str) -> Proof:
    """This will read an `Authorization`, or raise `NoDigest`."""
    scheme, _, rest = header[:LONGEST].strip().partition(" ")
    parts = _parts(rest) if scheme.lower() == "digest" else {}
    if not all(parts.get(name) for name in ("username", "nonce", "uri", "response")):
        raise NoDigest("not a digest")
    qop, count = parts.get("qop", "").lower(), parts.get("nc", "")
    if qop and (qop != "auth" or re.fullmatch(r"[0-9A-Fa-f]{1,8}", count) is None or not parts.get("cnonce")):
        raise NoDigest("unknown qop")
    return Proof(
        username=parts["username"],
        realm=parts.get("realm", ""),
        nonce=parts["nonce"],
        uri=parts["uri"],
        response=parts["response"].lower(),
        qop=qop,
        count=int(count, 16) if qop else 0,
        cnonce=parts.get("cnonce", ""),
        algorithm=parts.get("algorithm", "MD5"),
    )


def is_proven(proof: Proof, *, realm: str, password: str, method: str, target: str) -> bool:
    """This will say whether the proof was made with the password, for this request and our realm."""
    if proof.realm != realm or proof.algorithm.upper() != "MD5" or _path(proof.uri) != _path(target):
        return False
    expected = response_of(
        username=proof.username,
        realm=realm,
        password=password,
        method=method,
        uri=proof.uri,
        nonce=proof.nonce,
        qop=proof.qop,
        # As it was written: the digest is over its eight digits.
        count=proof.count,
        cnonce=proof.cnonce,
        algorithm="MD5",
    )
    return hmac.compare_digest(expected.encode(), proof.response.encode())


def response_of(
    *,
    username: str,
    realm: str,
    password: str,
    method: str,
    uri: str,
    nonce: str,
    qop: str,
    count: int,
    cnonce: str,
    algorithm: str = "MD5",
) -> str:
    """This will compute the response (RFC 2617, 3.2.2.1); without qop in the form of RFC 2069."""
    name = algorithm.upper()
    secret = _hash(name, f"{username}:{realm}:{password}")
    if name.endswith("-SESS"):
        secret = _hash(name, f"{secret}:{nonce}:{cnonce}")
    asked = _hash(name, f"{method}:{uri}")
    if not qop:
        return _hash(name, f"{secret}:{nonce}:{asked}")
    return _hash(name, f"{secret}:{nonce}:{count:08x}:{cnonce}:{qop}:{asked}")


def _hash(algorithm: str, text: str) -> str:
    # The standard's own choice, not ours: it protects a password on the way and nothing that is kept.
    return hashlib.new(HASHES[algorithm], text.encode(errors="surrogateescape"), usedforsecurity=False).hexdigest()


def _parts(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, quoted, bare in PART.findall(text):
        found.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) if quoted else bare)
    return found


def _escaped(text: str) -> str:
    return re.sub(r'(["\\])', r"\\\1", text)


def _path(uri: str) -> str:
    return re.sub(r"^https?://[^/]*", "", uri)
