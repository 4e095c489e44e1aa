"""The guest's doors in a real browser: a face only after a separate yes, a PIN on a tap, a visitor by link."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser import test_phone_page
from tests.browser.test_phone_page import CHROMIUM, FLAGS, Guest

estate = test_phone_page.estate
document = test_phone_page.document
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *CAMERA])
        yield opened
        opened.close()


@pytest.fixture(params=["zh-CN", "en-GB"])
def guest(browser: Browser, estate: str, document: Path, request: pytest.FixtureRequest) -> Iterator[Guest]:
    for holder in test_phone_page._guest(browser, estate, request.param):
        _moves_in(holder, document)
        yield holder


@pytest.fixture
def reader(browser: Browser, estate: str, document: Path) -> Iterator[Guest]:
    for holder in test_phone_page._guest(browser, estate, "en-GB"):
        _moves_in(holder, document)
        yield holder


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    drawn = []
    for number in range(6):
        noise = Image.effect_noise((320, 320), 60 + number).convert("RGB")
        noise.save(tmp_path / f"{number}.jpg")
        drawn.append(tmp_path / f"{number}.jpg")
    return drawn


def _moves_in(holder: Guest, document: Path) -> None:
    holder.opens("OPEN")
    holder.registers(name="王小明")
    holder.shows(document)
    holder.presses("on")
    holder.code()


def test_every_screen_of_the_doors_is_well_made_in_both_languages(guest: Guest) -> None:
    guest.presses("ways")
    guest.page.locator(".rung:visible").first.wait_for()
    guest.is_well_made()
    guest.presses("pin")
    guest.page.locator(".pin:visible").wait_for()
    guest.is_well_made()
    guest.presses("use-qr", "face")
    guest.page.locator(".do-face-agree:visible").wait_for()
    guest.is_well_made()
    guest.presses("face-agree")
    guest.page.locator(".do-face-camera:visible").wait_for()
    guest.is_well_made()
    guest.presses("face-camera")
    guest.page.locator(".do-face-front:visible").wait_for()
    guest.is_well_made()
    guest.presses("use-qr", "visit")
    guest.page.locator(".do-visit-make:visible").wait_for()
    guest.is_well_made()
    guest.presses("visit-make")
    guest.page.locator(".do-visit-share:visible").wait_for()
    guest.is_well_made()


def test_nothing_is_taken_before_a_separate_yes_and_a_no_leads_back_to_the_code(reader: Guest) -> None:
    asked: list[str] = []
    reader.page.on("request", lambda sent: asked.append(f"{sent.method} {sent.url}") if "/faces/" in sent.url else None)
    reader.presses("face")
    reader.reads("This is voluntary")
    reader.reads("the pictures are deleted at once")
    assert reader.page.locator(".tick-on:visible").count() == 0
    assert reader.page.locator("video").count() == 0
    reader.presses("use-qr")
    reader.code()
    assert [one for one in asked if not one.startswith("GET ")] == []


def test_a_face_is_taken_by_the_camera_and_deleted_with_one_tap_and_every_gate_confirms(reader: Guest) -> None:
    reader.presses("face", "face-agree", "face-camera")
    reader.reads("Turn your head slowly to the left")
    reader.page.wait_for_function("() => document.querySelector('video')?.videoWidth > 0")
    reader.presses("face-front", "face-turn")
    reader.reads("Your face opens your doors")
    reader.reads("No picture was kept.")
    reader.is_well_made()
    reader.presses("face-delete")
    reader.reads("48 of 51 gates have confirmed")
    reader.is_well_made()
    expect(reader.page.locator(".screen:visible")).to_contain_text("All 51 gates have confirmed", timeout=15_000)
    reader.page.locator(".do-face-agree:visible").wait_for()


def test_without_a_camera_pictures_are_chosen_and_the_reason_that_failed_is_said(
    reader: Guest, pictures: list[Path], tmp_path: Path
) -> None:
    small = tmp_path / "small.jpg"
    Image.new("RGB", (16, 16)).save(small)
    reader.presses("face", "face-agree", "face-file")
    for front, turn in ((small, [small] * 4), (pictures[0], pictures)):
        with reader.page.expect_file_chooser() as chooser:
            reader.presses("face-front")
        chooser.value.set_files(front)
        with reader.page.expect_file_chooser() as chooser:
            reader.presses("face-turn")
        chooser.value.set_files(turn)
        if front is small:
            reader.reads("there is no face in the picture")
            assert reader.page.locator(".do-use-qr:visible").count() == 1
            reader.presses("face-file")
    reader.reads("Your face opens your doors")


def test_a_wrong_face_is_told_in_two_taps(reader: Guest) -> None:
    reader.presses("face", "face-agree", "face-camera")
    reader.page.wait_for_function("() => document.querySelector('video')?.videoWidth > 0")
    reader.presses("face-front", "face-turn")
    reader.reads("Your face opens your doors")
    reader.presses("use-qr", "ways", "wrong", "wrong-FALSE_REJECT", "wrong-send")
    reader.reads("It counts in this gate's error report")


def test_the_pin_is_hidden_until_tapped_and_never_kept(reader: Guest) -> None:
    reader.presses("ways")
    reader.reads("Guard")
    assert "482" not in reader.page.locator(".screen:visible").inner_text()
    reader.presses("pin")
    reader.reads("482 915")
    assert "482915" not in reader.page.evaluate("() => JSON.stringify([localStorage, sessionStorage])")
    reader.presses("pin")
    expect(reader.page.locator(".pin:visible")).to_have_count(0)


def test_a_visitor_opens_the_link_reads_accepts_and_shows_a_code_until_it_is_withdrawn(
    reader: Guest, browser: Browser
) -> None:
    with reader.page.expect_response(
        lambda got: got.url.endswith("/api/visits") and got.request.method == "POST"
    ) as made:
        reader.presses("visit", "visit-make")
    token = made.value.json()["token"]
    for visitor in test_phone_page._guest(browser, reader.home, "en-GB"):
        visitor.page.goto(f"{reader.home}#/pages/visit/visit?t={token}")
        visitor.reads("You are invited")
        visitor.is_well_made()
        visitor.presses("visit-accept")
        visitor.reads("Please type the name.")
        visitor.types(visitor_name="李四", visitor_phone="13800138000")
        visitor.presses("visit-accept")
        visitor.reads("Please confirm that you have read it.")
        visitor.presses("visit-read", "visit-accept")
        visitor.reads("H3TR-9WKP")
        assert visitor.code()
        visitor.is_well_made()
        kept = visitor.page.evaluate("() => JSON.stringify([localStorage, sessionStorage])")
        assert "李四" not in kept
        assert "13800138000" not in kept
        reader.presses("visit-withdraw")
        reader.reads("Withdrawn.")
        visitor.page.reload()
        visitor.reads("This invitation was withdrawn")
        assert visitor.page.locator(".qr:visible").count() == 0


@pytest.fixture
def held(browser: Browser, estate: str, document: Path) -> Iterator[Guest]:
    """A guest whose document the host has still to look at."""
    for holder in test_phone_page._guest(browser, estate, "en-GB"):
        holder.opens("OPEN")
        holder.registers(name="王小明")
        holder.presses("other")
        holder.page.locator(".do-check:visible").wait_for()
        yield holder


def test_a_face_check_stands_after_the_other_ways_and_asks_nothing_before_its_own_yes(held: Guest) -> None:
    sent: list[tuple[str, str]] = []
    held.page.on(
        "request",
        lambda it: (
            sent.append((it.method, it.post_data or "")) if "/face-check" in it.url and it.method != "GET" else None
        ),
    )
    order = "() => [...document.querySelectorAll('.do-picture, .do-check')].map((it) => it.className.match(/do-(picture|check)/)[1])"
    assert held.page.evaluate(order) == ["picture", "check"]
    held.presses("check")
    held.reads("it is not needed")
    held.is_well_made()
    assert held.page.locator("input[type=file]").count() == 0
    assert held.page.locator(".do-check-camera").count() == 0
    held.presses("check-agree")
    held.page.locator(".do-check-camera:visible").wait_for()
    assert sent == [("POST", '{"notice_digest":"' + "c" * 64 + '"}')]
    held.is_well_made()
    held.presses("check-unsay")
    held.reads("Taken back.")
    held.page.locator(".do-check-agree:visible").wait_for()


def test_a_picture_that_does_not_agree_leads_to_another_way_and_one_that_does_to_the_code(
    held: Guest, pictures: list[Path], tmp_path: Path
) -> None:
    small = tmp_path / "small.jpg"
    Image.new("RGB", (16, 16)).save(small)
    held.presses("check", "check-agree")
    for picture, said in ((small, "another way, please"), (pictures[0], "Your identity was confirmed")):
        with held.page.expect_file_chooser() as chooser:
            held.presses("check-pick")
        chooser.value.set_files(picture)
        held.presses("check-send")
        held.reads(said)
        held.is_well_made()
        if picture is small:
            held.reads("You can try 4 more times.")
            held.reads("Show yourself and your document")
    held.presses("another-way")
    held.code()
    held.page.locator(".do-check:visible").wait_for()
