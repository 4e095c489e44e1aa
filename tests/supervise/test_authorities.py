"""The simulated authorities start with whatever secrets the dice give them, and demand just those."""

import secrets
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from linli.supervise import authorities
from tests.waiting import eventually

UNLUCKY = "-begins-with-a-hyphen"


def test_a_secret_that_begins_with_a_hyphen_is_a_secret_and_no_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "token_urlsafe", lambda _bytes: UNLUCKY)
    port = authorities.free_port()
    planned = authorities.simulated(lodging_url=f"http://127.0.0.1:{port}", lodging_token=UNLUCKY)
    programs = [
        subprocess.Popen(
            [sys.executable, "-m", "linli.sim", *one.command(program="", books=tmp_path, faults=0.0)[1:]],
            stdout=subprocess.DEVNULL,
        )
        for one in planned
    ]
    try:
        for one in planned:
            assert eventually(lambda url=one.url: _answers(url), seconds=60), one.name
    finally:
        for program in programs:
            program.terminate()
            program.wait(timeout=30)
    assert {one.name for one in planned} == {"lodging", "community", "viid", "face_layer"}


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code < 500
    except httpx.TransportError:
        return False
