"""Workbooks as bytes: sound ones by openpyxl, hostile ones by hand."""

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import openpyxl

CHINESE = ("订单号", "渠道", "房源", "入住日期", "退房日期", "人数", "预订人", "电话", "状态")
ENGLISH = ("order_no", "channel", "unit", "arrive_at", "leave_at", "guests", "booker_name", "booker_phone", "state")


def book(
    rows: Sequence[Sequence[Any]], *, heading: Sequence[str] = CHINESE, above: Sequence[Sequence[Any]] = ()
) -> bytes:
    """This will write one sheet: rows above the heading, the heading, the rows."""
    made = openpyxl.Workbook()
    sheet = made.active
    for row in (*above, heading, *rows):
        sheet.append(list(row))
    return saved(made)


def saved(made: openpyxl.Workbook) -> bytes:
    """This will return the workbook's bytes."""
    held = io.BytesIO()
    made.save(held)
    return held.getvalue()


def repacked(content: bytes, *, changed: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """This will put other bytes in place of parts of a workbook, or add parts."""
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(held, "w", method) as new:
        for name in old.namelist():
            new.writestr(name, changed.get(name, old.read(name)))
        for name in changed.keys() - set(old.namelist()):
            new.writestr(name, changed[name])
    return held.getvalue()


def part(content: bytes, name: str) -> bytes:
    """This will return one part of a workbook."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return packed.read(name)
