"""Kill -9 of the platform: an answer that was given is in the books, and no books are kept by two."""

import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.sim.messages import check_in_body, message, minute, new_stay
from tests.sim.running import TOKEN, RunningPlatform

MESSAGES = "/lodging/v1/messages"


def test_every_answer_given_before_a_kill_is_in_the_books_after_it(tmp_path: Path) -> None:
    platform = RunningPlatform(books=tmp_path / "books.sqlite").start()
    answered: dict[str, str] = {}
    stop = threading.Event()

    def send() -> None:
        with platform.client() as client:
            while not stop.is_set():
                sent = message("CHECK_IN", check_in_body(new_stay()))
                try:
                    answered[sent["lsh"]] = client.post(MESSAGES, json=sent).json()["receipt"]
                except httpx.HTTPError:
                    return

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    while len(answered) < 100:
        time.sleep(0.005)
    platform.kill()
    stop.set()
    for sender in senders:
        sender.join()
    platform.start()
    try:
        with platform.client() as client:
            booked = {
                row["lsh"]: row["receipt"]
                for row in client.get("/lodging/v1/books", params={"size": 1000}).json()["rows"]
            }
    finally:
        platform.stop()
    assert answered.items() <= booked.items()


def test_the_same_books_are_never_kept_by_two_processes(tmp_path: Path) -> None:
    platform = RunningPlatform(books=tmp_path / "books.sqlite").start()
    command = [sys.executable, "-m", "linli.sim", "platform", "lodging", "--token", TOKEN]
    try:
        same_books = subprocess.run(
            [*command, "--books", str(platform.books)], capture_output=True, text=True, timeout=20
        )
        other = ["--books", str(tmp_path / "other.sqlite"), "--port", str(platform.port)]
        same_port = subprocess.run([*command, *other], capture_output=True, text=True, timeout=20)
    finally:
        platform.stop()
    assert (same_books.returncode, same_port.returncode) == (3, 3)
    assert "keeps these books" in same_books.stderr
    assert "listens on this address" in same_port.stderr


def test_a_simulated_day_moves_the_platforms_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offset = tmp_path / "clock"
    offset.write_text("0")
    monkeypatch.setenv("LINLI_CLOCK_FILE", str(offset))
    platform = RunningPlatform(books=tmp_path / "books.sqlite").start()
    tomorrow = check_in_body(new_stay(), rzsj=minute(timedelta(days=1)), ydtfsj=minute(timedelta(days=2)))
    try:
        with platform.client() as client:
            early = client.post(MESSAGES, json=message("CHECK_IN", tomorrow)).json()
            offset.write_text("86400")
            time.sleep(0.1)
            on_time = client.post(MESSAGES, json=message("CHECK_IN", tomorrow)).json()
    finally:
        platform.stop()
    assert (early.get("code"), on_time["answer"]) == ("IN_THE_FUTURE", "ACCEPTED")
