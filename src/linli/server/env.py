"""Everything that differs between two machines that run Linli, typed and in one place.

Policy (quiet hours, retention, deadlines) is not here: it is data with a history. See the architecture, house rule 14.
"""

import base64
import ipaddress
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from linli.server import postgres

CIPHERS = ("aes", "sm4")
DEFAULT_HOME = ".linli"
DEFAULT_PORT = 8000


class BadEnvironment(ValueError):
    """A variable of the environment cannot be used."""

    def __init__(self, *, name: str, value: str, wanted: str) -> None:
        super().__init__(f"{name}={value!r} cannot be used: {wanted}")
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Env:
    """Tell where this instance keeps its things and whom it talks to; secrets are left out of its repr."""

    home: Path
    given_database_url: str | None
    host: str
    port: int
    public_url: str
    given_secret_key: str | None
    given_keyring: Path | None
    cipher: str
    lodging_url: str
    lodging_token: str
    links: Path | None
    pg_bin: Path | None
    clock_file: Path | None
    nearby_feeds: frozenset[str]

    def __repr__(self) -> str:
        return f"Env(home={str(self.home)!r}, public_url={self.public_url!r})"

    @property
    def embedded(self) -> bool:
        """Tell whether the database is our own child rather than somebody else's server."""
        return self.given_database_url is None

    @property
    def database_url(self) -> str:
        """Give the database's address: the one given, or the embedded instance's socket under `home`."""
        return self.given_database_url or postgres.url(self.pg_home)

    @property
    def pg_home(self) -> Path:
        """Say where the embedded database lives."""
        return self.home / "pg"

    @property
    def secret_key_file(self) -> Path:
        """Say where the generated secret key is kept when none is given."""
        return self.home / "secret.key"

    @property
    def secret_key(self) -> str:
        """Give the key that signs sessions and links; raises `BadEnvironment` before `prepare_home`."""
        if self.given_secret_key is not None:
            return self.given_secret_key
        return _read(self.secret_key_file, name="LINLI_SECRET_KEY")

    @property
    def keyring(self) -> Path:
        """Say which file holds the keys that encrypt personal data and sign passes."""
        return self.given_keyring or self.home / "keyring.json"

    @property
    def boxes(self) -> Path:
        """Say where enrolment files of gate boxes on this machine are kept; each holds a secret."""
        return self.home / "boxes"

    @property
    def logs(self) -> Path:
        """Say where the processes started by `linli up` write their logs."""
        return self.home / "logs"


def load(environ: Mapping[str, str] | None = None) -> Env:
    """Read the environment; raises `BadEnvironment` naming the variable and what it should be.

    An empty variable counts as unset, because that is what compose files and unit files produce.
    """
    given = {name: value.strip() for name, value in (os.environ if environ is None else environ).items()}
    given = {name: value for name, value in given.items() if value}
    host = _host(given)
    port = _port(given)
    return Env(
        home=Path(given.get("LINLI_HOME", DEFAULT_HOME)).expanduser().resolve(),
        given_database_url=_database_url(given),
        host=host,
        port=port,
        public_url=_web_address(given, "LINLI_PUBLIC_URL") or _address(host, port),
        given_secret_key=_secret_key(given),
        given_keyring=_path(given, "LINLI_KEYRING"),
        cipher=_choice(given, "LINLI_CIPHER", CIPHERS),
        lodging_url=_web_address(given, "LINLI_LODGING_URL"),
        lodging_token=given.get("LINLI_LODGING_TOKEN", ""),
        links=_path(given, "LINLI_LINKS"),
        pg_bin=_pg_bin(given),
        clock_file=_path(given, "LINLI_CLOCK_FILE"),
        # Hosts of booking calendars that may be private addresses: simulators and tests, never a real estate.
        nearby_feeds=frozenset(given.get("LINLI_NEARBY_FEEDS", "").lower().replace(",", " ").split()),
    )


def prepare_home(env: Env) -> None:
    """Make the home directory and, at the first start, its keys; what exists is never touched."""
    env.home.mkdir(parents=True, exist_ok=True)
    for directory in (env.boxes, env.logs):
        directory.mkdir(mode=0o700, exist_ok=True)
    if env.given_secret_key is None:
        _write_once(env.secret_key_file, secrets.token_urlsafe(48) + "\n")
    if env.given_keyring is None:
        _write_once(env.keyring, json.dumps(new_keyring(), indent=2) + "\n")


def new_keyring() -> dict[str, object]:
    """Draw a fresh keyring: numbered 32-byte keys for encrypting and for signing, one for blind look-ups.

    The blind index has no version: changing it means rewriting every index value. Signing keys are Ed25519 seeds.
    """
    return {
        "version": 1,
        "encryption": {"current": 1, "keys": {"1": _random_key()}},
        "signing": {"current": 1, "keys": {"1": _random_key()}},
        "blind_index": _random_key(),
    }


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _write_once(path: Path, text: str) -> None:
    # Linked into place whole: two first starts at once must agree on one secret, and a power cut must not leave half.
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _read(path: Path, *, name: str) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        raise BadEnvironment(name=name, value="", wanted=f"give it, or let `linli up` make {path} first") from None


def _path(given: Mapping[str, str], name: str) -> Path | None:
    return Path(given[name]).expanduser().resolve() if name in given else None


def _choice(given: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = given.get(name, choices[0])
    if value not in choices:
        raise BadEnvironment(name=name, value=value, wanted="one of " + ", ".join(choices))
    return value


def _host(given: Mapping[str, str]) -> str:
    host = given.get("LINLI_HOST", "127.0.0.1")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if not re.fullmatch(r"[A-Za-z0-9.-]+", host):
            raise BadEnvironment(name="LINLI_HOST", value=host, wanted="an address or a host name") from None
    return host


def _port(given: Mapping[str, str]) -> int:
    text = given.get("LINLI_PORT", str(DEFAULT_PORT))
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise BadEnvironment(name="LINLI_PORT", value=text, wanted="a port number from 1 to 65535")
    return int(text)


def _address(host: str, port: int) -> str:
    # 0.0.0.0 and :: say "listen everywhere"; nobody can click on them.
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def _web_address(given: Mapping[str, str], name: str) -> str:
    value = given.get(name, "").rstrip("/")
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise BadEnvironment(name=name, value=value, wanted="an http:// or https:// address")
    return value


def _database_url(given: Mapping[str, str]) -> str | None:
    value = given.get("DATABASE_URL")
    if value and urlsplit(value).scheme not in ("postgresql", "postgres"):
        # Not shown back: the rest of such a value is usually a password.
        raise BadEnvironment(name="DATABASE_URL", value="…", wanted="postgresql://user:password@host/name")
    return value


def _secret_key(given: Mapping[str, str]) -> str | None:
    value = given.get("LINLI_SECRET_KEY")
    if value and len(value) < 32:
        raise BadEnvironment(name="LINLI_SECRET_KEY", value="…", wanted="at least 32 characters, drawn at random")
    return value


def _pg_bin(given: Mapping[str, str]) -> Path | None:
    path = _path(given, "LINLI_PG_BIN")
    if path and not (path / "initdb").is_file():
        raise BadEnvironment(name="LINLI_PG_BIN", value=str(path), wanted="a directory with initdb and postgres in it")
    return path
