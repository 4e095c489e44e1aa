"""Setting a receipt in type: one page with its code, as PDF, or as a picture for whoever checks it.

No Chinese typeface comes with the software; one is looked for on the machine, and in `fonts` under the instance's home. Without one
a receipt that is Latin throughout is printed in English and says so; any other is refused.
"""

import io
import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import segno
import typst
from django.conf import settings

from linli.server.connectors.receipts import rules
from linli.server.connectors.receipts.rules import Line

TEMPLATE = Path(__file__).with_name("receipt.typ")
LATIN = ("Libertinus Serif", "DejaVu Sans")
# In the order of liking; all of them hold simplified Chinese.
CHINESE = (
    *(
        "Noto Sans CJK SC",
        "Source Han Sans SC",
        "Noto Sans SC",
        "Noto Serif CJK SC",
        "Source Han Serif SC",
        "Noto Serif SC",
    ),
    *(
        "Microsoft YaHei",
        "PingFang SC",
        "Hiragino Sans GB",
        "WenQuanYi Micro Hei",
        "WenQuanYi Zen Hei",
        "SimSun",
        "SimHei",
    ),
    *("Noto Sans CJK JP", "Droid Sans Fallback", "AR PL UMing CN", "AR PL UKai CN"),
)
# Text that can be searched and copied (ISO 19005-2, conformance U).
STANDARD: Literal["a-2u"] = "a-2u"
PICTURE_PPI = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What a receipt says, line by line, and the address behind its code."""

    title_zh: str
    title_en: str
    lines: tuple[Line, ...]
    notes: tuple[tuple[str, str], ...]
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Typefaces:
    """What this machine can print with."""

    fonts: typst.Fonts
    chinese: str | None


@cache
def typefaces() -> Typefaces:
    """This will look for typefaces once a process."""
    own = settings.ENV.home / "fonts"
    fonts = typst.Fonts(include_system_fonts=True, font_paths=[own] if own.is_dir() else [])
    return Typefaces(fonts=fonts, chinese=find_chinese(fonts.families()))


def find_chinese(families: Collection[str]) -> str | None:
    """This will choose a Chinese typeface among those there are, or None."""
    return next((name for name in CHINESE if name in families), None)


def as_pdf(paper: Paper, *, faces: Typefaces) -> bytes:
    """This will print a receipt as PDF/A; refuses with `NoChineseTypeface`."""
    return _set(paper, faces=faces, form="pdf")


def as_picture(paper: Paper, *, faces: Typefaces) -> bytes:
    """This will print a receipt as PNG; refuses with `NoChineseTypeface`."""
    return _set(paper, faces=faces, form="png")


def _set(paper: Paper, *, faces: Typefaces, form: Literal["pdf", "png"]) -> bytes:
    latin = faces.chinese is None
    if latin and not all(rules.is_latin(line.en) for line in paper.lines):
        raise rules.NoChineseTypeface
    told = json.dumps(_told(paper, chinese=faces.chinese), ensure_ascii=False)
    compiler = typst.Compiler(TEMPLATE.read_bytes(), font_paths=faces.fonts, sys_inputs={"told": told})
    made = compiler.compile(format=form, ppi=PICTURE_PPI, pdf_standards=[STANDARD] if form == "pdf" else [])
    if not isinstance(made, bytes):
        raise TypeError(f"a receipt is one page, not {len(made or ())}")
    return made


def _told(paper: Paper, *, chinese: str | None) -> dict[str, object]:
    notes = [text for zh, en in paper.notes for text in ((en,) if chinese is None else (zh, en))]
    return {
        "title_zh": paper.title_zh,
        "title_en": paper.title_en,
        "latin": chinese is None,
        "fonts": [*([chinese] if chinese else []), *LATIN],
        "lines": [
            {"name_zh": line.name_zh, "name_en": line.name_en, "zh": line.zh, "en": line.en} for line in paper.lines
        ],
        "notes": notes if chinese else [*notes, rules.NO_TYPE],
        "footer": "Linli 邻里" if chinese else "Linli",
        "code": _code(paper.address),
        "code_alt": f"QR: {paper.address}",
    }


def _code(address: str) -> str:
    drawn = io.BytesIO()
    segno.make(address, error="m", micro=False).save(drawn, kind="svg", border=4, scale=4)
    return drawn.getvalue().decode()
