"""Speak with the lock maker's cloud: forms, a token that is renewed once for everybody, and errors by number.

One account has one address for callbacks, for all of its locks: so the account's cloud is shared, and hands on what comes.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import httpx

from linli.edge.drivers import bounded
from linli.edge.drivers.bounded import DeviceAway, DeviceBusy
from linli.edge.drivers.listening import Call, Listener, Reply

CLOUD = "https://cnapi.ttlock.com"
PROMPT_S = 5.0
BY_RADIO_S = 20.0  # the gateway has to wake the lock
MOST_RECORDS = 1000  # in one callback; a lock keeps 500
WRONG_ACCOUNT_PAUSE_S = 600.0
TOO_OFTEN_PAUSE_S = 60.0
MISCONFIGURED_PAUSE_S = 300.0
_EARLY_S = 60.0  # before it ends, a token is renewed
_log = logging.getLogger("linli.gate")

SAME_CODE, NEVER_USED, NO_SUCH_CODE = -3007, -3008, -1007
_TOKEN_OVER = frozenset({10003, 10004})
_REFRESH_OVER = frozenset({10002, 10004, 10011})
_WRONG_ACCOUNT = frozenset({10000, 10001, 10005, 10006, 10007, 10010})
_BUSY = frozenset({-3003, -3037, 90000})
_UNREACHABLE = frozenset({-2012, -3002, -3034, -3035, -3036, -4037})
_MISCONFIGURED = frozenset({-1003, -2018, -2025, 20001, 20002, 20003, 30001, 80000})
FULL = frozenset({-3009, -4056})
NOT_OFFERED = frozenset({-4043, 20007})

MEANINGS: Mapping[int, str] = MappingProxyType(
    {
        1: "it failed",
        -3: "a parameter is wrong",
        -1003: "there is no such lock",
        -1007: "the lock has no such code",
        -2009: "the code will not do",
        -2012: "the lock is near no gateway",
        -2018: "the account may not do that",
        -2023: "the period cannot be changed now",
        -2025: "the lock is frozen",
        -3002: "the gateway is offline",
        -3003: "the gateway is busy",
        -3006: "a code has 4 to 9 digits",
        -3007: "the lock has that code already",
        -3008: "a code never used cannot be changed",
        -3009: "the lock has no room for another code",
        -3034: "the lock has no network",
        -3035: "the lock saves power and does not listen",
        -3036: "the lock is offline",
        -3037: "the lock is busy",
        -4037: "there is no such gateway",
        -4043: "this lock cannot do that",
        -4056: "the lock's memory is full",
        20001: "the account has no key to this lock",
        20002: "the account is not this lock's administrator",
        20003: "the account has no key to this lock",
        20007: "this lock's codes are of another version",
        30001: "the account may not use this interface",
        30006: "the cloud was asked too often",
        80000: "the cloud takes our clock for wrong",
        80002: "the cloud could not read that",
        90000: "the cloud failed",
    }
)


class CloudRefused(Exception):
    """The cloud, or the lock behind it, will not: `code` is the maker's number for the reason."""

    def __init__(self, code: int) -> None:
        super().__init__(f"{MEANINGS.get(code, 'refused')} ({code})")
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class TtlockAccount:
    """Whose locks they are, and the secret in the address that the cloud posts to."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    username: str
    password: str = field(repr=False)
    callback_token: str = field(default="", repr=False)

    @classmethod
    def read(cls, settings: Mapping[str, Any], *, secret: str) -> TtlockAccount:
        """Make one of a lock's settings and its secret: the client's secret, the account's password and, where the cloud is to
        call, the word in the address, with spaces between. Raises KeyError or ValueError for settings that will not do.
        """
        words = secret.split()
        if len(words) not in (2, 3):
            raise ValueError("the secret of a lock is two or three words")
        return cls(
            url=str(settings.get("address", CLOUD)),
            client_id=str(settings["client_id"]),
            client_secret=words[0],
            username=str(settings["user"]),
            password=words[1],
            callback_token=words[2] if len(words) == 3 else "",
        )

    @property
    def callback_path(self) -> str:
        """The path of ours that only the cloud knows."""
        return f"/ttlock/{self.callback_token}"


Records = Sequence[Mapping[str, Any]]


class TtlockCloud:
    """One account at the maker's cloud. Safe to call from many threads."""

    def __init__(self, *, account: TtlockAccount, listener: Listener | None = None) -> None:
        self.account = account
        self._client = httpx.Client(base_url=account.url, timeout=PROMPT_S, trust_env=False, follow_redirects=False)
        self._listener = listener if account.callback_token else None
        self._renewing = threading.Lock()
        self._access, self._refresh, self._good_until = "", "", float("-inf")
        self._locks: dict[int, Callable[[Records], None]] = {}
        self._joining = threading.Lock()

    def join(self, lock_id: int, hear: Callable[[Records], None]) -> None:
        """Have a lock's callbacks handed on; `hear` returns once they are safe."""
        with self._joining:
            self._locks[lock_id] = hear
        if self._listener is not None:
            self._listener.on("POST", self.account.callback_path, self._answer)
            self._listener.start()

    def leave(self, lock_id: int) -> None:
        """Hand nothing on any more."""
        with self._joining:
            self._locks.pop(lock_id, None)
            last = not self._locks
        if self._listener is not None:
            if last:
                self._listener.off("POST", self.account.callback_path)
            self._listener.stop()

    def call(self, path: str, *, within_s: float = PROMPT_S, **words: object) -> dict[str, Any]:
        """Ask the cloud. Raises DeviceAway for what may pass, CloudRefused for what will not."""
        token = self._token(instead_of="")
        told = self._post(path, token, words, within_s)
        if _code(told) in _TOKEN_OVER:
            told = self._post(path, self._token(instead_of=token), words, within_s)
        _check(_code(told))
        return told

    def _post(self, path: str, token: str, words: Mapping[str, object], within_s: float) -> dict[str, Any]:
        form = {"clientId": self.account.client_id, "accessToken": token, **words}
        return self._form(path, {**form, "date": int(time.time() * 1000)}, within_s=within_s)

    def _token(self, *, instead_of: str) -> str:
        """Give a token, a new one if the one before is no good; who comes second takes what the first one got."""
        with self._renewing:
            good = self._access and time.monotonic() < self._good_until
            if not good or self._access == instead_of:
                self._renew()
            return self._access

    def _renew(self) -> None:
        account = self.account
        words = {"clientId": account.client_id, "clientSecret": account.client_secret}
        told: dict[str, Any] = {"errcode": 10011}
        if self._refresh:
            told = self._form("/oauth2/token", {**words, "grant_type": "refresh_token", "refresh_token": self._refresh})
        if _code(told) in _REFRESH_OVER:
            # The maker wants the digest of the password in place of it.
            digest = hashlib.md5(account.password.encode(), usedforsecurity=False).hexdigest()
            told = self._form("/oauth2/token", {**words, "username": account.username, "password": digest})
        if _code(told) in _WRONG_ACCOUNT:
            raise DeviceAway("the cloud does not accept the account", pause_s=WRONG_ACCOUNT_PAUSE_S)
        _check(_code(told))
        access, lasts = told.get("access_token"), told.get("expires_in", 0)
        if not isinstance(access, str) or not access or not isinstance(lasts, int | str):
            raise DeviceAway("the cloud gives no token")
        seconds = int(lasts) if str(lasts).isdecimal() else 0
        self._access, self._refresh = access, str(told.get("refresh_token", ""))
        self._good_until = time.monotonic() + max(seconds - _EARLY_S, seconds / 2)

    def _form(self, path: str, words: Mapping[str, object], *, within_s: float = PROMPT_S) -> dict[str, Any]:
        form = {name: str(value) for name, value in words.items()}
        answer = bounded.ask(self._client, "POST", path, data=form, timeout=within_s)
        if answer.status != 200:
            raise DeviceAway(f"the cloud answered {answer.status}")
        return answer.as_json()

    def _answer(self, call: Call) -> Reply:
        """Take a callback. The maker wants exactly this word; anything else makes it call again."""
        if call.words.get("notifyType") != "1":
            return Reply(text="success")
        try:
            records = json.loads(str(call.words.get("records", "")))
            lock_id = int(str(call.words.get("lockId", "")))
        except (ValueError, RecursionError):
            return Reply(status=400, text="unreadable")
        if not isinstance(records, list) or len(records) > MOST_RECORDS:
            return Reply(status=400, text="unreadable")
        with self._joining:
            hear = self._locks.get(lock_id)
        if hear is not None:
            hear([record for record in records if isinstance(record, dict)])
        return Reply(text="success")


class TtlockClouds:
    """The clouds of one box, one for each account: its locks share a token and an address for callbacks."""

    def __init__(self, *, listener: Listener | None = None) -> None:
        self._listener = listener
        self._clouds: dict[TtlockAccount, TtlockCloud] = {}

    def of(self, account: TtlockAccount) -> TtlockCloud:
        """Give the account's cloud, the same to every lock."""
        if account not in self._clouds:
            self._clouds[account] = TtlockCloud(account=account, listener=self._listener)
        return self._clouds[account]


def _code(told: Mapping[str, Any]) -> int:
    code = str(told.get("errcode", 0))
    return int(code) if code.lstrip("-").isdecimal() else 1


def _check(code: int) -> None:
    if code == 0:
        return
    words = f"{MEANINGS.get(code, 'refused')} ({code})"
    if code == 30006:
        raise DeviceBusy(words, pause_s=TOO_OFTEN_PAUSE_S)
    if code in _BUSY:
        raise DeviceBusy(words)
    if code in _UNREACHABLE:
        raise DeviceAway(words)
    if code in _MISCONFIGURED:
        raise DeviceAway(words, pause_s=MISCONFIGURED_PAUSE_S)
    raise CloudRefused(code)
