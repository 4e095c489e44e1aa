"""A guest from abroad asks for the receipt, somebody scans it: given when there is one, true at every later look, forged by nobody."""

import io
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import zxingcpp
from django.test import Client
from PIL import Image

from linli.server.connectors.models import Report
from linli.server.connectors.receipts import printing, queries
from linli.server.connectors.receipts.rules import NoPaperForThisGuest, NotReceiptedYet
from linli.server.connectors.rules import MessageKind
from linli.server.kernel import tickets
from linli.server.kernel.actors import Role
from linli.server.kernel.errors import NotAllowed
from linli.server.stays import actions as stays
from linli.server.stays.actions.registration import guest_token
from linli.server.stays.models import Stay
from linli.server.stays.queries import StayView
from tests.connectors.reconciling.evening import Evening
from tests.world import body_of

pytestmark = pytest.mark.django_db
needs_chinese = pytest.mark.skipif(printing.typefaces().chinese is None, reason="this machine has no Chinese typeface")


def come(evening: Evening, kind: str = "foreign") -> StayView:
    """A guest of a kind comes in."""
    booked = evening.world.book("dorm", guests=1)
    stay = evening.world.register(booked, evening.world.person(kind)).stay
    stays.confirm_by_eye(actor=evening.world.guard, stay_id=stay.id, now=evening.world.now)
    return stays.check_in(actor=evening.world.guard, stay_id=stay.id, now=evening.world.now)


@pytest.fixture
def guest(evening: Evening, books: httpx.Client) -> StayView:
    """A guest from abroad, reported and receipted."""
    stay = come(evening)
    evening.tell(stay)
    evening.deliver()
    return stay


def code_of(evening: Evening, guest: StayView) -> str:
    """What a phone reads off the printed page."""
    paper = queries.get_paper(actor=evening.world.guest(guest), stay_id=guest.id, now=evening.world.now)
    picture = printing.as_picture(paper, faces=printing.typefaces())
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)).convert("L"))
    return code.text


def scan(address: str, *, accept: str = "application/json") -> Any:
    """Anybody follows the code."""
    return Client(raise_request_exception=False).get(urlsplit(address).path, headers={"accept": accept})


def phone(evening: Evening, guest: StayView) -> Client:
    """The guest's own phone."""
    return evening.world.bearer(guest_token(Stay.objects.get(id=guest.id), now=evening.world.now))


@needs_chinese
def test_the_code_on_the_paper_says_that_the_receipt_stands(evening: Evening, guest: StayView) -> None:
    report = Report.objects.get(subject_id=guest.id)
    told = body_of(scan(code_of(evening, guest)))
    assert (told["state"], told["receipt"], told["name_masked"]) == ("VALID", report.receipt, guest.name_masked)
    assert told["arrived_date"] == evening.day.isoformat()
    assert told["says"]["zh"].startswith("有效")
    assert "*" in told["unit_mark_masked"]


@needs_chinese
def test_whoever_scans_learns_nothing_that_is_not_on_the_list(evening: Evening, guest: StayView) -> None:
    answer = scan(code_of(evening, guest))
    assert set(body_of(answer)) == {
        *("estate_zh", "estate_en", "unit_mark_masked", "arrived_date", "until_date", "name_masked", "receipt"),
        *("received_at", "printed_at", "state", "says"),
    }
    row = Stay.objects.get(id=guest.id)
    mark = evening.world.units["dorm"].mark_code or ""
    for secret in (row.person_id, row.document_id, guest.id, mark, row.document_masked):
        assert secret
        assert secret not in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"


@needs_chinese
def test_a_browser_gets_a_page_in_both_languages(evening: Evening, guest: StayView) -> None:
    answer = scan(code_of(evening, guest), accept="text/html,*/*")
    page = answer.content.decode()
    assert answer["Content-Type"].startswith("text/html")
    for text in ("有效", "Valid", guest.name_masked, 'lang="en"', "样例小区"):
        assert text in page
    assert "<script" not in page
    forged = scan("/api/receipts/" + "x" * 40, accept="text/html")
    assert forged.status_code == 404
    assert "不是本系统签发" in forged.content.decode()


@needs_chinese
def test_a_code_that_was_changed_or_signed_for_something_else_is_not_ours(evening: Evening, guest: StayView) -> None:
    address = code_of(evening, guest)
    token = address.rsplit("/", 1)[1]
    other = tickets.issue("guest", {"id": Report.objects.get(subject_id=guest.id).id, "e": 1}, now=evening.world.now)
    unknown = tickets.issue("receipt", {"id": "rep_0", "e": 1}, now=evening.world.now)
    changed = [token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :] for place in (0, 9, -2)]
    for wrong in (*changed, token[:-1], other, unknown, "a.b.c", "%00", "x" * 3000):
        answer = scan(f"/api/receipts/{wrong}")
        assert (answer.status_code, body_of(answer)["code"]) == (404, "receipt_unknown"), wrong[:60]


@needs_chinese
def test_a_paper_says_later_what_has_become_of_it(evening: Evening, guest: StayView) -> None:
    address = code_of(evening, guest)
    evening.tell(guest, kind=MessageKind.EXTEND, at=evening.at(21))
    assert body_of(scan(address))["state"] == "AMENDED"
    evening.world.now = evening.at(22)
    assert body_of(scan(code_of(evening, guest)))["state"] == "VALID"
    evening.leave(guest, at=evening.at(23))
    evening.tell(guest, kind=MessageKind.CHECK_OUT, at=evening.at(23))
    assert body_of(scan(address))["state"] == "ENDED"
    Report.objects.filter(subject_id=guest.id, kind="CHECK_IN").update(edition=2)
    assert body_of(scan(address))["state"] == "WITHDRAWN"


@needs_chinese
def test_the_guest_the_operator_and_the_desk_print_it_and_nobody_else(evening: Evening, guest: StayView) -> None:
    world = evening.world
    own = phone(evening, guest).get("/api/stays/me/receipt")
    assert (own.status_code, own["Content-Type"], own.content[:5]) == (200, "application/pdf", b"%PDF-")
    host = world.signed_in(Role.OPERATOR, scope=f"operator:{world.operator_id}")
    for client in (host, world.signed_in(Role.OFFICE), world.signed_in(Role.GUARD)):
        assert client.get(f"/api/stays/{guest.id}/receipt").content[:5] == b"%PDF-"
    stranger = world.signed_in(Role.OPERATOR, scope=f"operator:{world.other_operator_id}")
    for client in (stranger, world.signed_in(Role.POLICE), world.signed_in(Role.COMMITTEE)):
        assert client.get(f"/api/stays/{guest.id}/receipt").status_code == 403
    (fellow,) = evening.arrive("other")
    assert phone(evening, fellow).get(f"/api/stays/{guest.id}/receipt").status_code == 403


def test_the_paper_is_masked_and_opens_nobodys_data(evening: Evening, guest: StayView) -> None:
    person = Stay.objects.select_related("document").get(id=guest.id)
    paper = queries.get_paper(actor=evening.world.office, stay_id=guest.id, now=evening.world.now)
    said = " ".join(line.zh for line in paper.lines)
    assert person.guest_masked in said
    assert person.document_masked in said
    assert "*" in person.document_masked
    assert "第三十九条" in paper.notes[0][0]
    assert any(line.name_zh == "回执编号" and line.zh for line in paper.lines)
    assert f"{evening.world.now:%Y-%m-%d %H:%M}" in said


@pytest.mark.parametrize("kind", ["hong_kong", "macao", "taiwan"])
def test_guests_from_hong_kong_macao_and_taiwan_have_one_too(evening: Evening, books: httpx.Client, kind: str) -> None:
    stay = come(evening, kind)
    evening.tell(stay)
    evening.deliver()
    paper = queries.get_paper(actor=evening.world.office, stay_id=stay.id, now=evening.world.now)
    assert "第六条" in paper.notes[0][0]


def test_before_there_is_a_receipt_the_refusal_says_where_the_report_stands(
    evening: Evening, books: httpx.Client
) -> None:
    stay = come(evening)
    for state in ("NOT_DUE", "QUEUED"):
        with pytest.raises(NotReceiptedYet) as refused:
            queries.get_paper(actor=evening.world.office, stay_id=stay.id, now=evening.world.now)
        assert refused.value.details == {"state": state}
        evening.tell(stay)
    books.post("/faults", json={"reject": 1})
    evening.deliver()
    answer = phone(evening, stay).get("/api/stays/me/receipt")
    assert (answer.status_code, body_of(answer)["details"]) == (409, {"state": "REJECTED"})


def test_a_guest_from_the_mainland_needs_no_paper(evening: Evening, books: httpx.Client) -> None:
    (stay,) = evening.arrive()
    evening.tell(stay)
    evening.deliver()
    with pytest.raises(NoPaperForThisGuest):
        queries.get_paper(actor=evening.world.office, stay_id=stay.id, now=evening.world.now)
    with pytest.raises(NotAllowed):
        queries.get_paper(actor=evening.world.other_operator, stay_id=stay.id, now=evening.world.now)
