"""Ask a device something over HTTP and read no more of its answer than it may say: a device is not trusted to be brief."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import httpx

LARGEST_ANSWER = 4 * 1024 * 1024
LONGEST_ANSWER_S = 20.0


class DeviceAway(Exception):
    """The device does not answer, or asks to be left alone; it is tried again, not before `pause_s` have passed."""

    def __init__(self, words: str, *, pause_s: float = 0.0) -> None:
        super().__init__(words)
        self.pause_s = pause_s


class DeviceBusy(DeviceAway):
    """The device answers, and will not do it just now: it is there."""


class NotTaken(DeviceBusy):
    """What the device told could not be written down here; it keeps it, and is asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: the status and the whole body, short enough to keep."""

    status: int
    body: bytes

    def as_json(self) -> dict[str, Any]:
        """Read the body as one JSON object. Raises DeviceAway: a device that talks nonsense is asked again later."""
        try:
            told = json.loads(self.body)
        except (ValueError, RecursionError):
            raise DeviceAway("the answer is not JSON") from None
        if not isinstance(told, dict):
            raise DeviceAway("the answer is not a JSON object")
        return told


def ask(client: httpx.Client, method: str, path: str, *, most: int = LARGEST_ANSWER, **words: Any) -> Answer:
    """Send one request and read the answer, up to `most` bytes and for so long only. Raises DeviceAway."""
    until = time.monotonic() + LONGEST_ANSWER_S
    try:
        with client.stream(method, path, **words) as response:
            body = bytearray()
            for piece in response.iter_bytes():
                body += piece
                if len(body) > most:
                    raise DeviceAway(f"the answer is longer than {most} bytes")
                if time.monotonic() > until:
                    raise DeviceAway("the answer does not end")
            return Answer(status=response.status_code, body=bytes(body))
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        # The problem's own words may quote the request, and with it a secret in an address.
        raise DeviceAway(f"no answer ({type(problem).__name__})") from None
