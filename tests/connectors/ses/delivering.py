"""A courier in a few lines: ask until a message is decided, as the delivery core does."""

from dataclasses import replace
from typing import Any

import httpx

from linli.server.connectors.platforms.ses_hospedajes import SesPlatform
from linli.server.connectors.protocol import Message, Told
from linli.server.connectors.rules import Verdict
from tests.sim.ses.running import soon


def decided(platform: SesPlatform, message: Message, told: Told | None = None) -> Told:
    """What became of a message in the end; it is sent first unless it was already."""
    last = told or platform.send(messages=[message])[0]

    def look() -> Told | None:
        nonlocal last
        if last.verdict is not Verdict.PENDING:
            return last
        last = platform.ask(message=replace(message, ticket=last.ticket))
        return None

    return soon(look)


def summary(books: httpx.Client) -> dict[str, Any]:
    """The counts of the books."""
    shown: dict[str, Any] = books.get("/ses/v1/books", params={"size": 1}).json()
    return {name: value for name, value in shown.items() if name not in ("rows", "next")}


def standing(books: httpx.Client) -> dict[str, str]:
    """The codes of the communications that stand, by reference."""
    rows: list[dict[str, Any]] = books.get("/ses/v1/books", params={"size": 1000}).json()["rows"]
    return {
        row["reference"]: row["code"]
        for row in rows
        if row["operation"] == "A" and row["code"] and row["annulled_at"] is None
    }
