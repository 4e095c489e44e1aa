"""We play the upper platform: the peer registers with us, and we answer by the script of faults until it leaves."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from linli.sim.clock import Clock
from linli.sim.conform import watching
from linli.sim.conform.report import Report
from linli.sim.conform.watching import Exchange, Watch
from linli.sim.platforms.viid import codes, fiction, ids
from linli.sim.platforms.viid.books import Books
from linli.sim.platforms.viid.calls import Caller
from linli.sim.platforms.viid.dialects import Dialect, Json
from linli.sim.platforms.viid.digest import Guard
from linli.sim.platforms.viid.faults import ViidFault
from linli.sim.platforms.viid.library import Asked, ViewLibrary
from linli.sim.terminals.ports import Port, Request, Response

OUR_OFFSET = timedelta(seconds=7)
KEEPALIVES = 3
REBOOTS = 2
ON_PURPOSE = "on purpose"
EVERY_SECONDS = 1

STEPS: Mapping[str, str] = {
    "challenge": "质询",
    "register": "注册",
    "keepalive": "保活",
    "time": "校时",
    "subscribe": "订阅",
    "upload": "上传",
    "reboot": "重启",
    "register_again": "重新注册",
    "backoff": "退避",
    "replay": "补传",
    "expiry": "订阅到期",
    "unsubscribe": "取消订阅",
    "unregister": "注销",
    "dead_letter": "死信",
    "identify": "身份头",
    "numbers": "编码与时间",
    "content_type": "内容类型",
}
ADVISED = frozenset({"time", "content_type"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a run is made with; seconds where it says nothing else."""

    peer: str
    device_id: str
    username: str
    password: str
    dialect: Dialect
    patience: float
    subscription: timedelta
    quiet: float
    backoff: float
    leave: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scripted:
    """What goes wrong with one request, by the script."""

    run: "ServerRun"
    fault: ViidFault | None

    def item_code(self, *, word: str, number: str) -> int:
        """This will refuse the second object of all that are uploaded, however often it comes."""
        return self.run.code_of(number) if word in watching.UPLOADS else codes.OK


@dataclass(slots=True, kw_only=True)
class ServerRun:
    """One run of the script as the upper platform."""

    terms: Terms
    report: Report
    clock: Clock
    host: str = "127.0.0.1"
    port: int = 0
    receive_address: str = ""
    watch: Watch = field(default_factory=Watch)
    library: ViewLibrary = field(init=False)
    _server: Port = field(init=False)
    _numbers: list[str] = field(default_factory=list)
    _refuse_registering: int = 0
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _serial: int = 0

    def __post_init__(self) -> None:
        """Listen at once, so that the address can be told before the script begins."""
        self.library = ViewLibrary(
            device_id=self.terms.device_id,
            books=Books(file=":memory:"),
            guard=Guard(realm="conform", accounts={self.terms.username: self.terms.password}),
            dialect=self.terms.dialect,
            lapse=timedelta(days=1),
            offset=OUR_OFFSET,
        )
        self._server = Port(answer=self._answer, host=self.host, port=self.port)

    @property
    def url(self) -> str:
        """Where the peer must register."""
        return self._server.url

    def run(self) -> Report:
        """This will play the script to its end, and judge what the peer did."""
        self._server.start()
        try:
            if self._meet():
                self._play()
                self._judge()
            else:
                for name in list(STEPS)[len(self.report.steps) :]:
                    self.report.skip(name, STEPS[name], why="the peer did not register", required=name not in ADVISED)
        finally:
            self._server.stop()
        return self.report

    def code_of(self, number: str) -> int:
        """This will give the status of a sound object: 8 for the second one that was ever sent."""
        if number not in self._numbers:
            self._numbers.append(number)
        return codes.BAD_CONTENT if self._numbers[1:2] == [number] else codes.OK

    def add(self, name: str, *, sent: str, came: str, problems: list[str]) -> bool:
        """This will add one step."""
        noticed = [one.dialect for one in self.watch.exchanges if one.dialect]
        dialect = max(set(noticed), key=noticed.count) if noticed else ""
        return self.report.add(
            name, STEPS[name], sent=sent, came=came, problems=problems, required=name not in ADVISED, dialect=dialect
        )

    def wait(self, question: Callable[[], bool]) -> bool:
        """This will wait for something that the peer must do."""
        return self.watch.wait(question, seconds=self.terms.patience)

    def _answer(self, request: Request) -> Response:
        asked = Asked(
            method=request.method,
            path=request.path,
            query=request.query,
            target=request.target,
            headers=request.headers,
            body=request.body,
        )
        # One at a time: the log is in the order in which we answered.
        with self._turn:
            now = self.clock()
            answer = self.library.answer(asked=asked, now=now, spoiling=_Scripted(run=self, fault=self._fault(asked)))
            self.watch.keep(asked=asked, answer=answer, now=now)
        headers = {name: value for name, value in answer.headers.items() if name != "content-type"}
        return Response(status=answer.status, kind=answer.headers["content-type"], body=answer.body, headers=headers)

    def _fault(self, asked: Asked) -> ViidFault | None:
        if asked.word == "Register" and "authorization" in asked.headers and self._refuse_registering > 0:
            self._refuse_registering -= 1
            return ViidFault.REBOOT
        return None

    def _meet(self) -> bool:
        seen = self.wait(lambda: any(one.answer.status == 401 for one in self.watch.about("Register")))
        first = [] if seen else ["the peer did not ask to register"]
        if not self.add("challenge", sent="401, digest", came=self._count("Register"), problems=first):
            return False
        done = self.wait(lambda: any(one.heard and one.answer.code == 0 for one in self.watch.about("Register")))
        problems = [] if done else ["the peer did not answer the challenge rightly"]
        return self.add("register", sent="200", came=self._count("Register"), problems=problems)

    def _play(self) -> None:
        enough = self.wait(lambda: len(self._heard("Keepalive")) >= KEEPALIVES)
        late = [] if enough else [f"{len(self._heard('Keepalive'))} keepalives in {self.terms.patience:g} s"]
        self.add("keepalive", sent="0", came=self._count("Keepalive"), problems=late)
        asked = self._heard("Time")
        self.add(
            "time", sent="our clock, +7 s", came=self._count("Time"), problems=[] if asked else ["never asked for"]
        )
        first = self._subscribe(self.terms.subscription)
        self._upload()
        self._reboot()
        self._forget()
        self._expire(first)
        self._unsubscribe()
        gone = self.terms.leave and self.wait(lambda: bool(self._heard("UnRegister")))
        if self.terms.leave:
            problems = [] if gone else ["the peer did not take leave"]
            self.add("unregister", sent="0", came=self._count("UnRegister"), problems=problems)
        else:
            self.report.skip("unregister", STEPS["unregister"], why="not demanded: --leave", required=False)

    def _subscribe(self, lasts: timedelta, *, silent: bool = False) -> Json | None:
        if not self.terms.peer:
            self._skip("subscribe", "the peer has no address")
            return None
        now = self.clock()
        self._serial += 1
        one = fiction.subscription(
            office=f"{self.terms.device_id[:6]}000000",
            resource=self._peer_id(),
            receive_at=f"{self.receive_address or self.url}/VIID/SubscribeNotifications",
            begins=now,
            ends=now + lasts,
            serial=self._serial,
            details="11,12",
        )
        one["ReportInterval"] = EVERY_SECONDS
        with self.library.books.transaction():
            self.library.books.subscribe(one=one, side="ours", peer=self.terms.peer, begins_at=now, ends_at=now + lasts)
        with self._caller() as caller:
            heard = caller.send(kind=codes.SUBSCRIBE, objects=[one])
        problems = [] if heard.code == codes.OK else [heard.words()]
        if not silent:
            self.add("subscribe", sent="POST Subscribes 11,12", came=heard.words(), problems=problems)
        return None if problems else one

    def _upload(self) -> None:
        enough = self.wait(lambda: len(self._numbers) >= 3)
        problems = (
            [] if enough else [f"{len(self._numbers)} objects in {self.terms.patience:g} s: have the peer upload 3"]
        )
        self.add("upload", sent="0, 8 for the 2nd, 0", came=f"{len(self._numbers)} objects", problems=problems)

    def _reboot(self) -> None:
        since, self.library.reboots = len(self.watch.exchanges), REBOOTS
        rested = self.wait(lambda: self.library.reboots == 0 and bool(self._heard_any(since)))
        problems = [] if rested else ["the peer was not heard of again after status 9"]
        problems += self._hurry(lambda one: one.answer.code == codes.REBOOT, since=since)
        self.add("reboot", sent=f"9 ×{REBOOTS}", came=self._since(since), problems=problems)

    def _forget(self) -> None:
        with self._turn, self.library.books.transaction():
            since, self._refuse_registering = len(self.watch.exchanges), REBOOTS
            self.library.books.leave(device_id="*", state="FORGOTTEN")
        back = self.wait(
            lambda: any(one.heard and one.answer.code == 0 for one in self.watch.about("Register", since=since))
        )
        tries = [one for one in self.watch.about("Register", since=since) if "authorization" in one.asked.headers]
        problems = [] if back else ["the peer did not register again after 401"]
        self.add("register_again", sent=f"401, then 9 ×{REBOOTS}", came=f"{len(tries)} attempts", problems=problems)
        hasty = self._hurry(lambda one: one in tries and one.answer.code == codes.REBOOT, since=since)
        self.add("backoff", sent=f"9 ×{REBOOTS} to Register", came=self._pauses(since), problems=hasty)
        self._replay(since=since, back=back)

    def _replay(self, *, since: int, back: bool) -> None:
        first = self.watch.first_seen()
        tried = {number: one for one in reversed(self.watch.of_objects()) for number in one.numbers}
        pending = [number for number in first if number not in tried[number].taken and not tried[number].heard]
        if not back or not pending:
            why = "nothing was pending: have the peer upload while it is cut off"
            self._skip("replay", why if back else "the peer did not register again", required=not back)
            return
        returned = ids.text_of(self.clock())
        self.wait(lambda: not self._missing(pending))
        # What was seen in the meantime follows what was pending: it gets as long as silence does to prove anything.
        self.watch.wait(lambda: False, seconds=self.terms.quiet)
        lost = self._missing(pending)
        problems = [f"{len(lost)} of {len(pending)} pending objects never came"] if lost else []
        times = watching.times_of([number for one in self.watch.of_objects(since=since) for number in one.taken])
        missed = [moment for moment in times if moment <= returned]
        if missed != sorted(missed):
            problems.append("what was seen in the meantime came in another order than it was seen")
        came = f"{len(pending) - len(lost)} of {len(pending)} pending, {len(missed)} of the meantime"
        self.add("replay", sent="0", came=came, problems=problems)

    def _missing(self, pending: list[str]) -> set[str]:
        # A notification whose subscription has ended in the meantime must not come any more.
        active = {
            id for id, status, _ in self.library.books.subscriptions(side="ours", now=self.clock()) if status == 0
        }
        over = {number for one in self.watch.of_objects() if set(one.subscriptions) - active for number in one.numbers}
        return set(pending) - {*self.watch.taken(), *self._numbers[1:2], *over}

    def _expire(self, one: Json | None) -> None:
        if one is None:
            self._skip("expiry", "no subscription", required=bool(self.terms.peer))
            return
        number = str(one["SubscribeID"])
        ends = next(row["ends_at"] for row in self._subscriptions() if row["id"] == number)
        left = (datetime.fromisoformat(ends) - self.clock()).total_seconds() + EVERY_SECONDS
        self.watch.wait(lambda: False, seconds=max(0.0, left))
        self._hear_no_more("expiry", number, sent="the end of EndTime")

    def _unsubscribe(self) -> None:
        one = self._subscribe(timedelta(days=1), silent=True) if self.terms.peer else None
        if one is None:
            self._skip("unsubscribe", "no subscription", required=bool(self.terms.peer))
            return
        number = str(one["SubscribeID"])
        self.watch.wait(lambda: bool(self._pushes(number)), seconds=min(self.terms.patience, self.terms.quiet))
        with self._caller() as caller:
            heard = caller.delete(kind=codes.SUBSCRIBE, numbers=[number])
        refused = [] if heard.code == codes.OK else [heard.words()]
        self._hear_no_more("unsubscribe", number, sent="DELETE Subscribes?IDList", problems=refused)

    def _hear_no_more(self, name: str, number: str, *, sent: str, problems: list[str] | None = None) -> None:
        # One push may have been on its way when the subscription ended: it gets a moment, and is not counted.
        self.watch.wait(lambda: False, seconds=min(EVERY_SECONDS, self.terms.quiet))
        before = len(self._pushes(number))
        late = self.watch.wait(lambda: len(self._pushes(number)) > before, seconds=self.terms.quiet)
        told = [*(problems or []), *(["pushes go on after the end"] if late else [])]
        self.add(
            name, sent=sent, came=f"{before} pushes before, {len(self._pushes(number)) - before} after", problems=told
        )

    def _judge(self) -> None:
        exchanges = list(self.watch.exchanges)
        second = self._numbers[1:2]
        times = sum(number in second for one in exchanges if one.heard for number in one.numbers)
        if not second:
            self._skip("dead_letter", "no second object came")
        else:
            again = [] if times == 1 else [f"the refused object came {times} times"]
            self.add("dead_letter", sent="8", came=f"sent {times} times", problems=again)
        count = f"{len(exchanges)} requests"
        self.add("identify", sent="", came=count, problems=watching.flaws_of_identity(exchanges))
        flaws = [
            row["why"] for row in self._refusals() if row["code"] == codes.BAD_CONTENT and row["why"] != ON_PURPOSE
        ]
        self.add("numbers", sent="", came=count, problems=sorted(set(flaws))[:10])
        strange = sorted({one.dialect.partition("strange: ")[2] for one in exchanges if "strange: " in one.dialect})
        self.add("content_type", sent="", came=count, problems=strange)

    def _hurry(self, refused: Callable[[Exchange], bool], *, since: int) -> list[str]:
        pauses = list(self.watch.pauses_after(refused, since=since))
        hasty = [f"{word} again after {pause:.2f} s" for word, pause in pauses if pause < self.terms.backoff]
        return hasty[:3]

    def _pauses(self, since: int) -> str:
        tries = self.watch.pauses_after(
            lambda one: one.word == "Register" and one.answer.code == codes.REBOOT, since=since
        )
        return "pauses " + " ".join(f"{pause:.1f} s" for _, pause in tries)

    def _pushes(self, number: str) -> list[Exchange]:
        return [one for one in self.watch.about("SubscribeNotifications") if number in one.subscriptions]

    def _heard(self, word: str) -> list[Exchange]:
        return [one for one in self.watch.about(word) if one.heard]

    def _heard_any(self, since: int) -> list[Exchange]:
        return [one for one in list(self.watch.exchanges[since:]) if one.heard]

    def _count(self, word: str) -> str:
        return f"{len(self.watch.about(word))} {word}"

    def _since(self, since: int) -> str:
        return f"{len(self.watch.exchanges) - since} requests"

    def _peer_id(self) -> str:
        named = [one.asked.headers.get("user-identify", "") for one in self._heard("Keepalive")]
        return named[-1] if named else self.terms.device_id

    def _caller(self) -> Caller:
        return Caller(url=self.terms.peer, device_id=self.terms.device_id, dialect=self.terms.dialect)

    def _skip(self, name: str, why: str, *, required: bool | None = None) -> None:
        demanded = name not in ADVISED and (name != "subscribe" or bool(self.terms.peer))
        self.report.skip(name, STEPS[name], why=why, required=demanded if required is None else required)

    def _subscriptions(self) -> list[Json]:
        return self.library.books.rows(table="subscription", after=0, size=1000)

    def _refusals(self) -> list[Json]:
        return self.library.books.rows(table="refusal", after=0, size=1000)
