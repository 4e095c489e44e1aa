"""Rotate the key that seals personal data: `linli keys rotate`. Old keys stay in the keyring until everything is rewrapped."""

from django.conf import settings

from linli.server.access import actions as access
from linli.server.kernel import crypto
from linli.server.lettings import actions as lettings
from linli.server.people import actions as people
from linli.server.stays import actions as stays


def rotate() -> int:
    """Draw a new sealing key, make it the current one, and rewrap what people, lettings, stays and access hold sealed.

    Running servers open what the new key seals at once, and seal with it themselves after their next start. What connectors keep of
    old messages stays under the key it was sealed with until its term ends, which is why old keys are never dropped from the ring.
    """
    renewed = crypto.keyring().rotated()
    renewed.write(settings.LINLI_KEYRING)
    crypto.keyring.cache_clear()
    counts = {
        "people": people.renew_seals(),
        "lettings": lettings.renew_seals(),
        "stays": stays.renew_seals(),
        "access": access.renew_seals(),
    }
    print(f"key {renewed.current} seals from now on; rewrapped: " + ", ".join(f"{n} in {d}" for d, n in counts.items()))
    return 0
