"""`linli up`: the whole estate on this machine, watched over until Ctrl-C."""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType

from linli.server import env, postgres
from linli.sim.live import LiveDay
from linli.supervise.day import plan_for
from linli.supervise.instance import TICK_SECONDS, AlreadyRunning, Instance
from linli.supervise.keeper import ProgramFailed

LIVE_DAY_PAUSE_SECONDS = 2.0


def main() -> int:
    """Start everything, say where it is, keep it running until told to stop; 0 after a clean stop, 1 otherwise."""
    # SIGINT too: started in the background of a script it would otherwise be deaf to Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        instance = Instance(environ=os.environ, say=_say)
    except env.BadEnvironment as problem:
        print(problem, file=sys.stderr)
        return 1
    code = 0
    try:
        _run(instance)
    except KeyboardInterrupt:
        _say("\n正在停止 Stopping …")
    except (AlreadyRunning, ProgramFailed, postgres.PostgresProblem) as problem:
        print(problem, file=sys.stderr)
        code = 1
    finally:
        # A second Ctrl-C must not leave half of it running; every step of a stop has its own time limit.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        instance.stop()
    if not code:
        _say("已停止，数据已保留。Stopped; the data are kept.")
    return code


def _run(instance: Instance) -> None:
    began = time.monotonic()
    _say(f"Linli 邻里 · {instance.env.home}")
    instance.start()
    _say(_addresses(instance, seconds=time.monotonic() - began))
    _start_live_day(instance)
    pause = threading.Event()
    while not pause.wait(TICK_SECONDS):
        instance.look_after()


def _start_live_day(instance: Instance) -> None:
    """Let the simulated guests of one slow day come and go, so that the console moves."""
    if not instance.plays_lodging:
        # A real platform is at the other end: nobody fictional is reported to it.
        return
    threading.Thread(target=_live, args=(instance,), name="live-day", daemon=True).start()


def _live(instance: Instance) -> None:
    # On its own thread from the first word: while it prepares, the programs must already be looked after.
    pause = threading.Event()
    while not pause.wait(LIVE_DAY_PAUSE_SECONDS):
        try:
            LiveDay(plan_for(instance, clock_file=None, guests=0), _say).run(pause)
        except (ProgramFailed, OSError) as problem:
            _say(f"the live day pauses: {str(problem).splitlines()[0]}")


def _addresses(instance: Instance, *, seconds: float) -> str:
    lines = [
        "",
        f"  就绪 Ready in {seconds:.0f} s",
        f"  控制台 console      {instance.env.public_url}/console/",
        f"  住客页 phone page   {instance.env.public_url}/m/",
        f"  接口   API          {instance.env.public_url}/api/docs",
        f"  日志   logs         {instance.env.logs}",
        *_logins(instance.env.home / "demo-logins.json"),
    ]
    return "\n".join([*lines, "", "  Ctrl-C 停止 stops everything; the data are kept.", ""])


def _logins(file: Path) -> list[str]:
    if not file.exists():
        return []
    told = json.loads(file.read_text(encoding="utf-8"))
    return [f"  登录   sign in      {name}: {one['username']} / {one['password']}" for name, one in told.items()]


def _say(line: str) -> None:
    print(line, flush=True)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
