"""The links to the authorities in the console, in a real browser: switches, questions, and what is read under watch."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from .test_console import DESK, PHONE, QUOTED, Desk, _desk, browser, estate

__all__ = ["browser", "estate"]

SMALL = """() => [...document.querySelectorAll(".l-touch button, .l-touch select, .l-touch input, .l-touch textarea")]
  .filter((it) => it.offsetParent && it.getBoundingClientRect().height < 43.5).map((it) => it.outerHTML.slice(0, 150))"""
PERSON = "per_01J00000000000000000000041"


@pytest.fixture(params=[("zh-CN", DESK), ("en-GB", PHONE), ("en-GB", DESK), ("zh-CN", PHONE)], ids=str)
def anywhere(browser: Browser, estate: str, request: pytest.FixtureRequest) -> Iterator[Desk]:
    yield from _desk(browser, estate, *request.param)


@pytest.fixture
def desk(browser: Browser, estate: str) -> Iterator[Desk]:
    yield from _desk(browser, estate, "en-GB", DESK)


def test_every_page_of_the_links_is_well_made_and_large_enough_to_press(anywhere: Desk) -> None:
    for name, places in (
        ("estate_admin", ("links", "questions", "reports", "disclosures")),
        ("office", ("another-way",)),
        ("police", ("hits",)),
    ):
        anywhere.page.request.post(f"{anywhere.server}/mock/forget")
        anywhere.page.goto("about:blank")
        for place in places:
            anywhere.opens(place, name=name)
            anywhere.page.locator("main .l-sheet").last.wait_for()
            anywhere.is_well_made()
            assert anywhere.page.evaluate(SMALL) == []


def test_the_admin_pauses_a_link_with_a_reason_and_lets_it_run_again(desk: Desk) -> None:
    desk.opens("links", name="estate_admin")
    card = desk.page.locator(".card", has_text="Lodging platform")
    expect(card).to_contain_text("Failing")
    expect(card).to_contain_text("Cannot be reached")
    card.get_by_role("button", name="Pause").click()
    box = desk.page.locator(".el-message-box")
    box.get_by_role("button", name="Pause").click()
    expect(box).to_contain_text("Give a reason")
    expect(card).to_contain_text("Failing")
    box.locator("input").fill("maintenance tonight")
    box.get_by_role("button", name="Pause").click()
    expect(card).to_contain_text("Paused")
    expect(card).to_contain_text("maintenance tonight")
    expect(card).to_contain_text("you")
    card.get_by_role("button", name="Resume").click()
    desk.page.locator(".el-message-box").get_by_role("button", name="Resume").click()
    expect(card).not_to_contain_text("Paused")


def test_the_face_layer_can_be_switched_off_before_its_first_picture(desk: Desk) -> None:
    desk.opens("links", name="estate_admin")
    card = desk.page.locator(".card", has_text="Face layer")
    expect(card).to_contain_text("Not heard of yet")
    card.get_by_role("button", name="Pause").click()
    box = desk.page.locator(".el-message-box")
    expect(box).to_contain_text("helped by document or in person")
    box.locator("input").fill("camera moved")
    box.get_by_role("button", name="Pause").click()
    expect(card).to_contain_text("camera moved")


def test_the_switch_is_offered_to_the_admin_alone(desk: Desk) -> None:
    desk.opens("links", name="office")
    desk.page.locator(".card").first.wait_for()
    assert desk.page.get_by_role("button", name="Pause").count() == 0
    assert desk.page.get_by_role("button", name="Add a peer").count() == 0
    desk.page.request.post(f"{desk.server}/mock/forget")
    desk.page.goto("about:blank")
    desk.opens("links", name="police")
    desk.page.locator(".card").first.wait_for()
    assert desk.page.get_by_role("button", name="Pause").count() == 0
    assert desk.page.get_by_role("button", name="Send again").count() == 0
    assert desk.page.get_by_text("Operators’ accounts").count() == 0


def test_what_is_held_up_for_one_reason_is_sent_again_at_once(desk: Desk) -> None:
    desk.opens("links", name="office")
    held = desk.page.locator("section", has=desk.page.locator("#held-title"))
    row = held.locator("tbody tr", has_text="cannot read the message")
    row.wait_for()
    assert QUOTED not in desk.page.content()
    row.get_by_role("button").click()
    desk.page.locator(".el-message-box").get_by_role("button", name="Send again").click()
    expect(row).to_have_count(0)
    expect(held.locator("tbody tr")).to_have_count(1)


def test_an_account_is_entered_replaced_and_forgotten_and_its_secret_is_never_shown(desk: Desk) -> None:
    desk.opens("links", name="operator")
    assert desk.page.locator(".card").count() == 0
    accounts = desk.page.locator("section", has=desk.page.locator("#accounts-title"))
    expect(accounts.locator("tbody tr")).to_have_count(1)
    accounts.get_by_role("button", name="Replace").click()
    dialog = desk.page.get_by_role("dialog")
    assert dialog.get_by_label("Secret").input_value() == ""
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("user name and secret")
    dialog.get_by_label("User name").fill("renewed")
    dialog.get_by_label("Secret").fill("hunter2-hunter2")
    dialog.get_by_role("button", name="Save").click()
    expect(accounts.locator("tbody tr")).to_contain_text("renewed")
    assert "hunter2" not in desk.page.content()
    accounts.get_by_role("button", name="Forget").click()
    desk.page.locator(".el-message-box").get_by_role("button", name="Forget").click()
    expect(accounts.locator("tbody tr")).to_have_count(0)


def test_a_peer_is_added_only_when_it_is_whole_and_is_switched_off(desk: Desk) -> None:
    desk.opens("links", name="estate_admin")
    peers = desk.page.locator("section", has=desk.page.locator("#peers-title"))
    expect(peers.locator("tbody tr")).to_contain_text("mixed (LC)")
    desk.presses("Add a peer")
    dialog = desk.page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("Qingyang library")
    dialog.get_by_label("User name").fill("linli")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert").locator("li")).to_have_count(3)
    dialog.get_by_label("Device number").fill("51010500005030000002")
    dialog.get_by_label("Address").fill("https://view.example")
    dialog.get_by_label("Secret").fill("twelve-letters")
    dialog.get_by_role("button", name="Save").click()
    row = peers.locator("tbody tr", has_text="Qingyang library")
    expect(row).to_contain_text("Offline")
    row.get_by_role("button", name="Switch off").click()
    desk.page.locator(".el-message-box").get_by_role("button", name="Switch off").click()
    expect(row).to_contain_text("Switched off")


def test_devices_are_ordered_of_a_peer_and_nothing_about_people_is_offered(desk: Desk) -> None:
    desk.opens("links", name="office")
    section = desk.page.locator("section", has=desk.page.locator("#orders-title"))
    devices = section.locator("table", has_text="Devices that peers tell of")
    expect(devices.locator("tbody tr", has_text="西街路口")).to_contain_text("Offline")
    desk.presses("Order")
    dialog = desk.page.get_by_role("dialog")
    boxes = dialog.get_by_role("checkbox")
    expect(boxes).to_have_count(2)
    boxes.nth(0).uncheck()
    boxes.nth(1).uncheck()
    dialog.get_by_role("button", name="Order").click()
    expect(dialog.get_by_role("alert").locator("li")).to_have_count(2)
    boxes.nth(1).check()
    dialog.get_by_label("What for").fill("street corner")
    dialog.get_by_role("button", name="Order").click()
    row = section.locator("tbody tr", has_text="street corner")
    expect(row).to_contain_text("On its way")
    expect(row).to_contain_text("Device state")
    row.get_by_role("button", name="Cancel").click()
    box = desk.page.locator(".el-message-box")
    box.locator("input").fill("no longer")
    box.get_by_role("button", name="Cancel").click()
    expect(row).to_contain_text("Being cancelled")


def test_a_report_shows_its_exchanges_with_their_dialects_and_only_a_stay_can_be_opened(desk: Desk) -> None:
    desk.opens("reports")
    door = desk.rows().filter(has_text="Door").first
    assert door.get_by_role("button").count() == 1
    device = desk.rows().filter(has_text="View library").first
    expect(device).to_contain_text("Device")
    desk.page.get_by_label("Platform", exact=True).select_option("lodging")
    expect(desk.rows().filter(has_text="View library")).to_have_count(0)
    desk.rows().first.get_by_role("button").first.click()
    drawer = desk.page.get_by_role("dialog")
    expect(drawer).to_contain_text("No answer")
    expect(drawer).to_contain_text("Dialect: sichuan-1")
    drawer.get_by_role("button", name="Open the stay").click()
    expect(desk.page.get_by_role("dialog").filter(has_text="Where it stands with each platform")).to_be_visible()


def test_a_figure_that_is_not_known_is_not_shown_as_a_number(desk: Desk) -> None:
    desk.opens("questions")
    night = desk.page.locator("section", has=desk.page.locator("#night-title"))
    expect(night.locator("tbody tr", has_text="SES")).to_contain_text("not known (not reached)")
    expect(night.locator("tbody tr", has_text="SES")).not_to_contain_text("Even")
    expect(night.locator("tbody tr", has_text="Community")).to_contain_text("keeps no count")
    expect(night.locator("tbody tr", has_text="Lodging")).to_contain_text("2 differences")
    night.get_by_role("button", name="By flat: Lodging platform").click()
    expect(night.locator(".detail tbody tr")).to_have_count(2)
    desk.page.get_by_role("button", name="Previous day").click()
    expect(night).to_contain_text("has not been counted")
    desk.confirms("Count now")
    expect(night.locator("tbody tr")).to_contain_text("Even")


def test_a_question_is_answered_by_its_owner(desk: Desk) -> None:
    desk.opens("questions")
    asked = desk.page.locator(".list li")
    expect(asked).to_have_count(2)
    expect(desk.page.locator("main")).to_contain_text("one overdue")
    assert asked.filter(has_text="For: Operator").get_by_role("button").count() == 0
    asked.filter(has_text="For: Office").get_by_role("button").click()
    dialog = desk.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Answer").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Say what was found")
    dialog.get_by_label("What was found").fill("The platform was down until nine.")
    dialog.get_by_role("button", name="Answer").click()
    expect(asked).to_have_count(1)
    desk.page.get_by_role("button", name="Answered").click()
    expect(asked).to_contain_text("The platform was down until nine.")


def test_the_police_see_how_many_questions_there_are_and_not_which(desk: Desk) -> None:
    desk.opens("questions", name="police")
    expect(desk.page.locator("main")).to_contain_text("the numbers only")
    assert desk.page.locator(".list li").count() == 0


def test_hits_are_read_only_when_the_police_ask_and_the_page_says_that_it_is_recorded(desk: Desk) -> None:
    asked: list[str] = []
    desk.page.on("request", lambda sent: asked.append(sent.url) if "/police/hits" in sent.url else None)
    desk.opens("hits", name="police")
    expect(desk.page.locator("main")).to_contain_text("entered in the audit record")
    assert asked == []
    desk.presses("Read (recorded)")
    expect(desk.rows()).to_have_count(2)
    expect(desk.rows().first).to_contain_text("New")
    assert len(asked) == 1


@pytest.mark.parametrize("name", ["office", "auditor"])
def test_nobody_but_the_police_is_offered_the_page_of_hits(desk: Desk, name: str) -> None:
    desk.opens("hits", name=name)
    expect(desk.page.locator("h1")).not_to_have_text("For the police")
    assert desk.page.locator("nav a[href='#/hits']").count() == 0


def test_what_left_about_a_person_is_searched_by_the_auditor(desk: Desk) -> None:
    desk.opens("disclosures", name="auditor")
    expect(desk.page.locator("main")).to_contain_text("entered in the audit record")
    number = desk.page.get_by_label("Person’s number")
    number.fill("510104199001011234")
    desk.presses("Search (recorded)")
    expect(desk.page.locator("main")).to_contain_text("begins with per_")
    number.fill(PERSON)
    desk.presses("Search (recorded)")
    expect(desk.rows()).to_contain_text("Lodging registration")
    number.fill(PERSON.replace("41", "77"))
    desk.presses("Search (recorded)")
    expect(desk.page.locator("main")).to_contain_text("Nothing left about this person.")


def test_a_stay_names_one_state_a_platform_and_a_foreign_guest_is_given_the_paper(desk: Desk, tmp_path: Path) -> None:
    desk.opens("tonight")
    desk.rows().first.wait_for()
    desk.page.get_by_label("Document").select_option("foreign")
    desk.page.get_by_label("State", exact=True).select_option("IN_HOUSE")
    desk.rows().filter(has_text="Accepted").first.get_by_role("button").click()
    drawer = desk.page.get_by_role("dialog")
    expect(drawer).to_contain_text("View library")
    expect(drawer).to_contain_text("Not asked for")
    with desk.page.expect_download() as started:
        drawer.get_by_role("button", name="Download the registration receipt").click()
    kept = tmp_path / "receipt.pdf"
    started.value.save_as(kept)
    assert kept.read_bytes().startswith(b"%PDF-")


def test_whoever_wants_another_way_appears_by_itself_and_is_seen_in_person(desk: Desk) -> None:
    desk.opens("another-way", name="guard")
    waiting = desk.page.locator("main li")
    expect(waiting).to_have_count(2)
    desk.page.locator(".mark.live").wait_for()
    desk.page.request.post(f"{desk.server}/api/mock/another-way", headers={"X-CSRFToken": "mock"})
    expect(waiting).to_have_count(3)
    waiting.first.get_by_role("button", name="Seen in person").click()
    desk.page.locator(".el-message-box").get_by_role("button", name="Seen in person").click()
    expect(waiting).to_have_count(2)
