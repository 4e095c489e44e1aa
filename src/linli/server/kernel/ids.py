"""Public identifiers: a prefix that names the thing, then 26 characters that sort by the time they were made."""

import os
import time

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new(prefix: str) -> str:
    """This will make an id such as `stay_01JD…`: 48 bits of milliseconds and 80 random bits in Crockford's base 32."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    characters = []
    for _ in range(26):
        value, digit = divmod(value, 32)
        characters.append(ALPHABET[digit])
    return f"{prefix}_{''.join(reversed(characters))}"
