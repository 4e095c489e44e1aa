"""The numbers of GA/T 1400 and its times: how they are made, and what is wrong with one that came in.

| number                | digits | parts                                                                               |
|-----------------------|--------|-------------------------------------------------------------------------------------|
| device, platform      | 20     | area 6, sub-area 2, trade 2, **type 3**, network 1, serial 6 (GB/T 28181)           |
| source                | 41     | device 20, `01` slice `02` image `03` file `99` other, time 14, serial 5            |
| object                | 48     | source 41, `01` person … `06` face, serial 5                                        |
| subscription and like | 33     | police office 12, `01` disposition `02` alarm `03` subscription `04` notification, time 14, serial 5 |
"""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
TIME = "%Y%m%d%H%M%S"
SOURCES = {"01": "slice", "02": "image", "03": "file", "99": "other"}
CONTENTS = {"01": "person", "02": "motor", "03": "non-motor", "04": "thing", "05": "scene", "06": "face"}
OF_AN_OFFICE = {"01": "disposition", "02": "alarm", "03": "subscription", "04": "notification"}
# Mainland provinces, and 71, 81, 82: what the first two digits of an area may be (GB/T 2260).
PROVINCES = frozenset(
    re.findall(
        r"\d\d", "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82"
    )
)
LOWEST_TYPE = 111


def text_of(moment: datetime) -> str:
    """This will write a moment as yyyyMMddHHmmss in China's zone."""
    return moment.astimezone(ZONE).strftime(TIME)


def moment_of(text: str) -> datetime:
    """This will read yyyyMMddHHmmss as a moment in China's zone, or raise ValueError."""
    if len(text) != 14 or not _digits(text):
        raise ValueError(f"not yyyyMMddHHmmss: {text[:20]}")
    return datetime.strptime(text, TIME).replace(tzinfo=ZONE)


def source_id(*, device_id: str, at: datetime, serial: int, kind: str = "02") -> str:
    """This will make the 41 digits of a picture, or of what another kind of source is."""
    return f"{device_id}{kind}{text_of(at)}{serial:05d}"


def object_id(*, source_id: str, content: str, serial: int) -> str:
    """This will make the 48 digits of what is seen in a source."""
    return f"{source_id}{content}{serial:05d}"


def office_id(*, office: str, kind: str, at: datetime, serial: int) -> str:
    """This will make the 33 digits of a subscription, a notification, a disposition or an alarm."""
    return f"{office}{kind}{text_of(at)}{serial:05d}"


def flaw_of_time(text: object) -> str | None:
    """This will say what is wrong with a time, or None."""
    try:
        moment_of(str(text))
    except ValueError:
        return "not a time yyyyMMddHHmmss"
    return None


def flaw_of_device(text: object, *, types: range | None = None) -> str | None:
    """This will say what is wrong with a device's or a platform's number, or None."""
    if (flaw := _flaw_of_length(text, 20)) is not None:
        return flaw
    number = str(text)
    if number[:2] not in PROVINCES:
        return "the area is in no province"
    kind = int(number[10:13])
    if kind < LOWEST_TYPE or (types is not None and kind not in types):
        return f"type {number[10:13]} is not one of these"
    return None


def flaw_of_source(text: object) -> str | None:
    """This will say what is wrong with a source's number, or None."""
    if (flaw := _flaw_of_length(text, 41)) is not None:
        return flaw
    number = str(text)
    if number[20:22] not in SOURCES:
        return f"{number[20:22]} is no kind of source"
    return flaw_of_device(number[:20]) or flaw_of_time(number[22:36])


def flaw_of_object(text: object, *, content: str) -> str | None:
    """This will say what is wrong with the number of an object of one content, or None."""
    if (flaw := _flaw_of_length(text, 48)) is not None:
        return flaw
    number = str(text)
    if number[41:43] != content:
        return f"{number[41:43]} is not {content} ({CONTENTS.get(content, 'other')})"
    return flaw_of_source(number[:41])


def flaw_of_office_number(text: object, *, kind: str) -> str | None:
    """This will say what is wrong with the number of a subscription (03), notification (04) and the like, or None."""
    if (flaw := _flaw_of_length(text, 33)) is not None:
        return flaw
    number = str(text)
    if number[12:14] != kind:
        return f"{number[12:14]} is not {kind} ({OF_AN_OFFICE.get(kind, 'other')})"
    return flaw_of_time(number[14:28])


def _flaw_of_length(text: object, length: int) -> str | None:
    if not isinstance(text, str) or not _digits(text):
        return f"not {length} digits"
    return None if len(text) == length else f"{len(text)} digits and not {length}"


def _digits(text: str) -> bool:
    return text.isascii() and text.isdecimal()
