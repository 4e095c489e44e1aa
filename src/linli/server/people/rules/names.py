"""Names as people have them: any script, any length that fits a document; never control characters. Text is text, not code."""

import re
import unicodedata

from linli.server.kernel.errors import Refusal

SEXES = ("male", "female", "unspecified")  # GB/T 2261.1: 1, 2, 9
LONGEST_NAME = 60
HIDDEN = "***"
# A name keeps the joiners of Indic and Persian scripts; every other invisible sign could turn a line round or hide a name.
JOINERS = "\u200c\u200d"
_SPACES = re.compile(r"[ \u00a0\u3000]+")


class NameMissing(Refusal):
    """A name is needed."""

    zh = "请填写姓名。"
    status = 422


class NameTooLong(Refusal):
    """A name has at most {longest} characters here; please shorten it as the document does."""

    zh = "姓名最多 {longest} 个字符，请按证件上的写法填写。"
    status = 422


class NameUnreadable(Refusal):
    """This is no name: it contains signs that cannot be shown, or no letter at all."""

    zh = "姓名含有无法显示的字符，或没有任何文字。"
    status = 422


class NameNotLatin(Refusal):
    """This name is to be written in Latin letters, as in the machine-readable lines of the document."""

    zh = "此处请填写拉丁字母姓名，与证件机读区一致。"
    status = 422


def check_name(text: str, *, field: str) -> str:
    """This will return the name trimmed and composed (NFC).

    Raises `NameMissing`, `NameTooLong` or `NameUnreadable`. `<b>` or `'; --` in a name is only text, and is kept.
    """
    if len(text) > 4 * LONGEST_NAME:
        raise NameTooLong(field=field, longest=LONGEST_NAME)
    if any(_invisible(char) for char in text.strip()):
        raise NameUnreadable(field=field)
    name = _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()
    if not name:
        raise NameMissing(field=field)
    if len(name) > LONGEST_NAME:
        raise NameTooLong(field=field, longest=LONGEST_NAME)
    if not any(unicodedata.category(char).startswith("L") for char in name):
        raise NameUnreadable(field=field)
    return name


def check_latin_name(text: str, *, field: str) -> str:
    """This will return the name as `check_name` does; raises `NameNotLatin` when a letter is not Latin."""
    name = check_name(text, field=field)
    for char in name:
        if unicodedata.category(char).startswith("L") and "LATIN" not in unicodedata.name(char, ""):
            raise NameNotLatin(field=field)
    return name


def mask_name(name: str) -> str:
    """This will hide a name for display: 张伟 → 张*, Maria Gómez → M*** G***; the number of Latin letters stays hidden too."""
    words = [word for word in re.split(r"[ ·•・]", name) if word]
    return " ".join(_masked(word) for word in words)[:80]


def folded(name: str) -> str:
    """This will return the name for comparing: no capitals, no spaces, dots or accents."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(char for char in plain if unicodedata.category(char)[0] in "LN")


def _masked(word: str) -> str:
    if "CJK" in unicodedata.name(word[0], ""):
        return word[0] + "*" * max(1, len(word) - 1)
    return word[0] + HIDDEN


def _invisible(char: str) -> bool:
    category = unicodedata.category(char)
    return category in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp") or (category == "Cf" and char not in JOINERS)
