"""The phone page in a real browser, against the pretend estate of `web/app/mock`: what a guest sees, at 360 pixels."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

APP = Path(__file__).parents[2] / "web" / "app"
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
PHONE = {"width": 360, "height": 740}
CITIZEN = "510108199003070010"
CHILD = "510108201202290024"
SMALL_TARGETS = """() => [...document.querySelectorAll('button, input')]
  .map((it) => [it.className, it.getBoundingClientRect()])
  .filter(([, box]) => box.width > 0 && (box.width < 44 || box.height < 44)).map(([name]) => name)"""


@dataclass
class Guest:
    """A guest holding a phone; everything that a decent page would not do is written down."""

    page: Page
    home: str
    outside: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """This will note requests to anybody else, and whatever the content security policy or a script complains of."""
        here = self.home.split("/m/")[0]
        own = (here + "/", "data:", "blob:")
        self.page.on("request", lambda sent: None if sent.url.startswith(own) else self.outside.append(sent.url))
        self.page.on("pageerror", lambda error: self.refused.append(str(error)))
        self.page.on(
            "console", lambda said: self.refused.append(said.text) if "Content Security Policy" in said.text else None
        )

    def opens(self, token: str) -> None:
        """This will open a registration link."""
        self.page.goto(f"{self.home}#/pages/register/register?t={token}")

    def presses(self, *names: str) -> None:
        """This will press the things of these names, one after the other."""
        for name in names:
            self.page.locator(f".do-{name}:visible").first.click()

    def types(self, **fields: str) -> None:
        """This will fill fields by their names."""
        for name, text in fields.items():
            self.page.locator(f"#{name.replace('_', '-')}").fill(text)

    def reads(self, text: str) -> None:
        """This will wait until the page says so."""
        expect(self.page.locator(".screen:visible")).to_contain_text(text)

    def code(self) -> str:
        """This will read the pass with a scanner's eye: from the pixels."""
        self.page.locator(".qr").wait_for()
        self.page.wait_for_timeout(150)
        shot = Image.open(BytesIO(self.page.locator(".qr").screenshot()))
        found = zxingcpp.read_barcodes(shot)
        assert len(found) == 1
        return str(found[0].text)

    def is_well_made(self) -> None:
        """This will hold the screen against axe, 44-pixel targets and the width of the phone."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate((APP / "node_modules/axe-core/axe.min.js").read_text())
        found = self.page.evaluate("async () => (await axe.run()).violations.map((it) => [it.id, it.nodes[0].html])")
        assert found == []
        assert self.page.evaluate(SMALL_TARGETS) == []
        assert self.page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0

    def registers(self, *, name: str, number: str = CITIZEN, bed: str = "a1") -> None:
        """This will fill the whole form for an adult with a resident ID and send it."""
        self.presses("start", "kind-resident_id")
        self.types(number=number)
        self.presses("next")
        self.types(native_name=name)
        self.presses("next")
        self.types(phone="13800138000")
        self.presses("next", "room-room_a", f"bed-bed_{bed}", "next")
        if self.page.locator(".do-relation-friend").count():
            self.presses("relation-friend", "next")
        self.presses("rules", "next", "notice", "next", "next")

    def chooses(self, picture: Path) -> None:
        """This will choose a picture of the document."""
        with self.page.expect_file_chooser() as chooser:
            self.presses("take")
        chooser.value.set_files(picture)
        self.page.locator(".picture").wait_for()

    def shows(self, picture: Path) -> None:
        """This will choose a picture of the document and send it."""
        self.chooses(picture)
        self.presses("use")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def estate() -> Iterator[str]:
    node = shutil.which("node")
    assert node, "the phone page is built and served by Node 20 or newer"
    assert (APP / "dist/build/h5/index.html").exists(), "build the phone page first: make setup"
    environ = {**os.environ, "MOCK_PORT": "0"}
    server = subprocess.Popen([node, APP / "mock/server.mjs"], stdout=subprocess.PIPE, text=True, env=environ)
    assert server.stdout is not None
    yield server.stdout.readline().split("#")[0].strip()
    server.terminate()
    server.wait()


@pytest.fixture(params=["zh-CN", "en-GB"])
def guest(browser: Browser, estate: str, request: pytest.FixtureRequest) -> Iterator[Guest]:
    yield from _guest(browser, estate, request.param)


@pytest.fixture
def reader(browser: Browser, estate: str) -> Iterator[Guest]:
    yield from _guest(browser, estate, "en-GB")


def _guest(browser: Browser, estate: str, language: str) -> Iterator[Guest]:
    context: BrowserContext = browser.new_context(viewport=PHONE, locale=language)
    page = context.new_page()
    page.set_default_timeout(10_000)
    holder = Guest(page=page, home=estate)
    holder.watch()
    yield holder
    context.close()
    assert holder.outside == [], "nobody else may be asked"
    assert holder.refused == []


@pytest.fixture
def document(tmp_path: Path) -> Path:
    drawn = Image.new("RGB", (1600, 1010), "#dfe8ef")
    ImageDraw.Draw(drawn).rectangle((100, 100, 900, 300), fill="#456")
    drawn.save(tmp_path / "document.jpg")
    return tmp_path / "document.jpg"


def test_every_screen_of_a_stay_is_well_made_in_both_languages(guest: Guest, document: Path) -> None:
    guest.page.goto(guest.home)
    guest.is_well_made()
    guest.opens("OPEN")
    guest.page.locator(".do-start").wait_for()
    guest.is_well_made()
    guest.presses("start")
    guest.page.locator(".do-kind-foreign_passport").wait_for()
    guest.is_well_made()
    guest.presses("no-document")
    guest.is_well_made()
    guest.presses("found-document", "kind-foreign_passport", "next")
    guest.is_well_made()
    guest.types(number="L898902C3")
    guest.presses("next")
    guest.types(latin_name="Eriksson Anna Maria")
    guest.is_well_made()
    guest.presses("next", "next")
    guest.is_well_made()
    guest.types(birth_year="1974", birth_month="8", birth_day="12", nationality="swe")
    guest.presses("nation-SWE", "sex-female", "next", "room-room_a", "bed-bed_a1")
    guest.is_well_made()
    guest.presses("next", "next")
    guest.is_well_made()
    guest.presses("rules", "next")
    guest.is_well_made()
    guest.presses("notice", "next")
    guest.is_well_made()
    guest.presses("next")
    guest.page.locator(".do-take").wait_for()
    guest.is_well_made()
    guest.chooses(document)
    guest.is_well_made()
    guest.presses("use")
    guest.page.locator(".do-on").wait_for()
    guest.is_well_made()
    guest.presses("on")
    assert re.fullmatch(r"[\w-]{120}", guest.code())
    guest.is_well_made()
    guest.presses("leave")
    guest.is_well_made()
    guest.presses("leave-yes")
    guest.page.locator(".do-forget").wait_for()
    guest.is_well_made()


def test_the_code_moves_by_itself_and_lasts_through_a_dead_zone_and_a_reload(reader: Guest, document: Path) -> None:
    reader.page.clock.install()
    reader.opens("OPEN")
    reader.registers(name="王小明")
    reader.shows(document)
    reader.presses("on")
    first = reader.code()
    reader.page.clock.fast_forward(30_000)
    second = reader.code()
    assert second != first
    reader.page.context.set_offline(True)
    reader.page.reload()
    assert reader.code() == second
    reader.reads("Offline. The code is good until")
    reader.page.clock.fast_forward(11 * 60_000)
    reader.reads("the stored codes have run out")
    reader.page.context.set_offline(False)
    reader.page.clock.fast_forward(11_000)
    reader.code()


def test_after_check_out_no_code_is_left_on_the_phone(reader: Guest, document: Path) -> None:
    reader.opens("OPEN")
    reader.registers(name="王小明")
    reader.shows(document)
    reader.presses("on")
    reader.code()
    reader.presses("leave", "leave-yes")
    reader.reads("You have checked out")
    kept = reader.page.evaluate("() => JSON.stringify(localStorage)")
    assert "sheaf" not in kept


def test_no_document_number_is_ever_kept_on_the_phone(reader: Guest) -> None:
    reader.opens("OPEN")
    reader.registers(name="王小明")
    reader.page.locator(".do-take").wait_for()
    kept = reader.page.evaluate("() => JSON.stringify([localStorage, sessionStorage])")
    assert "stay_" in kept
    assert CITIZEN not in kept
    assert "王小明" not in kept


def test_a_reload_in_the_middle_keeps_what_was_typed(reader: Guest) -> None:
    reader.opens("OPEN")
    reader.presses("start", "kind-resident_id")
    reader.types(number=CITIZEN)
    reader.page.reload()
    expect(reader.page.locator("#number")).to_have_value(CITIZEN)
    reader.reads("Born 7 Mar 1990 · Male")


def test_a_lost_answer_is_asked_for_again_and_registers_one_guest(reader: Guest) -> None:
    reader.opens("OPEN")
    keys: list[str] = []

    def lose_the_first(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        route.fetch()
        if len(keys) == 1:
            route.abort()
        else:
            route.fallback()

    reader.page.route("**/api/registration/guests", lose_the_first)
    reader.registers(name="王小明")
    reader.page.locator(".do-take").wait_for()
    assert len(keys) == 2
    assert len(set(keys)) == 1
    reader.opens("OPEN")
    reader.reads("3 booked, 1 registered")


def test_what_the_server_refuses_is_said_at_the_field_in_the_chosen_language(reader: Guest) -> None:
    reader.opens("OPEN")
    reader.registers(name="bad")
    expect(reader.page.locator("#native-name")).to_have_attribute("aria-invalid", "true")
    reader.reads("The name has characters no document has.")
    reader.presses("zh")
    reader.reads("姓名里有证件上不会出现的字符。")
    reader.types(native_name="王小明")
    expect(reader.page.locator("#native-name")).not_to_have_attribute("aria-invalid", "true")


def test_a_second_stay_at_the_same_time_needs_a_reason(reader: Guest) -> None:
    reader.opens("OPEN")
    reader.presses("start", "kind-foreign_passport")
    reader.types(number="OVERLAP1")
    reader.presses("next")
    reader.types(latin_name="Eriksson Anna")
    reader.presses("next")
    reader.types(birth_year="1974", birth_month="8", birth_day="12", nationality="Sweden")
    reader.presses("nation-SWE", "sex-female", "next", "room-room_a", "bed-bed_a1", "next", "rules", "next", "notice")
    reader.presses("next", "next")
    reader.reads("This document is registered in another stay at the same time")
    reader.presses("overlap-moved", "next")
    reader.page.locator(".do-take").wait_for()


@pytest.mark.parametrize("token", ["nonsense", "", "%3Cscript%3Ealert(1)%3C/script%3E", "x" * 400])
def test_a_link_that_opens_nothing_gets_a_kind_page(reader: Guest, token: str) -> None:
    reader.opens(token)
    reader.reads("This link does not open anything")
    reader.reads("Please ask your host to send it again")


def test_a_second_link_opened_in_the_same_tab_is_followed(reader: Guest) -> None:
    reader.opens("nonsense")
    reader.reads("This link does not open anything")
    reader.opens("ONE")
    reader.reads("1 booked, 0 registered")


def test_one_phone_registers_the_family_and_a_child_needs_a_guardian(reader: Guest, document: Path) -> None:
    reader.opens("OPEN")
    reader.registers(name="王小明")
    reader.shows(document)
    reader.presses("on", "another", "start", "kind-resident_id")
    reader.types(number=CHILD)
    reader.presses("next")
    reader.types(native_name="王小小")
    reader.presses("next", "next", "room-room_a", "next", "relation-child", "next", "next")
    reader.reads("Please type the guardian's phone.")
    reader.types(guardian_name="王大明", guardian_phone="13900139000")
    reader.presses("guardian-relation-father", "guardian-stay-away", "next", "rules", "next", "notice", "next", "next")
    reader.reads("A call to the guardian")
    reader.page.goto(reader.home)
    expect(reader.page.locator(".do-guest:visible")).to_have_count(2)
