"""Draw the fictional documents under examples/documents: python tools/draw_specimens.py

Our own layouts, fictional people, synthetic numbers, each marked as a specimen. Fonts are found on the system (Debian:
fonts-noto-cjk or fonts-wqy-microhei for Chinese, fonts-ocr-b for the machine-readable zone). The drawn files are
committed; this is needed only to change them.
"""

import math
import random
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from linli.documents.mrz import check_digit
from linli.documents.numbers import synthetic_resident_id

OUT = Path(__file__).resolve().parent.parent / "examples" / "documents"
CARD = (860, 540)
PAGE = (1000, 700)
INK = (38, 42, 52)
LABEL = (70, 110, 150)
CHINESE = ("opentype/noto/NotoSansCJK-Regular.ttc", "truetype/wqy/wqy-microhei.ttc")
ZONE = ("opentype/ocr-b/OCRB.otf", "truetype/dejavu/DejaVuSansMono.ttf")

RESIDENT_NAME = "林小邻"
PERMIT_NAME = "何嘉样"
PERMIT_NUMBER = "H00012345"
RESIDENT_NUMBER = synthetic_resident_id("510108", date(1990, 3, 7), 1)


def font(names: Sequence[str], size: int) -> ImageFont.FreeTypeFont:
    """Find the first of these fonts on the system; raises FileNotFoundError with what to install."""
    for root in (Path("/usr/share/fonts"), Path("/usr/local/share/fonts")):
        for name in names:
            if (root / name).exists():
                return ImageFont.truetype(str(root / name), size)
    raise FileNotFoundError("install fonts-noto-cjk (or fonts-wqy-microhei) and fonts-ocr-b")


def resident_card(number: str) -> Image.Image:
    """A card with the fields of a resident ID card, in a layout that no authority uses."""
    rows = (
        ("姓名", RESIDENT_NAME),
        ("性别", "男    民族  汉"),
        ("出生", "1990 年 3 月 7 日"),
        ("住址", "样本市示例区虚构路 1 号"),
    )
    return _card(rows, foot=("公民身份号码", number))


def permit_card() -> Image.Image:
    """A card with the fields of a mainland travel permit for Hong Kong and Macao residents."""
    rows = (
        ("证件", "港澳居民来往内地通行证"),
        ("姓名", PERMIT_NAME),
        ("性别", "女"),
        ("出生日期", "1985.06.15"),
    )
    return _card(rows, foot=("证件号码", PERMIT_NUMBER))


def _card(rows: Sequence[tuple[str, str]], *, foot: tuple[str, str]) -> Image.Image:
    card = Image.new("RGB", CARD, (238, 244, 248))
    draw = ImageDraw.Draw(card)
    _guilloche(draw, CARD, (206, 220, 233))
    draw.rectangle((0, 0, CARD[0], 56), fill=(203, 60, 60))
    draw.text((28, 10), "样本 SPECIMEN  虚构人物，无效证件", font=font(CHINESE, 28), fill="white")
    for at, (label, value) in enumerate(rows):
        top = 90 + at * 78
        draw.text((40, top), label, font=font(CHINESE, 28), fill=LABEL)
        draw.text((140 if len(label) < 3 else 176, top - 3), value, font=font(CHINESE, 34), fill=INK)
    draw.text((40, 458), foot[0], font=font(CHINESE, 28), fill=LABEL)
    draw.text((260, 452), foot[1], font=font(CHINESE, 40), fill=INK)
    _portrait(draw, (610, 84, 800, 312))
    _stamp(draw, (610, 330))
    return card


def watermarked(card: Image.Image) -> Image.Image:
    """The card as careful guests send it: with "for check-in only" written all over it."""
    veil = Image.new("RGBA", card.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(veil)
    for at in range(12):
        place = ((at % 3) * 330 - 60, (at // 3) * 140 + 20)
        draw.text(place, "仅供入住登记使用", font=font(CHINESE, 36), fill=(110, 130, 160, 70))
    return Image.alpha_composite(card.convert("RGBA"), veil.rotate(18, resample=Image.Resampling.BICUBIC)).convert(
        "RGB"
    )


def passport_page(*, fields: Sequence[tuple[str, str]], zone: Sequence[str]) -> Image.Image:
    """A data page after ICAO 9303-4: fields above, two lines of 44 below."""
    page = Image.new("RGB", PAGE, (240, 243, 236))
    draw = ImageDraw.Draw(page)
    _guilloche(draw, (PAGE[0], 540), (212, 222, 203))
    draw.text((40, 24), "UTOPIA   PASSPORT   SPECIMEN 样本", font=font(CHINESE, 32), fill=(150, 40, 40))
    _portrait(draw, (40, 90, 280, 380))
    _stamp(draw, (64, 400))
    for at, (label, value) in enumerate(fields):
        left, top = 330 + (at % 2) * 340, 96 + (at // 2) * 84
        draw.text((left, top), label, font=font(CHINESE, 18), fill=LABEL)
        draw.text((left, top + 26), value, font=font(CHINESE, 28), fill=INK)
    draw.rectangle((0, 540, *PAGE), fill=(252, 252, 250))
    for at, line in enumerate(zone):
        _spaced(draw, (36, 570 + at * 56), line, font=font(ZONE, 34), step=21.2)
    return page


def zone_of(*, names: str, number: str, born: str, sex: str, expires: str, optional: str = "") -> tuple[str, str]:
    """The two lines of a passport of Utopia, check digits included."""
    first = f"P<UTO{names}".ljust(44, "<")
    head = number.ljust(9, "<")
    head += check_digit(head)
    middle = born + check_digit(born)
    tail = expires + check_digit(expires)
    rest = optional.ljust(14, "<")
    tail += rest + (check_digit(rest) if optional else "<")
    return first, f"{head}UTO{middle}{sex}{tail}{check_digit(head + middle + tail)}"


def on_a_desk(card: Image.Image, *, degrees: float, blur: float) -> Image.Image:
    """The card as a hurried guest photographs it: askew, a little out of focus, on a desk."""
    desk = Image.new("RGB", (1080, 760), (121, 96, 74))
    turned = card.convert("RGBA").rotate(degrees, expand=True, resample=Image.Resampling.BICUBIC)
    desk.paste(turned, ((desk.width - turned.width) // 2, (desk.height - turned.height) // 2), turned)
    return desk.filter(ImageFilter.GaussianBlur(blur))


def no_document() -> Image.Image:
    """A picture with some writing in it that is no document at all."""
    view = Image.new("RGB", (800, 560), (186, 217, 240))
    draw = ImageDraw.Draw(view)
    draw.ellipse((620, 50, 720, 150), fill=(250, 214, 96))
    draw.polygon(((0, 420), (220, 180), (430, 420)), fill=(96, 132, 104))
    draw.polygon(((260, 420), (540, 230), (800, 420)), fill=(78, 112, 92))
    draw.rectangle((0, 420, 800, 560), fill=(140, 176, 112))
    draw.rectangle((90, 450, 420, 530), fill=(250, 246, 232))
    draw.text((112, 466), "早餐 7:30 — 9:30", font=font(CHINESE, 34), fill=INK)
    return view


def _portrait(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    draw.rectangle(box, fill=(214, 221, 228))
    middle, width = (left + right) // 2, right - left
    draw.ellipse((middle - width // 5, top + 40, middle + width // 5, top + 40 + width // 2), fill=(160, 172, 184))
    draw.pieslice((left + 16, bottom - width // 2, right - 16, bottom + width // 2), 180, 360, fill=(160, 172, 184))


def _stamp(draw: ImageDraw.ImageDraw, at: tuple[int, int]) -> None:
    left, top = at
    draw.rectangle((left, top, left + 190, top + 84), outline=(203, 60, 60), width=4)
    draw.text((left + 58, top + 4), "样本", font=font(CHINESE, 36), fill=(203, 60, 60))
    draw.text((left + 26, top + 46), "SPECIMEN", font=font(CHINESE, 27), fill=(203, 60, 60))


def _guilloche(draw: ImageDraw.ImageDraw, size: tuple[int, int], colour: tuple[int, int, int]) -> None:
    # Fine waves as security paper has them, so that the reader is not tested on blank paper.
    for shift in range(-40, size[1] + 40, 14):
        wave = [(x, shift + 12 * math.sin(x / 37 + shift / 19)) for x in range(0, size[0] + 8, 8)]
        draw.line(wave, fill=colour, width=1)


def _spaced(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], line: str, *, font: ImageFont.FreeTypeFont, step: float
) -> None:
    # The zone is printed with a fixed pitch, whatever the font's own spacing.
    for place, char in enumerate(line):
        draw.text((at[0] + place * step, at[1]), char, font=font, fill=(20, 20, 20))


def _passports() -> dict[str, Image.Image]:
    icao = passport_page(
        fields=(
            ("Surname 姓", "ERIKSSON"),
            ("Given names 名", "ANNA MARIA"),
            ("Passport No. 护照号", "L898902C3"),
            ("Nationality 国籍", "UTOPIAN"),
            ("Date of birth 出生日期", "12 AUG 1974"),
            ("Sex 性别", "F"),
            ("Date of expiry 有效期至", "15 APR 2012"),
            ("Personal No.", "ZE184226B"),
        ),
        zone=zone_of(
            names="ERIKSSON<<ANNA<MARIA",
            number="L898902C3",
            born="740812",
            sex="F",
            expires="120415",
            optional="ZE184226B",
        ),
    )
    future = passport_page(
        fields=(
            ("Surname 姓", "LINDQVIST"),
            ("Given names 名", "MAJA ELISABET"),
            ("Passport No. 护照号", "X40817263"),
            ("Nationality 国籍", "UTOPIAN"),
            ("Date of birth 出生日期", "14 MAY 1988"),
            ("Sex 性别", "F"),
            ("Date of expiry 有效期至", "02 NOV 2039"),
        ),
        zone=zone_of(names="LINDQVIST<<MAJA<ELISABET", number="X40817263", born="880514", sex="F", expires="391102"),
    )
    return {"passport-icao-specimen-expired.png": icao, "passport-valid-until-2039.png": future}


def _grained(picture: Image.Image, *, seed: int) -> Image.Image:
    """The grain of a phone's sensor, the same on every run."""
    noise = random.Random(seed)
    grain = Image.frombytes("L", picture.size, bytes(noise.choices(range(108, 149), k=picture.width * picture.height)))
    return Image.blend(picture, Image.merge("RGB", (grain, grain, grain)), 0.12)


def main() -> None:
    """Draw every specimen anew."""
    OUT.mkdir(parents=True, exist_ok=True)
    card = resident_card(RESIDENT_NUMBER)
    wrong = RESIDENT_NUMBER[:-1] + ("1" if RESIDENT_NUMBER[-1] != "1" else "2")
    pictures = {
        "resident-id.png": card,
        "resident-id-askew-blurred.jpg": _grained(on_a_desk(card, degrees=5, blur=1.3), seed=1),
        "resident-id-wrong-check-digit.png": resident_card(wrong),
        "resident-id-watermarked.png": watermarked(card),
        "hk-macao-permit.png": permit_card(),
        "not-a-document.jpg": no_document(),
        **_passports(),
    }
    for name, picture in pictures.items():
        if name.endswith(".png"):
            picture.quantize(colors=64).save(OUT / name, optimize=True)
        else:
            picture.save(OUT / name, quality=82, optimize=True)


if __name__ == "__main__":
    main()
