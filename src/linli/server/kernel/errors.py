"""Refusals: what the estate says when it will not do a thing, and how that travels (RFC 9457)."""

import re
from typing import Any, ClassVar


class Refusal(Exception):
    """This cannot be done."""

    zh: ClassVar[str] = "无法完成该操作。"
    status: ClassVar[int] = 409
    code: ClassVar[str] = "refusal"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "code" not in cls.__dict__:
            cls.code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

    def __init__(self, *, field: str | None = None, **details: Any) -> None:
        self.field = field
        self.details = details
        super().__init__(self.message()["en"])

    def message(self) -> dict[str, str]:
        """This will return the message in both languages; the English one is the docstring's first paragraph."""
        english = " ".join((type(self).__doc__ or "").split("\n\n")[0].split())
        return {"zh": _filled(self.zh, self.details), "en": _filled(english, self.details)}

    def problem(self) -> dict[str, Any]:
        """This will return the problem+json body; `code` never changes once published."""
        message = self.message()
        body: dict[str, Any] = {
            "type": f"urn:linli:problem:{self.code}",
            "title": message["en"],
            "status": self.status,
            "code": self.code,
            "detail": message["en"],
            "message": message,
        }
        if self.field is not None:
            body["field"] = self.field
        if self.details:
            body["details"] = {name: value for name, value in self.details.items() if _travels(value)}
        return body


class NotAllowed(Refusal):
    """You may not do this here."""

    zh = "您没有权限执行此操作。"
    status = 403


class SignInNeeded(Refusal):
    """Please sign in first."""

    zh = "请先登录。"
    status = 401


class NotFound(Refusal):
    """There is nothing here by that name."""

    zh = "未找到该内容。"
    status = 404


class BadField(Refusal):
    """This field cannot be read."""

    zh = "该字段无法识别。"
    status = 422


class TryAgain(Refusal):
    """Somebody else was faster; please try again."""

    zh = "系统繁忙，请稍后再试。"
    status = 503


def _filled(template: str, details: dict[str, Any]) -> str:
    try:
        return template.format(**details)
    except (KeyError, IndexError, ValueError):
        return template


def _travels(value: Any) -> bool:
    return isinstance(value, str | int | float | bool | list | dict) or value is None
