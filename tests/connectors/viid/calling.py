"""A peer of the estate's view library, calling through Django's own client: it registers by our client's digest and asks what it likes."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.test import Client

from linli.server.connectors.viid import digest, ids, peers
from linli.server.connectors.viid.peers import PeerDraft, PeerView
from linli.server.kernel import clock
from linli.server.kernel.actors import Role
from tests.world import World

SECRET = "a-secret-of-this-test"
USER = "lower"
NUMBER = "51010800005030000077"
REGISTER = "/VIID/System/Register"
JSON_TYPE = "application/VIID+JSON;charset=UTF-8"


@dataclass(kw_only=True)
class Calling:
    """One peer by its number."""

    peer: PeerView
    device_id: str = NUMBER
    secret: str = SECRET
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Ask as this peer; the answer."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {"User-Identify": self.device_id, **headers}
        return self.client.generic(method, path, raw, content_type=JSON_TYPE, headers=sent)

    def knock(self) -> Any:
        """Register without a proof."""
        body = json.dumps({"RegisterObject": {"DeviceID": self.device_id}})
        return self.client.post(REGISTER, body, content_type=JSON_TYPE)

    def prove(self, answer: Any, *, count: int = 1, uri: str = REGISTER, username: str = USER) -> str:
        """The proof for a challenge."""
        return digest.answer(
            digest.challenge_in(answer["WWW-Authenticate"]),
            username=username,
            password=self.secret,
            method="POST",
            uri=uri,
            cnonce="c0ffee",
            count=count,
        )

    def register(self, *, proof: str | None = None) -> Any:
        """Register; the last answer."""
        proof = proof or self.prove(self.knock())
        body = json.dumps({"RegisterObject": {"DeviceID": self.device_id}})
        return self.client.post(REGISTER, body, content_type=JSON_TYPE, headers={"Authorization": proof})

    def order(
        self, *, details: str = "3,4", now: datetime | None = None, serial: int = 1, **changes: Any
    ) -> dict[str, Any]:
        """A standing order for a day."""
        now = now or clock.now()
        return {
            "SubscribeID": ids.order_id(office="510108000000", kind="03", at=now, serial=serial),
            "Title": "门禁目录",
            "SubscribeDetail": details,
            "ResourceURI": self.device_id,
            "BeginTime": ids.time_text(now - timedelta(seconds=5)),
            "EndTime": ids.time_text(now + timedelta(days=1)),
            "ReceiveAddr": "http://127.0.0.1:9/VIID/SubscribeNotifications",
            "ReportInterval": 3,
            "OperateType": 0,
            **changes,
        }

    def subscribe(self, *orders: dict[str, Any]) -> list[str]:
        """Send orders; the statuses."""
        return codes(self.ask("POST", "/VIID/Subscribes", {"SubscribeListObject": {"SubscribeObject": list(orders)}}))


def codes(answer: Any) -> list[str]:
    """The statuses of an answer."""
    told = json.loads(answer.content)
    if "ResponseStatusObject" in told:
        return [told["ResponseStatusObject"]["StatusCode"]]
    return [row["StatusCode"] for row in told["ResponseStatusListObject"]["ResponseStatusObject"]]


def peer_of(
    world: World, *, number: str = NUMBER, side: str = "down", url: str = "", dialect: str = "strict"
) -> Calling:
    """Make a peer known; it has not registered."""
    draft = PeerDraft(
        device_id=number, name="下级平台", side=side, url=url, username=USER, secret=SECRET, dialect=dialect
    )
    made = peers.add_peer(actor=world.actor(Role.ESTATE_ADMIN), draft=draft, now=world.now)
    return Calling(peer=made, device_id=number)
