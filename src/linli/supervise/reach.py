"""Reach the programs of this machine: a free port for each, and whether it answers."""

import json
import socket
import urllib.error
import urllib.request
from typing import Any


def free_port() -> int:
    """Name a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(address: str, *, token: str = "") -> Any:
    """Give the JSON that an address answers a GET with, or None when it does not answer well."""
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=3) as response:
            return json.load(response)
    except (OSError, urllib.error.HTTPError, ValueError):
        return None


def answers(address: str, *, token: str = "") -> bool:
    """Tell whether an address answers a GET with JSON."""
    return ask(address, token=token) is not None
