"""The console's intake and house rules in a real browser: questions, calendars, lists, hooks; ways, terms, staff, the desk's cards."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser import test_console
from tests.browser.test_console import CHROMIUM, DESK, FLAGS, PHONE, Desk

estate = test_console.estate
PARTS = ("tasks", "feeds", "list", "hooks", "calendars")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(params=[("zh-CN", DESK), ("en-GB", PHONE)], ids=str)
def anywhere(browser: Browser, estate: str, request: pytest.FixtureRequest) -> Iterator[Desk]:
    yield from test_console._desk(browser, estate, *request.param)


@pytest.fixture
def desk(browser: Browser, estate: str) -> Iterator[Desk]:
    yield from test_console._desk(browser, estate, "en-GB", DESK)


def _chooses_a_unit(desk: Desk, field: str) -> None:
    desk.page.locator(f"#{field}").click()
    desk.page.locator(f"#{field}-list li").first.click()


def test_every_part_of_the_intake_is_well_made_at_a_desk_and_on_a_phone(anywhere: Desk) -> None:
    for part in PARTS:
        anywhere.opens(f"intake?part={part}")
        anywhere.page.locator("section h2").first.wait_for()
        anywhere.is_well_made()


def test_the_house_rules_are_well_made_at_a_desk_and_on_a_phone(anywhere: Desk) -> None:
    for place in ("ways", "terms", "staff"):
        anywhere.opens(place, name="estate_admin")
        anywhere.page.locator("section h2").first.wait_for()
        anywhere.is_well_made()
    anywhere.opens("ways")
    anywhere.rows().first.locator("button").nth(1).click()
    anywhere.page.locator("#rules-form").wait_for()
    anywhere.is_well_made()


def test_a_question_is_answered_with_a_note_and_is_then_decided(desk: Desk) -> None:
    desk.opens("intake")
    desk.page.locator(".tasks li").wait_for()
    desk.confirms("Leave as it is")
    expect(desk.page.locator(".l-empty")).to_have_text("Nothing to decide.")
    desk.presses("Show decided")
    expect(desk.page.locator(".tasks li")).to_contain_text("Left as it is")


def test_a_calendar_is_followed_paused_and_resumed_and_its_failing_is_said_in_words(desk: Desk) -> None:
    desk.opens("intake?part=feeds")
    expect(desk.rows().first).to_contain_text("failing since")
    expect(desk.rows().first).to_contain_text("busy there (503)")
    desk.presses("Follow a calendar")
    _chooses_a_unit(desk, "feed-place")
    desk.page.locator("#feed-url").fill("https://channel.example/secret-key.ics")
    desk.presses("Follow a calendar")
    expect(desk.rows()).to_have_count(2)
    assert "secret-key" not in desk.page.locator("main#content").inner_text()
    desk.rows().last.get_by_role("button", name="Pause").click()
    expect(desk.rows().last).to_contain_text("Paused")
    desk.rows().last.get_by_role("button", name="Resume").click()
    expect(desk.rows().last).to_contain_text("Not read yet")


def test_an_address_that_is_not_followed_is_refused_and_nothing_is_added(desk: Desk) -> None:
    desk.opens("intake?part=feeds")
    desk.presses("Follow a calendar")
    _chooses_a_unit(desk, "feed-place")
    desk.page.locator("#feed-url").fill("http://127.0.0.1/x.ics")
    desk.presses("Follow a calendar")
    expect(desk.page.locator(".el-message")).to_contain_text("Only public http and https addresses are followed.")
    expect(desk.rows()).to_have_count(1)


def test_a_list_is_looked_at_line_by_line_before_it_is_taken_in(desk: Desk) -> None:
    asked: list[str] = []
    desk.page.on(
        "request", lambda sent: asked.append(sent.url.split("/api/")[-1]) if "bookings/feed" in sent.url else None
    )
    desk.opens("intake?part=list")
    desk.page.locator("#list-file").set_input_files(
        {"name": "orders.csv", "mimeType": "text/csv", "buffer": b"ref,unit,arrive,leave\nA-1,x,y,z\n"}
    )
    expect(desk.page.locator(".sum")).to_contain_text("Preview, nothing has changed")
    expect(desk.rows()).to_have_count(2)
    assert asked == ["bookings/feed/preview"]
    desk.presses("Take these in")
    expect(desk.page.locator(".sum")).to_contain_text("Taken in:")
    assert asked == ["bookings/feed/preview", "bookings/feed"]


def test_a_hooks_secret_is_shown_once(desk: Desk) -> None:
    desk.opens("intake?part=hooks", name="operator")
    desk.page.locator("#hook-channel").fill("pms")
    desk.presses("Open a hook")
    secret = desk.page.get_by_label("Secret", exact=True)
    expect(secret).to_have_value("mock-secret-1")
    desk.presses("Noted, hide it")
    expect(secret).to_have_count(0)
    desk.page.reload()
    desk.rows().first.wait_for()
    expect(secret).to_have_count(0)
    desk.confirms("New secret")
    expect(secret).to_have_value("mock-secret-2")


def test_a_calendar_goes_out_by_a_link_that_is_revoked_alone(desk: Desk) -> None:
    desk.opens("intake?part=calendars")
    _chooses_a_unit(desk, "calendar-place")
    desk.page.locator("#calendar-name").fill("channel one")
    desk.presses("Make a link")
    expect(desk.page.get_by_label("Calendar link", exact=True)).to_have_value(
        f"{desk.server}/api/calendars/mock-key-1.ics"
    )
    desk.confirms("Revoke")
    expect(desk.page.locator(".l-empty")).to_have_text("No link is out.")


def test_a_door_is_never_left_with_a_face_alone(desk: Desk) -> None:
    sent: list[str] = []
    desk.page.on(
        "request", lambda it: sent.append(it.method) if it.url.endswith("/rules") and it.method == "PATCH" else None
    )
    desk.opens("ways", name="property")
    expect(desk.page.locator(".verdict")).to_contain_text("1 of 51 doors need mending")
    expect(desk.rows().first).to_contain_text("weekly table missing: Cleaner")
    desk.page.get_by_role("button", name="Rules of G01", exact=True).click()
    for way in ("QR code", "Card", "PIN", "ID card"):
        desk.page.get_by_label(way, exact=True).uncheck()
    desk.presses("Save")
    expect(desk.page.locator("#rules-form .l-bad")).to_contain_text("Not by face alone")
    assert sent == []
    desk.page.get_by_label("Card", exact=True).check()
    desk.presses("Save")
    desk.page.locator("#rules-form").wait_for(state="hidden")
    assert sent == ["PATCH"]


def test_terms_ask_for_their_source_and_a_childs_face_is_not_offered(desk: Desk) -> None:
    desk.opens("terms", name="estate_admin")
    desk.page.get_by_role("button", name="Change: Child", exact=True).click()
    form = desk.page.locator("#terms-form")
    form.wait_for()
    assert form.get_by_label("Face", exact=True).count() == 0
    desk.presses("Decide")
    expect(form.locator(".l-bad")).to_have_text("Name where these terms come from.")
    desk.page.locator("#terms-source").fill("Committee 2026-14")
    desk.presses("Decide")
    form.wait_for(state="hidden")


def test_staff_get_a_pass_by_contract_and_lose_it_with_the_contract(desk: Desk) -> None:
    desk.opens("staff", name="property")
    desk.presses("Give a pass")
    desk.page.locator("#staff-kind").select_option("cleaner")
    desk.page.locator("#staff-holder").fill("C-17")
    desk.page.locator("#staff-contract").fill("CL-2026-3")
    desk.presses("Give a pass")
    expect(desk.page.locator(".l-bad")).to_have_text("Find and choose the flat.")
    desk.page.locator("#staff-flat").fill("1103")
    desk.presses("Find", "Give a pass")
    expect(desk.rows()).to_have_count(1)
    desk.rows().first.get_by_role("button").click()
    desk.page.locator(".el-message-box input").fill("moved away")
    desk.page.locator(".el-message-box").get_by_role("button", name="End contract", exact=True).click()
    expect(desk.rows()).to_have_count(0)


def test_at_the_desk_an_identity_card_proves_a_pass_and_a_pin_is_replaced(desk: Desk) -> None:
    desk.opens("desk", name="guard")
    desk.page.locator("#desk-number").fill("k7m4q2xd")
    desk.page.keyboard.press("Enter")
    desk.page.locator("#desk-result").wait_for()
    desk.presses("Identity card")
    desk.page.locator(".el-message-box input").fill("TEST00000000001234")
    desk.page.locator(".el-message-box").get_by_role("button", name="Identity card", exact=True).click()
    expect(desk.page.locator(".proofs")).to_contain_text("ID card ··1234")
    desk.confirms("PIN")
    desk.presses("Seen, hide it")
    desk.page.locator(".proofs li", has_text="PIN").get_by_role("button", name="Replace").click()
    desk.page.locator(".el-message-box input").fill("forgotten")
    desk.page.locator(".el-message-box").get_by_role("button", name="Replace", exact=True).click()
    expect(desk.page.locator(".digits")).to_have_text("739 164")


def test_what_a_role_may_not_do_is_not_offered(desk: Desk) -> None:
    desk.opens("ways", name="police")
    desk.rows().first.wait_for()
    assert desk.page.get_by_role("button", name="Rules", exact=False).count() == 0
    menu = desk.page.locator("nav").first
    assert menu.get_by_role("link", name="Intake").count() == 0
    assert menu.get_by_role("link", name="Staff passes").count() == 0
    desk.opens("terms")
    desk.rows().first.wait_for()
    assert desk.page.get_by_role("button", name="Change", exact=False).count() == 0
