"""Waiting for what another process does: look often, give up in the end, and say whether it came."""

import time
from collections.abc import Callable


def eventually(so: Callable[[], object], *, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if so():
            return True
        time.sleep(0.02)
    return False
