"""The console's doors in a real browser: the board and its alarms, receipts, the desk by keyboard, devices, faces, terms, the health mode."""

import re
from collections.abc import Iterator
from io import BytesIO

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser import test_console
from tests.browser.test_console import CHROMIUM, DESK, FLAGS, PHONE, Desk

estate = test_console.estate
PLACES = (
    ("desk", "#desk-number"),
    ("gates", ".alarms li"),
    ("terminals", "tbody tr"),
    ("faces", "tbody tr"),
    ("terms", "tbody tr"),
    ("health", ".state"),
    ("passes?pass=pass_1", ".grid li"),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(params=[("zh-CN", DESK), ("en-GB", PHONE), ("en-GB", DESK), ("zh-CN", PHONE)], ids=str)
def anywhere(browser: Browser, estate: str, request: pytest.FixtureRequest) -> Iterator[Desk]:
    yield from test_console._desk(browser, estate, *request.param)


@pytest.fixture
def desk(browser: Browser, estate: str) -> Iterator[Desk]:
    yield from test_console._desk(browser, estate, "en-GB", DESK)


def test_every_page_of_the_doors_is_well_made_at_a_desk_and_on_a_phone_in_both_languages(anywhere: Desk) -> None:
    page = anywhere.page
    for place, sign in PLACES:
        anywhere.opens(place, name="estate_admin")
        page.locator(f"main#content {sign}").first.wait_for()
        anywhere.is_well_made()
    anywhere.opens("desk")
    page.locator("#desk-number").fill("k7m4q2xd")
    page.keyboard.press("Enter")
    page.locator("#desk-result").wait_for()
    page.locator(".deeds button").last.click()
    page.locator("blockquote").wait_for()
    anywhere.is_well_made()
    anywhere.opens("gates")
    page.locator(".tile", has_text="G02").click()
    page.locator(".panel .deeds button").last.click()
    page.locator(".keeper tbody tr").first.wait_for()
    anywhere.is_well_made()
    page.keyboard.press("Escape")
    anywhere.opens("health")
    page.locator("main#content section button").last.click()
    page.locator("#health-basis").wait_for()
    anywhere.is_well_made()


def test_an_alarm_rings_at_the_top_by_itself_and_is_taken_notice_of(desk: Desk) -> None:
    desk.opens("gates", name="guard")
    alarms = desk.page.locator(".alarms")
    expect(alarms.locator("h2")).to_have_text("4 alarms, 2 not yet seen")
    desk.page.locator(".mark.live").wait_for()
    desk.page.request.post(f"{desk.server}/mock/alarm")
    expect(alarms.locator("h2")).to_have_text("5 alarms, 3 not yet seen")
    expect(alarms.locator("li").first).to_contain_text("Held open")
    alarms.get_by_role("button", name="Take notice: Held open at G01").press("Enter")
    expect(alarms.locator("h2")).to_have_text("5 alarms, 2 not yet seen")
    expect(alarms).to_contain_text("seen by you")


def test_a_gate_is_opened_from_afar_only_with_a_reason_and_says_what_came_of_it(desk: Desk) -> None:
    desk.opens("gates", name="guard")
    desk.page.locator(".tile", has_text="G04").click()
    panel = desk.page.locator(".panel")
    panel.get_by_role("button", name="Open", exact=True).click()
    box = desk.page.locator(".el-message-box")
    box.get_by_role("button", name="Open", exact=True).click()
    expect(box).to_contain_text("Give a reason")
    assert panel.locator(".asked li").count() == 0
    box.locator("input").fill("pram, the wing is stuck")
    box.get_by_role("button", name="Open", exact=True).click()
    expect(panel.locator(".asked li").first).to_contain_text("pram, the wing is stuck")
    expect(panel.locator(".asked li").first).to_contain_text("done")


def test_who_can_open_a_door_is_the_devices_own_word_and_names_nobody(desk: Desk) -> None:
    desk.opens("gates", name="guard")
    desk.page.locator(".tile", has_text="G02").click()
    desk.presses("Who can open this now")
    drawer = desk.page.get_by_role("dialog")
    expect(drawer).to_contain_text("The device's list differs from what it should be.")
    expect(drawer.locator("tbody tr").first).to_contain_text("Missing")
    expect(drawer.locator("tbody tr").first).to_contain_text("picture unusable")


def test_whoever_only_watches_opens_nothing(desk: Desk) -> None:
    desk.opens("gates", name="police")
    desk.page.locator(".tile", has_text="G02").click()
    desk.page.locator(".panel").wait_for()
    assert desk.page.get_by_role("button", name="Open", exact=True).count() == 0
    assert desk.page.get_by_role("button", name=re.compile("Take notice")).count() == 0
    assert desk.page.locator("nav a[href='#/desk']").count() == 0
    desk.opens("terminals")
    desk.rows().first.wait_for()


def test_a_withdrawal_shows_fifty_one_receipts_and_which_are_owed(desk: Desk) -> None:
    desk.opens("passes", name="guard")
    desk.page.locator("#pass-number").fill("k7m4 q2xd")
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator(".grid li")).to_have_count(51)
    desk.presses("Withdraw")
    box = desk.page.locator(".el-message-box")
    box.locator("input").fill("lost phone")
    box.get_by_role("button", name="Withdraw", exact=True).click()
    expect(desk.page.locator(".sum")).to_contain_text("49 / 51")
    expect(desk.page.locator(".grid li.owed")).to_have_count(2)
    expect(desk.rows().first).to_contain_text("Removed")


def test_the_desk_is_worked_by_keyboard_alone(desk: Desk) -> None:
    desk.opens("desk", name="guard")
    page = desk.page
    expect(page.locator("#desk-number")).to_be_focused()
    page.keyboard.type("nonsense")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("There is no pass of that number")
    expect(page.locator("#desk-number")).to_be_focused()
    page.keyboard.type("K7M4-Q2XD")
    page.keyboard.press("Enter")
    card = page.locator("section[aria-labelledby=desk-result]")
    expect(card).to_be_focused()
    expect(card).to_contain_text("Guest")
    card.get_by_role("button", name="Card", exact=True).press("Enter")
    page.locator(".el-message-box input").fill("04A1B2C3")
    page.keyboard.press("Enter")
    expect(card).to_contain_text("··B2C3")
    card = page.locator("section[aria-labelledby=desk-result]")
    card.get_by_role("button", name="PIN", exact=True).press("Enter")
    page.locator(".el-message-box .el-button--primary").press("Enter")
    expect(card).to_contain_text("482 915")
    card.get_by_role("button", name="Seen, hide it").press("Enter")
    expect(card).not_to_contain_text("482 915")


def test_a_paper_pass_prints_alone_on_a6_with_a_code_that_can_be_read(desk: Desk) -> None:
    desk.opens("desk", name="guard")
    desk.page.locator("#desk-number").fill("K7M4Q2XD")
    desk.page.keyboard.press("Enter")
    desk.presses("Paper pass")
    expect(desk.page.get_by_role("dialog")).to_contain_text("P4PR-2WXY")
    desk.page.emulate_media(media="print")
    assert desk.page.locator(".l-paper").is_visible()
    assert not desk.page.locator("#app").is_visible()
    [read] = _codes(desk.page.locator(".l-paper img").screenshot())
    assert len(read) == 118
    sheet = desk.page.pdf(prefer_css_page_size=True)
    assert b"/Count 1" in sheet
    desk.page.emulate_media(media="screen")


def test_a_courier_gets_half_an_hour_without_a_name(desk: Desk) -> None:
    desk.opens("desk", name="guard")
    desk.presses("Give a courier pass")
    expect(desk.page.get_by_role("dialog")).to_contain_text("C0UR-13RX")


def test_at_the_desk_a_face_needs_the_yes_and_its_evidence_first(desk: Desk) -> None:
    desk.opens("desk", name="guard")
    desk.page.locator("#desk-number").fill("K7M4Q2XD")
    desk.page.keyboard.press("Enter")
    desk.presses("Help enrol a face")
    record = desk.page.get_by_role("button", name="Record the consent")
    expect(record).to_be_disabled()
    yes = desk.page.get_by_role("checkbox", name="The person has read the notice")
    expect(yes).not_to_be_checked()
    assert desk.page.locator("#face-front").count() == 0
    yes.check()
    expect(record).to_be_disabled()
    desk.page.locator("#face-evidence").fill("F-1204")
    record.click()
    desk.page.get_by_role("button", name="Begin", exact=True).click()
    expect(desk.page.locator(".face")).to_contain_text("Turn the head slowly to the left")


def test_the_health_mode_is_off_until_another_person_says_yes(desk: Desk) -> None:
    desk.opens("health", name="office")
    state = desk.page.locator(".state .big")
    expect(state).to_have_text("Off")
    desk.presses("Write a proposal", "Send for approval")
    expect(desk.page.get_by_role("alert")).to_contain_text("Name the legal basis.")
    desk.page.locator("#health-basis").fill("Law on infectious diseases, art. 42, notice 2025-7")
    desk.page.locator("#health-authority").fill("District health commission")
    desk.presses("Send for approval")
    expect(desk.page.get_by_role("alert")).to_contain_text("Choose the temperature")
    desk.page.locator("#health-temperature").select_option("375")
    desk.presses("Send for approval")
    expect(desk.page.locator(".waiting")).to_contain_text("Whoever asked cannot approve")
    expect(state).to_have_text("Off")
    desk.presses("Sign out")
    desk.page.locator("#username").wait_for()
    desk.opens("health", name="committee")
    desk.confirms("Approve")
    expect(state).to_have_text("On")
    desk.presses("End it now")
    box = desk.page.locator(".el-message-box")
    box.locator("input").fill("the order is lifted")
    box.get_by_role("button", name="End it now").click()
    expect(state).to_have_text("Off")


def _codes(picture: bytes) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(Image.open(BytesIO(picture)))]
