"""What a request to the lodging platform says: a message, a page, a day; or that it says nothing proper."""

import json
from datetime import date, datetime

from starlette.requests import Request

from linli.sim.platforms.lodging_books import Message
from linli.sim.platforms.lodging_fields import ESTATE_ZONE

LONGEST_BODY = 64 * 1024
LARGEST_PAGE = 1000
LSH_LENGTH = 80


class BadEnvelope(ValueError):
    """The request is not a message: not JSON, or without a proper lsh, kind, sent_at and body."""

    def __init__(self, field: str) -> None:
        """Say which part of the envelope is wrong."""
        super().__init__(field)
        self.field = field


async def message_of(request: Request) -> Message:
    """This will read a message; raises BadEnvelope."""
    envelope = await json_of(request)
    for name in sorted(envelope.keys() - {"lsh", "kind", "sent_at", "body"}):
        raise BadEnvelope(name[:40])
    texts = {name: _short_text(envelope.get(name), field=name) for name in ("lsh", "kind", "sent_at")}
    body = envelope.get("body")
    if not isinstance(body, dict):
        raise BadEnvelope("body")
    return Message(body=body, **texts)


async def json_of(request: Request) -> dict[str, object]:
    """This will read a JSON object of at most 64 KiB; raises BadEnvelope."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > LONGEST_BODY:
            raise BadEnvelope("too_long")
    try:
        read = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadEnvelope("json") from None
    if not isinstance(read, dict):
        raise BadEnvelope("json")
    return read


def _short_text(value: object, *, field: str) -> str:
    if (
        not isinstance(value, str)
        or not 1 <= len(value) <= LSH_LENGTH
        or not value.isascii()
        or not value.isprintable()
    ):
        raise BadEnvelope(field)
    return value


def day_in(text: str) -> date:
    """This will read a day as yyyyMMdd; raises BadEnvelope."""
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=ESTATE_ZONE).date()
    except ValueError:
        raise BadEnvelope("night") from None


def page_size(request: Request) -> int:
    """This will read how many rows are asked for, at most a thousand; raises BadEnvelope."""
    return min(max(whole_number(request.query_params.get("size", "200"), field="size"), 1), LARGEST_PAGE)


def whole_number(text: str, *, field: str) -> int:
    """This will read a whole number; raises BadEnvelope."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 15:
        raise BadEnvelope(field)
    return int(text)
