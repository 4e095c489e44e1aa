"""Fetch the models at set-up: one npm package, by checksum; of all its files, six are taken and none is run.

The registry is the one npm is configured with. A machine without a network is given the package's file instead (`unpack`).
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tarfile
import tempfile
import zlib
from pathlib import Path

from linli.faces import models

PACKAGE = "faceplugin-face-recognition-js@0.0.1"
PACKAGE_SHA256 = "7ea06031d9a3f83753254fcff60506a07b81b46fc84d4ee024cd041f260ec1ba"
LARGEST_PACKAGE = 64 * 1024 * 1024
LARGEST_MODEL = 16 * 1024 * 1024
_PATIENCE_S = 600


class FetchFailed(Exception):
    """The models could not be fetched."""


def fetch(folder: Path) -> tuple[str, ...]:
    """Have every model of the package in the folder; returns the files that were missing. Raises FetchFailed.

    Does nothing, and asks no network, when all are there and right.
    """
    if not wanting(folder):
        return ()
    with tempfile.TemporaryDirectory(prefix="linli-faces-") as place:
        return unpack(_packed(Path(place)), folder)


def wanting(folder: Path) -> tuple[str, ...]:
    """List the package's files that are not in the folder, or are not what they should be."""
    shipped = models.Registry(folder=folder, models={model.step: model for model in models.PACKAGE})
    return tuple(model.file for model in models.PACKAGE if shipped.state(model.step) is not models.State.PRESENT)


def unpack(package: Path, folder: Path) -> tuple[str, ...]:
    """Take the missing models out of the package's file; returns their names. Raises FetchFailed, and then writes nothing."""
    try:
        raw = package.read_bytes() if package.stat().st_size <= LARGEST_PACKAGE else b""
    except OSError as problem:
        raise FetchFailed(f"{package.name}: {problem.strerror}") from None
    found = hashlib.sha256(raw).hexdigest()
    if found != PACKAGE_SHA256:
        raise FetchFailed(
            f"{package.name} is not the package that is meant: sha256 {found[:12]}…, not {PACKAGE_SHA256[:12]}…"
        )
    missing = wanting(folder)
    pieces = {file: _piece(package, file) for file in missing}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, piece in pieces.items():
            _write(folder / file, piece)
    except OSError as problem:
        raise FetchFailed(f"{folder}: {problem.strerror}") from None
    return missing


def _packed(place: Path) -> Path:
    command = ["npm", "pack", PACKAGE, "--ignore-scripts", "--loglevel=error", "--pack-destination", str(place)]
    try:
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    except FileNotFoundError:
        raise FetchFailed("npm is not here; install Node.js, or give the package's file by hand") from None
    except subprocess.TimeoutExpired:
        raise FetchFailed(f"npm did not finish within {_PATIENCE_S} s") from None
    found = sorted(place.glob("*.tgz"))
    if done.returncode or len(found) != 1:
        words = "; ".join(done.stderr.strip().splitlines()[:3]) or "it said nothing"
        raise FetchFailed(f"npm could not fetch {PACKAGE}: {words[:300]}")
    return found[0]


def _piece(package: Path, file: str) -> bytes:
    """Read one file by its full name; nothing else in the archive is looked at, and no path of it is believed."""
    (wanted,) = (model for model in models.PACKAGE if model.file == file)
    try:
        with tarfile.open(package, "r:gz") as archive:
            member = archive.getmember(f"package/model/{file}")
            stream = archive.extractfile(member) if member.isfile() and member.size <= LARGEST_MODEL else None
            piece = stream.read(LARGEST_MODEL + 1) if stream else b""
    except (tarfile.TarError, KeyError, OSError, EOFError, zlib.error):
        raise FetchFailed(f"{file} cannot be read from the package") from None
    if hashlib.sha256(piece).hexdigest() != wanted.sha256:
        raise FetchFailed(f"{file} in the package is not the file that is meant")
    return piece


def _write(path: Path, piece: bytes) -> None:
    # Beside it first: another process must never load half a model.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(piece)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
