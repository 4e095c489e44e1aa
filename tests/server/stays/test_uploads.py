"""Uploads that no browser sends, at every door that takes a body: a problem document each, and nothing changed."""

from typing import Any

import pytest

from linli.server.kernel.actors import Role
from linli.server.stays.actions.registration import guest_token
from linli.server.stays.models import Stay
from tests.world import Unchanged, World, body_of

pytestmark = pytest.mark.django_db


def problem(answer: Any) -> dict[str, Any]:
    """The problem document of a refusal."""
    assert 400 <= answer.status_code < 500, answer.content[:300]
    assert answer["Content-Type"].startswith("application/problem+json"), answer.content[:300]
    return body_of(answer)


def hostile_uploads() -> dict[str, tuple[str, bytes]]:
    """Multipart bodies that no browser sends: content type and bytes."""
    many = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n' % number for number in range(1200)
    )
    files = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="f%d"; filename="a"\r\n\r\n1\r\n' % number
        for number in range(150)
    )
    return {
        "no boundary": ("multipart/form-data", b"--x\r\n"),
        "an impossible boundary": ("multipart/form-data; boundary=" + "x" * 300, b"--x\r\n"),
        "a boundary that is no ASCII": ("multipart/form-data; boundary=\u00e9", b"--x\r\n"),
        "nothing": ("multipart/form-data; boundary=x", b""),
        "no end": ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="picture"\r\n\r\n'),
        "broken base64": (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n'
            b"Content-Transfer-Encoding: base64\r\n\r\n!!!=\r\n--x--\r\n",
        ),
        "too many fields": ("multipart/form-data; boundary=x", many + b"--x--\r\n"),
        "too many files": ("multipart/form-data; boundary=x", files + b"--x--\r\n"),
        "another kind": ("text/plain", b"picture"),
        "an unknown encoding": ("application/json; charset=klingon", b"{}"),
        "too much": ("application/json", b'"' + b"x" * (13 * 1024 * 1024) + b'"'),
    }


@pytest.mark.parametrize("what", list(hostile_uploads()))
def test_an_upload_that_no_browser_sends_is_refused_like_any_other(world: World, what: str) -> None:
    stay = world.register(world.book()).stay
    phone = world.bearer(guest_token(Stay.objects.get(id=stay.id), now=world.now))
    desk = world.signed_in(Role.OFFICE)
    kind, content = hostile_uploads()[what]
    with Unchanged():
        problem(phone.generic("POST", "/api/stays/me/document-picture", content, content_type=kind))
        problem(phone.generic("POST", "/api/stays/me/reader-record", content, content_type=kind))
        problem(desk.generic("POST", "/api/bookings/feed", content, content_type=kind))
        problem(desk.generic("POST", "/api/bookings", content, content_type=kind, headers={"Idempotency-Key": "k" * 9}))
