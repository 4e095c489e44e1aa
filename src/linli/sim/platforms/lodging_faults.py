"""Answers spoiled on purpose: cut in the middle, trickled, nonsense, the receipt of a message that nobody sent, a receipt for nothing."""

import asyncio
import hashlib
import json

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from linli.sim.platforms.lodging_books import BookedAnswer

MOST_PIECES = 50
NONSENSE: tuple[tuple[str, bytes], ...] = (
    ("text/html", b"<html><body><h1>502 Bad Gateway</h1></body></html>"),
    ("application/json", b'{"answer": "ACCEP'),
    ("application/json", b'{"answer": "MAYBE", "lsh": 7}'),
    ("application/json", b'[{"answer": "ACCEPTED"}]'),
    ("application/json", b'{"answer": "ACCEPTED"}'),
    ("application/json", b"\xff\xfe\x00\x00"),
)


class CutAnswer(Response):
    """An answer whose connection breaks in the middle: the sender cannot know whether it was heard."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send half of what was promised, and break."""
        half = self.body[: len(self.body) // 2]
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(self.body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": half, "more_body": True})
        raise ConnectionAbortedError("cut on purpose")


class TrickledAnswer(Response):
    """An answer that comes a few bytes at a time: every single read is quick, and the whole takes as long as it likes."""

    def __init__(self, content: bytes, *, seconds: float) -> None:
        """Take the whole answer, and over how long it is to come."""
        super().__init__(content, media_type="application/json")
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it in pieces, with a pause before each."""
        length = max(1, -(-len(self.body) // MOST_PIECES))
        pieces = [self.body[at : at + length] for at in range(0, len(self.body), length)]
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        for number, piece in enumerate(pieces, 1):
            await asyncio.sleep(self._seconds / len(pieces))
            await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces)})


def nonsense(*, position: int) -> Response:
    """This will give something that is no answer, another one for another position."""
    kind, body = NONSENSE[position % len(NONSENSE)]
    return Response(body, media_type=kind)


def cut(answer: BookedAnswer) -> Response:
    """This will give an answer that breaks off."""
    return CutAnswer(json.dumps(answer.as_json()).encode())


def trickled(answer: BookedAnswer, *, seconds: float) -> Response:
    """This will give an answer bit by bit."""
    return TrickledAnswer(json.dumps(answer.as_json()).encode(), seconds=seconds)


def stray(answer: BookedAnswer) -> Response:
    """This will give the receipt of a message that nobody sent."""
    return JSONResponse({"answer": "ACCEPTED", "lsh": f"{answer.lsh}-other"[-80:], "receipt": _number(answer.lsh)})


def denied_later(*, lsh: str) -> Response:
    """This will give a receipt for a message that is in no books."""
    return JSONResponse({"answer": "ACCEPTED", "lsh": lsh, "receipt": _number(lsh)})


def _number(lsh: str) -> str:
    # Beyond any position of the books, so that it is nobody's real receipt.
    return f"LG9{int(hashlib.sha256(lsh.encode()).hexdigest(), 16) % 10**9:09d}"
