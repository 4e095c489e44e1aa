"""Numbers of the view library: 20 digits for a device, 41 for a picture, 48 for what is seen in it, 33 for an order.

A device: area 6 (GB/T 2260), place 2, trade 2, type 3, network 1, serial 6 (GB/T 28181). A source: device, kind 2, time 14, serial 5.
An object: source, content 2, serial 5. An order: office 12, kind 2, time 14, serial 5. All of them are made of what they name, so that
the same thing gets the same number however often it is told.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")  # the wire's own clock, whatever zone an estate may have
TIME = "%Y%m%d%H%M%S"
LIBRARY, CAMERA, DOOR, COMMUNITY, PERSON = "503", "119", "125", "216", "701"
IMAGE = "02"
CONTENTS: Mapping[str, str] = MappingProxyType(
    {"person": "01", "motor": "02", "non_motor": "03", "thing": "04", "scene": "05", "face": "06"}
)
SUBSCRIPTION, NOTIFICATION = "03", "04"
DEVICE_SERIALS, SERIALS = 10_000_000, 100_000


class BadNumber(ValueError):
    """A number of the view library is not of its form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """The parts of a device's number; network and serial are counted together."""

    area: str
    place: str
    trade: str
    type: str
    serial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The parts of a picture's number, which a gate's event has too, though there is no picture."""

    device: str
    kind: str
    at: datetime
    serial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The parts of the number of a face, a person or a thing."""

    source: str
    content: str
    serial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The parts of the number of a subscription or of a notification."""

    office: str
    kind: str
    at: datetime
    serial: int


def device_id(*, area: str, type: str, serial: int, place: str = "00", trade: str = "00") -> str:
    """This will number a device; raises `BadNumber` for parts that do not fit, for a number cut short would be another's."""
    _check(area, 6), _check(place, 2), _check(trade, 2), _check(type, 3)
    return f"{area}{place}{trade}{type}{_serial(serial, DEVICE_SERIALS)}"


def source_id(*, device: str, at: datetime, serial: int, kind: str = IMAGE) -> str:
    """This will number what a device took at an instant; raises `BadNumber`."""
    _check(device, 20), _check(kind, 2)
    return f"{device}{kind}{time_text(at)}{_serial(serial, SERIALS)}"


def object_id(*, source: str, content: str, serial: int) -> str:
    """This will number what is seen in it; raises `BadNumber`."""
    _check(source, 41), _check(content, 2)
    return f"{source}{content}{_serial(serial, SERIALS)}"


def order_id(*, office: str, kind: str, at: datetime, serial: int) -> str:
    """This will number a subscription or a notification; raises `BadNumber`."""
    _check(office, 12), _check(kind, 2)
    return f"{office}{kind}{time_text(at)}{_serial(serial, SERIALS)}"


def device_of(text: object) -> Device:
    """This will part a device's number, or raise `BadNumber`."""
    digits = _check(text, 20)
    return Device(area=digits[:6], place=digits[6:8], trade=digits[8:10], type=digits[10:13], serial=int(digits[13:]))


def source_of(text: object) -> Source:
    """This will part a picture's number, or raise `BadNumber`."""
    digits = _check(text, 41)
    return Source(device=digits[:20], kind=digits[20:22], at=moment_of(digits[22:36]), serial=int(digits[36:]))


def object_of(text: object) -> Seen:
    """This will part an object's number, or raise `BadNumber`."""
    digits = _check(text, 48)
    source_of(digits[:41])
    return Seen(source=digits[:41], content=digits[41:43], serial=int(digits[43:]))


def order_of(text: object) -> Order:
    """This will part an order's number, or raise `BadNumber`."""
    digits = _check(text, 33)
    return Order(office=digits[:12], kind=digits[12:14], at=moment_of(digits[14:28]), serial=int(digits[28:]))


def time_text(moment: datetime) -> str:
    """This will write an instant as `yyyyMMddHHmmss` in China's time."""
    local = moment.astimezone(ZONE)
    if not 1900 <= local.year <= 9998:
        raise BadNumber("year")
    return local.strftime(TIME)


def moment_of(text: object) -> datetime:
    """This will read `yyyyMMddHHmmss` as an instant, or raise `BadNumber`."""
    digits = _check(text, 14)
    try:
        read = datetime.strptime(digits, TIME).replace(tzinfo=ZONE)
    except ValueError as problem:
        raise BadNumber("time") from problem
    if read.year < 1900:
        raise BadNumber("year")
    return read


def _check(text: object, length: int) -> str:
    if not isinstance(text, str) or re.fullmatch(rf"[0-9]{{{length}}}", text) is None:
        raise BadNumber(f"not {length} digits")
    return text


def _serial(number: int, count: int) -> str:
    if not 0 <= number < count:
        raise BadNumber("serial")
    return str(number).zfill(len(str(count)) - 1)
