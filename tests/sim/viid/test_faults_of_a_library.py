"""Each fault of the view library: what the peer sees, and whether the books have it."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from linli.sim.faults import BadFaultPlan
from linli.sim.platforms.viid import codes, fiction, ids
from linli.sim.platforms.viid.calls import Caller, Heard
from linli.sim.platforms.viid.faults import ITEM, OF_THE_WIRE, ViidFault, ViidFaults, ViidPlan, viid_plan, viid_plan_in
from tests.sim.viid.running import PASSWORD, USER, RunningLibrary

_serial = itertools.count(50_000)


def send(caller: Caller, number: int = 1) -> Heard:
    """Send new faces."""
    now = datetime.now(UTC)
    made = [
        fiction.face(device_id="51010800001190000001", at=now, serial=next(_serial), index=1) for _ in range(number)
    ]
    return caller.send(kind=codes.FACE, objects=made)


def faces(library: RunningLibrary) -> int:
    """How many faces are in the books."""
    return int(library.books_of(size=1)["counts"].get("Face", {"objects": 0})["objects"])


Seen = tuple[int | None, int | None]
CASES: list[tuple[str, dict[str, float], Seen, int]] = [
    ("timeout", {"timeout": 1, "timeout_s": 0.01}, (504, None), 1),
    ("unheard", {"unheard": 1, "timeout_s": 0.01}, (504, None), 0),
    ("http_500", {"http_500": 1}, (500, None), 0),
    ("lost_answer", {"lost_answer": 1}, (None, None), 1),
    ("reboot", {"reboot": 1}, (200, 9), 0),
    ("busy", {"busy": 1}, (200, 2), 0),
    ("forget", {"forget": 1}, (401, 4), 0),
    ("trickle", {"trickle": 1, "trickle_s": 0.05}, (200, 0), 1),
    ("item_error", {"item_error": 1}, (200, 8), 0),
    ("item_code", {"item_error": 1, "item_code": 5}, (200, 5), 0),
    ("latency", {"latency_ms": 5}, (200, 0), 1),
    ("elsewhere", {"http_500:Persons": 1}, (200, 0), 1),
    ("here", {"http_500:Faces": 1}, (500, None), 0),
]


@pytest.mark.parametrize(("plan", "seen", "booked"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_fault_is_seen_as_its_table_says(
    registered: Caller, library: RunningLibrary, plan: dict[str, float], seen: Seen, booked: int
) -> None:
    before = faces(library)
    library.faults(**{name.replace(":", "__"): value for name, value in plan.items()})
    heard = send(registered)
    assert (heard.status, heard.code) == seen, heard.words()
    assert faces(library) == before + booked


def test_a_trickling_answer_runs_into_the_callers_deadline_but_is_in_the_books(
    registered: Caller, library: RunningLibrary
) -> None:
    before = faces(library)
    library.faults(trickle=1, trickle_s=30)
    with library.caller(timeout_s=0.5) as hasty:
        heard = send(hasty)
    assert (heard.status, heard.statuses) == (None, ())
    assert faces(library) == before + 1


def test_a_duplicate_is_the_answer_to_another_request(registered: Caller, library: RunningLibrary) -> None:
    send(registered)
    library.faults(duplicate__Keepalive=1)
    heard = registered.keep_alive()
    assert heard.statuses[0][1] != registered.device_id
    assert len(heard.statuses[0][1]) == 48


def test_nonsense_is_never_taken_for_an_answer(registered: Caller, library: RunningLibrary) -> None:
    library.faults(nonsense=1)
    assert all(0 not in [code for code, _, _ in send(registered).statuses] for _ in range(14))


def test_a_refused_answer_to_the_challenge_and_an_expired_nonce_are_told_apart(library: RunningLibrary) -> None:
    try:
        with library.caller() as caller:
            library.faults(refuse_auth=1)
            refused = caller.register(username=USER, password=PASSWORD)
            library.faults(stale_nonce=1)
            stale = caller.register(username=USER, password=PASSWORD)
            library.faults()
            after = caller.register(username=USER, password=PASSWORD)
    finally:
        library.faults()
    assert [heard.status for heard in refused] == [401, 401]
    assert [heard.status for heard in stale] == [401, 401, 401, 401]
    assert "stale=true" in stale[-1].challenge
    assert after[-1].code == 0


def test_only_single_items_are_refused_by_their_share(registered: Caller, library: RunningLibrary) -> None:
    library.faults(item_error=0.3)
    told = [code for code, _, _ in send(registered, 100).statuses]
    assert set(told) == {0, 8}
    assert 10 < told.count(8) < 55


def test_a_wrong_clock_is_in_every_time_it_tells(registered: Caller, library: RunningLibrary) -> None:
    library.faults(clock_offset_s=-7200)
    told = registered.ask_time().body["SystemTimeObject"]["LocalTime"]
    assert ids.moment_of(told) < datetime.now(UTC) - timedelta(hours=1)
    library.run("dialect", dialect="loose")
    assert isinstance(registered.ask_time().body["SystemTimeObject"]["LocalTime"], int)


def test_a_reboot_and_forgetting_are_ordered_at_the_desk(registered: Caller, library: RunningLibrary) -> None:
    library.run("reboot", times=2)
    assert [registered.keep_alive().code for _ in range(3)] == [9, 9, 0]
    assert library.run("forget")["forgotten"] >= 1
    assert registered.keep_alive().status == 401


def test_what_was_injected_is_counted_and_kept_with_the_request(registered: Caller, library: RunningLibrary) -> None:
    before = told(library)["injected"]["busy"]
    library.faults(busy__Faces=1)
    send(registered)
    assert told(library)["injected"]["busy"] == before + 1
    assert [row["fault"] for row in library.books_of("request", size=1000)["rows"]][-1] == "busy"


def told(library: RunningLibrary) -> dict[str, Any]:
    """The fault plan and what was injected."""
    shown: dict[str, Any] = httpx.get(f"{library.url}/faults", trust_env=False).json()
    return shown


WRONG = ["sneeze=1", "timeout=2", "timeout", "timeout=x", "timeout=0.6,busy=0.6", "item_error=1.5", "timeout=-1"]


@pytest.mark.parametrize("text", WRONG)
def test_a_plan_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadFaultPlan):
        viid_plan_in(text)


def test_one_chance_is_spread_over_the_faults_of_the_wire_and_the_same_seed_draws_the_same() -> None:
    plan = viid_plan({"all": 0.5})
    assert set(plan.chances) == {fault.value for fault in OF_THE_WIRE}
    drawn = [[ViidFaults(plan=plan, seed=7).draw(word="Faces") for _ in range(50)] for _ in range(2)]
    assert drawn[0] == drawn[1]
    only = ViidFaults(plan=ViidPlan(chances={"stale_nonce": 1.0, ITEM: 1.0}), seed=1)
    assert only.draw(word="Keepalive") is None
    assert only.draw(word="Register") is ViidFault.STALE_NONCE
    assert only.item_code(word="Faces") == 8
