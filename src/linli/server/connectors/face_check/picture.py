"""The picture that is shown to the face layer: small, plain, without what a phone writes beside it, and only in memory."""

import io

from PIL import Image, ImageOps

from linli.server.connectors.face_check.rules import FACE_PIXELS
from linli.server.kernel.files import NotAPicture, Picture, PictureTooLarge, check_picture

LONGEST_SIDE = 1024
QUALITY = 90


def plain_copy(content: bytes) -> bytes:
    """This will make a JPEG of at most 1,024 pixels a side, upright, without place, time or device of the original.

    Refuses with `FileTooBig`, `NotAPicture` or `PictureTooLarge`.
    """
    checked = check_picture(content)
    if checked.width * checked.height > FACE_PIXELS:
        raise PictureTooLarge(field="picture")
    try:
        return _jpeg(checked)
    except Exception as problem:  # tags of hostile bytes can raise anything
        raise NotAPicture(field="picture") from problem


def _jpeg(checked: Picture) -> bytes:
    out = io.BytesIO()
    with Image.open(io.BytesIO(checked.content)) as image:
        plain = ImageOps.exif_transpose(image).convert("RGB")
        plain.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        # Painted anew: a copy would carry comments, profiles and tags along.
        clean = Image.new("RGB", plain.size)
        clean.paste(plain)
        clean.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
