"""Ids, periods, times, text, files, tickets, actors: the small things everything stands on."""

import io
import struct
import threading
import time
import zlib
from datetime import UTC, date, datetime, timedelta
from importlib import import_module

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from linli.server.kernel import clock, files, ids, periods, text, tickets
from linli.server.kernel.actors import Actor, Grant, Role, system
from linli.server.kernel.errors import BadField, NotAllowed, Refusal
from linli.server.kernel.files import FileTooBig, NotAPicture, NotText, PictureTooLarge
from linli.server.kernel.periods import Period, PeriodUpsideDown

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_ids_are_unique_and_name_their_thing() -> None:
    made = {ids.new("stay") for _ in range(20_000)}
    assert len(made) == 20_000
    assert all(one.startswith("stay_") and len(one) == 31 for one in made)
    assert all(set(one[5:]) <= set(ids.ALPHABET) for one in made)


def test_ids_sort_by_the_time_they_were_made() -> None:
    made = []
    for _ in range(50):
        made.append(ids.new("x"))
        time.sleep(0.0015)
    assert made == sorted(made)


def test_ids_made_by_many_threads_are_all_different() -> None:
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.extend([ids.new("t") for _ in range(2000)])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 16_000


def test_a_period_holds_its_start_and_not_its_end() -> None:
    period = Period(start=NOW, end=NOW + HOUR)
    assert NOW in period
    assert NOW + HOUR not in period
    assert not period.meets(Period(start=NOW + HOUR, end=NOW + 2 * HOUR))


@pytest.mark.parametrize("hours", [0, -1])
def test_a_period_that_ends_before_it_starts_is_refused(hours: int) -> None:
    with pytest.raises(PeriodUpsideDown):
        Period(start=NOW, end=NOW + hours * HOUR)


@given(edges=st.lists(st.integers(0, 20), min_size=4, max_size=4))
def test_periods_meet_exactly_when_they_share_an_hour(edges: list[int]) -> None:
    (a, b), (c, d) = sorted(edges[:2]), sorted(edges[2:])
    if a == b or c == d:
        return
    first = Period(start=NOW + a * HOUR, end=NOW + b * HOUR)
    second = Period(start=NOW + c * HOUR, end=NOW + d * HOUR)
    assert first.meets(second) == second.meets(first) == bool(set(range(a, b)) & set(range(c, d)))


def test_grace_widens_a_period_at_either_end() -> None:
    wide = Period(start=NOW, end=NOW + HOUR).widened(before=HOUR, after=2 * HOUR)
    assert (wide.start, wide.end) == (NOW - HOUR, NOW + 3 * HOUR)
    assert periods.Period is Period


def test_a_local_day_is_the_estates_not_the_servers() -> None:
    start, end = clock.local_day(date(2026, 11, 24), "Asia/Shanghai")
    assert start == datetime(2026, 11, 23, 16, tzinfo=UTC)
    assert end - start == timedelta(days=1)
    assert clock.local_date(datetime(2026, 11, 23, 16, 30, tzinfo=UTC), "Asia/Shanghai") == date(2026, 11, 24)


@pytest.mark.parametrize("day", [date(1, 1, 1), date(9999, 12, 31), date(1899, 12, 31)])
def test_a_day_at_the_end_of_the_calendar_is_refused(day: date) -> None:
    with pytest.raises(BadField):
        clock.local_day(day, "Asia/Shanghai")


def test_a_simulated_day_moves_the_clock_and_a_broken_file_does_not(tmp_path, monkeypatch) -> None:
    path = tmp_path / "offset"
    path.write_text("3600")
    monkeypatch.setenv("LINLI_CLOCK_FILE", str(path))
    time.sleep(0.06)
    moved = clock.now() - datetime.now(UTC)
    path.write_text("not a number")
    time.sleep(0.06)
    kept = clock.now() - datetime.now(UTC)
    monkeypatch.setattr(clock, "_offset", 0.0)
    monkeypatch.setattr(clock, "_read_at", -1.0)
    for offset in (moved, kept):
        assert timedelta(seconds=3590) < offset < timedelta(seconds=3610)


LINE, PASSAGE = TypeAdapter(text.Line), TypeAdapter(text.Passage)


@pytest.mark.parametrize("typed", ["a\x00b", "\x1b[2J", "a\nb", "a\tb", "\ud800", "\ue000", "x" * 121, "\x7f"])
def test_text_with_control_or_broken_characters_or_too_long_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        LINE.validate_python(typed)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("  张伟  ", "张伟"), ("e\u0301", "é"), ("Robert'); DROP TABLE x;--", None), ("<script>alert(1)</script>", None)],
)
def test_text_is_trimmed_and_composed_and_otherwise_left_alone(typed: str, kept: str | None) -> None:
    assert LINE.validate_python(typed) == (kept or typed)


def test_a_passage_may_have_lines_a_line_may_not() -> None:
    assert PASSAGE.validate_python("one\ntwo") == "one\ntwo"


def picture(kind: str, size: tuple[int, int] = (40, 30)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "white").save(out, kind)
    return out.getvalue()


def bomb(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\x00" * 1000)) + chunk(b"IEND", b"")


def test_a_picture_is_what_its_bytes_say() -> None:
    assert files.check_picture(picture("PNG")).media_type == "image/png"
    found = files.check_picture(picture("JPEG"))
    assert (found.media_type, found.width, found.height) == ("image/jpeg", 40, 30)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a",
        picture("GIF"),
        picture("BMP"),
        picture("TIFF"),
        picture("PNG")[:60],
        b"\xff\xd8\xff\xe0" * 9,
        b"<svg/>",
    ],
)
def test_what_is_neither_jpeg_nor_png_is_no_picture(content: bytes) -> None:
    with pytest.raises(NotAPicture):
        files.check_picture(content)


@pytest.mark.parametrize("side", [7_000, 30_000, 65_000])
def test_a_picture_that_unpacks_into_too_much_is_refused_before_it_is_unpacked(side: int) -> None:
    began = time.monotonic()
    with pytest.raises((PictureTooLarge, NotAPicture)):
        files.check_picture(bomb(side, side))
    assert time.monotonic() - began < 2


def test_a_file_beyond_its_limit_is_refused_unread() -> None:
    with pytest.raises(FileTooBig) as refused:
        files.check_picture(b"\x89PNG" + b"x" * files.PICTURE_BYTES)
    assert refused.value.details["limit_mb"] == 10
    with pytest.raises(FileTooBig):
        files.check_text(b"x" * (files.TEXT_BYTES + 1))


@pytest.mark.parametrize("content", ["张伟".encode("gb18030"), b"\xff\xfe\x00", b"a\x00b"])
def test_what_is_not_utf8_is_not_text(content: bytes) -> None:
    with pytest.raises(NotText):
        files.check_text(content)


def test_a_mark_at_the_beginning_of_text_is_dropped() -> None:
    assert files.check_text("\ufeff张".encode()) == "张"


def test_a_ticket_opens_for_its_purpose_while_it_is_young() -> None:
    ticket = tickets.issue("guest", {"id": "stay_1"}, now=NOW)
    assert tickets.read("guest", ticket, now=NOW, max_age_seconds=60)["id"] == "stay_1"
    assert tickets.read("registration", ticket, now=NOW) is None
    assert tickets.read("guest", ticket, now=NOW + timedelta(seconds=61), max_age_seconds=60) is None


def test_a_changed_or_foreign_ticket_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = tickets.issue("guest", {"id": "stay_1"}, now=NOW)
    for forged in (ticket[:-1] + ("A" if ticket[-1] != "A" else "B"), ticket[1:], "x" * 40, "", "a" * 5000, "é" * 30):
        assert tickets.read("guest", forged, now=NOW) is None
    monkeypatch.setattr(settings, "SECRET_KEY", "another-key-of-forty-characters-or-more!")
    assert tickets.read("guest", ticket, now=NOW) is None


def test_a_role_holds_in_its_scope_and_on_the_whole_estate() -> None:
    actor = Actor(id="a", estate_id="e", grants=frozenset({Grant(role=Role.OPERATOR, scope="operator:1")}))
    assert actor.may(Role.OPERATOR, scope="operator:1")
    assert not actor.may(Role.OPERATOR, scope="operator:2")
    assert not actor.may(Role.OPERATOR)
    assert system("e").may(Role.SYSTEM, scope="anything")
    with pytest.raises(NotAllowed):
        actor.require(Role.GUARD)
    with pytest.raises(NotAllowed):
        actor.require_any(Role.GUARD)
    actor.require_any(Role.OPERATOR)


def every_refusal(kind: type[Refusal] = Refusal) -> list[type[Refusal]]:
    found = []
    for child in kind.__subclasses__():
        found += [child, *every_refusal(child)]
    return [child for child in found if child.__module__.startswith("linli.")]


def test_every_refusal_has_its_own_code_and_speaks_both_languages() -> None:
    import_module("linli.server.api")
    kinds = every_refusal()
    assert len(kinds) > 40
    for kind in kinds:
        assert (kind.__doc__ or "").strip(), kind
        assert any("\u4e00" <= letter <= "\u9fff" for letter in kind.zh), kind
        assert 400 <= kind.status <= 503, kind
    codes: dict[str, set[type]] = {}
    for kind in kinds:
        codes.setdefault(kind.code, set()).add(kind)
    assert not {code: k for code, k in codes.items() if len({x.status for x in k}) > 1}
