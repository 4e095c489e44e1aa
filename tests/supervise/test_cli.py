"""The `linli` command parses, prepares what a command needs and calls one thing; what it cannot do it says in a line."""

import os
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from linli import cli
from linli.server import env, serving


def linli(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "linli.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **more}, check=False, timeout=60)


def test_every_command_says_what_it_is_for() -> None:
    told = linli("--help").stdout
    for command in ("up", "serve", "work", "seed", "day", "journey", "bench", "audit", "migrate", "enrol"):
        assert f"\n    {command} " in told


@pytest.mark.parametrize(
    "words", [(), ("dance",), ("seed", "atlantis"), ("day", "--guests", "many"), ("audit", "burn")]
)
def test_wrong_words_are_refused_with_the_usage(words: tuple[str, ...]) -> None:
    done = linli(*words)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: linli")


@pytest.mark.parametrize("command", ["up", "serve", "work", "migrate"])
def test_a_wrong_variable_stops_a_command_in_one_line_before_anything_is_touched(command: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = linli(command, LINLI_PORT="eighty", LINLI_HOME=str(home))
    assert done.returncode == 1
    assert "LINLI_PORT" in done.stderr
    assert "Traceback" not in done.stderr
    assert not home.exists()


def test_each_command_leads_somewhere() -> None:
    modules = {door.partition(":")[0] for door in cli.DOORS.values()}
    assert [module for module in modules if not find_spec(module)] == []


def test_a_port_that_is_taken_is_named_and_not_shared(tmp_path: Path) -> None:
    with socket.socket() as taken:
        # As an orphaned server of ours would hold it: willing to share.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        settings = env.load({"LINLI_PORT": port, "LINLI_HOME": str(tmp_path)})
        with pytest.raises(serving.AlreadyServing, match=port):
            serving.main(settings=settings)


def test_a_second_server_of_one_home_is_refused(tmp_path: Path) -> None:
    settings = env.load({"LINLI_PORT": "1", "LINLI_HOME": str(tmp_path)})
    held = serving._hold(tmp_path / "run" / "port-1.lock")
    with pytest.raises(serving.AlreadyServing, match="another"):
        serving.main(settings=settings)
    os.close(held)
