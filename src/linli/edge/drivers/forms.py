"""Read a form that a device sends: its texts are kept, its pictures are read past and never held."""

from __future__ import annotations

import re
import zlib
from io import BufferedIOBase

LARGEST_FIELD = 256 * 1024
_MOST_FIELDS = 50
_MOST_HEADERS = 20
_LONGEST_LINE = 65_536
_NAME = re.compile(rb'\bname="([^"]{0,100})"')
_PICTURES = (b"image/", b"audio/", b"video/")
_WORDS = (b"application/json", b"application/xml", b"text/")


class TooLarge(ValueError):
    """More than is read from a device."""


class Bounded:
    """The body of one request: so many bytes, and not one more."""

    def __init__(self, stream: BufferedIOBase, length: int) -> None:
        self._stream, self._left = stream, length

    def line(self) -> bytes:
        """Read up to the end of a line, or a long piece of one; nothing at the end of the body."""
        piece = self._stream.readline(min(_LONGEST_LINE, self._left)) if self._left else b""
        self._left -= len(piece)
        return piece


def read_form(body: Bounded, boundary: str) -> dict[str, str]:
    """Give a form's fields as texts, without its pictures. Raises ValueError for what is no form, TooLarge for a long field."""
    if not boundary:
        raise ValueError("a form has a boundary")
    mark = b"--" + boundary.encode("latin-1", "replace")
    fields: dict[str, str] = {}
    line = body.line()
    while line and line.strip() != mark:
        line = body.line()
    while line and line.strip() == mark:
        headers = _headers(body)
        named = _NAME.search(headers.get(b"content-disposition", b""))
        kept = named is not None and len(fields) < _MOST_FIELDS and not _is_picture(headers)
        content, line = _content(body, mark, kept=kept)
        if kept and named is not None:
            fields.setdefault(named[1].decode("utf-8", "replace"), _text(content, headers))
    if not line:
        raise ValueError("the form breaks off")
    while body.line():
        continue
    return fields


def inflated(body: bytes, *, most: int) -> bytes:
    """Undo gzip. Raises TooLarge when little turns out to be much, ValueError when it is not gzip."""
    try:
        engine = zlib.decompressobj(31)
        plain = engine.decompress(body, most)
    except zlib.error:
        raise ValueError("not gzip") from None
    if engine.unconsumed_tail:
        raise TooLarge(f"at most {most} bytes")
    return plain


def _headers(body: Bounded) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    for _ in range(_MOST_HEADERS):
        line = body.line().strip()
        if not line:
            return headers
        name, _, value = line.partition(b":")
        headers[name.strip().lower()] = value.strip()
    raise ValueError("too many headers in a part")


def _is_picture(headers: dict[bytes, bytes]) -> bool:
    kind = headers.get(b"content-type", b"").lower()
    if kind.startswith(_PICTURES):
        return True
    return b"filename=" in headers.get(b"content-disposition", b"") and not kind.startswith(_WORDS)


def _content(body: Bounded, mark: bytes, *, kept: bool) -> tuple[bytes, bytes]:
    """Read one part up to the next boundary; give what is kept of it, and the line with the boundary."""
    pieces: list[bytes] = []
    size, fresh = 0, True
    while line := body.line():
        if fresh and line.rstrip(b"\r\n ") in (mark, mark + b"--"):
            break
        if kept:
            size += len(line)
            if size > LARGEST_FIELD:
                raise TooLarge(f"a field of a form has at most {LARGEST_FIELD} bytes")
            pieces.append(line)
        # A boundary stands at the start of a line; in a long piece of binary the next piece is not a start.
        fresh = line.endswith(b"\n")
    content = b"".join(pieces)
    return content.removesuffix(b"\n").removesuffix(b"\r"), line


def _text(content: bytes, headers: dict[bytes, bytes]) -> str:
    if headers.get(b"content-encoding", b"").lower() == b"gzip" and content.startswith(b"\x1f\x8b"):
        content = inflated(content, most=LARGEST_FIELD)
    return content.decode("utf-8", "replace")
