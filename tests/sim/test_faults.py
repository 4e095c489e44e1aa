"""Faults on demand: each is what it says, is counted, and never makes the books say a thing twice."""

import time

import httpx
import pytest

from linli.sim.faults import BadFaultPlan, Fault, FaultInjector, FaultPlan, plan_in, plan_of
from tests.sim.messages import check_in_body, later_body, message, minute, new_stay
from tests.sim.running import RunningPlatform

MESSAGES = "/lodging/v1/messages"


def injected(client: httpx.Client) -> dict[str, int]:
    """What the platform says it did on purpose."""
    counts: dict[str, int] = client.get("/faults").json()["injected"]
    return counts


def test_http_500_books_nothing(client: httpx.Client) -> None:
    client.post("/faults", json={"http_500": 1})
    sent = message("CHECK_IN", check_in_body(new_stay()))
    assert client.post(MESSAGES, json=sent).status_code == 500
    client.post("/faults", json={})
    assert client.get(f"{MESSAGES}/{sent['lsh']}").status_code == 404


def test_a_timeout_books_nothing_and_says_nothing(client: httpx.Client) -> None:
    client.post("/faults", json={"timeout": 1, "timeout_s": 5})
    sent = message("CHECK_IN", check_in_body(new_stay()))
    with pytest.raises(httpx.ReadTimeout):
        client.post(MESSAGES, json=sent, timeout=0.3)
    client.post("/faults", json={})
    assert client.get(f"{MESSAGES}/{sent['lsh']}").status_code == 404


def test_a_lost_answer_is_booked_and_the_question_finds_it(client: httpx.Client) -> None:
    before = injected(client)["lost_answer"]
    client.post("/faults", json={"lost_answer": 1})
    sent = message("CHECK_IN", check_in_body(new_stay()))
    with pytest.raises(httpx.RemoteProtocolError):
        client.post(MESSAGES, json=sent)
    client.post("/faults", json={})
    assert client.get(f"{MESSAGES}/{sent['lsh']}").json()["answer"] == "ACCEPTED"
    assert injected(client)["lost_answer"] == before + 1


def test_a_duplicate_answer_is_the_answer_to_the_message_before(client: httpx.Client) -> None:
    first = message("CHECK_IN", check_in_body(new_stay()))
    client.post(MESSAGES, json=first)
    client.post("/faults", json={"duplicate": 1})
    second = message("CHECK_IN", check_in_body(new_stay()))
    assert client.post(MESSAGES, json=second).json()["lsh"] == first["lsh"]
    client.post("/faults", json={})
    assert client.get(f"{MESSAGES}/{second['lsh']}").json()["lsh"] == second["lsh"]


def test_nonsense_is_no_answer(client: httpx.Client) -> None:
    client.post("/faults", json={"nonsense": 1})
    for _ in range(12):
        response = client.post(MESSAGES, json=message("CHECK_IN", check_in_body(new_stay())))
        try:
            answer = response.json()
        except ValueError:
            continue
        assert not (isinstance(answer, dict) and answer.get("answer") == "ACCEPTED" and "receipt" in answer)


def test_pending_settles_and_until_then_the_guest_is_not_in(client: httpx.Client) -> None:
    client.post("/faults", json={"pending": 1, "pending_s": 0.5})
    zsbh = new_stay()
    sent = message("CHECK_IN", check_in_body(zsbh))
    assert client.post(MESSAGES, json=sent).json() == {"answer": "PENDING", "lsh": sent["lsh"]}
    client.post("/faults", json={})
    early = client.post(MESSAGES, json=message("CHECK_OUT", later_body(zsbh, tfsj=minute()))).json()
    assert early["code"] == "NOT_CHECKED_IN"
    time.sleep(0.6)
    settled = client.get(f"{MESSAGES}/{sent['lsh']}").json()
    assert settled["answer"] == "ACCEPTED"
    assert client.post(MESSAGES, json=sent).json() == settled
    assert (
        client.post(MESSAGES, json=message("CHECK_OUT", later_body(zsbh, tfsj=minute()))).json()["answer"] == "ACCEPTED"
    )


def test_a_rejection_can_be_asked_for_one_kind(client: httpx.Client) -> None:
    client.post("/faults", json={"reject:CHECK_OUT": 1})
    zsbh = new_stay()
    assert client.post(MESSAGES, json=message("CHECK_IN", check_in_body(zsbh))).json()["answer"] == "ACCEPTED"
    out = client.post(MESSAGES, json=message("CHECK_OUT", later_body(zsbh, tfsj=minute()))).json()
    assert (out["answer"], out["code"]) == ("REJECTED", "MANUAL_REVIEW")


def test_latency_slows_every_answer(client: httpx.Client) -> None:
    client.post("/faults", json={"latency_ms": 40})
    started = time.perf_counter()
    for _ in range(10):
        client.get(f"{MESSAGES}/nothing")
    assert time.perf_counter() - started > 0.1


@pytest.mark.parametrize(
    "plan", [{"storm": 1}, {"timeout": 2}, {"timeout": "x"}, {"timeout": 0.6, "nonsense": 0.6}, {"all": -1}]
)
def test_a_plan_that_makes_no_sense_is_refused_and_changes_nothing(
    client: httpx.Client, plan: dict[str, object]
) -> None:
    before = client.get("/faults").json()["plan"]
    assert client.post("/faults", json=plan).status_code == 400
    assert client.get("/faults").json()["plan"] == before


def test_a_plan_is_read_from_the_command_line() -> None:
    plan = plan_in("latency_ms=200, timeout=0.01,reject:CHECK_OUT=0.5")
    assert (plan.latency_ms, plan.chances) == (200.0, {"timeout": 0.01, "reject:CHECK_OUT": 0.5})
    with pytest.raises(BadFaultPlan):
        plan_in("timeout")
    assert sum(plan_of({"all": 0.06}).chances.values()) == pytest.approx(0.06)


def test_the_same_seed_draws_the_same_faults_at_the_asked_rate() -> None:
    plan: FaultPlan = plan_of({"all": 0.3})
    draws = []
    for _ in range(2):
        injector = FaultInjector(plan=plan, seed=7)
        draws.append([injector.draw(kind="CHECK_IN") for _ in range(4000)])
    assert draws[0] == draws[1]
    share = sum(fault is not None for fault in draws[0]) / 4000
    assert 0.26 < share < 0.34
    assert Fault.REJECT not in draws[0]


def test_thirty_percent_faults_and_stubborn_senders_leave_one_row_a_message(platform: RunningPlatform) -> None:
    with platform.client(timeout=1.0) as client:
        client.post("/faults", json={"all": 0.3, "timeout_s": 0.2, "pending_s": 0.1})
        sent = [message("CHECK_IN", check_in_body(new_stay())) for _ in range(60)]
        for one in sent:
            _send_until_accepted(client, one)
        client.post("/faults", json={})
        rows = client.get("/lodging/v1/books", params={"size": 1000}).json()["rows"]
    mine = [row for row in rows if row["lsh"] in {one["lsh"] for one in sent}]
    assert len(mine) == 60
    assert {row["answer"] for row in mine} == {"ACCEPTED"}


def _send_until_accepted(client: httpx.Client, sent: dict[str, object]) -> None:
    for _ in range(60):
        try:
            answer = client.post(MESSAGES, json=sent).json()
        except (httpx.HTTPError, ValueError):
            continue
        if isinstance(answer, dict) and answer.get("lsh") == sent["lsh"] and "receipt" in answer:
            return
        time.sleep(0.02)
    raise AssertionError("never accepted")
