"""What the house agreed on and no linter knows: names, sizes, where time and the outside world come from."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "linli"
BANNED = {"utils", "helpers", "common", "misc", "base", "manager", "service", "handler", "data", "info", "process"}
DOMAINS = ("privacy", "places", "people", "lettings", "access", "stays", "connectors")
# Where the real clock is read. Everybody else is told the time.
CLOCKS = ("server/kernel/clock.py", "edge/clock.py", "sim/clock.py")
MOST_LINES = 400


def modules(*, under: Path = SOURCE) -> Iterator[Path]:
    return (path for path in sorted(under.rglob("*.py")) if "migrations" not in path.parts)


def name(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield ast.unparse(node.func)


def test_no_file_is_called_by_a_name_that_says_nothing() -> None:
    assert [name(path) for path in modules() if path.stem in BANNED or path.parent.name in BANNED] == []


def test_no_file_is_too_long_to_read() -> None:
    long = {name(path): len(path.read_text().splitlines()) for path in modules()}
    assert {path: lines for path, lines in long.items() if lines > MOST_LINES} == {}


def test_time_is_told_and_not_asked_for_below_the_interface() -> None:
    asking = re.compile(r"(datetime\.(now|utcnow|today)|date\.today|timezone\.now|time\.time)$")
    places = [SOURCE / "gate", *(SOURCE / "server" / domain for domain in DOMAINS), SOURCE / "server" / "kernel"]
    found = {
        name(path): call
        for place in places
        for path in modules(under=place)
        for call in calls(path)
        if asking.search(call) and name(path) not in CLOCKS
    }
    assert found == {}


def test_nobody_reacts_to_a_django_signal() -> None:
    assert [name(path) for path in modules() if "django.db.models.signals" in path.read_text()] == []


def test_nothing_is_left_for_later() -> None:
    left = re.compile(r"\b(TODO|FIXME)\b")
    assert [name(path) for path in modules() if left.search(path.read_text())] == []


@pytest.mark.parametrize("file", ["Makefile", ".importlinter", ".ci/run"])
def test_the_house_keys_are_there(file: str) -> None:
    assert (ROOT / file).read_text().strip()


def test_the_makefile_is_short_and_says_what_each_target_does() -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    assert len(lines) <= 60
    told = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("setup", "run", "test", "check", "fast", "bench", "day"):
        assert f"make {target} " in told


def test_ci_can_be_run() -> None:
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
