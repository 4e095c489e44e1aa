"""The embedded PostgreSQL under our supervisor: real processes, really killed."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from linli.server import postgres
from tests.waiting import eventually


@pytest.fixture
def home() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="linli-test-"))
    yield place / "pg"
    cluster = postgres.Cluster(home=place / "pg")
    if cluster.home.exists() and cluster.postmaster():
        cluster.stop()
    shutil.rmtree(place, ignore_errors=True)


def command(script: str, home: Path, **options: object) -> subprocess.Popen[str]:
    """Start another process that uses the instance, as a second `linli` command would."""
    words = [sys.executable, "-c", textwrap.dedent(script), str(home)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload,no-any-return]


def ask(url: str, query: str) -> object:
    with psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute(query).fetchone()
        assert row
        return row[0]


HOLD = """
    import sys, time
    from pathlib import Path
    from linli.server import postgres
    with postgres.running(Path(sys.argv[1])) as url:
        print(url, flush=True)
        time.sleep(600)
"""
USE = """
    import sys
    from pathlib import Path
    from linli.server import postgres
    import psycopg
    cluster = postgres.Cluster(home=Path(sys.argv[1]))
    started = cluster.start(detached=True)
    with psycopg.connect(cluster.url) as connection:
        connection.execute("SELECT 1")
    print("started" if started else "found", cluster.postmaster(), flush=True)
"""


def test_a_first_start_makes_a_database_that_sorts_alike_on_every_machine(home: Path) -> None:
    with postgres.running(home) as url:
        assert ask(url, "SELECT current_database()") == "linli"
        assert ask(url, "SHOW server_encoding") == "UTF8"
        assert ask(url, "SELECT datlocprovider::text || ' ' || datlocale FROM pg_database WHERE datname = 'linli'") == (
            "b C.UTF-8"
        )
        assert ask(url, "SELECT string_agg(n, '' ORDER BY n) FROM unnest(ARRAY['b', '李', 'B', 'a']) n") == "Bab李"


def test_the_settings_suit_a_server_and_keep_the_data_safe(home: Path) -> None:
    with postgres.running(home) as url:
        shown = {name: ask(url, f"SHOW {name}") for name in ("fsync", "full_page_writes", "synchronous_commit")}
        assert set(shown.values()) == {"on"}
        assert ask(url, "SHOW max_connections") == "200"
        assert ask(url, "SHOW timezone") == "UTC"
        assert ask(url, "SHOW data_checksums") == "on"
        assert ask(url, "SHOW listen_addresses") == ""


def test_only_its_owner_can_reach_it(home: Path) -> None:
    with postgres.running(home):
        assert postgres.socket_directory(home).stat().st_mode & 0o777 == 0o700
        assert (home / "data").stat().st_mode & 0o777 == 0o700


def test_it_stops_with_the_block_and_keeps_its_data_for_the_next(home: Path) -> None:
    with postgres.running(home) as url, psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE guest AS SELECT 7 AS room")
    assert not postgres.Cluster(home=home).answers()
    with postgres.running(home) as url:
        assert ask(url, "SELECT room FROM guest") == 7


def test_nothing_acknowledged_is_lost_when_the_server_is_killed_while_writing(home: Path) -> None:
    cluster = postgres.Cluster(home=home)
    cluster.start()
    acknowledged: list[int] = []
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE entry (number int PRIMARY KEY)")

    def write() -> None:
        with psycopg.connect(cluster.url, autocommit=True) as connection:
            for number in range(10_000_000):
                try:
                    connection.execute("INSERT INTO entry VALUES (%s)", [number])
                except psycopg.Error:
                    return
                acknowledged.append(number)

    writer = threading.Thread(target=write)
    writer.start()
    assert eventually(lambda: len(acknowledged) > 300)
    victim = cluster.postmaster()
    assert victim
    os.kill(victim, signal.SIGKILL)
    writer.join(30)
    assert eventually(lambda: not cluster.alive())
    assert cluster.start()
    assert ask(cluster.url, "SELECT count(*) FROM entry") in (len(acknowledged), len(acknowledged) + 1)
    cluster.stop()


def test_a_killed_postmaster_is_replaced_though_a_busy_child_of_it_lingers(home: Path) -> None:
    cluster = postgres.Cluster(home=home)
    cluster.start()
    lingering = psycopg.connect(cluster.url)
    # Pure arithmetic: this child looks up from its work only when it is done, long after this test.
    long = "SELECT count(*) FROM generate_series(1, 400000) a, generate_series(1, 400000) b"

    def work() -> None:
        with contextlib.suppress(psycopg.Error):
            lingering.execute(long)

    worker = threading.Thread(target=work)
    worker.start()
    seen = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%400000%' AND pid <> pg_backend_pid()"
    assert eventually(lambda: ask(cluster.url, seen) == 1)
    first = cluster.postmaster()
    assert first
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: not cluster.alive())
    began = time.monotonic()
    assert cluster.start()
    assert time.monotonic() - began < 10
    assert cluster.postmaster() != first
    worker.join(10)
    lingering.close()
    cluster.stop()


def test_a_zombie_postmaster_counts_as_dead(home: Path) -> None:
    holder = command(HOLD, home)
    assert holder.stdout
    holder.stdout.readline()
    victim = postgres.Cluster(home=home).postmaster()
    assert victim
    # Its parent sleeps and does not reap it: the process number stays taken.
    os.kill(victim, signal.SIGKILL)
    assert eventually(lambda: Path(f"/proc/{victim}/stat").read_text().split()[2] == "Z")
    with postgres.running(home) as url:
        assert ask(url, "SELECT 1") == 1
    holder.kill()
    holder.communicate()


def test_a_process_number_used_again_is_not_taken_for_the_server(home: Path) -> None:
    with postgres.running(home):
        pass
    # What a killed server leaves, with its number now in the hands of a stranger: this very test.
    stale = f"{os.getpid()}\n{home}/data\n1700000000\n5432\n{postgres.socket_directory(home)}\n\n  123 0\nready\n"
    (home / "data" / "postmaster.pid").write_text(stale)
    (postgres.socket_directory(home) / ".s.PGSQL.5432.lock").write_text(stale)
    cluster = postgres.Cluster(home=home)
    assert cluster.postmaster() is None
    assert cluster.start()
    assert ask(cluster.url, "SELECT 1") == 1
    cluster.stop()


def test_a_second_command_uses_the_running_server_and_leaves_it_running(home: Path) -> None:
    with postgres.running(home) as url:
        second = command(USE.replace("detached=True", ""), home)
        out, err = second.communicate(timeout=60)
        assert out.split()[0] == "found", err
        assert ask(url, "SELECT 1") == 1


def test_commands_that_start_at_once_on_an_empty_home_share_one_server(home: Path) -> None:
    commands = [command(USE, home) for _ in range(4)]
    answers = [each.communicate(timeout=120) for each in commands]
    outs = [out.split() for out, _ in answers]
    assert sorted(out[0] for out in outs) == ["found", "found", "found", "started"], answers
    assert len({out[1] for out in outs}) == 1


def test_a_detached_server_outlives_its_command_until_it_is_told_to_stop(home: Path) -> None:
    starter = command(USE, home)
    assert starter.communicate(timeout=60)[0].startswith("started")
    cluster = postgres.Cluster(home=home)
    assert cluster.answers()
    cluster.stop()
    assert not cluster.answers()
    cluster.stop()  # twice does no harm


def test_the_server_goes_when_its_command_is_killed(home: Path) -> None:
    holder = command(HOLD, home)
    assert holder.stdout
    holder.stdout.readline()
    server = postgres.Cluster(home=home).postmaster()
    assert server
    holder.kill()
    holder.communicate()
    assert eventually(lambda: not Path(f"/proc/{server}").exists())
    assert "database system is shut down" in (home / "postgres.log").read_text()


def test_a_home_with_a_long_path_listens_in_a_short_private_place(home: Path) -> None:
    deep = home.parent / ("一个很长的目录名" * 6) / "pg"
    with postgres.running(deep) as url:
        place = postgres.socket_directory(deep)
        assert ask(url, "SELECT 1") == 1
        assert len(str(place)) < 60
        assert place.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(place)


def test_a_socket_place_that_others_can_enter_is_refused(home: Path) -> None:
    (home / "socket").mkdir(parents=True)
    (home / "socket").chmod(0o755)
    with pytest.raises(postgres.PostgresProblem, match="0700"), postgres.running(home):
        pass
    assert not (home / "data").exists()


def test_a_server_that_cannot_start_says_why_in_its_own_words(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "RETRY_SECONDS", 1.0)
    settings = {"shared_buffers": "nonsense"}
    with pytest.raises(postgres.PostgresProblem, match="nonsense"), postgres.running(home, settings=settings):
        pass


def test_a_temporary_instance_leaves_nothing_behind() -> None:
    with postgres.temporary() as url:
        home = Path(str(psycopg.conninfo.conninfo_to_dict(url)["host"])).parent
        assert home.exists()
    assert not home.parent.exists()


def own_uid(url: str) -> int:
    """The user number the server sees itself under: it would not start as 0."""
    status = str(ask(url, "SELECT pg_read_file('/proc/self/status')"))
    return int(next(line for line in status.splitlines() if line.startswith("Uid:")).split()[2])


def test_it_never_runs_as_root(home: Path) -> None:
    with postgres.running(home) as url:
        assert own_uid(url) > 0


def test_it_runs_where_user_namespaces_are_forbidden_and_no_directory_above_is_opened(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_setpriv = home.parent / "bin"
    only_setpriv.mkdir()
    for program in ("setpriv", "sh", "ps"):
        (only_setpriv / program).symlink_to(str(shutil.which(program)))
    monkeypatch.setenv("PATH", str(only_setpriv))
    home.parent.chmod(0o700)
    with postgres.running(home) as url:
        assert own_uid(url) > 0
    assert home.parent.stat().st_mode & 0o777 == 0o700
    assert home.parent.stat().st_uid == os.getuid()
    monkeypatch.undo()
    # And back again, on a machine that allows them: the same data.
    with postgres.running(home) as url:
        assert own_uid(url) > 0


def test_without_any_way_to_leave_root_it_says_what_to_do(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = home.parent / "bin"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    if os.getuid():  # an ordinary user has nothing to leave
        with postgres.running(home) as url:
            assert own_uid(url) == os.getuid()
        return
    with pytest.raises(postgres.PostgresProblem, match="ordinary user"), postgres.running(home):
        pass


def test_root_runs_the_server_in_an_ordinary_users_home_as_that_user(home: Path) -> None:
    user = pwd.getpwnam("nobody").pw_uid if os.getuid() == 0 else os.getuid()
    home.parent.chmod(0o711)
    home.mkdir(mode=0o700)
    os.chown(home, user, -1)
    with postgres.running(home) as url:
        assert own_uid(url) == user
    assert (home / "data" / "PG_VERSION").stat().st_uid == user


def test_an_ordinary_user_runs_it_under_their_own_number(home: Path) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    become = ["unshare", "--user", f"--map-user={nobody}"] if os.getuid() == 0 else []
    words = [*become, sys.executable, "-c", textwrap.dedent(USE), str(home)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.startswith("started"), done.stderr
    with postgres.running(home) as url:  # found by root, too
        assert own_uid(url) > 0
