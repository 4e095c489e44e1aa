"""We play a lower platform against the peer's library: register, tell the time, keep alive, subscribe, upload, leave."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from linli.sim.clock import Clock
from linli.sim.conform.report import Report
from linli.sim.platforms.viid import codes, digest, fiction, ids
from linli.sim.platforms.viid.calls import Caller, Heard
from linli.sim.platforms.viid.codes import Kind
from linli.sim.platforms.viid.dialects import Dialect, Json, lookup

KEEPALIVES = 3
REFUSALS = range(4, 9)  # what a status of an item says when the fault lies in the item
CLOCKS_DIFFER = timedelta(minutes=5)

STEPS: Mapping[str, str] = {
    "challenge": "质询",
    "register": "注册",
    "nonce_once": "随机数一次有效",
    "time": "校时",
    "keepalive": "保活",
    "subscribe": "订阅",
    "upload": "上传",
    "repeat": "重传",
    "unordered": "未订阅的通知",
    "unsubscribe": "取消订阅",
    "identify": "身份头",
    "unregister": "注销",
    "silence": "注销后拒绝",
}
FORMS = {"times": "时间格式", "content_type": "内容类型", "names": "字段名"}
ADVISED = frozenset({"nonce_once", "unordered", "identify"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who we say we are, and with which password."""

    username: str
    password: str
    camera_id: str
    receive_at: str
    details: str = "11,12"


@dataclass(slots=True, kw_only=True)
class ClientRun:
    """One run of the script as a client; a step that is required and fails ends it where nothing else could be said."""

    caller: Caller
    account: Account
    report: Report
    clock: Clock
    upload: Kind = codes.FACE
    subscription_id: str = ""
    good: Json = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)

    def run(self) -> Report:
        """This will run every step, and mark as skipped what could not be tried."""
        for name in STEPS:
            if name != "challenge" and not self._may_go_on():
                self.report.skip(name, STEPS[name], why="not registered", required=name not in ADVISED)
            else:
                SCRIPT[name](self)
        form(self)
        return self.report

    def _may_go_on(self) -> bool:
        # Without a registration every later answer is the same refusal and says nothing about its step.
        return all(step.holds for step in self.report.steps if step.name in ("challenge", "register"))

    def add(self, name: str, *, sent: str, heard: Heard, problems: list[str]) -> bool:
        """This will add one step that is judged by one answer."""
        self.heard.append(heard)
        return self.report.add(
            name,
            STEPS[name],
            sent=sent,
            came=heard.words(),
            problems=problems,
            required=name not in ADVISED,
            dialect=heard.reading.words() if heard.body is not None else "",
        )


def challenge(run: ClientRun) -> None:
    """Register without an answer must be refused with a digest challenge."""
    heard = run.caller.ask_to_register()
    words = digest.words_in(heard.challenge[7:])
    problems = [] if heard.status == 401 else [f"expected 401, not {heard.words()}"]
    if heard.status == 401 and not heard.challenge:
        problems.append("no WWW-Authenticate: Digest")
    elif heard.challenge:
        problems += [f"the challenge has no {name}" for name in ("realm", "nonce") if not words.get(name)]
        if "auth" not in [word.strip() for word in words.get("qop", "").split(",")]:
            problems.append("the challenge does not offer qop=auth")
    run.add("challenge", sent="POST Register", heard=heard, problems=problems)


def register(run: ClientRun) -> None:
    """The right answer to the challenge must register us; a stale nonce may be answered once more."""
    steps = run.caller.register(username=run.account.username, password=run.account.password)
    heard = steps[-1]
    problems = _problems(heard, expected=run.caller.device_id)
    if heard.status in (400, 401, 403):
        problems = ["the answer to the challenge is refused: wrong account, or the peer's digest differs"]
        if "stale=true" in heard.challenge:
            problems = [f"every nonce is stale, {len(steps) - 1} times over"]
    run.add("register", sent=f"POST Register ×{len(steps)}, digest", heard=heard, problems=problems)


def nonce_once(run: ClientRun) -> None:
    """The same proof sent twice should not register twice."""
    sent = [run.caller.ask_to_register()]
    try:
        proof = run.caller.proof(
            challenge=sent[0].challenge, username=run.account.username, password=run.account.password
        )
    except ValueError:
        problems = ["no challenge to answer"]
    else:
        sent += [run.caller.ask_to_register(proof=proof) for _ in range(2)]
        problems = [] if sent[-1].status == 401 else ["a proof that was overheard registers again"]
    run.add("nonce_once", sent="POST Register, the same digest twice", heard=sent[-1], problems=problems)


def ask_time(run: ClientRun) -> None:
    """The peer must tell its time in fourteen digits, or in milliseconds as one family does."""
    heard = run.caller.ask_time()
    told = lookup(heard.body, "SystemTimeObject")[0]
    moment = heard.reading.moment(lookup(told, "LocalTime")[0]) if isinstance(told, dict) else None
    problems = [] if heard.status == 200 else [heard.words()]
    if moment is None:
        problems.append("no SystemTimeObject with a LocalTime that is a time")
    elif ids.flaw_of_device(lookup(told, "VIIDServerID")[0]) is not None:
        problems.append("VIIDServerID is not twenty digits of a platform")
    shown = "" if moment is None else f", {offset_words(moment - run.clock())}"
    if moment is not None and abs(moment - run.clock()) > CLOCKS_DIFFER:
        problems.append(f"the clocks differ by more than {CLOCKS_DIFFER}{shown}")
    run.add("time", sent=f"GET Time{shown}", heard=heard, problems=problems)


def keep_alive(run: ClientRun) -> None:
    """Three keepalives in a row must be answered with 0."""
    heard, sent = run.caller.keep_alive(), 1
    while sent < KEEPALIVES and not _problems(heard, expected=run.caller.device_id):
        heard, sent = run.caller.keep_alive(), sent + 1
    problems = _problems(heard, expected=run.caller.device_id)
    if heard.status == 401:
        problems = [f"keepalive {sent} is refused: the peer has forgotten the registration"]
    run.add("keepalive", sent=f"POST Keepalive ×{sent}", heard=heard, problems=problems)


def subscribe(run: ClientRun) -> None:
    """A subscription for a day must be taken under its own number."""
    now = run.clock()
    one = fiction.subscription(
        office=f"{run.caller.device_id[:6]}000000",
        resource=run.caller.device_id,
        receive_at=run.account.receive_at,
        begins=now,
        ends=now + timedelta(days=1),
        serial=now.microsecond % 100_000,
        details=run.account.details,
    )
    run.subscription_id = str(one["SubscribeID"])
    heard = run.caller.send(kind=codes.SUBSCRIBE, objects=[one])
    run.add(
        "subscribe",
        sent=f"POST Subscribes {run.account.details}",
        heard=heard,
        problems=_problems(heard, expected=run.subscription_id),
    )


def upload(run: ClientRun) -> None:
    """Of three objects the spoilt second one must be refused by itself, under its number, and the others taken."""
    now = run.clock()
    objects = [MAKERS[run.upload](run.account.camera_id, now, serial) for serial in range(1, 4)]
    SPOILERS[run.upload](objects[1])
    run.good = objects[0]
    heard = run.caller.send(kind=run.upload, objects=objects)
    run.add(
        "upload",
        sent=f"POST {run.upload.path}: 3, the 2nd spoilt",
        heard=heard,
        problems=_of_three(heard, [str(one[run.upload.id_field]) for one in objects]),
    )


def repeat(run: ClientRun) -> None:
    """What was taken must be taken again without complaint: after a lost answer nobody can know better."""
    heard = run.caller.send(kind=run.upload, objects=[run.good])
    number = str(run.good[run.upload.id_field])
    run.add(
        "repeat", sent=f"POST {run.upload.path}: the 1st again", heard=heard, problems=_problems(heard, expected=number)
    )


def unordered(run: ClientRun) -> None:
    """A notification of devices under a subscription that the peer never made should be refused, for whoever takes it takes anything."""
    now, office = run.clock(), f"{run.caller.device_id[:6]}000000"
    one = _device(run.account.camera_id, now, 1)
    body: Json = {
        "NotificationID": ids.office_id(office=office, kind="04", at=now, serial=now.microsecond % 100_000),
        "SubscribeID": ids.office_id(office=office, kind="03", at=now - timedelta(days=1), serial=99_999),
        "Title": "设备目录",
        "TriggerTime": ids.text_of(now),
        "InfoIDs": one["ApeID"],
        "ExecuteOperation": 1,
        **run.caller.dialect.notified(kind=codes.APE, objects=[one]),
    }
    heard = run.caller.send(kind=codes.NOTIFICATION, objects=[body])
    problems = ["taken, though nobody ordered it"] if heard.code == codes.OK else []
    if heard.code is None and heard.status in (200, None):
        problems = [heard.words()]
    run.add("unordered", sent="POST SubscribeNotifications", heard=heard, problems=problems)


def unsubscribe(run: ClientRun) -> None:
    """DELETE ?IDList must take the subscription back."""
    heard = run.caller.delete(kind=codes.SUBSCRIBE, numbers=[run.subscription_id])
    problems = _problems(heard, expected=run.subscription_id)
    run.add("unsubscribe", sent="DELETE Subscribes?IDList", heard=heard, problems=problems)


def identify(run: ClientRun) -> None:
    """A request that does not say whose it is should be refused."""
    heard = run.caller.call(method="GET", path="/VIID/System/Time", identify=False)
    problems = [] if heard.status in (400, 401, 403) else ["answered without User-Identify"]
    run.add("identify", sent="GET Time without User-Identify", heard=heard, problems=problems)


def unregister(run: ClientRun) -> None:
    """Leave must be granted."""
    heard = run.caller.unregister()
    run.add("unregister", sent="POST UnRegister", heard=heard, problems=_problems(heard, expected=run.caller.device_id))


def silence(run: ClientRun) -> None:
    """Whoever has left must register again before it is heard."""
    heard = run.caller.keep_alive()
    refused = heard.status in (400, 401, 403) or (heard.code is not None and heard.code != codes.OK)
    problems = [] if refused else ["a keepalive is still answered after UnRegister"]
    run.add("silence", sent="POST Keepalive", heard=heard, problems=problems if heard.status else [heard.words()])


def form(run: ClientRun) -> None:
    """Every time in an answer must be one, and the type of an answer should be one of the two in use."""
    strange = sorted({word for heard in run.heard for word in heard.reading.strange})
    noticed = {trait for heard in run.heard for trait in heard.reading.noticed}
    dialect = Dialect(traits=frozenset(noticed)).name
    for name, wrong in (
        ("times", [word for word in strange if word == "LocalTime"]),
        ("content_type", [word for word in strange if word.startswith("Content-Type")]),
        ("names", [word for word in strange if word != "LocalTime" and not word.startswith("Content-Type")]),
    ):
        run.report.add(
            name,
            FORMS[name],
            sent="",
            came=f"{len(run.heard)} answers",
            problems=[f"{word} is said as no family says it" for word in wrong],
            required=name == "times",
            dialect=dialect,
        )


def offset_words(offset: timedelta) -> str:
    """This will say by how much two clocks differ."""
    return f"{offset.total_seconds():+.1f} s"


def _problems(heard: Heard, *, expected: str) -> list[str]:
    if heard.status is None:
        return [heard.problem]
    if heard.status >= 300 or not heard.statuses:
        return [heard.words() if heard.statuses else f"HTTP {heard.status} and no ResponseStatusObject"]
    code, number, words = heard.statuses[0]
    if len(heard.statuses) > 1:
        return [f"{len(heard.statuses)} statuses for one thing"]
    problems = [] if code == codes.OK else [f"status {'unknown' if code is None else code} {words}".strip()]
    # An empty Id says little; another one is the answer to something else.
    return problems + ([f"the answer is about {number}"] if number not in ("", expected) else [])


def _of_three(heard: Heard, numbers: list[str]) -> list[str]:
    if heard.status is None:
        return [heard.problem]
    if len(heard.statuses) != 3:
        return [f"{len(heard.statuses)} statuses for three objects"]
    told = {number: code for code, number, _ in heard.statuses}
    if set(told) != set(numbers):
        return ["the numbers in the answer are not those that were sent"]
    problems = [
        f"the {place} object is not taken: status {told[numbers[index]]}"
        for index, place in GOOD
        if told[numbers[index]] != 0
    ]
    if told[numbers[1]] == codes.OK:
        problems.append("the spoilt object is taken")
    elif told[numbers[1]] not in REFUSALS:
        problems.append(f"the spoilt object is refused with {told[numbers[1]]}, which says try again")
    return problems


def _face(camera: str, now: datetime, serial: int) -> Json:
    return fiction.face(device_id=camera, at=now, serial=serial, index=serial)


def _person(camera: str, now: datetime, serial: int) -> Json:
    return fiction.person(device_id=camera, at=now, serial=serial, index=serial)


def _device(camera: str, now: datetime, serial: int) -> Json:
    return fiction.device(device_id=f"{camera[:14]}{serial:06d}", name=f"闸机{serial}", owner_id=camera)


def _spoil_seen(one: Json) -> None:
    # Its own number stays sound, so that the refusal can say which one it is about.
    one |= {"DeviceID": "not-a-device", "LocationMarkTime": "2026-13-45 25:61", "InfoKind": 77}


def _spoil_device(one: Json) -> None:
    # Many a library takes a device as it comes, whatever its fields say: only without a number of its own it is nothing.
    one |= {"ApeID": str(one["ApeID"])[:-1], "Name": "", "IsOnline": "perhaps", "Port": -1}


GOOD = ((0, "1st"), (2, "3rd"))
MAKERS: Mapping[Kind, Callable[[str, datetime, int], Json]] = {
    codes.FACE: _face,
    codes.PERSON: _person,
    codes.APE: _device,
}
SPOILERS: Mapping[Kind, Callable[[Json], None]] = {
    codes.FACE: _spoil_seen,
    codes.PERSON: _spoil_seen,
    codes.APE: _spoil_device,
}
SCRIPT: Mapping[str, Callable[[ClientRun], None]] = {
    "challenge": challenge,
    "register": register,
    "nonce_once": nonce_once,
    "time": ask_time,
    "keepalive": keep_alive,
    "subscribe": subscribe,
    "upload": upload,
    "repeat": repeat,
    "unordered": unordered,
    "unsubscribe": unsubscribe,
    "identify": identify,
    "unregister": unregister,
    "silence": silence,
}
