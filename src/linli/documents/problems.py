"""Every reason why a document is refused: a stable code, the field at fault, and words for the person who typed it.

The English message is the docstring, so that the code and its words stand together. No message ever repeats the number:
messages reach logs, and a document number must not.
"""

from dataclasses import dataclass
from typing import ClassVar


class DocumentProblem(ValueError):
    """This document cannot be accepted."""

    code: ClassVar[str] = "document_not_accepted"
    zh: ClassVar[str] = "该证件无法受理。"

    def __init__(self, *, field: str = "number") -> None:
        self.field = field
        super().__init__(self.en)

    @property
    def en(self) -> str:
        """The English message."""
        return (type(self).__doc__ or "").strip()

    def message(self) -> dict[str, str]:
        """Both messages, by language."""
        return {"zh": self.zh, "en": self.en}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something worth telling that does not refuse the document."""

    code: str
    field: str
    zh: str
    en: str


AREA_UNKNOWN = Notice(
    code="document_area_unknown",
    field="number",
    zh="号码前两位不是已知的省级代码，请核对；旧代码仍可登记。",
    en="The first two digits are no known province; please check them. Former codes stay valid.",
)
ORGANISATION_CODE_DOUBTFUL = Notice(
    code="uscc_organisation_code_doubtful",
    field="uscc",
    zh="其中的组织机构代码校验位不符，请核对营业执照。",
    en="The organisation code inside does not pass its own check; please compare it with the licence.",
)


class KindUnknown(DocumentProblem):
    """This kind of document is not known here."""

    code = "document_kind_unknown"
    zh = "不支持的证件类型。"


class NumberMissing(DocumentProblem):
    """The document number is missing."""

    code = "document_number_missing"
    zh = "请填写证件号码。"


class WrongLength(DocumentProblem):
    """The number has too few or too many characters for this document."""

    code = "document_number_length"
    zh = "证件号码位数不对。"


class WrongCharacters(DocumentProblem):
    """The number contains characters that this document never has."""

    code = "document_number_characters"
    zh = "证件号码含有该证件不会出现的字符。"


class WrongForm(DocumentProblem):
    """The number is not written the way this document writes it."""

    code = "document_number_form"
    zh = "证件号码格式与证件类型不符。"


class WrongCheckDigit(DocumentProblem):
    """The last character does not fit the rest: a digit was mistyped."""

    code = "document_check_digit"
    zh = "证件号码校验位不符，请检查是否输错。"


class ImpossibleDate(DocumentProblem):
    """The birth date inside the number does not exist."""

    code = "document_birth_date_impossible"
    zh = "证件号码中的出生日期不存在。"


class BirthInFuture(DocumentProblem):
    """The birth date inside the number lies in the future."""

    code = "document_birth_date_future"
    zh = "证件号码中的出生日期在未来。"


class AgeImpossible(DocumentProblem):
    """The birth date inside the number is more than 130 years ago."""

    code = "document_age_impossible"
    zh = "证件号码中的出生日期距今超过 130 年。"


class OldNumberRefused(DocumentProblem):
    """The 15-digit identity cards are no longer valid; please use the 18-digit number."""

    code = "document_number_old"
    zh = "15 位旧身份证已停用，请使用 18 位号码。"


class OtherKind(DocumentProblem):
    """This number belongs to another kind of document; please choose that kind."""

    code = "document_of_other_kind"
    zh = "该号码属于另一类证件，请选择相应的证件类型。"


class BirthDateDisagrees(DocumentProblem):
    """The birth date typed is not the one inside the number."""

    code = "document_birth_date_disagrees"
    zh = "填写的出生日期与证件号码不一致。"


class SexDisagrees(DocumentProblem):
    """The sex typed is not the one inside the number."""

    code = "document_sex_disagrees"
    zh = "填写的性别与证件号码不一致。"


class CertificateIncomplete(DocumentProblem):
    """A police certificate needs its issuing station, its number and its last valid day."""

    code = "police_certificate_incomplete"
    zh = "派出所证明须填写出具单位、编号和有效期。"


class CertificateExpired(DocumentProblem):
    """This police certificate is no longer valid."""

    code = "police_certificate_expired"
    zh = "派出所证明已过有效期。"


class UsccWrong(DocumentProblem):
    """This is no unified social credit code: 18 characters, without I, O, S, V and Z."""

    code = "uscc_form"
    zh = "统一社会信用代码应为 18 位，且不含 I、O、S、V、Z。"


class UsccCheckWrong(DocumentProblem):
    """The last character of the credit code does not fit the rest: something was mistyped."""

    code = "uscc_check_digit"
    zh = "统一社会信用代码校验位不符，请检查是否输错。"


class PhoneWrong(DocumentProblem):
    """This is no telephone number that we can call; outside mainland China please start with + and the country code."""

    code = "phone_form"
    zh = "电话号码不正确；境外号码请以 + 和国家（地区）代码开头。"


class MrzNotFound(DocumentProblem):
    """No machine-readable zone was found: two or three lines of capitals, digits and <."""

    code = "mrz_not_found"
    zh = "未找到机读区：两行或三行大写字母、数字和 <。"


class PictureWrong(DocumentProblem):
    """The picture cannot be read: please send a JPEG or PNG photograph."""

    code = "picture_unreadable"
    zh = "图片无法读取，请上传 JPEG 或 PNG 照片。"


class PictureTooLarge(DocumentProblem):
    """The picture is too large."""

    code = "picture_too_large"
    zh = "图片过大。"


class PictureTooSmall(DocumentProblem):
    """The picture is too small to be read."""

    code = "picture_too_small"
    zh = "图片过小，无法识别。"
