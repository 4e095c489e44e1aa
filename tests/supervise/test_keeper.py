"""Programs are kept running, stopped in order, and never orphaned: real processes, really killed."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from linli.supervise import keeper as keeping
from linli.supervise.keeper import Child, Keeper, Program, ProgramFailed
from linli.supervise.will import ASKED_SECONDS
from tests.waiting import eventually

# A program with a helper of its own, as the server has; both append their numbers to a file and wait.
WITH_HELPER = """
    import os, subprocess, sys, time
    helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], close_fds=False)
    with open(sys.argv[1], "a") as file:
        print(os.getpid(), helper.pid, file=file, flush=True)
    time.sleep(600)
"""
DEAF = """
    import os, signal, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with open(sys.argv[1], "a") as file:
        print(os.getpid(), file=file, flush=True)
    time.sleep(600)
"""
SUPERVISOR = """
    import sys, time
    from pathlib import Path
    from linli.supervise.keeper import Keeper, Program
    home, numbers, program = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    keeper = Keeper(home=home, say=print)
    keeper.start(Program(name="one", command=[sys.executable, "-c", program, str(numbers)], ready=numbers.exists))
    print("started", flush=True)
    time.sleep(600)
"""


def python(script: str, *words: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(script), *words]


def looked_after(keeper: Keeper, so: Callable[[], object]) -> bool:
    def turn() -> object:
        keeper.look_after()
        return so()

    return eventually(turn)


def lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def numbers_in(file: Path) -> list[int]:
    return [int(word) for word in file.read_text().split()] if file.exists() else []


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def keeper(tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Keeper]:
    monkeypatch.setattr(keeping, "BACK_OFF_SECONDS", (0.05, 0.2, 0.4))
    keeper = Keeper(home=tmp_path, say=said.append)
    yield keeper
    keeper.stop()


def test_a_killed_program_is_started_again_and_said_so(keeper: Keeper, tmp_path: Path, said: list[str]) -> None:
    numbers = tmp_path / "numbers"
    keeper.start(Program(name="one", command=python(WITH_HELPER, str(numbers)), ready=numbers.exists))
    first, helper = numbers_in(numbers)
    os.kill(first, signal.SIGKILL)
    assert looked_after(keeper, lambda: len(numbers_in(numbers)) == 4)
    assert keeper.children["one"].restarts == 1
    assert "one had stopped" in said[0]
    # Its helper went with it, before the new one came: two of them would serve side by side.
    assert not lives(helper)


def test_a_program_that_keeps_dying_is_started_ever_more_slowly(keeper: Keeper, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    script = f"import time; open({str(starts)!r}, 'a').write(f'{{time.monotonic()}}\\n')"
    child = Child(program=Program(name="dying", command=python(script), ready=lambda: True), home=tmp_path)
    keeper.children["dying"] = child
    child.start()
    assert looked_after(keeper, lambda: starts.exists() and len(starts.read_text().split()) >= 5)
    times = [float(word) for word in starts.read_text().split()]
    gaps = [after - before for before, after in pairwise(times)]
    assert gaps[2] > 0.2
    assert gaps[3] > 0.4
    assert gaps[0] < gaps[3]


def test_stopping_takes_the_last_started_first_and_leaves_nobody(keeper: Keeper, tmp_path: Path) -> None:
    stopped = tmp_path / "stopped"
    script = """
        import signal, sys, time
        def stop(*_):
            open(sys.argv[1], "a").write(sys.argv[2] + " ")
            sys.exit(0)
        signal.signal(signal.SIGTERM, stop)
        open(sys.argv[3], "w").write("ready")
        time.sleep(600)
    """
    for name in ("first", "second", "third"):
        mark = tmp_path / name
        words = python(script, str(stopped), name, str(mark))
        keeper.start(Program(name=name, command=words, ready=mark.exists))
    running = [child.pid for child in keeper.children.values()]
    keeper.stop()
    assert stopped.read_text().split() == ["third", "second", "first"]
    assert not any(lives(process) for process in running if process)


def test_a_program_that_will_not_stop_is_made_to_and_said_so(keeper: Keeper, tmp_path: Path, said: list[str]) -> None:
    ready = tmp_path / "ready"
    script = """
        import signal, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open(sys.argv[1], "w").write("ready")
        time.sleep(600)
    """
    keeper.start(Program(name="deaf", command=python(script, str(ready)), ready=ready.exists, grace=0.3))
    process = keeper.children["deaf"].pid
    assert process
    keeper.stop()
    assert not lives(process)
    assert said == ["deaf did not stop in 0 s and was ended"]


def test_a_program_that_dies_at_once_fails_with_its_last_words(keeper: Keeper) -> None:
    command = python("import sys; sys.exit('the keyring is missing')")
    with pytest.raises(ProgramFailed, match="the keyring is missing"):
        keeper.start(Program(name="broken", command=command, ready=lambda: False))


def test_a_program_that_never_answers_fails_in_time(keeper: Keeper) -> None:
    with pytest.raises(ProgramFailed, match="does not answer"):
        keeper.start(
            Program(name="mute", command=python("import time; time.sleep(600)"), ready=lambda: False, patience=0.3)
        )


def will_of(home: Path) -> list[int]:
    wills = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = place.read_bytes().split(b"\0")
            if b"linli.supervise.will" in words and str(home / "run").encode() in words:
                wills.append(int(place.parent.name))
    assert wills
    return wills


def start_supervisor(home: Path, numbers: Path, *, program: str = WITH_HELPER) -> subprocess.Popen[str]:
    words = python(SUPERVISOR, str(home), str(numbers), textwrap.dedent(program))
    supervisor = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout
    assert supervisor.stdout.readline() == "started\n"
    return supervisor


def test_programs_go_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    numbers = tmp_path / "numbers"
    supervisor = start_supervisor(tmp_path, numbers)
    program, helper = numbers_in(numbers)
    supervisor.kill()
    supervisor.communicate()
    assert eventually(lambda: not lives(program) and not lives(helper))


def test_a_program_that_does_not_hear_it_goes_all_the_same(tmp_path: Path) -> None:
    numbers = tmp_path / "numbers"
    supervisor = start_supervisor(tmp_path, numbers, program=DEAF)
    (program,) = numbers_in(numbers)
    supervisor.kill()
    supervisor.communicate()
    time.sleep(1)
    assert lives(program)
    assert eventually(lambda: not lives(program), seconds=ASKED_SECONDS + 20)


def test_the_will_of_a_killed_supervisor_spares_what_the_next_one_started(tmp_path: Path) -> None:
    numbers = tmp_path / "numbers"
    supervisor = start_supervisor(tmp_path, numbers, program=DEAF)
    wills = will_of(tmp_path)
    supervisor.kill()
    supervisor.communicate()
    numbers.unlink()
    keeper = Keeper(home=tmp_path, say=print)
    keeper.start(Program(name="one", command=python(DEAF, str(numbers)), ready=numbers.exists, grace=0.3))
    (program,) = numbers_in(numbers)
    assert eventually(lambda: not any(lives(will) for will in wills), seconds=ASKED_SECONDS + 20)
    assert lives(program)
    keeper.stop()


def test_an_orphan_without_leash_or_will_is_ended_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = tmp_path / "numbers"
    monkeypatch.setenv("PATH", str(tmp_path))  # no setpriv: as on a system without one
    supervisor = start_supervisor(tmp_path, numbers)
    orphan, _ = numbers_in(numbers)
    for will in will_of(tmp_path):
        os.kill(will, signal.SIGKILL)
    supervisor.kill()
    supervisor.communicate()
    time.sleep(0.5)
    assert lives(orphan)
    numbers.unlink()
    keeper = Keeper(home=tmp_path, say=print)
    keeper.start(Program(name="one", command=python(WITH_HELPER, str(numbers)), ready=numbers.exists))
    assert not lives(orphan)
    keeper.stop()
