"""Where one ISAPI device is, how it lets us in, and where it posts what happens."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from linli.edge.drivers.bounded import DeviceAway

SLOWNESS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class IsapiAddress:
    """One device: its account, its door, and the host of ours that it is to post to, under a path only it knows.

    `exit_readers` are the numbers of the readers on the way out. Times of day are the estate's. A device that takes two faces
    for one at less than `least_face_threshold` of 100 is complained of. Without `events_host`, it is the box as the device sees it.
    """

    url: str
    username: str
    password: str = field(repr=False)
    door: int = 1
    zone_minutes: int = 480
    exit_readers: frozenset[int] = frozenset({2})
    verify: bool = True
    least_face_threshold: int = 60
    events_host: str = ""
    events_token: str = field(default="", repr=False)

    @classmethod
    def read(cls, settings: Mapping[str, Any], *, secret: str, zone_minutes: int = 480) -> IsapiAddress:
        """Make one of a terminal's settings and its secret, the device's password. Raises KeyError without an address or user."""
        url, door = str(settings["address"]), int(settings.get("door", 1))
        # Made of what only the box and the device share, so that nobody needs to keep a second secret; slowly, because it
        # crosses the wire in the clear, and a password must not be guessed from it.
        salt = f"events of {url} {door}".encode()
        token = hashlib.pbkdf2_hmac("sha256", secret.encode(), salt, SLOWNESS).hex()[:32]
        return cls(
            url=url,
            username=str(settings["user"]),
            password=secret,
            door=door,
            zone_minutes=zone_minutes,
            verify=settings.get("verify") is not False,
            events_token=token,
        )

    @property
    def events_path(self) -> str:
        """The path of ours that only this device knows."""
        return f"/isapi/{self.events_token}"

    def own_side(self) -> str:
        """Find the address under which the device can reach this box: the one it is reached from. Raises DeviceAway."""
        parts = urlsplit(self.url)
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                # Nothing is sent: this only asks the system for the way.
                probe.connect((parts.hostname or "", parts.port or 80))
                return str(probe.getsockname()[0])
        except OSError as problem:
            raise DeviceAway(f"there is no way to the device ({type(problem).__name__})") from None
