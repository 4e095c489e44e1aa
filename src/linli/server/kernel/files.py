"""Files from outside are what their bytes say they are, within limits of size and pixels; the name and label count for nothing."""

import io
import warnings
from dataclasses import dataclass

from PIL import Image

from linli.server.kernel.errors import Refusal

PICTURE_BYTES = 10 * 1024 * 1024
PICTURE_PIXELS = 40_000_000
TEXT_BYTES = 2 * 1024 * 1024
KINDS = {"JPEG": "image/jpeg", "PNG": "image/png"}


class FileTooBig(Refusal):
    """This file is too big; at most {limit_mb} MB."""

    zh = "文件过大，最多 {limit_mb} MB。"
    status = 413


class NotAPicture(Refusal):
    """This is not a JPEG or PNG picture."""

    zh = "该文件不是 JPEG 或 PNG 图片。"
    status = 415


class PictureTooLarge(Refusal):
    """This picture has too many pixels; at most 40 million."""

    zh = "图片像素过多，最多 4000 万像素。"
    status = 413


class NotText(Refusal):
    """This file is not UTF-8 text."""

    zh = "该文件不是 UTF-8 文本。"
    status = 415


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture that was decoded once: media type, width and height in pixels, and its bytes."""

    media_type: str
    width: int
    height: int
    content: bytes


def check_picture(content: bytes) -> Picture:
    """This will return the picture, or refuse with `FileTooBig`, `NotAPicture` or `PictureTooLarge`."""
    if len(content) > PICTURE_BYTES:
        raise FileTooBig(field="picture", limit_mb=PICTURE_BYTES // 1024 // 1024)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=tuple(KINDS)) as image:
                width, height = image.size
                if width * height > PICTURE_PIXELS:
                    raise PictureTooLarge(field="picture")
                image.load()
                media_type = KINDS[image.format or ""]
    except Refusal:
        raise
    except Exception as problem:  # a decoder meets hostile bytes: whatever it raises, it is not a picture
        raise NotAPicture(field="picture") from problem
    return Picture(media_type=media_type, width=width, height=height, content=content)


def check_text(content: bytes) -> str:
    """This will return UTF-8 text, or refuse with `FileTooBig` or `NotText`."""
    if len(content) > TEXT_BYTES:
        raise FileTooBig(field="file", limit_mb=TEXT_BYTES // 1024 // 1024)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise NotText(field="file") from problem
    if "\x00" in text:
        raise NotText(field="file")
    return text
