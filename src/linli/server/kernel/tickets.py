"""Signed tickets: a link for a guest, an invitation, a pass to a stream. They carry a name and a time, and nothing secret."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core import signing


def issue(purpose: str, body: dict[str, Any], *, now: datetime) -> str:
    """This will sign a small body for one purpose, with the time of issue inside."""
    return signing.dumps(
        {**body, "at": int(now.timestamp())}, key=settings.SECRET_KEY, salt=f"linli.{purpose}", compress=False
    )


def read(purpose: str, text: str, *, now: datetime, max_age_seconds: float | None = None) -> dict[str, Any] | None:
    """This will return the body of a genuine ticket of this purpose that is young enough, else None."""
    if not 10 < len(text) < 2000:
        return None
    try:
        body = signing.loads(text, key=settings.SECRET_KEY, salt=f"linli.{purpose}")
    except signing.BadSignature:
        return None
    if not isinstance(body, dict) or not isinstance(body.get("at"), int):
        return None
    if max_age_seconds is not None and now.timestamp() - body["at"] > max_age_seconds:
        return None
    return body
