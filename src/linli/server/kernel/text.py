"""Text that people type: trimmed, bounded, without control characters and half characters; what it means is for a domain to judge."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

ALLOWED_CONTROLS = "\n\t"


def _clean(text: str) -> str:
    text = unicodedata.normalize("NFC", text.strip())
    for character in text:
        category = unicodedata.category(character)
        if category in ("Cs", "Cn", "Co") or (category == "Cc" and character not in ALLOWED_CONTROLS):
            raise ValueError("control characters and broken characters are not text")
    return text


def _single(text: str) -> str:
    if any(character in ALLOWED_CONTROLS for character in text):
        raise ValueError("one line only")
    return text


Line = Annotated[str, StringConstraints(max_length=120), AfterValidator(_clean), AfterValidator(_single)]
Word = Annotated[str, StringConstraints(max_length=64), AfterValidator(_clean), AfterValidator(_single)]
Passage = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_clean)]
