"""Excel workbooks (.xlsx) as rows of plain values: told by their bytes, looked at before they are unpacked, never computed.

A workbook is a zip of XML. Before anything reads it: few parts, a bounded size when unpacked, no document type that could define
entities (CWE-409, CWE-776). The declared sizes bind, for a part is never read beyond its own.
"""

import io
import zipfile
from collections.abc import Iterator

import openpyxl

from linli.server.stays.rules.feeds import lines
from linli.server.stays.rules.feeds.lines import LineWrong
from linli.server.stays.rules.feeds.sheets import MOST_COLUMNS, Cell, Row

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MOST_PARTS = 400
MOST_UNPACKED = 32 * 1024 * 1024
# Empty rows count too: a sheet may claim a million of them.
MOST_ROWS = lines.MOST_ORDERS + 1000


def is_one(content: bytes) -> bool:
    """This will say whether the bytes are a workbook's, of any kind; the name of the file counts for nothing."""
    return content.startswith((ZIP, OLE))


def read(content: bytes) -> list[Row]:
    """This will return the rows of the first visible sheet, numbered as the spreadsheet shows them; raises `LineWrong`."""
    if content.startswith(OLE):
        raise lines.OLD_EXCEL
    _check_parts(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
        try:
            return list(_rows(book))
        finally:
            book.close()
    except LineWrong:
        raise
    except Exception as problem:  # a reader meets hostile bytes: whatever it raises, it is no order list
        raise lines.BAD_WORKBOOK from problem


def _check_parts(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.infolist()
            names = {part.filename for part in parts}
            if "xl/workbook.xml" not in names or "[Content_Types].xml" not in names:
                raise lines.NOT_A_FEED
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
                raise lines.BAD_WORKBOOK
            if len(names) != len(parts) or any(part.flag_bits & 1 for part in parts):
                raise lines.BAD_WORKBOOK
            for part in parts:
                if part.filename.lower().endswith((".xml", ".rels", ".vml")):
                    _check_xml(packed.read(part))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as problem:
        raise lines.BAD_WORKBOOK from problem
    except ValueError as problem:
        raise lines.BAD_WORKBOOK from problem


def _check_xml(part: bytes) -> None:
    # Written in UTF-16 a document type would not be found by its letters; no spreadsheet writes its parts that way.
    if b"\x00" in part[:200] or b"<!DOCTYPE" in part or b"<!ENTITY" in part:
        raise lines.BAD_WORKBOOK


def _rows(book: "openpyxl.Workbook") -> Iterator[Row]:
    sheet = next((sheet for sheet in book.worksheets if sheet.sheet_state == "visible"), None)
    if sheet is None:
        raise lines.NOT_A_FEED
    for number, cells in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS), start=1):
        if number > MOST_ROWS:
            raise lines.TOO_MANY
        yield number, tuple(_value(cell) for cell in cells)


def _value(cell: object) -> Cell:
    value = getattr(cell, "value", None)
    if getattr(cell, "data_type", "") == "f" and not str(value).startswith("="):
        return f"={value}"
    return value
