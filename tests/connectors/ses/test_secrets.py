"""Nothing secret and nobody's data stands in a log, in a repr, or in what an exception says."""

import base64
import logging

import pytest
import structlog
from structlog.testing import capture_logs

from linli.server.connectors.platforms.ses_hospedajes import synthetic
from tests.connectors.ses import guests
from tests.connectors.ses.guests import ACCOUNT, ADULT, message
from tests.connectors.ses.scripted import scripted
from tests.connectors.ses.test_answers import lot_answer

BASIC = base64.b64encode(f"{ACCOUNT.username}:{ACCOUNT.secret}".encode()).decode()
FORBIDDEN = (ACCOUNT.secret, BASIC, ADULT.document_number, "ERIKSSON", ADULT.phone, "UEsDB")


@pytest.mark.parametrize("answer", [(200, lot_answer()), (401, b""), (500, b"oops"), (200, b"<nonsense/>")])
def test_neither_login_nor_payload_nor_guest_is_logged(
    caplog: pytest.LogCaptureFixture, answer: tuple[int, bytes]
) -> None:
    caplog.set_level(logging.DEBUG)
    structlog.reset_defaults()
    with scripted() as script, capture_logs() as logs:
        script.answers = [answer]
        platform = guests.platform(script.url)
        sent = message()
        told = platform.send(messages=[sent])
        assert script.headers[0]["authorization"] == f"Basic {BASIC}"
        said = f"{logs} {caplog.text} {told!r} {sent!r} {platform!r} {ACCOUNT!r}"
    assert [word for word in FORBIDDEN if word in said] == []


def test_an_unreachable_platform_is_logged_without_them(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as logs:
        told = guests.platform("http://127.0.0.1:9").send(messages=[message()])
    said = f"{logs} {caplog.text} {told!r}"
    assert [word for word in FORBIDDEN if word in said] == []


def test_only_a_fictional_estate_may_speak_to_another_country() -> None:
    synthetic.check_synthetic(platform="ses_hospedajes", fictional=True)
    with pytest.raises(synthetic.OnlyFiction) as refusal:
        synthetic.check_synthetic(platform="ses_hospedajes", fictional=False)
    assert "ses_hospedajes" in refusal.value.message()["zh"]
    assert "fictional" in refusal.value.message()["en"]
