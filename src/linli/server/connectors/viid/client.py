"""Our link to a library above: registered, kept alive, registered again after a loss, and never two registrations at once.

    OFFLINE → CHALLENGED → ONLINE → STALE → OFFLINE …

One process holds the registration, in memory: after a restart the first message, or the keeper's next look, registers again.
Nothing that is sent or received is logged, and no number either.
"""

import random
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

import structlog

from linli.server.connectors.rules import Verdict
from linli.server.connectors.viid import digest, ids, shapes
from linli.server.connectors.viid.codes import VERDICTS, Status
from linli.server.connectors.viid.dialects import STRICT, Dialect, Json
from linli.server.connectors.viid.reading import Outcome, Reader, Unreadable
from linli.server.kernel import clock
from linli.server.kernel.http import Answer, NoAnswer, Peer

REGISTER, UNREGISTER = "/VIID/System/Register", "/VIID/System/UnRegister"
KEEPALIVE, TIME = "/VIID/System/Keepalive", "/VIID/System/Time"
KEEPALIVE_SECONDS = 30.0
MISSES_AT_MOST = 3
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
ANSWER_SECONDS = 10.0
CHALLENGES_AT_MOST = 3
log = structlog.get_logger(__name__)


class LinkState(StrEnum):
    """Where a link stands."""

    OFFLINE = "OFFLINE"  # not registered
    CHALLENGED = "CHALLENGED"  # asked to prove who we are
    ONLINE = "ONLINE"  # registered and heard of
    STALE = "STALE"  # registered, but three keepalives went unanswered


class LinkDown(Exception):
    """There is no registered link now; the verdict says whether something may have arrived."""

    def __init__(self, verdict: Verdict, *, code: str = "", status: int | None = None, raw: bytes = b"") -> None:
        super().__init__(verdict.value)
        self.verdict, self.code, self.status, self.raw = verdict, code, status, raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Where to register, as whom, and under which number of ours."""

    url: str
    device_id: str
    username: str = field(repr=False)
    password: str = field(repr=False)


def login_of(settings: Mapping[str, str]) -> Login:
    """This will read a login from a table of the links file; raises `BadNumber` or `KeyError` for one that cannot be used."""
    ids.device_of(settings["device_id"])
    return Login(
        url=settings["url"],
        device_id=settings["device_id"],
        username=settings.get("user", ""),
        password=settings.get("password", ""),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back from a registered exchange, read; `body` is empty where it was no message."""

    status: int
    body: Json = field(repr=False)
    outcomes: tuple[Outcome, ...]
    dialect: str
    seconds: float
    raw: bytes = field(repr=False)


class Link:
    """One registration with one library; safe to share between the hands of a courier and the keeper."""

    def __init__(
        self,
        *,
        login: Login,
        dialect: Dialect = STRICT,
        name: str = "viid",
        keepalive_seconds: float = KEEPALIVE_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
        seconds: Callable[[], float] = time.monotonic,
        luck: Callable[[], float] = random.random,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        """Take a login; time, chance and clock can be given by a test."""
        self.login, self.dialect, self.name = login, dialect, name
        self.state = LinkState.OFFLINE
        self.offset: timedelta | None = None
        self.failures = 0
        self.registrations = 0
        self._misses = 0
        self._next_try = float("-inf")
        self._kept_at = float("-inf")
        self._last = LinkDown(Verdict.UNREACHABLE, code="not_registered")
        self._keepalive_seconds = keepalive_seconds
        self._seconds, self._luck, self._now = seconds, luck, now
        self._lock = threading.RLock()
        self._peer = Peer(name=name, url=login.url.rstrip("/"), timeout=answer_seconds)
        self._prefix = urlsplit(login.url).path.rstrip("/")

    def exchange(self, method: str, path: str, body: Json | None = None) -> Reply:
        """This will send one request of a registered device, registering first where that is needed; raises `LinkDown`.

        Whoever is no longer known registers again and asks once more.
        """
        term = self._registered()
        answer = self._ask(method, path, body)
        if answer.status == 401:
            self._lost(term)
            self._registered()
            answer = self._ask(method, path, body)
        if answer.status in (401, 403, 407):
            self._lost(self.registrations)
            raise LinkDown(Verdict.LOCKED_OUT, status=answer.status, raw=answer.body)
        if answer.status >= 500 or answer.status in (408, 425, 429):
            raise LinkDown(Verdict.BUSY, status=answer.status, raw=answer.body)
        self._heard()
        return _read(answer)

    def keep_alive(self) -> LinkState:
        """This will do what the link needs now: nothing, a keepalive, or a registration; it never raises."""
        try:
            if self.state is not LinkState.ONLINE:
                self._registered()
            elif self._seconds() - self._kept_at >= self._keepalive_seconds:
                self._keepalive()
        except LinkDown:
            pass
        return self.state

    def leave(self) -> None:
        """This will take leave where we are registered; it never raises."""
        with self._lock:
            if self.state is LinkState.ONLINE:
                try:
                    body = shapes.leave(self.login.device_id)
                    answer = self._ask("POST", UNREGISTER, body)
                    if answer.status == 401:
                        # Some want the proof once more before they let one go.
                        self._ask("POST", UNREGISTER, body, authorization=self._proof(answer, UNREGISTER))
                except LinkDown:
                    log.info("viid_left_unheard", link=self.name)
            self.state = LinkState.OFFLINE

    @property
    def wait_seconds(self) -> float:
        """This will say for how long it will not try to register."""
        return min(max(0.0, self._next_try - self._seconds()), LONGEST_PAUSE)

    def close(self) -> None:
        """This will close the connections."""
        self._peer.close()

    def _keepalive(self) -> None:
        # Whatever else is sent: many count only these.
        self._kept_at, term = self._seconds(), self.registrations
        try:
            answer = self._ask("POST", KEEPALIVE, shapes.keepalive(self.login.device_id))
        except LinkDown as silence:
            return self._missed(silence)
        if answer.status == 401:
            self._lost(term)
            self._registered()
        elif answer.status == 200 and _read(answer).outcomes[:1] and _first(answer) is Status.OK:
            self._heard()
        else:
            self._missed(LinkDown(Verdict.BUSY, status=answer.status))
        return None

    def _missed(self, why: LinkDown) -> None:
        with self._lock:
            self._misses += 1
            if self._misses >= MISSES_AT_MOST:
                self.state = LinkState.STALE
                self._last = why
                log.warning("viid_link_stale", link=self.name)

    def _heard(self) -> None:
        with self._lock:
            self._misses = 0

    def _lost(self, term: int) -> None:
        with self._lock:
            # Another hand may have registered again in the meantime: its registration is not ours to end.
            if term == self.registrations and self.state is LinkState.ONLINE:
                self.state = LinkState.OFFLINE

    def _registered(self) -> int:
        with self._lock:
            if self.state is LinkState.ONLINE:
                return self.registrations
            if self._seconds() < self._next_try:
                raise LinkDown(_not_sent(self._last.verdict), code=self._last.code or "waiting")
            try:
                self._register()
            except LinkDown as problem:
                self._failed(problem)
                raise LinkDown(
                    _not_sent(problem.verdict), code=problem.code, status=problem.status, raw=problem.raw
                ) from problem
            self.state, self.failures = LinkState.ONLINE, 0
            self.registrations += 1
            self._misses, self._kept_at = 0, self._seconds()
            log.info("viid_registered", link=self.name)
            self._compare_clocks()
            return self.registrations

    def _failed(self, problem: LinkDown) -> None:
        self.state = LinkState.OFFLINE
        self.failures += 1
        full = min(FIRST_PAUSE * 2.0 ** min(self.failures - 1, 10), LONGEST_PAUSE)
        self._next_try = self._seconds() + full * (1 - self._luck() / 2)
        self._last = problem
        log.info("viid_not_registered", link=self.name, verdict=problem.verdict, failures=self.failures)

    def _register(self) -> None:
        body = shapes.registration(self.login.device_id)
        self.state = LinkState.OFFLINE
        answer = self._ask("POST", REGISTER, body, known=False)
        for _ in range(CHALLENGES_AT_MOST):
            if answer.status != 401:
                break
            proof = self._proof(answer, REGISTER, again=self.state is LinkState.CHALLENGED)
            self.state = LinkState.CHALLENGED
            answer = self._ask("POST", REGISTER, body, known=False, authorization=proof)
        _check_registration(answer)

    def _proof(self, answer: Answer, path: str, *, again: bool = False) -> str:
        try:
            challenge = digest.challenge_in(answer.headers.get("www-authenticate", ""))
        except digest.NoDigest as problem:
            raise LinkDown(Verdict.LOCKED_OUT, code="no_digest", status=answer.status) from problem
        if again and not challenge.stale:
            # Challenged once more, and not for the nonce's age: it is the password that is not taken.
            raise LinkDown(Verdict.LOCKED_OUT, code="refused", status=answer.status)
        return digest.answer(
            challenge,
            username=self.login.username,
            password=self.login.password,
            method="POST",
            uri=self._prefix + path,
            cnonce=secrets.token_hex(8),
        )

    def _compare_clocks(self) -> None:
        asked_at = self._now()
        try:
            answer = self._ask("GET", TIME, None)
        except LinkDown:
            return
        middle = asked_at + timedelta(seconds=answer.seconds / 2)
        told = _read(answer)
        moment = Reader().moment(Reader().one(told.body, "SystemTimeObject").get("LocalTime"))
        if answer.status == 200 and moment is not None:
            self.offset = moment - middle

    def _ask(self, method: str, path: str, body: Json | None, *, known: bool = True, authorization: str = "") -> Answer:
        headers = {"Accept": "application/VIID+JSON, application/json"}
        if known:
            headers["User-Identify"] = self.login.device_id
        if authorization:
            headers["Authorization"] = authorization
        content = None if body is None else shapes.encoded(body)
        if content is not None:
            headers["Content-Type"] = self.dialect.content_type
        try:
            return self._peer.send(method, path, content=content, headers=headers)
        except NoAnswer as silence:
            raise LinkDown(Verdict.NO_ANSWER if silence.sent else Verdict.UNREACHABLE, code=silence.reason) from silence


class Visit(Link):
    """Requests to a library that has registered with us: it knows our number, and we need no registration there."""

    def _registered(self) -> int:
        return self.registrations


def _check_registration(answer: Answer) -> None:
    if answer.status >= 500 or answer.status in (408, 425, 429):
        raise LinkDown(Verdict.BUSY, status=answer.status)
    if answer.status != 200:
        # Some say 400 and not 401 to a wrong password.
        raise LinkDown(Verdict.LOCKED_OUT, code="refused", status=answer.status)
    status = _first(answer)
    if status is None:
        raise LinkDown(Verdict.BUSY, code="nonsense", status=200)
    if status is not Status.OK:
        busy = VERDICTS[status] is Verdict.BUSY
        raise LinkDown(Verdict.BUSY if busy else Verdict.LOCKED_OUT, code=str(int(status)), status=200)


def _read(answer: Answer) -> Reply:
    reader, body, outcomes = Reader(), Json(), tuple[Outcome, ...]()
    try:
        body = reader.body(answer.body, content_type=answer.content_type)
        outcomes = reader.outcomes(body)
    except Unreadable:
        # An empty body or a page of HTML: no outcome is read out of it.
        pass
    return Reply(
        status=answer.status,
        body=body,
        outcomes=outcomes,
        dialect=reader.dialect,
        seconds=answer.seconds,
        raw=answer.body,
    )


def _first(answer: Answer) -> Status | None:
    outcomes = _read(answer).outcomes
    return outcomes[0].status if outcomes else None


def _not_sent(verdict: Verdict) -> Verdict:
    # What failed is the registration: the message itself has not left, whatever became of that.
    return Verdict.LOCKED_OUT if verdict is Verdict.LOCKED_OUT else Verdict.UNREACHABLE
