"""The printed page: its code is read back from the paper, its text is text, and without a Chinese typeface it says so or refuses."""

import io
import re
from dataclasses import replace

import pytest
import typst
import zxingcpp
from PIL import Image

from linli.server.connectors.receipts import printing, rules
from linli.server.connectors.receipts.printing import CHINESE, Paper, Typefaces
from linli.server.connectors.receipts.rules import Line, NoChineseTypeface

ADDRESS = "https://estate.example/api/receipts/eyJpZCI6InJlcF8wMUo:1abc:Zm9v-bar_baz"
PAPER = Paper(
    title_zh="境外旅客住宿登记回执",
    title_en="Accommodation Registration Receipt",
    lines=(
        Line(name_zh="姓名", name_en="Name", zh="A*** M*** E***", en="A*** M*** E***"),
        Line(name_zh="住宿地址", name_en="Address", zh="样例小区 1栋1单元0101", en="Sample, 1-1-0101"),
        Line(name_zh="备注", name_en="Remark", zh="#panic() $x$ *b* @ref", en="#panic() $x$ *b* @ref"),
    ),
    notes=(rules.BASES["foreign"], rules.NOTE),
    address=ADDRESS,
)
BARE = Typefaces(fonts=typst.Fonts(include_system_fonts=False), chinese=None)
needs_chinese = pytest.mark.skipif(
    printing.find_chinese(typst.Fonts().families()) is None, reason="this machine has no Chinese typeface"
)


def machine() -> Typefaces:
    """What this machine has."""
    fonts = typst.Fonts()
    return Typefaces(fonts=fonts, chinese=printing.find_chinese(fonts.families()))


def codes_on(picture: bytes) -> list[str]:
    """The codes on a printed page."""
    return [code.text for code in zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)).convert("L"))]


@needs_chinese
def test_the_code_on_the_page_is_the_address_that_verifies() -> None:
    assert codes_on(printing.as_picture(PAPER, faces=machine())) == [ADDRESS]


def test_the_code_is_read_from_the_english_page_too() -> None:
    assert codes_on(printing.as_picture(PAPER, faces=BARE)) == [ADDRESS]


@needs_chinese
def test_it_is_one_page_of_pdf_whose_text_can_be_searched() -> None:
    made = printing.as_pdf(PAPER, faces=machine())
    assert made.startswith(b"%PDF-")
    assert re.search(rb"pdfaid:part>2<.*pdfaid:conformance>U<", made, re.DOTALL)
    assert re.findall(rb"/Type\s*/Page\b", made).__len__() == 1
    assert len(made) < 400_000


def test_without_a_chinese_typeface_a_latin_receipt_is_english_and_says_so() -> None:
    told = printing._told(PAPER, chinese=None)
    assert told["latin"] is True
    assert rules.NO_TYPE in told["notes"]  # type: ignore[operator]
    assert not any("回执" in note for note in told["notes"])  # type: ignore[attr-defined]
    assert printing.as_pdf(PAPER, faces=BARE).startswith(b"%PDF-")


def test_without_a_chinese_typeface_a_chinese_name_is_refused_and_not_printed_as_boxes() -> None:
    chinese = replace(PAPER, lines=(Line(name_zh="姓名", name_en="Name", zh="陳*", en="陳*"),))
    with pytest.raises(NoChineseTypeface):
        printing.as_pdf(chinese, faces=BARE)


def test_what_a_guest_wrote_is_printed_and_never_run() -> None:
    # The third line of the paper would stop the press, or call something, if it were read as markup.
    printing.as_pdf(PAPER, faces=BARE)


def test_the_first_typeface_liked_is_chosen_and_none_where_there_is_none() -> None:
    assert printing.find_chinese(["DejaVu Sans", "Noto Serif CJK SC", "Noto Sans CJK SC"]) == "Noto Sans CJK SC"
    assert printing.find_chinese(["DejaVu Sans", "Libertinus Serif"]) is None
    assert len(set(CHINESE)) == len(CHINESE)


@pytest.mark.parametrize(("mark", "masked"), [("DF2A00001", "DF2****01"), ("ABCDE", "*****"), ("", "")])
def test_a_mark_is_masked_in_the_middle(mark: str, masked: str) -> None:
    assert rules.mask_mark(mark) == masked
