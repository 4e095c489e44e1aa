"""Puts the terminals of a box together as the server plans them: one driver a make."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from linli.edge.agent import Agent
from linli.edge.clock import TrustedClock
from linli.edge.drivers.httpv2 import HttpV2Terminal, Manner, Site
from linli.edge.drivers.isapi import IsapiAddress, IsapiTerminal
from linli.edge.drivers.listening import Listener
from linli.edge.drivers.simulated import SimulatedDoor
from linli.edge.drivers.ttlock import TtlockAccount, TtlockClouds, TtlockTerminal
from linli.edge.reconciler import Reconciler
from linli.edge.terminals import Terminal
from linli.gate.decision import Clock
from linli.gate.wire import TerminalPlan

_log = logging.getLogger("linli.gate")


class Fitting:
    """The terminals of one box. Devices that call do so at `host` and `port`; 0 takes a free one."""

    def __init__(
        self, *, agent: Agent, reconciler: Reconciler, clock: TrustedClock, home: Path, host: str = "", port: int = 0
    ) -> None:
        self._agent, self._reconciler, self._clock, self._home = agent, reconciler, clock, home
        self._plans: dict[str, TerminalPlan] = {}
        self._doors: dict[str, str] = {}
        self._listener = Listener(host=host or "127.0.0.1", port=port)
        self._site = Site(listener=self._listener)
        self._clouds = TtlockClouds(listener=self._listener)
        self._makes: Mapping[str, Callable[[TerminalPlan], Terminal]] = {
            "httpv2": self._httpv2,
            "isapi": self._isapi,
            "ttlock": self._ttlock,
        }

    def build(self, plans: tuple[TerminalPlan, ...]) -> None:
        """Have exactly these terminals: what changed is put together anew, and the gate's door is its terminal."""
        wanted = {plan.code: plan for plan in plans if plan.gate in self._agent.doors and plan.make in self._makes}
        for code, plan in list(self._plans.items()):
            if wanted.get(code) != plan:
                self._take_down(code)
        for code, plan in sorted(wanted.items()):
            if code not in self._plans:
                self._put_up(plan)

    def _put_up(self, plan: TerminalPlan) -> None:
        try:
            terminal = self._makes[plan.make](plan)
            self._reconciler.add(plan.code, terminal)
        except (KeyError, TypeError, ValueError, OSError) as problem:
            # What is wrong may quote a secret; the name of a setting and the system's words do not.
            words = str(problem) if isinstance(problem, (KeyError, OSError)) else ""
            _log.error("terminal %s cannot be put up: %s %s", plan.code, type(problem).__name__, words)
            self._reconciler.remove(plan.code)
            return
        self._plans[plan.code] = plan
        if plan.gate not in self._doors:
            self._doors[plan.gate] = plan.code
            self._agent.fit(gate=plan.gate, door=terminal)

    def _take_down(self, code: str) -> None:
        plan = self._plans.pop(code)
        self._reconciler.remove(code)
        if self._doors.get(plan.gate) == code:
            del self._doors[plan.gate]
            self._agent.fit(gate=plan.gate, door=SimulatedDoor())

    def _httpv2(self, plan: TerminalPlan) -> Terminal:
        known = ("period_s", "entrance", "least_face_threshold")
        settings: dict[str, Any] = {name: plan.settings[name] for name in known if name in plan.settings}
        return HttpV2Terminal(
            gate=plan.gate,
            serial_number=str(plan.settings["sn"]),
            site=self._site,
            manner=Manner(token=plan.secret, **settings),
            now=self._now,
        )

    def _isapi(self, plan: TerminalPlan) -> Terminal:
        zone = self._agent.snapshot.house.zone_minutes
        return IsapiTerminal(
            gate=plan.gate,
            address=IsapiAddress.read(plan.settings, secret=plan.secret, zone_minutes=zone),
            listener=self._listener,
            mark_file=self._home / f"isapi-{plan.code}.json",
            holidays=lambda: self._agent.snapshot.house.holidays,
            now=self._sure_now,
        )

    def _ttlock(self, plan: TerminalPlan) -> Terminal:
        cloud = self._clouds.of(TtlockAccount.read(plan.settings, secret=plan.secret))
        return TtlockTerminal(gate=plan.gate, cloud=cloud, lock_id=int(plan.settings["lock_id"]), now=self._now)

    def _now(self) -> datetime:
        return self._clock.read().now

    def _sure_now(self) -> datetime | None:
        reading = self._clock.read()
        return reading.now if reading.clock is Clock.OK else None
