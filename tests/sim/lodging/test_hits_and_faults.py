"""The wanted are answered with a hit beside ACCEPTED and nowhere else; and the faults that concern trust, clocks and patience."""

import json
import time
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from linli.sim.faults import BadFaultPlan, Fault, FaultInjector, plan_in, plan_of
from tests.sim.messages import check_in_body, message, minute, new_stay
from tests.sim.running import RunningPlatform

MESSAGES = "/lodging/v1/messages"
WANTED = "510108199003070010"


def booked(client: httpx.Client) -> int:
    """How many messages are in the books."""
    return int(client.get("/lodging/v1/books", params={"size": 1}).json()["messages"])


def test_somebody_wanted_is_accepted_like_anybody_with_a_hit_beside_it(client: httpx.Client) -> None:
    assert client.post("/hits", json={"zjhm": [WANTED]}).json() == {"wanted": 1}
    sent = message("CHECK_IN", check_in_body(new_stay()))
    answers = [client.post(MESSAGES, json=sent).json() for _ in range(2)]
    answers.append(client.get(f"{MESSAGES}/{sent['lsh']}").json())
    assert all(answer["answer"] == "ACCEPTED" and answer["hit"] is True for answer in answers)
    other = check_in_body(new_stay(), zjlx="414", zjhm="L898902C3", gj="UTO", ywx="ERIKSSON")
    assert "hit" not in client.post(MESSAGES, json=message("CHECK_IN", other)).json()
    client.post("/hits", json={"zjhm": []})
    assert "hit" not in client.post(MESSAGES, json=message("CHECK_IN", check_in_body(new_stay()))).json()


def test_a_hit_stands_beside_no_refusal_and_waits_for_the_decision(client: httpx.Client) -> None:
    client.post("/hits", json={"zjhm": [WANTED]})
    refused = client.post(MESSAGES, json=message("CHECK_IN", check_in_body(new_stay(), fh=None))).json()
    assert (refused["answer"], "hit" in refused) == ("REJECTED", False)
    client.post("/faults", json={"pending": 1, "pending_s": 0.2})
    sent = message("CHECK_IN", check_in_body(new_stay()))
    assert "hit" not in client.post(MESSAGES, json=sent).json()
    client.post("/faults", json={})
    until = time.monotonic() + 10
    while (answer := client.get(f"{MESSAGES}/{sent['lsh']}").json())["answer"] == "PENDING":
        assert time.monotonic() < until
    assert (answer["answer"], answer.get("hit")) == ("ACCEPTED", True)
    client.post("/hits", json={"zjhm": []})


def test_hits_come_by_chance_too(client: httpx.Client) -> None:
    client.post("/faults", json={"hit": 1})
    assert client.post(MESSAGES, json=message("CHECK_IN", check_in_body(new_stay()))).json()["hit"] is True
    assert client.post("/faults", json={"hit": 2}).status_code == 400


def test_the_wanted_are_read_from_a_file_and_never_read_back(tmp_path: Path) -> None:
    listed = tmp_path / "wanted"
    listed.write_text(f"{WANTED}\nX00000042\n", encoding="utf-8")
    platform = RunningPlatform(books=tmp_path / "books.sqlite", options=("--hit", str(listed))).start()
    try:
        with platform.client() as client:
            assert client.get("/hits").json() == {"wanted": 2}
            assert client.post(MESSAGES, json=message("CHECK_IN", check_in_body(new_stay()))).json()["hit"] is True
            assert client.post("/hits", json={"zjhm": "x"}).status_code == 400
    finally:
        platform.stop()


@pytest.mark.parametrize(("fault", "code"), [("refuse_auth", "UNAUTHORISED"), ("expired_token", "TOKEN_EXPIRED")])
def test_who_is_locked_out_is_not_heard(client: httpx.Client, fault: str, code: str) -> None:
    before = booked(client)
    client.post("/faults", json={fault: 1})
    refused = client.post(MESSAGES, json=message("CHECK_IN", check_in_body(new_stay())))
    assert (refused.status_code, refused.json()["code"]) == (401, code)
    assert booked(client) == before


def test_a_platform_may_accept_and_then_deny(client: httpx.Client) -> None:
    before = booked(client)
    client.post("/faults", json={"deny": 1})
    sent = message("CHECK_IN", check_in_body(new_stay()))
    answer = client.post(MESSAGES, json=sent).json()
    assert (answer["answer"], answer["lsh"], bool(answer["receipt"])) == ("ACCEPTED", sent["lsh"], True)
    client.post("/faults", json={})
    assert client.get(f"{MESSAGES}/{sent['lsh']}").status_code == 404
    assert booked(client) == before


def test_a_stray_receipt_belongs_to_a_message_that_nobody_sent(client: httpx.Client) -> None:
    client.post("/faults", json={"stray_receipt": 1})
    sent = message("CHECK_IN", check_in_body(new_stay()))
    answer = client.post(MESSAGES, json=sent).json()
    assert (answer["answer"], answer["lsh"] != sent["lsh"]) == ("ACCEPTED", True)
    client.post("/faults", json={})
    assert client.get(f"{MESSAGES}/{sent['lsh']}").json()["answer"] == "ACCEPTED"


def test_a_trickled_answer_comes_whole_in_the_end(client: httpx.Client) -> None:
    client.post("/faults", json={"trickle": 1, "trickle_s": 0.5})
    sent = message("CHECK_IN", check_in_body(new_stay()))
    with client.stream("POST", MESSAGES, json=sent) as response:
        pieces = list(response.iter_raw())
    assert len(pieces) > 3
    client.post("/faults", json={})
    assert client.get(f"{MESSAGES}/{sent['lsh']}").json() == json.loads(b"".join(pieces))


def test_a_platform_whose_clock_is_slow_takes_the_present_for_the_future(client: httpx.Client) -> None:
    client.post("/faults", json={"clock_offset_s": -7200})
    late = client.post(MESSAGES, json=message("CHECK_IN", check_in_body(new_stay()))).json()
    assert (late["answer"], late["code"]) == ("REJECTED", "IN_THE_FUTURE")
    client.post("/faults", json={"clock_offset_s": 7200})
    ahead = check_in_body(new_stay(), rzsj=minute(timedelta(hours=1)))
    assert client.post(MESSAGES, json=message("CHECK_IN", ahead)).json()["answer"] == "ACCEPTED"


def test_the_plan_says_what_it_was_told() -> None:
    plan = plan_in("trickle=0.1,trickle_s=3,clock_offset_s=-95,hit=0.01")
    assert (plan.trickle_s, plan.clock_offset_s, plan.hit, plan.chances) == (3.0, -95.0, 0.01, {"trickle": 0.1})
    assert plan_of(plan.as_json()) == plan
    with pytest.raises(BadFaultPlan):
        plan_in("trickle_s=-1")


def test_a_question_suffers_only_what_a_question_can() -> None:
    injector = FaultInjector(plan=plan_of({"deny": 0.5, "stray_receipt": 0.5}), seed=3)
    assert {injector.draw() for _ in range(50)} == {None}
    assert {injector.draw(kind="CHECK_IN") for _ in range(50)} == {Fault.DENY, Fault.STRAY_RECEIPT}
