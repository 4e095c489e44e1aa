"""Who stands at our library's door: a challenge, a proof that counts once, and from then on a number that comes from where it registered."""

import hmac
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from linli.server.connectors.models import ViidNonce, ViidPeer
from linli.server.connectors.viid import digest
from linli.server.connectors.viid.client import LinkState
from linli.server.connectors.viid.digest import Challenge, NoDigest, Proof
from linli.server.connectors.viid.peers import SECRET
from linli.server.kernel import addresses, crypto

REALM = "Linli VIID"
OPAQUE = "linli"
NONCE_KEPT = timedelta(minutes=5)
# Three keepalives of a minute may be missed.
LAPSE = timedelta(seconds=180)


class NotProven(Exception):
    """Nobody has proven who they are; `stale` when only the nonce was too old or already used."""

    def __init__(self, *, stale: bool = False) -> None:
        super().__init__("stale" if stale else "refused")
        self.stale = stale


def challenge(*, now: datetime, stale: bool = False) -> Challenge:
    """This will ask for a proof. A nonce is signed and not stored: a stranger who only knocks fills no table."""
    stamp = f"{int(now.timestamp()):x}-{secrets.token_hex(8)}"
    return Challenge(realm=REALM, nonce=f"{stamp}-{_signature(stamp)}", opaque=OPAQUE, algorithm="MD5", stale=stale)


def register(*, header: str, method: str, target: str, device_id: str, address: str, now: datetime) -> ViidPeer:
    """This will register the peer that proves who it is, or raise `NotProven`."""
    try:
        proof = digest.proof_in(header)
    except NoDigest as problem:
        raise NotProven from problem
    if not _is_fresh(proof.nonce, now=now):
        raise NotProven(stale=True)
    peer = next(_proven(proof, method=method, target=target, device_id=device_id), None)
    if peer is None:
        raise NotProven
    with transaction.atomic():
        if not _counts_once(proof, now=now):
            # The same proof, overheard or sent again: whoever knows the password has no trouble making another.
            raise NotProven(stale=True)
        if peer.side == "down":
            peer.state = LinkState.ONLINE.value
        peer.registered_at = peer.kept_alive_at = now
        peer.registered_from = address
        peer.save(update_fields=["state", "registered_at", "kept_alive_at", "registered_from"])
    return peer


def known_peer(*, device_id: str, address: str, now: datetime) -> ViidPeer | None:
    """This will return the registered peer that calls itself by this number from where it registered, or None."""
    rows = ViidPeer.objects.filter(
        device_id=device_id, enabled=True, state=LinkState.ONLINE.value, kept_alive_at__gt=now - LAPSE
    )
    return next((row for row in rows if address == row.registered_from or _lives_at(row, address)), None)


def keep_alive(*, peer: ViidPeer, now: datetime) -> None:
    """This will note that a peer below was heard of."""
    if peer.side == "down":
        ViidPeer.objects.filter(id=peer.id, state=LinkState.ONLINE.value).update(kept_alive_at=now)


def leave(*, peer: ViidPeer) -> None:
    """This will end a registration."""
    ViidPeer.objects.filter(id=peer.id).update(registered_from="")
    ViidPeer.objects.filter(id=peer.id, side="down").update(state=LinkState.OFFLINE.value)


def note_silence(*, now: datetime) -> int:
    """This will call every peer stale that has not been heard of for too long, forget old nonces, and return how many fell silent."""
    ViidNonce.objects.filter(expires_at__lt=now).delete()
    silent = ViidPeer.objects.filter(state=LinkState.ONLINE.value, kept_alive_at__lte=now - LAPSE)
    return silent.update(state=LinkState.STALE.value)


def _proven(proof: Proof, *, method: str, target: str, device_id: str) -> Iterator[ViidPeer]:
    for peer in ViidPeer.objects.filter(device_id=device_id, username=proof.username, enabled=True):
        password = crypto.unseal(bytes(peer.secret), context=SECRET)
        if digest.is_proven(proof, realm=REALM, password=password, method=method, target=target):
            yield peer


def _counts_once(proof: Proof, *, now: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO connectors_viidnonce (nonce, counter, expires_at) VALUES (%s, %s, %s)
            ON CONFLICT (nonce) DO UPDATE SET counter = EXCLUDED.counter
            WHERE connectors_viidnonce.counter < EXCLUDED.counter
            """,
            # The old form has no count: its nonce is good for one time.
            [proof.nonce, min(max(proof.count, 1), 2**31 - 1), now + NONCE_KEPT],
        )
        return bool(cursor.rowcount == 1)


def _is_fresh(nonce: str, *, now: datetime) -> bool:
    stamp, _, signature = nonce.rpartition("-")
    if len(nonce) > 64 or not hmac.compare_digest(signature.encode(), _signature(stamp).encode()):
        return False
    given_at = datetime.fromtimestamp(int(stamp.partition("-")[0], 16), tz=UTC)
    return timedelta(seconds=-5) <= now - given_at < NONCE_KEPT


def _signature(stamp: str) -> str:
    key = f"linli.viid.nonce.{settings.SECRET_KEY}".encode()
    return hmac.new(key, stamp.encode(errors="replace"), "sha256").hexdigest()[:24]


def _lives_at(peer: ViidPeer, address: str) -> bool:
    # A library above does not register with us: it is known by the address at which we registered with it.
    if peer.side != "up":
        return False
    try:
        _, host, port = addresses.parts(peer.url)
        return address in addresses.resolved(host, port, nearby={host})
    except addresses.AddressRefused:
        return False
