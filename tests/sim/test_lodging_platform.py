"""The lodging platform over real HTTP: what it accepts, what it refuses and why, and what its books say afterwards."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.sim.messages import check_in_body, later_body, message, minute, new_stay

MESSAGES = "/lodging/v1/messages"


def told(client: httpx.Client, kind: str, body: dict[str, Any], lsh: str | None = None) -> dict[str, Any]:
    """Send one message and give the answer."""
    response = client.post(MESSAGES, json=message(kind, body, lsh))
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def summary(client: httpx.Client) -> dict[str, Any]:
    """The counts of the books, without rows."""
    shown: dict[str, Any] = client.get("/lodging/v1/books", params={"size": 1}).json()
    return {name: value for name, value in shown.items() if name not in ("rows", "next")}


def test_a_stay_from_arrival_to_departure_is_accepted_step_by_step(client: httpx.Client) -> None:
    zsbh = new_stay()
    before = summary(client)["guests_in_house"]
    steps = [
        ("CHECK_IN", check_in_body(zsbh)),
        (
            "AMEND",
            {k: v for k, v in check_in_body(zsbh, xm="王乙丑").items() if k not in ("fh", "cw", "ydtfsj")},
        ),
        ("ROOM_CHANGE", later_body(zsbh, fh="R2", cw="B1", hfsj=minute())),
        ("EXTEND", later_body(zsbh, ydtfsj=minute(timedelta(days=3)))),
    ]
    for kind, body in steps:
        answer = told(client, kind, body)
        assert answer["answer"] == "ACCEPTED", answer
        assert answer["receipt"].startswith("LG")
    stay = client.get(f"/lodging/v1/stays/{zsbh}").json()
    assert (stay["check_in"], stay["check_out"], stay["fh"], stay["state"]) == (True, False, "R2", "IN")
    assert summary(client)["guests_in_house"] == before + 1
    assert told(client, "CHECK_OUT", later_body(zsbh, tfsj=minute(), tdtf="0"))["answer"] == "ACCEPTED"
    assert client.get(f"/lodging/v1/stays/{zsbh}").json()["check_out"] is True
    assert summary(client)["guests_in_house"] == before


def test_the_same_message_twice_has_one_answer_and_one_row(client: httpx.Client) -> None:
    sent = message("CHECK_IN", check_in_body(new_stay()))
    before = summary(client)
    answers = [client.post(MESSAGES, json=sent).json() for _ in range(3)]
    after = summary(client)
    assert answers[0] == answers[1] == answers[2]
    assert after["messages"] == before["messages"] + 1
    assert after["repeated"] == before["repeated"] + 2
    assert client.get(f"{MESSAGES}/{sent['lsh']}").json() == answers[0]


def test_a_message_id_cannot_carry_a_second_message(client: httpx.Client) -> None:
    sent = message("CHECK_IN", check_in_body(new_stay()))
    first = client.post(MESSAGES, json=sent).json()
    other = client.post(MESSAGES, json={**sent, "body": check_in_body(new_stay())}).json()
    assert (other["answer"], other["code"], other["field"]) == ("REJECTED", "LSH_REUSED", "lsh")
    assert client.get(f"{MESSAGES}/{sent['lsh']}").json() == first


def test_a_rejected_message_stays_rejected_and_a_mended_one_needs_a_new_id(client: httpx.Client) -> None:
    zsbh = new_stay()
    wrong = message("CHECK_IN", check_in_body(zsbh, xm=None))
    assert client.post(MESSAGES, json=wrong).json()["code"] == "MISSING"
    assert client.post(MESSAGES, json=wrong).json()["code"] == "MISSING"
    assert told(client, "CHECK_IN", check_in_body(zsbh))["answer"] == "ACCEPTED"


REFUSALS = [
    ({"zsbh": "a stay"}, "BAD_FORMAT", "zsbh"),
    ({"zsbh": None}, "MISSING", "zsbh"),
    ({"lgdm": "'; DROP TABLE stay; --"}, "BAD_FORMAT", "lgdm"),
    ({"xm": "<script>alert(1)</script>"}, "BAD_FORMAT", "xm"),
    ({"xm": "王" * 61}, "BAD_FORMAT", "xm"),
    ({"xm": ""}, "BAD_FORMAT", "xm"),
    ({"xm": 7}, "BAD_FORMAT", "xm"),
    ({"xm": None}, "MISSING", "xm"),
    ({"xb": "3"}, "BAD_FORMAT", "xb"),
    ({"xb": "2"}, "MISMATCH", "xb"),
    ({"csrq": "19900231"}, "BAD_DATE", "csrq"),
    ({"csrq": "19900308"}, "MISMATCH", "csrq"),
    ({"csrq": "1990-03-07"}, "BAD_FORMAT", "csrq"),
    ({"csrq": "29900307"}, "IN_THE_FUTURE", "csrq"),
    ({"csrq": "١٩٩٠٠٣٠٧"}, "BAD_FORMAT", "csrq"),
    ({"gj": "XYZ"}, "BAD_CODE", "gj"),
    ({"gj": "USA", "ywx": "MUSTER"}, "MISMATCH", "gj"),
    ({"zjlx": "777"}, "BAD_CODE", "zjlx"),
    ({"zjhm": "510108199003070011"}, "BAD_CHECK_DIGIT", "zjhm"),
    ({"zjhm": "51010819900307001"}, "BAD_FORMAT", "zjhm"),
    ({"fh": ""}, "BAD_FORMAT", "fh"),
    ({"rzsj": "202613011200"}, "BAD_DATE", "rzsj"),
    ({"rzsj": minute(timedelta(hours=2))}, "IN_THE_FUTURE", "rzsj"),
    ({"ydtfsj": minute(timedelta(days=-2))}, "OUT_BEFORE_IN", "ydtfsj"),
    ({"ydtfsj": minute(timedelta(days=500))}, "BAD_DATE", "ydtfsj"),
    ({"mz": "01"}, "UNKNOWN_FIELD", "mz"),
    ({"tfsj": minute()}, "UNKNOWN_FIELD", "tfsj"),
]


@pytest.mark.parametrize(("changes", "code", "field"), REFUSALS)
def test_a_wrong_field_is_refused_by_name_and_changes_no_stay(
    client: httpx.Client, changes: dict[str, Any], code: str, field: str
) -> None:
    zsbh = new_stay()
    before = summary(client)["stays"]
    answer = told(client, "CHECK_IN", check_in_body(zsbh, **changes))
    assert (answer["answer"], answer.get("code"), answer.get("field")) == ("REJECTED", code, field)
    assert summary(client)["stays"] == before
    assert code in client.get("/lodging/v1/codes").json()


GUESTS = [
    {"zjlx": "516", "zjhm": "H12345678", "gj": "HKG"},
    {"zjlx": "511", "zjhm": "12345678", "gj": "TWN"},
    {"zjlx": "990", "zjhm": "830000197712010044", "csrq": "19771201", "xb": "2", "gj": "TWN"},
    {"zjlx": "414", "zjhm": "L898902C3", "gj": "UTO", "ywx": "ERIKSSON", "ywm": "ANNA MARIA", "xm": None},
    {
        "zjlx": "414",
        "zjhm": "X12345678",
        "gj": "FRA",
        "ywx": "O'EXEMPLE-MODELE",
        "xm": "Zoé Exemple",
        "nlkrq": "20300101",
    },
    {"zjlx": "990", "zjhm": "保和派出所2026第0012号".replace("第", "").replace("号", "")},
]


@pytest.mark.parametrize("person", GUESTS)
def test_every_kind_of_guest_can_be_registered(client: httpx.Client, person: dict[str, Any]) -> None:
    assert told(client, "CHECK_IN", check_in_body(new_stay(), **person))["answer"] == "ACCEPTED"


def test_order_is_kept_within_a_stay(client: httpx.Client) -> None:
    zsbh = new_stay()
    leave = later_body(zsbh, tfsj=minute())
    assert told(client, "CHECK_OUT", leave)["code"] == "NOT_CHECKED_IN"
    assert told(client, "CHECK_IN", check_in_body(zsbh))["answer"] == "ACCEPTED"
    assert told(client, "CHECK_IN", check_in_body(zsbh))["code"] == "ALREADY_CHECKED_IN"
    early = later_body(zsbh, tfsj=minute(timedelta(days=-3)))
    assert told(client, "CHECK_OUT", early)["code"] == "OUT_BEFORE_IN"
    assert told(client, "CHECK_OUT", leave | {"lgdm": "DF2-01-1-0101"})["code"] == "MISMATCH"
    assert told(client, "CHECK_OUT", leave)["answer"] == "ACCEPTED"
    assert told(client, "EXTEND", later_body(zsbh, ydtfsj=minute(timedelta(days=4))))["code"] == "ALREADY_CHECKED_OUT"
    assert told(client, "CANCEL", later_body(zsbh, cxyy="误报"))["code"] == "ALREADY_CHECKED_OUT"


def test_a_cancelled_registration_is_over(client: httpx.Client) -> None:
    zsbh = new_stay()
    told(client, "CHECK_IN", check_in_body(zsbh))
    assert told(client, "CANCEL", later_body(zsbh, cxyy="旅客未到"))["answer"] == "ACCEPTED"
    assert told(client, "CHECK_OUT", later_body(zsbh, tfsj=minute()))["code"] == "CANCELLED"


def test_a_kind_that_does_not_exist_is_refused(client: httpx.Client) -> None:
    assert told(client, "HIT", check_in_body(new_stay()))["code"] == "UNKNOWN_KIND"


ENVELOPES = [
    (b"not json", "json"),
    (b"", "json"),
    (b'{"lsh": "a"', "json"),
    (b"[]", "json"),
    (b"\xff\xfe", "json"),
    (b"[" * 60_000, "json"),
    (b'{"kind": "CHECK_IN", "sent_at": "now", "body": {}}', "lsh"),
    (b'{"lsh": "' + b"x" * 81 + b'", "kind": "CHECK_IN", "sent_at": "now", "body": {}}', "lsh"),
    (b'{"lsh": "a", "kind": "CHECK_IN", "sent_at": "now", "body": []}', "body"),
    (b'{"lsh": "a", "kind": "CHECK_IN", "sent_at": "now", "body": {}, "more": 1}', "more"),
    (b'{"lsh": "' + b"x" * 70_000 + b'"}', "too_long"),
]


@pytest.mark.parametrize(("raw", "field"), ENVELOPES)
def test_what_is_no_message_leaves_no_trace(client: httpx.Client, raw: bytes, field: str) -> None:
    before = summary(client)
    response = client.post(MESSAGES, content=raw, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["field"]) == (400, field)
    assert summary(client) == before


def test_without_the_token_nothing_is_told(client: httpx.Client) -> None:
    for path in (f"{MESSAGES}/x", "/lodging/v1/books", "/lodging/v1/stays", "/faults"):
        assert client.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 401
    refused = client.post(MESSAGES, json=message("CHECK_IN", check_in_body(new_stay())), headers={"Authorization": ""})
    assert refused.status_code == 401


def test_an_unknown_message_is_not_there(client: httpx.Client) -> None:
    assert client.get(f"{MESSAGES}/never-sent").status_code == 404
    assert client.get("/lodging/v1/stays/never-sent").status_code == 404


def test_the_books_are_read_page_by_page(client: httpx.Client) -> None:
    for _ in range(5):
        told(client, "CHECK_IN", check_in_body(new_stay()))
    total = summary(client)["messages"]
    seen: list[str] = []
    after: int | None = 0
    while after is not None:
        page = client.get("/lodging/v1/books", params={"after": after, "size": 3}).json()
        seen += [row["lsh"] for row in page["rows"]]
        after = page["next"]
    assert len(seen) == len(set(seen)) == total
    assert client.get("/lodging/v1/books", params={"after": "x"}).status_code == 400
    stays = client.get("/lodging/v1/stays", params={"size": 1000}).json()
    assert len(stays["rows"]) == summary(client)["stays"]
