"""Messages in good order, to be spoilt one field at a time."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
_serial = itertools.count(1)


def minute(shift: timedelta = timedelta(0)) -> str:
    """A minute in the estate's zone, shifted from now."""
    return (datetime.now(UTC) + shift).astimezone(ZONE).strftime("%Y%m%d%H%M")


def new_stay() -> str:
    """A stay reference that no other test uses."""
    return f"stay_{next(_serial):08d}_{datetime.now(UTC):%H%M%S%f}"


def check_in_body(zsbh: str, /, **changes: Any) -> dict[str, Any]:
    """The body of a check-in of a fictional adult, with changes; None takes a field away."""
    body = {
        "zsbh": zsbh,
        "lgdm": "DF2-03-2-0502",
        "xm": "王甲子",
        "xb": "1",
        "csrq": "19900307",
        "gj": "CHN",
        "zjlx": "111",
        "zjhm": "510108199003070010",
        "fh": "R1",
        "cw": "B1",
        "rzsj": minute(timedelta(hours=-1)),
        "ydtfsj": minute(timedelta(days=1)),
        "czr": "system",
        "czsj": minute(),
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


def later_body(zsbh: str, /, **fields: Any) -> dict[str, Any]:
    """The body of a later message of the same stay."""
    return {"zsbh": zsbh, "lgdm": "DF2-03-2-0502", "czr": "system", "czsj": minute(), **fields}


def message(kind: str, body: dict[str, Any], lsh: str | None = None) -> dict[str, Any]:
    """The envelope; its id is new unless given."""
    lsh = lsh or f"msg_{next(_serial):08d}_{datetime.now(UTC):%H%M%S%f}"
    return {"lsh": lsh, "kind": kind, "sent_at": datetime.now(UTC).isoformat(), "body": body}
