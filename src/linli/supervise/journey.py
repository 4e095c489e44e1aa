"""`linli journey`: one guest after another on real input files, step by step, on a fresh estate with real processes."""

import json
import sys
import tempfile
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import segno

from linli.edge.drivers import frames
from linli.sim.door import Estate, Gates, Refused
from linli.supervise.day import OFFLINE_GATE, plan_for
from linli.supervise.instance import Instance, temporary

ZONE = ZoneInfo("Asia/Shanghai")
EXAMPLES = Path(__file__).parents[3] / "examples"
FEED = "booking-feed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: what was done, on which file, whether it came out as it should, and what came out."""

    step: str
    file: str
    ok: bool
    outcome: str


def main(*, as_json: bool) -> int:
    """Walk the journey and print each step with its outcome; 0 when every step came out as it should."""
    if not EXAMPLES.is_dir():
        print("linli: the example files are not here; run it from a checkout", file=sys.stderr)
        return 1
    with temporary(say=lambda line: None, two_boxes=OFFLINE_GATE) as instance:
        walk = Walk(instance)
        for step in walk.steps():
            if not as_json:
                print(f"{'✓' if step.ok else '✗'} {step.step:<46} {step.file:<40} {step.outcome}", flush=True)
    done = walk.done
    if as_json:
        print(
            json.dumps(
                {"ok": all(step.ok for step in done), "steps": [asdict(step) for step in done]}, ensure_ascii=False
            )
        )
    return 0 if all(step.ok for step in done) else 1


class Walk:
    """The journey on one instance: the feed comes in, two guests arrive with their documents, a door opens and closes."""

    def __init__(self, instance: Instance) -> None:
        self.plan = plan_for(instance, clock_file=instance.clock_file, guests=2)
        self.desk = Estate(self.plan.url)
        self.desk.sign_in(username=self.plan.office[0], password=self.plan.office[1])
        self.gates = Gates(self.plan.gates)
        self.done: list[Step] = []

    def steps(self) -> Iterator[Step]:
        """Give each step as it is done."""
        for step in self._walk():
            self.done.append(step)
            yield step

    def _walk(self) -> Iterator[Step]:
        self._clock_to(datetime(2031, 4, 28, 9, tzinfo=ZONE))
        unit = next(u for u in self._units() if u["max_occupancy"] >= 4)
        rows = self._import(unit["id"])
        booked = {row["ref"].split("@")[0]: row["booking_id"] for row in rows["rows"] if row["outcome"] == "booked"}
        yield self._step(
            "订单导入 booking feed", "feeds/booking-feed.ics", rows["booked"] == 4, f"{rows['booked']} booked"
        )
        again = self._import(unit["id"])
        unchanged = [row for row in again["rows"] if row["outcome"] == "unchanged"]
        yield self._step(
            "再次导入 the same feed again",
            "feeds/booking-feed.ics",
            again["booked"] == 0,
            f"{len(unchanged)} unchanged",
        )
        self._clock_to(datetime(2031, 5, 1, 14, 30, tzinfo=ZONE))
        yield from self._resident(unit, booked["XD-310501-0001"])
        self._clock_to(datetime(2031, 5, 3, 15, 30, tzinfo=ZONE))
        yield from self._foreigner(booked["XD-310503-0002"])
        self.gates.close()
        self.desk.close()

    def _resident(self, unit: dict[str, Any], booking_id: str) -> Iterator[Step]:
        person = {
            "native_name": "林小邻",
            "sex": "male",
            "birth_date": "1990-03-07",
            "nationality": "CHN",
            "phone": "13800138000",
        }
        document = {"type": "resident_id", "number": "510108199003070010", "valid_until": "2039-01-01"}
        token = yield from self._registered("身份证住客登记 guest with an ID card", booking_id, person, document)
        yield self._picture("不是证件 not a document", "documents/not-a-document.jpg", token, level=1)
        yield self._picture(
            "校验位错误 wrong check digit", "documents/resident-id-wrong-check-digit.png", token, level=1
        )
        yield self._picture("读取身份证 ID card read", "documents/resident-id-askew-blurred.jpg", token, level=2)
        yield from self._door(self.plan.entrances[unit["entrance_id"]], token)

    def _foreigner(self, booking_id: str) -> Iterator[Step]:
        person = {"native_name": "Lindqvist Maja Elisabet", "latin_name": "LINDQVIST MAJA ELISABET", "sex": "female"}
        person |= {"birth_date": "1988-05-14", "nationality": "UTO"}
        document = {
            "type": "foreign_passport",
            "number": "X40817263",
            "issuing_country": "UTO",
            "valid_until": "2039-11-02",
        }
        token = yield from self._registered("护照住客登记 guest with a passport", booking_id, person, document)
        yield self._picture(
            "别人的护照 another's passport", "documents/passport-icao-specimen-expired.png", token, level=0
        )
        yield self._picture("读取护照 passport read", "documents/passport-valid-until-2039.png", token, level=2)
        stay = self.desk.call("GET", "/api/stays/me", token=token)
        due = "report_foreign_24h" in stay["decision"]["duties"]
        yield self._step("境外住客须 24 小时内报送 24-hour duty", "", due, f"row {stay['decision']['row']}")

    def _registered(
        self, what: str, booking_id: str, person: dict[str, str], document: dict[str, str]
    ) -> Generator[Step, None, str]:
        link = self.desk.call("GET", f"/api/bookings/{booking_id}/link")["registration_token"]
        invitation = self.desk.call("GET", "/api/registration", token=link)
        terms = {
            "house_rules_version": invitation["house_rules"]["version"],
            "notice_version": invitation["notice"]["version"],
        }
        try:
            self.desk.call("POST", "/api/registration/guests", {**person, **terms}, token=link)
            yield self._step("没有证件 without a document", "", False, "was let in")
        except Refused as refused:
            yield self._step(
                "没有证件 without a document", "", refused.code == "no_identity", f"refused: {refused.code}"
            )
        done = self.desk.call("POST", "/api/registration/guests", {**person, **terms, "document": document}, token=link)
        stay = done["stay"]
        yield self._step(
            what,
            "",
            stay["state"] == "REGISTERED" and stay["access_pass"] is None,
            f"level {stay['level']}, no pass yet",
        )
        return str(done["guest_token"])

    def _picture(self, what: str, name: str, token: str, *, level: int) -> Step:
        content = (EXAMPLES / name).read_bytes()
        read = self.desk.send_file(
            "/api/stays/me/document-picture", field="picture", name=name, content=content, token=token
        )
        state = read["stay"]["state"]
        passed = state == "VERIFIED"
        told = f"level {read['level']} · matched {','.join(read['matched']) or '-'} · mismatched {','.join(read['mismatched']) or '-'}"
        return self._step(what, name, read["level"] == level and passed == (level >= 2), f"{told} · {state}")

    def _door(self, gate: str, token: str) -> Iterator[Step]:
        code = self.desk.call("GET", "/api/stays/me/codes?count=1", token=token)["codes"][0]["code"]
        with _as_picture(code) as picture:
            seen = self._present(gate, picture)
            yield self._step(f"二维码图片开门 QR picture opens {gate}", picture.name, seen[0], seen[1])
            wrong = next(code for code in self.plan.entrances.values() if code != gate)
            other = self._present(wrong, picture)
            yield self._step(
                f"别的单元 another entrance {wrong}", picture.name, not other[0] and other[1] == "WRONG_DOOR", other[1]
            )
            self._wait_for(token, "IN_HOUSE")
            self._wait_for(token, "ACCEPTED")
            stay = self.desk.call("GET", "/api/stays/me", token=token)
            receipted = stay["report"] is not None and stay["report"]["state"] == "ACCEPTED"
            yield self._step("住宿报送回执 lodging receipt", "", receipted, str((stay["report"] or {}).get("receipt")))
            self.desk.call("POST", "/api/stays/me/check-out", token=token)
            shut = self._refused_soon(gate, picture)
            yield self._step("退房后同一图片 the same picture after check-out", picture.name, shut == "REVOKED", shut)
        forged = self._present(gate, EXAMPLES / "qr" / "pass-of-another-estate.png")
        yield self._step("外来的码 a code of another estate", "qr/pass-of-another-estate.png", not forged[0], forged[1])

    def _present(self, gate: str, picture: Path) -> tuple[bool, str]:
        codes = frames.read_picture(picture)
        if not codes:
            return False, "no code in the picture"
        seen = self.gates.scan(gate=gate, code=codes[0])
        return seen.open, seen.reason

    def _refused_soon(self, gate: str, picture: Path) -> str:
        for _ in range(20):
            opened, reason = self._present(gate, picture)
            if not opened and reason != "REPLAYED":
                return reason
            _pause(0.25)
        return reason

    def _wait_for(self, token: str, state: str) -> None:
        for _ in range(60):
            stay = self.desk.call("GET", "/api/stays/me", token=token)
            if state in (stay["state"], (stay["report"] or {}).get("state")):
                return
            _pause(0.25)

    def _import(self, unit_id: str) -> Any:
        content = (EXAMPLES / "feeds" / "booking-feed.ics").read_bytes()
        fields = {"feed": FEED, "unit_id": unit_id}
        return self.desk.send_file(
            "/api/bookings/feed", field="file", name="booking-feed.ics", content=content, fields=fields
        )

    def _units(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.desk.call("GET", "/api/units?state=ACTIVE")["items"]
        return found

    def _step(self, step: str, file: str, ok: bool, outcome: str) -> Step:
        return Step(step=step, file=file, ok=ok, outcome=outcome)

    def _clock_to(self, wanted: datetime) -> None:
        if self.plan.clock_file is None:
            raise LookupError("a journey needs a clock that can be moved")
        draft = self.plan.clock_file.with_suffix(".new")
        draft.write_text(str((wanted - datetime.now(UTC)).total_seconds()))
        draft.replace(self.plan.clock_file)
        _pause(0.3)


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)


@contextmanager
def _as_picture(code: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "pass.png"
        segno.make(code, error="m").save(str(picture), scale=6, border=4)
        yield picture
