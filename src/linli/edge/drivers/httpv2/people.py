"""A person as the device writes one, and what a device's own list says of ours."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from linli.edge.drivers.httpv2.words import whole
from linli.edge.terminals import Person, Trouble

MOST_PHOTO = 400 * 1024
ALTERED = "altered"
_UNLIMITED = 65_535
_LAST_SECOND = 4_102_415_999  # 31 December 2099 in China; the device knows no later
_LONGEST_NAME = 63
_LONGEST_CODE = 127
_LARGEST_CARD = 2**64 - 1


class CardWriting(StrEnum):
    """How the estate's readers write a card's number; the device wants a decimal one."""

    DECIMAL = "decimal"
    HEXADECIMAL = "hexadecimal"


class Unsuitable(Exception):
    """The device cannot hold this person so."""

    def __init__(self, trouble: Trouble, words: str) -> None:
        super().__init__(words)
        self.trouble = trouble


# Why the device did not take a person (the document's "errorCode" of DownloadPeopleListResult).
TROUBLES: Mapping[int, Trouble] = {
    2: Trouble.PHOTO_UNUSABLE,
    3: Trouble.PHOTO_TOO_BIG,
    20: Trouble.FACE_TAKEN,
    23: Trouble.CARD_TAKEN,
    24: Trouble.FULL,
    26: Trouble.PHOTO_UNUSABLE,
    27: Trouble.PHOTO_UNUSABLE,
    30: Trouble.PHOTO_UNUSABLE,
}
OF_THE_PHOTO = frozenset({Trouble.PHOTO_UNUSABLE, Trouble.PHOTO_TOO_BIG, Trouble.FACE_TAKEN})


def row_of(person: Person, *, group: int, cards: CardWriting) -> dict[str, Any]:
    """Write a person for the device, without the photo: the label and never a name, no identity card. Raises Unsuitable."""
    code = next((code for code in person.codes if len(code.encode()) <= _LONGEST_CODE), "")
    if person.pin and not (person.pin.isascii() and person.pin.isdigit() and 4 <= len(person.pin) <= 8):
        raise Unsuitable(Trouble.NOT_OFFERED, "a PIN has 4 to 8 digits here")
    if not (code or person.pin or person.card or person.photo):
        raise Unsuitable(Trouble.NOT_OFFERED, "nothing that could be shown at this device")
    row = {
        "UserID": str(person.number),
        "Name": person.label.encode()[:_LONGEST_NAME].decode("utf-8", "ignore"),
        "Password": person.pin,
        "CardNum": str(_card(person.card, cards)) if person.card else "",
        "QRCode": code,
        "AccessType": 0,
        "ExpirationDate": min(int(person.end.timestamp()), _LAST_SECOND),
        "OpenTimes": min(person.uses, _UNLIMITED - 1) or _UNLIMITED,
        "KeepOpen": 0,
        "Timegroup": group,
        "Holidays": "" if person.holidays else "*",
    }
    # The number of the version, and a seal over what the device could be made to change behind our back.
    return {**row, "Code": person.checksum + _seal(row)}


def with_photo(row: Mapping[str, Any], photo: bytes) -> dict[str, Any]:
    """Add a photo, in the row itself: an address to fetch it from would have to stay open to everybody."""
    words = base64.b64encode(photo).decode()
    # The document asks for MD5 to find a broken transfer; it protects nothing.
    mark = hashlib.md5(photo, usedforsecurity=False).hexdigest().upper()
    return {**row, "Photo": words, "PhotoMD5": mark, "PhotoLen": len(photo)}


def checksum_in(row: Mapping[str, Any]) -> str:
    """Give the checksum of the person that a device's row shows; ALTERED when it is not, or no longer, as we wrote it."""
    code = str(row.get("Code") or "")
    return code[:16] if len(code) == 32 and code[16:] == _seal(row) else ALTERED


def _seal(row: Mapping[str, Any]) -> str:
    # Not the PIN, which some models give back masked, and not how often it was used, which the device counts down.
    words = (
        whole(row.get("UserID", 0)),
        whole(row.get("CardNum") or 0),
        str(row.get("QRCode") or ""),
        whole(row.get("AccessType") or 0),
        whole(row.get("ExpirationDate") or 0),
        whole(row.get("OpenTimes", _UNLIMITED)) == _UNLIMITED,
        whole(row.get("KeepOpen") or 0),
        whole(row.get("Timegroup") or 0),
        str(row.get("Holidays") or ""),
    )
    return hashlib.sha256(repr(words).encode()).hexdigest()[:16]


def _card(text: str, cards: CardWriting) -> int:
    try:
        number = int(text, 16 if cards is CardWriting.HEXADECIMAL else 10)
    except ValueError:
        raise Unsuitable(Trouble.NOT_OFFERED, f"not a card number in {cards} writing") from None
    if not 0 < number <= _LARGEST_CARD:
        raise Unsuitable(Trouble.NOT_OFFERED, "not a card number that the device can hold")
    return number


def card_text(told: object, cards: CardWriting) -> str:
    """Write a card's number, as the device tells it, the way the estate's readers do; "" when there is none."""
    try:
        number = whole(told or 0)
    except ValueError:
        return ""
    if not number:
        return ""
    return f"{number:X}" if cards is CardWriting.HEXADECIMAL else str(number)
