"""Reports over HTTP: who sees what, sending again once, and refusals that change nothing."""

import json
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from linli.server.connectors.delivery import Courier
from linli.server.connectors.models import Link, Report
from linli.server.connectors.platforms.lodging import LodgingPlatform
from linli.server.kernel import clock
from linli.server.people import actions as people
from linli.server.people.actions import RoleInput
from tests.server.connectors.hostel import Hostel

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-sentence-for-9-tests"


def signed_in(hostel: Hostel, role: str, scope: str = "*") -> Client:
    """A browser signed in with one role."""
    name = f"{role}.{hostel.estate_id[-6:].lower()}"
    people.open_account(
        actor=hostel.hand,
        username=name,
        password=PASSWORD,
        display_name="样例",
        roles=[RoleInput(role=role, scope=scope)],
        now=clock.now(),
    )
    client = Client()
    answer = client.post(
        "/api/session", json.dumps({"username": name, "password": PASSWORD}), content_type="application/json"
    )
    assert answer.status_code == 200, answer.content
    return client


def post(client: Client, path: str, body: object | None = None, **headers: str) -> Any:
    """A JSON post."""
    return client.post(path, json.dumps(body or {}), content_type="application/json", headers=headers)


@pytest.fixture
def rejected(hostel: Hostel, platform: LodgingPlatform, books: object) -> Report:
    """A report that the platform refused."""
    hostel.arrive(person=replace(hostel.person(), native_name="<b>王甲子</b>"))
    hostel.relay()
    Courier(platform=platform).deliver_one()
    (report,) = Report.objects.all()
    assert report.state == "REJECTED"
    return report


def test_the_office_sees_why_a_report_waits_and_for_whom(hostel: Hostel, rejected: Report) -> None:
    client = signed_in(hostel, "office")
    page = client.get("/api/reports", {"state": "REJECTED"}).json()
    (row,) = page["items"]
    assert (page["total"], page["page"], row["id"], row["code"], row["field"]) == (
        1,
        1,
        rejected.id,
        "BAD_FORMAT",
        "xm",
    )
    assert row["owner"] == f"operator:{hostel.operator_id}"
    assert set(row["says"]) == {"zh", "en"}
    assert client.get("/api/reports", {"state": "ACCEPTED"}).json()["items"] == []
    shown = client.get(f"/api/reports/{rejected.id}").json()
    assert [exchange["verdict"] for exchange in shown["exchanges"]] == ["REJECTED"]
    assert "王" not in json.dumps(shown, ensure_ascii=False)


def test_an_operator_sees_the_reports_of_own_flats_alone(hostel: Hostel, rejected: Report) -> None:
    own = signed_in(hostel, "operator", f"operator:{hostel.operator_id}")
    assert own.get("/api/reports").json()["total"] == 1
    people_of_another = "operator:op_" + "0" * 26
    Report.objects.update(operator_id=people_of_another.removeprefix("operator:"))
    assert own.get("/api/reports").json()["total"] == 0
    assert own.get(f"/api/reports/{rejected.id}").status_code == 404


@pytest.mark.parametrize("role", ["guard", "property"])
def test_who_has_no_business_with_reports_sees_none_and_changes_none(
    hostel: Hostel, rejected: Report, role: str
) -> None:
    client = signed_in(hostel, role)
    assert client.get("/api/reports").status_code == 403
    assert client.get("/api/links").status_code == 403
    assert post(client, f"/api/reports/{rejected.id}/replay").status_code == 403
    assert post(client, "/api/reports/replay", {"reason": "nonsense"}).status_code == 403
    assert post(client, "/api/links/lodging/pause", {"reason": "because"}).status_code == 403
    assert Report.objects.get().state == "REJECTED"
    assert Link.objects.get().paused_at is None


def test_a_stranger_is_asked_to_sign_in(hostel: Hostel, rejected: Report) -> None:
    client = Client()
    for path in ("/api/reports", f"/api/reports/{rejected.id}", "/api/links"):
        assert client.get(path).status_code == 401
    assert post(client, f"/api/reports/{rejected.id}/replay").status_code == 401
    assert Report.objects.get().edition == 1


def test_a_report_is_sent_again_once_however_often_the_button_is_pressed(hostel: Hostel, rejected: Report) -> None:
    client = signed_in(hostel, "office")
    answers = [post(client, f"/api/reports/{rejected.id}/replay", **{"Idempotency-Key": "one-press"}) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["state"] for answer in answers} == {"QUEUED"}
    assert Report.objects.get().edition == 2
    again = post(client, f"/api/reports/{rejected.id}/replay")
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_replay")


def test_a_link_is_paused_and_resumed_by_the_head_of_the_estate(hostel: Hostel, rejected: Report) -> None:
    client = signed_in(hostel, "estate_admin")
    assert post(client, "/api/links/lodging/pause", {"reason": "平台维护"}).status_code == 204
    (link,) = client.get("/api/links").json()
    assert (link["platform"], link["pause_reason"]) == ("lodging", "平台维护")
    assert post(client, "/api/links/lodging/resume").status_code == 204
    assert client.get("/api/links").json()[0]["paused_at"] is None
    assert post(client, "/api/links/nobody/pause", {"reason": "why"}).status_code == 404


@pytest.mark.parametrize(
    "query",
    [{"state": "MAYBE"}, {"page": "0"}, {"page": "x"}, {"platform": "p" * 21}, {"page": "99999999999999999999"}],
)
def test_a_question_that_makes_no_sense_is_refused_kindly(
    hostel: Hostel, rejected: Report, query: dict[str, str]
) -> None:
    answer = signed_in(hostel, "office").get("/api/reports", query)
    assert answer.status_code == 422
    assert answer["content-type"].startswith("application/problem+json")


def test_a_report_that_does_not_exist_is_not_found(hostel: Hostel, rejected: Report) -> None:
    client = signed_in(hostel, "office")
    for report_id in ("rep_0", "'; DROP TABLE connectors_report; --", "%00", "x" * 500):
        assert client.get(f"/api/reports/{report_id}").status_code in (404, 422)
        assert post(client, f"/api/reports/{report_id}/replay").status_code in (404, 422)
