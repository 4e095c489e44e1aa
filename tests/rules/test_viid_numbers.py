"""Numbers of the view library: what goes in comes out, the same thing always has the same number, and none is too long or too short."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linli.server.connectors.viid import ids, shapes

digits = st.text("0123456789", min_size=1, max_size=1)


def some(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=length, max_size=length)


MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)
DEVICES = st.builds(
    lambda area, type, serial: ids.device_id(area=area, type=type, serial=serial),
    some(6),
    some(3),
    st.integers(0, ids.DEVICE_SERIALS - 1),
)
SERIAL = st.integers(0, ids.SERIALS - 1)


@given(some(6), some(2), some(2), some(3), st.integers(0, ids.DEVICE_SERIALS - 1))
def test_a_devices_number_has_twenty_digits_and_gives_its_parts_back(
    area: str, place: str, trade: str, type: str, serial: int
) -> None:
    number = ids.device_id(area=area, place=place, trade=trade, type=type, serial=serial)
    assert len(number) == 20
    assert number.isdecimal()
    assert ids.device_of(number) == ids.Device(area=area, place=place, trade=trade, type=type, serial=serial)


@given(DEVICES, MOMENTS, SERIAL, st.sampled_from(sorted(ids.CONTENTS.values())))
def test_what_is_seen_has_forty_eight_digits_that_hold_device_and_time(
    device: str, at: datetime, serial: int, content: str
) -> None:
    source = ids.source_id(device=device, at=at, serial=serial)
    number = ids.object_id(source=source, content=content, serial=serial)
    assert (len(source), len(number)) == (41, 48)
    assert ids.source_of(source) == ids.Source(device=device, kind=ids.IMAGE, at=at, serial=serial)
    assert ids.object_of(number) == ids.Seen(source=source, content=content, serial=serial)


@given(some(12), st.sampled_from([ids.SUBSCRIPTION, ids.NOTIFICATION]), MOMENTS, SERIAL)
def test_an_orders_number_has_thirty_three_digits(office: str, kind: str, at: datetime, serial: int) -> None:
    number = ids.order_id(office=office, kind=kind, at=at, serial=serial)
    assert len(number) == 33
    assert ids.order_of(number) == ids.Order(office=office, kind=kind, at=at, serial=serial)


@given(DEVICES, MOMENTS, SERIAL)
def test_the_same_passage_is_the_same_face_however_often_it_is_told(device: str, at: datetime, serial: int) -> None:
    assert shapes.face(device=device, at=at, serial=serial) == shapes.face(device=device, at=at, serial=serial)
    later = at + timedelta(seconds=1)
    other = shapes.face(device=device, at=later, serial=serial)
    assert shapes.face(device=device, at=at, serial=serial)["FaceID"] != other["FaceID"]


@given(DEVICES, MOMENTS, SERIAL, SERIAL)
def test_two_passages_at_one_instant_are_two_faces(device: str, at: datetime, one: int, other: int) -> None:
    numbers = {shapes.face(device=device, at=at, serial=serial)["FaceID"] for serial in (one, other)}
    assert len(numbers) == len({one, other})


@pytest.mark.parametrize(
    "parts",
    [
        {"area": "51010", "type": "119", "serial": 1},
        {"area": "5101080", "type": "119", "serial": 1},
        {"area": "51010a", "type": "119", "serial": 1},
        {"area": "510108", "type": "1190", "serial": 1},
        {"area": "510108", "type": "119", "serial": ids.DEVICE_SERIALS},
        {"area": "510108", "type": "119", "serial": -1},
        {"area": "５１０１０８", "type": "119", "serial": 1},
        {"area": "510108\n", "type": "119", "serial": 1},
    ],
)
def test_parts_that_do_not_fit_make_no_number(parts: dict[str, object]) -> None:
    with pytest.raises(ids.BadNumber):
        ids.device_id(**parts)  # type: ignore[arg-type]


@given(st.one_of(st.text(max_size=60), st.integers(), st.none(), st.binary(max_size=60), some(19), some(21), some(47)))
def test_no_other_text_is_taken_for_a_number(text: object) -> None:
    for read in (ids.source_of, ids.object_of, ids.order_of):
        if not (isinstance(text, str) and text.isdecimal() and len(text) in (33, 41, 48)):
            with pytest.raises(ids.BadNumber):
                read(text)
    if not (isinstance(text, str) and len(text) == 20):
        with pytest.raises(ids.BadNumber):
            ids.device_of(text)


@pytest.mark.parametrize(
    "text", ["20260230120000", "20261124250000", "00000000000000", "2026112420150", "202611242015000"]
)
def test_a_time_that_never_was_is_none(text: str) -> None:
    with pytest.raises(ids.BadNumber):
        ids.moment_of(text)


def test_times_are_told_in_chinas_own_zone() -> None:
    assert ids.time_text(datetime(2026, 11, 24, 12, 15, tzinfo=UTC)) == "20261124201500"


@given(st.lists(DEVICES, max_size=60))
def test_as_many_numbers_go_into_a_notification_as_fit_and_no_more(numbers: list[str]) -> None:
    fit = shapes.fitting(numbers)
    assert len(",".join(numbers[:fit])) <= shapes.LONGEST_INFO_IDS
    assert fit == len(numbers) or len(",".join(numbers[: fit + 1])) > shapes.LONGEST_INFO_IDS
