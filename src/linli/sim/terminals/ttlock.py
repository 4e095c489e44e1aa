"""The lock maker's cloud, with locks behind it: tokens that end, codes that a gateway must carry, callbacks that come late.

The cloud answers under /oauth2 and /v3, as forms go in and JSON comes out. On the other port a test plays the rest; every
deed takes the number of the lock as "lock", and without one means the first:

    GET /state
    POST /enter {"pin"}   /show {"kind", "card", "opened"}   /shut {}   /tamper {}   /battery {"percent"}
    POST /gateway {"online"}   /busy {"requests"}   /clock {"ahead_s"}   /phone {}   /rename {"pin", "name"}
    POST /cloud {"online"}   /tokens {}   /limit {"requests"}   /lose {"answers"}
    POST /callbacks {"url", "hold", "repeat"}
"""

from __future__ import annotations

import argparse
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from linli.sim.clock import Clock, clock_from_environment
from linli.sim.terminals import ports
from linli.sim.terminals.ports import Port, Request, Response, in_json
from linli.sim.terminals.ttlock_callbacks import Callbacks
from linli.sim.terminals.ttlock_lock import GATEWAY, SHUT, TAMPER, Lock, MakersError, page_of

HOUR_MS = 3_600_000
LONGEST_MS = 366 * 24 * HOUR_MS
CLOCK_TOLERANCE_MS = 300_000
OK: dict[str, Any] = {"errcode": 0, "errmsg": "none error message"}


class TtlockCloudSim:
    """The cloud on its two ports, and its locks."""

    def __init__(
        self,
        *,
        clock: Clock,
        lock_ids: tuple[int, ...] = (7001,),
        client_id: str = "sim-client",
        client_secret: str = "sim-secret",
        username: str = "estate",
        password: str = "Sim-12345",
        token_s: float = 7_776_000.0,
        host: str = "127.0.0.1",
        port: int = 0,
        control_port: int = 0,
    ) -> None:
        """Take an account and the numbers of its locks."""
        self.locks = {lock_id: Lock(id=lock_id, clock=clock) for lock_id in lock_ids}
        self.client = (client_id, client_secret)
        self.account = (username, hashlib.md5(password.encode(), usedforsecurity=False).hexdigest())
        self.port = Port(answer=self.answer, host=host, port=port)
        self.control = Port(answer=ports.control(self._deeds(), state=self.state), host=host, port=control_port)
        self.online = True
        self.token_s = token_s
        self.refused_by_limit = self.lost_answers = 0
        self.calls: list[str] = []
        self.records: list[dict[str, Any]] = []
        self._clock = clock
        self._lock = threading.RLock()
        self._tokens: dict[str, float] = {}
        self._refresh: set[str] = set()
        self._record_id = 0
        self.callbacks = Callbacks(admin=username, online=lambda: self.online)

    @property
    def url(self) -> str:
        """Where the estate finds it."""
        return self.port.url

    def start(self) -> None:
        """This will switch it on."""
        self.port.start()
        self.control.start()
        self.callbacks.start()

    def stop(self) -> None:
        """This will switch it off."""
        self.callbacks.stop()
        self.port.stop()
        self.control.stop()

    def state(self) -> dict[str, Any]:
        """What is inside, for a test to look at."""
        with self._lock:
            return {
                "locks": {
                    lock.id: {
                        "codes": [code.as_json(lock.id) for code in lock.codes.values()],
                        "kept": len(lock.records),
                        "unlocked": lock.unlocked,
                        "gateway": lock.has_gateway and lock.gateway_online,
                        "battery": lock.battery,
                    }
                    for lock in self.locks.values()
                },
                "records": len(self.records),
                "callbacks": self.callbacks.answers,
                "online": self.online,
            }

    def answer(self, request: Request) -> Response | None:
        """This will answer the estate, or not at all when the cloud is down."""
        if not self.online:
            return None
        self.calls.append(request.path)
        try:
            with self._lock:
                told = self._do(request.path, request.as_form())
        except MakersError as problem:
            told = {"errcode": problem.code, "errmsg": f"error {problem.code}"}
        except (KeyError, ValueError):
            told = {"errcode": -3, "errmsg": "Invalid Parameter."}
        if self.lost_answers and request.path.startswith("/v3/keyboardPwd"):
            # Done, and nobody hears of it.
            self.lost_answers -= 1
            return None
        return in_json(told)

    def let_in(self, lock_id: int, pin: str) -> bool:
        """This will type a code at a lock."""
        with self._lock:
            opened = self.locks[lock_id].enter(pin)
            self._carry(lock_id)
            return opened

    def happen(self, lock_id: int, kind: int, *, opened: bool = True, shown: str = "", name: str = "") -> None:
        """This will have something happen at a lock."""
        with self._lock:
            self.locks[lock_id].write(kind, opened=opened, shown=shown, name=name)
            self._carry(lock_id)

    def carry_by_phone(self, lock_id: int) -> None:
        """This will have somebody's phone bring the lock's records to the cloud, all at once."""
        with self._lock:
            self._upload(lock_id)

    def end_tokens(self) -> None:
        """This will end every token given so far."""
        with self._lock:
            self._tokens.clear()

    # --- the cloud

    def _do(self, path: str, form: Mapping[str, str]) -> dict[str, Any]:
        if path == "/oauth2/token":
            return self._token(form)
        self._check(form)
        lock = self.locks.get(int(form["lockId"]))
        if lock is None:
            raise MakersError(-1003)
        deed = self._requests().get(path)
        if deed is None:
            raise MakersError(30001)
        return deed(lock, form)

    def _requests(self) -> Mapping[str, Callable[[Lock, Mapping[str, str]], dict[str, Any]]]:
        return {
            "/v3/lock/detail": self._detail,
            "/v3/gateway/listByLock": self._gateways,
            "/v3/lock/listKeyboardPwd": self._list_codes,
            "/v3/keyboardPwd/get": self._random_code,
            "/v3/keyboardPwd/add": self._add_code,
            "/v3/keyboardPwd/change": self._change_code,
            "/v3/keyboardPwd/delete": self._delete_code,
            "/v3/lockRecord/list": self._list_records,
            "/v3/lock/queryDate": self._query_date,
            "/v3/lock/updateDate": self._update_date,
            "/v3/lock/unlock": self._unlock,
            "/v3/lock/lock": self._shut,
        }

    def _token(self, form: Mapping[str, str]) -> dict[str, Any]:
        if form.get("clientId") != self.client[0]:
            raise MakersError(10000)
        if form.get("clientSecret") != self.client[1]:
            raise MakersError(10001)
        if form.get("grant_type") == "refresh_token":
            if form.get("refresh_token") not in self._refresh:
                raise MakersError(10011)
            self._refresh.discard(form["refresh_token"])
        elif (form.get("username"), form.get("password")) != self.account:
            raise MakersError(10007)
        access, refresh = secrets.token_hex(16), secrets.token_hex(16)
        self._tokens[access] = time.monotonic() + self.token_s
        self._refresh.add(refresh)
        return {"access_token": access, "refresh_token": refresh, "uid": 1, "expires_in": int(self.token_s)}

    def _check(self, form: Mapping[str, str]) -> None:
        if form.get("clientId") != self.client[0]:
            raise MakersError(10000)
        if self._tokens.get(form.get("accessToken", ""), float("-inf")) < time.monotonic():
            raise MakersError(10004 if form.get("accessToken") in self._tokens else 10003)
        if abs(int(form["date"]) - time.time() * 1000) > CLOCK_TOLERANCE_MS:
            raise MakersError(80000)
        if self.refused_by_limit:
            self.refused_by_limit -= 1
            raise MakersError(30006)

    def _detail(self, lock: Lock, form: Mapping[str, str]) -> dict[str, Any]:
        return {"lockId": lock.id, "lockMac": lock.mac, "electricQuantity": lock.battery, "modelNum": "SIM-LOCK 1.0"}

    def _gateways(self, lock: Lock, form: Mapping[str, str]) -> dict[str, Any]:
        return {"list": [{"gatewayId": 1, "gatewayMac": "00:11:22:33:44:55", "rssi": -60}] if lock.has_gateway else []}

    def _list_codes(self, lock: Lock, form: Mapping[str, str]) -> dict[str, Any]:
        return page_of([code.as_json(lock.id) for code in lock.codes.values()], form)

    def _random_code(self, lock: Lock, form: Mapping[str, str]) -> dict[str, Any]:
        kind, start, end = int(form["keyboardPwdType"]), int(form["startDate"]), int(form.get("endDate", 0))
        if form["keyboardPwdVersion"] != "4" or not 1 <= kind <= 14:
            raise MakersError(-3)
        if start % HOUR_MS or end % HOUR_MS or (kind == 3 and not 0 < end - start <= LONGEST_MS):
            raise MakersError(-3)
        code = lock.add(
            pin=lock.random_pin(), name=form.get("keyboardPwdName", ""), start=start, end=end, kind=kind, computed=True
        )
        return {"keyboardPwd": code.pin, "keyboardPwdId": code.id}

    def _add_code(self, lock: Lock, form: Mapping[str, str]) -> dict[str, Any]:
        pin, start, end = form["keyboardPwd"], int(form["startDate"]), int(form["endDate"])
        self._reach(lock, form.get("addType"))
        if not (pin.isdecimal() and 4 <= len(pin) <= 9):
            raise MakersError(-3006)
        if any(code.pin == pin for code in lock.codes.values()):
            raise MakersError(-3007)
        if len(lock.codes) >= lock.capacity:
            raise MakersError(-3009)
        if not 0 < end - start <= LONGEST_MS or len(form.get("keyboardPwdName", "")) > 60:
            raise MakersError(-3)
        return {"keyboardPwdId": lock.add(pin=pin, name=form.get("keyboardPwdName", ""), start=start, end=end).id}

    def _change_code(self, lock: Lock, form: Mapping[str, str]) -> dict[str, Any]:
        self._reach(lock, form.get("changeType"))
        code = lock.codes.get(int(form["keyboardPwdId"]))
        if code is None:
            raise MakersError(-1007)
        if code.computed and not code.used:
            raise MakersError(-3008)
        pin = form.get("newKeyboardPwd") or code.pin
        if any(other.pin == pin and other.id != code.id for other in lock.codes.values()):
            raise MakersError(-3007)
        code.pin, code.name = pin, form.get("keyboardPwdName") or code.name
        # One date without the other is taken for "no end", as the maker does.
        code.start, code.end = int(form.get("startDate", 0)), int(form.get("endDate", 2**42))
        return OK

    def _delete_code(self, lock: Lock, form: Mapping[str, str]) -> dict[str, Any]:
        self._reach(lock, form.get("deleteType"))
        if lock.codes.pop(int(form["keyboardPwdId"]), None) is None:
            raise MakersError(-1007)
        return OK

    def _list_records(self, lock: Lock, form: Mapping[str, str]) -> dict[str, Any]:
        start, end = int(form.get("startDate", 0)), int(form.get("endDate", 0)) or 2**62
        rows = [row for row in self.records if row["lockId"] == lock.id and start <= row["lockDate"] <= end]
        return page_of(sorted(rows, key=lambda row: -row["lockDate"]), form)

    def _query_date(self, lock: Lock, form: Mapping[str, str]) -> dict[str, Any]:
        self._reach(lock, "2")
        return {"date": lock.now_ms()}

    def _update_date(self, lock: Lock, form: Mapping[str, str]) -> dict[str, Any]:
        self._reach(lock, "2")
        lock.ahead = timedelta()
        return {"date": lock.now_ms()}

    def _unlock(self, lock: Lock, form: Mapping[str, str]) -> dict[str, Any]:
        self._reach(lock, "2")
        lock.unlocked += 1
        lock.write(GATEWAY, name=self.account[0])
        self._carry(lock.id)
        return OK

    def _shut(self, lock: Lock, form: Mapping[str, str]) -> dict[str, Any]:
        self._reach(lock, "2")
        return OK

    @staticmethod
    def _reach(lock: Lock, way: str | None) -> None:
        """Say no when the way is not the gateway's, or the gateway does not carry."""
        if way != "2":
            raise MakersError(-3)
        if not lock.has_gateway:
            raise MakersError(-2012)
        if not lock.gateway_online:
            raise MakersError(-3002)
        if lock.busy:
            lock.busy -= 1
            raise MakersError(-3003)

    # --- from the lock to the estate

    def _carry(self, lock_id: int) -> None:
        lock = self.locks[lock_id]
        if lock.has_gateway and lock.gateway_online:
            self._upload(lock_id)

    def _upload(self, lock_id: int) -> None:
        rows = self.locks[lock_id].upload()
        if not rows:
            return
        server_ms = int(self._clock().timestamp() * 1000)
        rows = [{**row, "serverDate": server_ms} for row in rows]
        for row in rows:
            self._record_id += 1
            self.records.append({**row, "recordId": self._record_id})
        self.callbacks.call(lock_id=lock_id, mac=self.locks[lock_id].mac, rows=rows)

    # --- what a test does

    def _deeds(self) -> dict[str, ports.Deed]:
        def at(given: Mapping[str, Any]) -> Lock:
            return self.locks[int(given.get("lock", next(iter(self.locks))))]

        return {
            "enter": lambda given: self.let_in(at(given).id, str(given["pin"])),
            "show": lambda given: self.happen(
                at(given).id,
                int(given["kind"]),
                opened=bool(given.get("opened", True)),
                shown=str(given.get("card", "")),
            ),
            "shut": lambda given: self.happen(at(given).id, SHUT),
            "tamper": lambda given: self.happen(at(given).id, TAMPER),
            "battery": lambda given: setattr(at(given), "battery", int(given["percent"])),
            "gateway": lambda given: self._set_gateway(at(given), online=bool(given["online"])),
            "busy": lambda given: setattr(at(given), "busy", int(given["requests"])),
            "clock": lambda given: setattr(at(given), "ahead", timedelta(seconds=float(given["ahead_s"]))),
            "phone": lambda given: self.carry_by_phone(at(given).id),
            "rename": lambda given: self._rename(at(given), str(given["pin"]), str(given["name"])),
            "cloud": lambda given: setattr(self, "online", bool(given["online"])),
            "tokens": lambda given: self.end_tokens(),
            "limit": lambda given: setattr(self, "refused_by_limit", int(given["requests"])),
            "lose": lambda given: setattr(self, "lost_answers", int(given["answers"])),
            "callbacks": lambda given: self.callbacks.change(
                url=given.get("url"), hold=bool(given.get("hold")), repeat=int(given.get("repeat", 0))
            ),
        }

    def _set_gateway(self, lock: Lock, *, online: bool) -> None:
        with self._lock:
            lock.gateway_online = online
            self._carry(lock.id)

    def _rename(self, lock: Lock, pin: str, name: str) -> bool:
        found = [code for code in lock.codes.values() if code.pin == pin]
        for code in found:
            code.name = name
        return bool(found)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This will say what the command takes."""
    parser.add_argument("--lock", type=int, action="append", help="the number of a lock; may be said again")
    parser.add_argument("--username", default="estate")
    parser.add_argument("--password", default="Sim-12345", help="of the simulated account; nothing secret")
    parser.add_argument("--callbacks", default="", help="where the cloud posts what happens")
    parser.add_argument("--token-s", type=float, default=7_776_000.0, help="how long a token lasts")


def terminal(asked: argparse.Namespace) -> TtlockCloudSim:
    """This will make the cloud that the command asked for."""
    sim = TtlockCloudSim(
        clock=clock_from_environment(),
        lock_ids=tuple(asked.lock or (7001,)),
        username=asked.username,
        password=asked.password,
        token_s=asked.token_s,
        host=asked.host,
        port=asked.port,
        control_port=asked.control_port,
    )
    sim.callbacks.url = asked.callbacks
    return sim


def main(asked: argparse.Namespace) -> int:
    """This will run one until SIGTERM or Ctrl-C."""
    sim = terminal(asked)
    ports.serve(sim, words=json.dumps({"ready": True, "device": sim.url, "control": sim.control.url}))
    return 0
