"""Visits, staff, units and nights: what the lodging platform takes, in which order, and how it counts a night."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.sim.messages import ZONE, check_in_body, later_body, message, minute, new_stay

MESSAGES = "/lodging/v1/messages"
MARK = "DF2-03-2-0502"


def told(client: httpx.Client, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send one message and give the answer."""
    response = client.post(MESSAGES, json=message(kind, body))
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def said(answer: dict[str, Any]) -> tuple[str, str | None, str | None]:
    """What an answer comes down to."""
    return answer["answer"], answer.get("code"), answer.get("field")


def entered(**fields: Any) -> dict[str, Any]:
    """A body with who entered it and when; None takes a field away."""
    return {name: value for name, value in {"czr": "Linli", "czsj": minute(), **fields}.items() if value is not None}


def visit(**changes: Any) -> dict[str, Any]:
    """Somebody fictional comes to see a guest."""
    came, leaves = minute(timedelta(hours=-1)), minute(timedelta(hours=3))
    return entered(**{"lfbh": new_stay(), "lgdm": MARK, "xm": "王乙丑", "lfsj": came, "yjlksj": leaves, **changes})


def staff(**changes: Any) -> dict[str, Any]:
    """Somebody fictional who keeps two flats."""
    person = {name: check_in_body("x")[name] for name in ("xm", "xb", "csrq", "gj", "zjlx", "zjhm")}
    work = {"rybh": new_stay(), "lgdms": f"{MARK},DF2-03-2-0503", "gw": "2", "rzrq": "20260101", "lzbz": "0"}
    return entered(**{**person, **work, **changes})


def unit(**changes: Any) -> dict[str, Any]:
    """A flat of three rooms."""
    fields = {"lgdm": f"W{new_stay()[-12:]}", "dz": "东方新城二期3幢2单元502号", "lc": "5", "fjs": "3", "cws": "5"}
    fields["lgdm"] = fields["lgdm"].replace("_", "-")
    return entered(**{**fields, "jyz": "成都示例民宿有限公司", "zt": "1", **changes})


def test_a_visitor_comes_and_leaves_once(client: httpx.Client) -> None:
    comes = visit()
    leaves = entered(lfbh=comes["lfbh"], lgdm=MARK, lksj=minute())
    assert said(told(client, "VISITOR_OUT", leaves)) == ("REJECTED", "NOT_VISITING", "lfbh")
    assert told(client, "VISITOR_IN", comes)["receipt"]
    assert said(told(client, "VISITOR_IN", comes)) == ("REJECTED", "ALREADY_VISITING", "lfbh")
    early = {**leaves, "lksj": minute(timedelta(hours=-2))}
    assert said(told(client, "VISITOR_OUT", early)) == ("REJECTED", "OUT_BEFORE_IN", "lksj")
    assert said(told(client, "VISITOR_OUT", {**leaves, "lgdm": "W1"})) == ("REJECTED", "MISMATCH", "lgdm")
    assert told(client, "VISITOR_OUT", leaves)["answer"] == "ACCEPTED"
    assert said(told(client, "VISITOR_OUT", leaves)) == ("REJECTED", "ALREADY_LEFT", "lfbh")
    rows = {row["lfbh"]: row for row in client.get("/lodging/v1/visits", params={"size": 1000}).json()["rows"]}
    assert rows[comes["lfbh"]]["state"] == "OUT"
    assert "person" not in rows[comes["lfbh"]]


def test_staff_are_told_again_and_again_and_leave_only_after_they_came(client: httpx.Client) -> None:
    works = staff()
    assert said(told(client, "STAFF", {**works, "lzbz": "1"})) == ("REJECTED", "STAFF_UNKNOWN", "rybh")
    for changes in ({}, {"gw": "3"}, {"lzbz": "1"}, {"lzbz": "0"}):
        assert told(client, "STAFF", {**works, **changes})["answer"] == "ACCEPTED", changes


def test_a_unit_is_registered_once_changes_and_closes_for_good(client: httpx.Client) -> None:
    flat = unit()
    closing = entered(lgdm=flat["lgdm"], gbsj=minute(), gbyy="停止经营")
    assert said(told(client, "UNIT_UPDATE", flat)) == ("REJECTED", "UNIT_UNKNOWN", "lgdm")
    assert said(told(client, "UNIT_CLOSE", closing)) == ("REJECTED", "UNIT_UNKNOWN", "lgdm")
    assert told(client, "UNIT_CREATE", flat)["answer"] == "ACCEPTED"
    assert said(told(client, "UNIT_CREATE", flat)) == ("REJECTED", "UNIT_KNOWN", "lgdm")
    assert told(client, "UNIT_UPDATE", {**flat, "zt": "2"})["answer"] == "ACCEPTED"
    assert told(client, "UNIT_CLOSE", closing)["answer"] == "ACCEPTED"
    for kind, body in (("UNIT_CREATE", flat), ("UNIT_UPDATE", flat), ("UNIT_CLOSE", closing)):
        assert said(told(client, kind, body)) == ("REJECTED", "UNIT_CLOSED", "lgdm")


WRONG = [
    ("VISITOR_IN", visit, {"xm": None}, "MISSING", "xm"),
    ("VISITOR_IN", visit, {"lxdh": "13800000000"}, "UNKNOWN_FIELD", "lxdh"),
    ("VISITOR_IN", visit, {"zjlx": "111"}, "MISSING", "zjhm"),
    ("VISITOR_IN", visit, {"zjlx": "111", "zjhm": "510108199003070011"}, "BAD_CHECK_DIGIT", "zjhm"),
    ("VISITOR_IN", visit, {"lfsj": minute(timedelta(hours=3))}, "IN_THE_FUTURE", "lfsj"),
    ("VISITOR_IN", visit, {"yjlksj": minute(timedelta(hours=-3))}, "OUT_BEFORE_IN", "yjlksj"),
    ("VISITOR_IN", visit, {"yjlksj": minute(timedelta(days=2))}, "BAD_DATE", "yjlksj"),
    ("STAFF", staff, {"gw": "7"}, "BAD_FORMAT", "gw"),
    ("STAFF", staff, {"lgdms": "W1,,W2"}, "BAD_FORMAT", "lgdms"),
    ("STAFF", staff, {"mz": "01"}, "UNKNOWN_FIELD", "mz"),
    ("STAFF", staff, {"gj": "FRA", "zjlx": "414"}, "MISSING", "ywx"),
    ("UNIT_CREATE", unit, {"fjs": "many"}, "BAD_FORMAT", "fjs"),
    ("UNIT_CREATE", unit, {"jyzdm": "91510100I00000001X"}, "BAD_FORMAT", "jyzdm"),
    ("UNIT_CREATE", unit, {"dz": "<b>"}, "BAD_FORMAT", "dz"),
]


@pytest.mark.parametrize(("kind", "body", "changes", "code", "field"), WRONG)
def test_a_wrong_field_is_refused_by_name_and_nothing_is_registered(
    client: httpx.Client, kind: str, body: Any, changes: dict[str, Any], code: str, field: str
) -> None:
    before = counts(client)
    assert said(told(client, kind, body(**changes))) == ("REJECTED", code, field)
    assert counts(client) == before


def counts(client: httpx.Client) -> dict[str, int]:
    """What is registered besides stays."""
    shown = client.get("/lodging/v1/books", params={"size": 1}).json()
    return {name: shown[name] for name in ("visits", "visiting", "staff", "units")}


def night_of(client: httpx.Client, night: datetime, mark: str) -> int:
    """How many guests one unit had in a night."""
    shown = client.get(f"/lodging/v1/nights/{night:%Y%m%d}").json()
    assert shown["guests"] == sum(shown["units"].values())
    return int(shown["units"].get(mark, 0))


def test_a_night_counts_who_was_there_between_midnight_and_six(client: httpx.Client) -> None:
    mark = "NIGHT-" + new_stay()[5:13]
    night = datetime.now(UTC).astimezone(ZONE).replace(hour=0, minute=0) - timedelta(days=3)
    hours = {
        "evening and stays": (20, None),
        "evening and leaves before midnight": (20, 23),
        "late and leaves at two": (22, 26),
        "after midnight": (25, 33),
        "after breakfast": (32, None),
        "day only": (10, 16),
    }
    for came, left in hours.values():
        zsbh = new_stay()
        arrived, leaves = night + timedelta(hours=came), night + timedelta(days=2)
        body = check_in_body(zsbh, lgdm=mark, rzsj=f"{arrived:%Y%m%d%H%M}", ydtfsj=f"{leaves:%Y%m%d%H%M}")
        assert told(client, "CHECK_IN", body)["answer"] == "ACCEPTED"
        if left is not None:
            gone = later_body(zsbh, lgdm=mark, tfsj=f"{night + timedelta(hours=left):%Y%m%d%H%M}")
            assert told(client, "CHECK_OUT", gone)["answer"] == "ACCEPTED"
    cancelled = new_stay()
    told(client, "CHECK_IN", check_in_body(cancelled, lgdm=mark, rzsj=f"{night + timedelta(hours=20):%Y%m%d%H%M}"))
    told(client, "CANCEL", later_body(cancelled, lgdm=mark, cxyy="误报"))
    assert night_of(client, night - timedelta(days=1), mark) == 0
    assert night_of(client, night, mark) == 3
    assert night_of(client, night + timedelta(days=1), mark) == 2


def test_a_night_that_is_no_day_is_refused(client: httpx.Client) -> None:
    for night in ("20260231", "x", "2026-01-01"):
        assert client.get(f"/lodging/v1/nights/{night}").status_code == 400
