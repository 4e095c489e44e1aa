"""Whatever kind of file a feed is: its bytes decide. One order told twice in it counts once, by its later telling."""

import gzip
import re
import zlib
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from linli.server.stays.rules.feeds import calendars, lines, sheets, workbooks
from linli.server.stays.rules.feeds.lines import FeedOrder, FeedProblem, LineWrong

GZIP = b"\x1f\x8b"
UNPACKED = 8 * 1024 * 1024
CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._:-]{2,40})", re.IGNORECASE)
PAGE = re.compile(r"<\s*(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
BEGINNING = 2000


def read_feed(content: bytes, *, zone: str, content_type: str = "", own: str = "") -> list[FeedOrder | FeedProblem]:
    """This will read a calendar, an order list or a workbook; a file that is none is one problem on line 0.

    Times without a zone are the estate's. `own` is how the UIDs of our own calendars end here.
    """
    hours = ZoneInfo(zone)
    try:
        content = _unpacked(content)
        if workbooks.is_one(content):
            return _newest(sheets.read_rows(workbooks.read(content), zone=hours))
        if _is_calendar(content):
            return _calendar(content, hours, content_type, own)
        return _newest(sheets.read_csv(_text(content, content_type), zone=hours))
    except LineWrong as wrong:
        return [lines.problem(0, "", wrong)]


def read_calendar(content: bytes, *, zone: str, content_type: str, own: str) -> list[FeedOrder | FeedProblem]:
    """This will read a calendar and nothing else: where one was fetched, a list or a page is one problem on line 0."""
    try:
        content = _unpacked(content)
        if _is_calendar(content):
            return _calendar(content, ZoneInfo(zone), content_type, own)
        _text(content, content_type)
        raise lines.NOT_A_FEED
    except LineWrong as wrong:
        return [lines.problem(0, "", wrong)]


def _is_calendar(content: bytes) -> bool:
    return b"BEGIN:VCALENDAR" in content[:BEGINNING].replace(b"\x00", b"")


def _calendar(content: bytes, zone: ZoneInfo, content_type: str, own: str) -> list[FeedOrder | FeedProblem]:
    text = decoded(calendars.unfolded(_wide(content)), content_type=content_type)
    if text is None or "BEGIN:VCALENDAR" not in text:
        raise lines.NOT_A_FEED
    return _newest(calendars.read(text, zone=zone, own=own))


def _text(content: bytes, content_type: str) -> str:
    text = decoded(_wide(content), content_type=content_type)
    if text is None:
        raise lines.NOT_A_FEED
    if PAGE.search(text[:BEGINNING]):
        raise lines.WEB_PAGE
    return text


def _unpacked(content: bytes) -> bytes:
    if not content.startswith(GZIP):
        return content
    try:
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        plain = unpacker.decompress(content, UNPACKED)
    except (zlib.error, gzip.BadGzipFile) as problem:
        raise lines.NOT_A_FEED from problem
    if not unpacker.eof:
        raise lines.CUT_SHORT if not unpacker.unconsumed_tail else lines.TOO_MANY
    return plain


def _wide(content: bytes) -> bytes:
    # "Unicode text" of a spreadsheet is UTF-16 with its mark.
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if content.startswith(mark):
            try:
                return content[2:].decode(encoding).encode()
            except UnicodeDecodeError as problem:
                raise lines.NOT_A_FEED from problem
    return content


def decoded(content: bytes, *, content_type: str = "") -> str | None:
    """This will return the text, or None; what the sender says of its charset is tried after what the bytes say themselves."""
    told = CHARSET.search(content_type)
    # Chinese spreadsheets export GB18030; UTF-8 refuses nearly all of it, so the order of trying decides.
    for encoding in ("utf-8-sig", *([told.group(1)] if told else []), "gb18030"):
        try:
            text = content.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
        return None if "\x00" in text else text
    if b"BEGIN:VCALENDAR" in content[:BEGINNING]:
        # Only names can be spoilt by this; dates and references are plain letters in every charset.
        return content.decode("utf-8", errors="replace").replace("\x00", "")
    return None


def _newest(found: Iterable[FeedOrder | FeedProblem]) -> list[FeedOrder | FeedProblem]:
    kept: dict[object, FeedOrder | FeedProblem] = {}
    for entry in found:
        key: object = (entry.channel, entry.ref) if isinstance(entry, FeedOrder) else ("problem", entry.line)
        kept.pop(key, None)
        kept[key] = entry
    return list(kept.values())
