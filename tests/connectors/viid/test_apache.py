"""Our client and a server that is not ours: Apache's mod_auth_digest lets the registration in, and nobody else."""

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from linli.server.connectors.rules import Verdict
from linli.server.connectors.viid.client import LinkDown, LinkState
from linli.sim.serving import free_port
from tests.connectors.viid.facts import link as link_to
from tests.sim.viid.running import LOWER, PASSWORD, USER

APACHE = shutil.which("apache2") or shutil.which("httpd") or "/usr/sbin/apache2"
MODULES = Path(os.environ.get("APACHE_MODULES", "/usr/lib/apache2/modules"))
REALM = "a view library"
OK = b'{"ResponseStatusObject":{"RequestURL":"/VIID/System/Register","StatusCode":"0","StatusString":"OK","Id":""}}'
pytestmark = pytest.mark.skipif(
    not Path(APACHE).exists() or not (MODULES / "mod_auth_digest.so").exists(), reason="apache2 is not installed"
)
CONFIG = """
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {home}/apache.pid
ErrorLog {home}/error.log
ServerRoot {home}
{modules}
DocumentRoot {home}/www
<Directory {home}/www>
  Require all granted
</Directory>
<Location /VIID/System/Register>
  AuthType Digest
  AuthName "{realm}"
  AuthDigestDomain /VIID/
  AuthDigestProvider file
  AuthUserFile {home}/users
  AuthDigestQop auth
  Require valid-user
</Location>
User {user}
Group {group}
"""
NEEDED = ("mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_digest", "unixd")


@pytest.fixture(scope="module")
def apache() -> Iterator[str]:
    """Apache in the foreground with one protected location; its address."""
    # Not under pytest's own directory: Apache leaves root behind and could not read there.
    with tempfile.TemporaryDirectory(prefix="linli-apache-") as home:
        yield from _served(Path(home))


def _served(home: Path) -> Iterator[str]:
    port = free_port(host="127.0.0.1")
    place = home / "www" / "VIID" / "System"
    place.mkdir(parents=True)
    (place / "Register").write_bytes(OK)
    (place / "Time").write_bytes(b"{}")
    secret = hashlib.md5(f"{USER}:{REALM}:{PASSWORD}".encode()).hexdigest()
    (home / "users").write_text(f"{USER}:{REALM}:{secret}\n")
    for directory in (home, place, place.parent, place.parent.parent):
        directory.chmod(0o755)
    modules = "\n".join(
        f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in NEEDED if (MODULES / f"mod_{name}.so").exists()
    )
    names = ("www-data", "www-data") if os.geteuid() == 0 else (f"#{os.geteuid()}", f"#{os.getegid()}")
    (home / "apache.conf").write_text(
        CONFIG.format(port=port, home=home, modules=modules, realm=REALM, user=names[0], group=names[1])
    )
    process = subprocess.Popen([APACHE, "-X", "-f", str(home / "apache.conf")], stderr=subprocess.PIPE)
    url = f"http://127.0.0.1:{port}"
    until = time.monotonic() + 15
    while True:
        try:
            httpx.get(url, trust_env=False)
            break
        except httpx.HTTPError:
            assert process.poll() is None, process.stderr and process.stderr.read().decode()
            assert time.monotonic() < until
            time.sleep(0.05)
    yield url
    process.terminate()
    process.wait(timeout=10)
    if process.stderr is not None:
        process.stderr.close()


def test_it_lets_nobody_in_without_a_proof(apache: str) -> None:
    answer = httpx.post(f"{apache}/VIID/System/Register", trust_env=False)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Digest ")


def test_our_link_proves_who_we_are(apache: str) -> None:
    link = link_to(apache, user=USER, password=PASSWORD, device_id=LOWER)
    assert link.keep_alive() is LinkState.ONLINE


def test_our_link_is_refused_with_a_wrong_password(apache: str) -> None:
    link = link_to(apache, user=USER, password="wrong", device_id=LOWER)
    with pytest.raises(LinkDown) as down:
        link.exchange("GET", "/VIID/System/Time")
    assert down.value.verdict is Verdict.LOCKED_OUT
    assert link.state is LinkState.OFFLINE
