"""Nights and questions over HTTP: who counts, who is shown what, and that only a question's owner answers it."""

import json
from typing import Any

import httpx
import pytest
from django.test import Client

from linli.server.connectors.models import Question
from linli.server.kernel.actors import Role
from tests.connectors.reconciling import evening as evenings
from tests.connectors.reconciling.evening import Evening
from tests.world import Unchanged, body_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(evening: Evening, books: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> Evening:
    """A night with a question to the operator and one to the office."""
    evenings.link(monkeypatch, evening, "api.reconciling")
    booked = evening.world.book("dorm", guests=2)
    evening.world.register(booked)
    evening.arrive("other")
    evening.count()
    return evening


def post(client: Client, path: str, body: dict[str, Any], **headers: str) -> Any:
    """Post JSON."""
    return client.post(path, json.dumps(body), content_type="application/json", headers=headers)


def question(kind: str, unit: str = "") -> Question:
    """The question of a kind."""
    rows = Question.objects.filter(kind=kind)
    return rows.get(unit_id=unit) if unit else rows.get()


def test_the_office_counts_and_sees_every_flat(asked: Evening) -> None:
    office = asked.world.signed_in(Role.OFFICE)
    answer = post(office, "/api/reconciliations", {"date": asked.day.isoformat()})
    assert answer.status_code == 200
    (lodging,) = body_of(answer)["platforms"]
    assert (lodging["platform"], lodging["booked"], lodging["registered"], lodging["entered"]) == ("lodging", 3, 2, 1)
    assert (lodging["counted"], lodging["silent"]) == (0, 1)
    (seen,) = body_of(office.get("/api/reconciliations", {"date": asked.day.isoformat()}))["platforms"]
    assert (seen["units"], seen["questions_open"]) == (lodging["units"], lodging["questions_open"])
    assert {unit["even"] for unit in lodging["units"]} == {False}


def test_a_night_that_was_never_counted_is_empty_and_a_day_that_is_none_is_refused(asked: Evening) -> None:
    office = asked.world.signed_in(Role.OFFICE)
    empty = body_of(office.get("/api/reconciliations", {"date": "2020-01-01"}))
    assert (empty["counted_at"], empty["platforms"]) == (None, [])
    for day in ("0001-01-01", "9999-12-31", "yesterday", ""):
        assert office.get("/api/reconciliations", {"date": day}).status_code == 422
        with Unchanged():
            assert post(office, "/api/reconciliations", {"date": day}).status_code == 422


def test_an_operator_sees_only_own_questions_and_the_police_only_how_many(asked: Evening) -> None:
    operator = asked.world.signed_in(Role.OPERATOR, scope=f"operator:{asked.world.operator_id}")
    mine = body_of(operator.get("/api/questions"))
    assert {row["owner"] for row in mine["items"]} == {f"operator:{asked.world.operator_id}"}
    assert mine["counts"]["open"] == mine["total"] == 2
    other = asked.world.signed_in(Role.OPERATOR, scope=f"operator:{asked.world.other_operator_id}")
    assert body_of(other.get("/api/questions"))["items"] == []
    police = body_of(asked.world.signed_in(Role.POLICE).get("/api/questions"))
    assert (police["items"], police["total"]) == ([], 0)
    assert police["counts"]["open"] == 3
    assert asked.world.signed_in(Role.GUARD).get("/api/questions").status_code == 403
    office = body_of(asked.world.signed_in(Role.OFFICE).get("/api/questions", {"state": "OPEN"}))
    assert len(office["items"]) == 3
    assert all(row["says"]["zh"] and row["says"]["en"] for row in office["items"])


def test_only_its_owner_answers_a_question(asked: Evening) -> None:
    theirs, ours = question("booked"), question("silent")
    operator = asked.world.signed_in(Role.OPERATOR, scope=f"operator:{asked.world.operator_id}")
    stranger = asked.world.signed_in(Role.OPERATOR, scope=f"operator:{asked.world.other_operator_id}")
    office = asked.world.signed_in(Role.OFFICE)
    for client, row in ((stranger, theirs), (office, theirs), (operator, ours)):
        with Unchanged():
            assert post(client, f"/api/questions/{row.id}/answer", {"text": "已核对"}).status_code == 403
    answer = post(operator, f"/api/questions/{theirs.id}/answer", {"text": "  第二位客人\n 明天到  "})
    assert answer.status_code == 200
    assert (body_of(answer)["state"], body_of(answer)["answer"]) == ("ANSWERED", "第二位客人 明天到")
    assert post(office, f"/api/questions/{ours.id}/answer", {"text": "接口已恢复"}).status_code == 200


def test_an_answer_says_something_and_a_settled_question_needs_none(asked: Evening) -> None:
    row = question("booked")
    operator = asked.world.signed_in(Role.OPERATOR, scope=f"operator:{asked.world.operator_id}")
    for text in ("", "   ", "x" * 301):
        with Unchanged():
            assert post(operator, f"/api/questions/{row.id}/answer", {"text": text}).status_code == 422
    Question.objects.filter(id=row.id).update(state="SETTLED", settled_at=asked.after)
    with Unchanged():
        refused = post(operator, f"/api/questions/{row.id}/answer", {"text": "已核对"})
    assert (refused.status_code, body_of(refused)["code"]) == (409, "question_settled")
    assert post(operator, "/api/questions/qst_0/answer", {"text": "x"}).status_code == 404


def test_an_answer_sent_twice_with_one_key_is_given_once(asked: Evening) -> None:
    row = question("booked")
    operator = asked.world.signed_in(Role.OPERATOR, scope=f"operator:{asked.world.operator_id}")
    key = {"Idempotency-Key": "answer-once-1"}
    first = post(operator, f"/api/questions/{row.id}/answer", {"text": "已核对"}, **key)
    again = post(operator, f"/api/questions/{row.id}/answer", {"text": "已核对"}, **key)
    assert first.content == again.content
    assert again["Idempotency-Replayed"] == "true"


def test_where_a_stay_stands_is_asked_over_http(asked: Evening) -> None:
    (guest,) = asked.arrive("mixed")
    office = asked.world.signed_in(Role.OFFICE)
    (view,) = body_of(office.get(f"/api/stays/{guest.id}/standing"))
    assert (view["platform"], view["state"]) == ("lodging", "SILENT")
    assert view["says"]["zh"]
    assert office.get("/api/stays/stay_0/standing").status_code == 404
