"""The console in a real browser, against the pretend estate of `web/console/mock`: at a desk and on a phone, in both languages."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Response, expect, sync_playwright

CONSOLE = Path(__file__).parents[2] / "web" / "console"
BUILT = Path(__file__).parents[2] / "src" / "linli" / "server" / "fronts" / "console"
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
OVERFLOW = "() => document.documentElement.scrollWidth - innerWidth"
AXE = "async () => (await axe.run()).violations.map((it) => [it.id, it.impact, it.nodes[0].html])"
# The number that a platform's reason quotes in the pretend estate.
QUOTED = "510104199001011234"


@dataclass
class Desk:
    """Somebody at the console; everything that a decent page would not do is written down."""

    page: Page
    home: str
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def server(self) -> str:
        """Where the pretend estate answers."""
        return self.home.removesuffix("/console/")

    def watch(self) -> None:
        """This will note requests to anybody else, server errors, and whatever policy or script complains of."""
        own = (self.server + "/", "data:")
        self.page.on("request", lambda sent: None if sent.url.startswith(own) else self.outside.append(sent.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("response", self._answered)
        self.page.on(
            "console", lambda said: self.complaints.append(said.text) if "Content Security" in said.text else None
        )

    def _answered(self, answer: Response) -> None:
        if answer.status >= 500:
            self.complaints.append(f"{answer.status} {answer.url}")

    def signs_in(self, name: str = "office", password: str = "any") -> None:
        """This will sign in; in the pretend estate the name is the role."""
        self.page.locator("#username").fill(name)
        self.page.locator("#password").fill(password)
        self.page.keyboard.press("Enter")

    def opens(self, place: str, *, name: str = "office") -> None:
        """This will open a page, by way of the door when nobody is signed in yet."""
        self.page.goto(f"{self.home}#/{place}")
        self.page.locator("#username, main#content h1").first.wait_for()
        if self.page.locator("#username").is_visible():
            self.signs_in(name)
        self.page.locator("main#content h1").first.wait_for()

    def presses(self, *names: str) -> None:
        """This will press the buttons of these names, the topmost dialog's first."""
        for name in names:
            self.page.get_by_role("button", name=name, exact=True).last.click()

    def confirms(self, name: str) -> None:
        """This will press a button and say yes to the question it asks."""
        self.presses(name)
        box = self.page.locator(".el-message-box")
        box.get_by_role("button", name=name, exact=True).click()
        box.wait_for(state="hidden")

    def rows(self) -> Locator:
        """The lines of the page's table."""
        return self.page.locator("main#content tbody tr")

    def is_well_made(self) -> None:
        """This will hold the page against axe and the width of the screen."""
        self.page.wait_for_timeout(400)
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate((CONSOLE / "node_modules/axe-core/axe.min.js").read_text())
        assert self.page.evaluate(AXE) == []
        assert self.page.evaluate(OVERFLOW) <= 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def estate() -> Iterator[str]:
    node = shutil.which("node")
    assert node, "the console is built and served by Node 20 or newer"
    assert (BUILT / "index.html").exists(), "build the console first: make setup"
    environ = {**os.environ, "MOCK_PORT": "0"}
    server = subprocess.Popen([node, CONSOLE / "mock/server.mjs"], stdout=subprocess.PIPE, text=True, env=environ)
    assert server.stdout is not None
    yield server.stdout.readline().strip()
    server.terminate()
    server.wait()


@pytest.fixture(params=[("zh-CN", DESK), ("en-GB", PHONE), ("en-GB", DESK), ("zh-CN", PHONE)], ids=str)
def anywhere(browser: Browser, estate: str, request: pytest.FixtureRequest) -> Iterator[Desk]:
    yield from _desk(browser, estate, *request.param)


@pytest.fixture
def desk(browser: Browser, estate: str) -> Iterator[Desk]:
    yield from _desk(browser, estate, "en-GB", DESK)


def _desk(browser: Browser, estate: str, language: str, size: dict[str, int]) -> Iterator[Desk]:
    context = browser.new_context(viewport={"width": size["width"], "height": size["height"]}, locale=language)
    page = context.new_page()
    page.set_default_timeout(15_000)
    holder = Desk(page=page, home=estate)
    holder.watch()
    yield holder
    context.close()
    assert holder.outside == [], "nobody else may be asked"
    assert holder.complaints == []


def test_every_page_is_well_made_at_a_desk_and_on_a_phone_in_both_languages(anywhere: Desk) -> None:
    page = anywhere.page
    page.goto(anywhere.home)
    page.locator("#username").wait_for()
    anywhere.is_well_made()
    anywhere.signs_in()
    anywhere.rows().first.wait_for()
    anywhere.is_well_made()
    page.locator(".l-row-link").nth(3).click()
    page.locator(".facts").wait_for()
    anywhere.is_well_made()
    page.keyboard.press("Escape")
    for place, sign in (
        ("gates", ".list li"),
        ("reports?state=REJECTED", "tbody tr"),
        ("units", "tbody tr"),
        ("bookings", "tbody tr"),
    ):
        anywhere.opens(place)
        page.locator(f"main#content {sign}").first.wait_for()
        anywhere.is_well_made()
    anywhere.opens("units")
    page.locator("tbody a").first.click()
    page.locator(".path").wait_for()
    anywhere.is_well_made()
    anywhere.opens("bookings/new")
    page.locator("#unit").focus()
    page.locator(".option").first.wait_for()
    anywhere.is_well_made()
    page.locator(".option").first.click()
    page.locator(".room").first.wait_for()
    anywhere.is_well_made()


def test_the_language_is_switched_and_remembered(desk: Desk) -> None:
    desk.opens("gates")
    desk.presses("中文")
    expect(desk.page.locator("h1")).to_have_text("门禁")
    assert desk.page.evaluate("() => document.documentElement.lang") == "zh-Hans"
    desk.page.reload()
    expect(desk.page.locator("h1")).to_have_text("门禁")


def test_wrong_passwords_lock_the_door_and_say_for_how_long(desk: Desk) -> None:
    desk.page.goto(desk.home)
    desk.page.get_by_role("button", name="Sign in").click()
    expect(desk.page.locator("#complaint")).to_contain_text("both the user name and the password")
    for _ in range(5):
        desk.signs_in("guard", "wrong")
        expect(desk.page.locator("#complaint")).to_contain_text("wrong")
    desk.signs_in("guard", "right")
    expect(desk.page.locator("#complaint")).to_contain_text("Try again in")
    expect(desk.page.get_by_role("button", name="Sign in")).to_be_disabled()


def test_a_session_that_ends_leads_back_to_where_one_was(desk: Desk) -> None:
    desk.opens("reports?state=PARKED")
    desk.rows().first.wait_for()
    desk.page.request.post(f"{desk.server}/mock/forget")
    desk.page.get_by_role("button", name="Accepted").click()
    expect(desk.page.locator("main")).to_contain_text("Your session has ended")
    desk.signs_in()
    expect(desk.page.get_by_role("button", name="Accepted")).to_have_attribute("aria-pressed", "true")


def test_a_guest_is_seen_in_and_checked_in_by_keyboard_alone(desk: Desk) -> None:
    desk.opens("tonight", name="guard")
    minor = desk.rows().filter(has_text="Minor").first
    minor.get_by_role("button").focus()
    desk.page.keyboard.press("Enter")
    drawer = desk.page.get_by_role("dialog")
    expect(drawer).to_contain_text("the house must first reach the guardian")
    drawer.get_by_role("button", name="Guardian’s answer").press("Enter")
    desk.page.get_by_role("button", name="Reached, and agrees").press("Enter")
    expect(drawer.locator(".head")).to_contain_text("Verified")
    drawer.get_by_role("button", name="Check in").press("Enter")
    desk.page.locator(".el-message-box .el-button--primary").press("Enter")
    expect(drawer.locator(".head")).to_contain_text("In house")
    desk.page.keyboard.press("Escape")
    expect(minor.get_by_role("button")).to_be_focused()


def test_whoever_only_reads_is_offered_nothing_to_do(desk: Desk) -> None:
    desk.opens("tonight", name="police")
    desk.rows().first.get_by_role("button").click()
    expect(desk.page.get_by_role("dialog")).to_contain_text("there is nothing for you to do")
    desk.opens("reports?state=PARKED")
    desk.rows().first.wait_for()
    assert desk.page.get_by_role("button", name="Send again").count() == 0


def test_an_operator_sees_its_own_guests_without_the_estates_numbers(desk: Desk) -> None:
    desk.opens("gates", name="operator")
    expect(desk.page.locator("h1")).to_contain_text("Tonight")
    assert desk.page.locator(".night").count() == 0
    assert desk.page.locator("nav a[href='#/gates']").count() == 0
    expect(desk.page.get_by_role("alert")).to_have_count(0)


def test_a_lost_stream_says_so_and_comes_back(desk: Desk) -> None:
    desk.opens("gates")
    desk.page.locator(".mark.live").wait_for()
    desk.page.request.post(f"{desk.server}/mock/cut?for=4")
    expect(desk.page.locator("main")).to_contain_text("Connection lost, last heard")
    desk.page.locator(".mark.live").wait_for(timeout=40_000)
    expect(desk.page.locator("main")).not_to_contain_text("Connection lost")


def test_passages_are_narrowed_to_one_gate_and_to_refusals(desk: Desk) -> None:
    desk.opens("gates")
    desk.page.locator(".tile", has_text="G02").click()
    for line in desk.page.locator(".list .second").all_inner_texts():
        assert line.startswith("G02")
    desk.page.locator(".tile", has_text="G02").click()
    desk.page.get_by_role("switch").press("Space")
    expect(desk.page.locator(".list li").first).to_contain_text("Refused")
    assert all(line.startswith("Refused") for line in desk.page.locator(".list .first").all_inner_texts())


def test_a_reason_that_quotes_a_number_is_masked_and_the_report_is_sent_again(desk: Desk) -> None:
    desk.opens("reports?state=REJECTED")
    expect(desk.rows().first).to_contain_text("510*************34")
    assert QUOTED not in desk.page.content()
    before = desk.rows().count()
    desk.page.get_by_role("button", name="Send again").first.click()
    desk.page.locator(".el-message-box").get_by_role("button", name="Send again").click()
    expect(desk.rows()).to_have_count(before - 1)


def test_a_unit_walks_from_draft_to_letting_and_is_suspended_only_with_a_reason(desk: Desk) -> None:
    desk.opens("units")
    desk.page.locator("tbody a").first.click()
    desk.confirms("Submit for the check")
    desk.confirms("Checked on site")
    desk.confirms("Enter the mark")
    desk.confirms("Start letting")
    heading = desk.page.locator(".l-heading")
    expect(heading).to_contain_text("Letting")
    desk.presses("Suspend")
    box = desk.page.locator(".el-message-box")
    box.get_by_role("button", name="Suspend").click()
    expect(box).to_contain_text("Give a reason")
    box.locator("input").fill("three complaints at night")
    box.get_by_role("button", name="Suspend").click()
    expect(desk.page.locator("main")).to_contain_text("Suspended: three complaints at night")


def test_a_booking_gives_a_link_that_a_camera_can_read(desk: Desk) -> None:
    desk.opens("bookings/new")
    desk.presses("Book and make the link")
    expect(desk.page.get_by_text("Give the booker's name.")).to_be_visible()
    desk.page.locator("#unit").focus()
    desk.page.locator(".option").first.wait_for()
    desk.page.keyboard.press("ArrowDown")
    desk.page.keyboard.press("Enter")
    desk.page.get_by_role("checkbox", name="Whole room 1").check()
    desk.page.locator("#booker-name").fill("王芳")
    desk.page.locator("#booker-phone").fill("138 0013 8000")
    desk.presses("Book and make the link")
    link = desk.page.locator("#registration-link")
    link.wait_for()
    picture = Image.open(BytesIO(desk.page.get_by_alt_text("QR code of the registration link").screenshot()))
    [read] = zxingcpp.read_barcodes(picture)
    assert read.text == link.input_value()
    assert read.text.startswith(f"{desk.server}/m/#/pages/register/register?t=")


def test_a_refused_booking_says_why_and_keeps_what_was_typed(desk: Desk) -> None:
    desk.opens("bookings/new")
    desk.page.locator("#unit").focus()
    desk.page.locator(".option").nth(2).click()
    desk.page.locator(".room").first.wait_for()
    desk.page.locator("#booker-name").fill("taken")
    desk.page.locator("#booker-phone").fill("13800138000")
    desk.presses("Book and make the link")
    expect(desk.page.get_by_role("alert")).to_contain_text("already let for part of this period")
    expect(desk.page.locator("#booker-name")).to_have_value("taken")


def test_a_booking_is_extended_and_cancelled(desk: Desk) -> None:
    desk.opens("bookings")
    row = desk.rows().filter(has=desk.page.get_by_role("button", name="Cancel")).first
    row.get_by_role("button", name="Extend").click()
    desk.presses("Extend")
    expect(desk.page.get_by_text("The booking now ends")).to_be_visible()
    row.get_by_role("button", name="Cancel").click()
    desk.page.locator(".el-message-box").get_by_role("button", name="Cancel", exact=True).click()
    expect(desk.page.get_by_text("The booking is cancelled.")).to_be_visible()


def test_a_booking_file_shows_what_became_of_each_line(desk: Desk) -> None:
    desk.opens("bookings")
    desk.presses("Import a file")
    dialog = desk.page.get_by_role("dialog")
    chosen = desk.page.locator("#feed-file")
    chosen.set_input_files({"name": "orders.exe", "mimeType": "application/x-msdownload", "buffer": b"MZ"})
    expect(dialog).to_contain_text("Only .ics or .csv files.")
    chosen.set_input_files({"name": "orders.ics", "mimeType": "text/calendar", "buffer": b"BEGIN:VCALENDAR"})
    desk.presses("Import")
    expect(dialog).to_contain_text("Choose the unit that this calendar belongs to.")
    chosen.set_input_files({"name": "orders.csv", "mimeType": "text/csv", "buffer": b"unit,arrive"})
    desk.presses("Import")
    expect(dialog.locator("tbody tr")).to_have_count(4)
    expect(dialog).to_contain_text("That bed is already let for part of this period.")


def test_a_server_that_cannot_be_reached_leaves_the_old_numbers_and_says_how_old(desk: Desk) -> None:
    desk.opens("units")
    desk.rows().first.wait_for()
    desk.page.context.set_offline(True)
    desk.page.get_by_label("State", exact=True).select_option("SUSPENDED")
    expect(desk.page.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    expect(desk.page.get_by_role("alert")).to_contain_text("What you see was read at")
    assert desk.rows().count() > 0
    desk.page.context.set_offline(False)
    desk.presses("Try again")
    expect(desk.page.get_by_role("alert")).to_have_count(0)
