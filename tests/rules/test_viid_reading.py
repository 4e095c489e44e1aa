"""Both families of dialect, read and said, by golden messages; and what no message should be able to do to the reader."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linli.server.connectors.viid import codes, ids, shapes
from linli.server.connectors.viid.codes import Kind, Status
from linli.server.connectors.viid.dialects import (
    EVERY,
    LOOSE,
    STRICT,
    Dialect,
    Trait,
    UnknownDialect,
    dialect_of,
    name_of,
)
from linli.server.connectors.viid.reading import LONGEST_BODY, Outcome, Reader, Unreadable, text, whole

GOLDEN = Path(__file__).parents[1] / "connectors" / "golden" / "viid"
FAMILIES = {"strict": STRICT, "loose": LOOSE}
LISTS = {"ape_list": codes.APE, "face_list": codes.FACE, "person_list": codes.PERSON}


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))["body"]


def parted(body: Any) -> Any:
    return Reader().body(json.dumps(body).encode())


@pytest.mark.parametrize("name", LISTS)
def test_either_family_means_the_same(name: str) -> None:
    kind = LISTS[name]
    strict, loose = (Reader().objects(golden(f"{name}_{family}"), kind) for family in FAMILIES)
    assert strict == loose
    assert strict


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_read_is_said_again_word_for_word(name: str, family: str) -> None:
    kind, body = LISTS[name], golden(f"{name}_{family}")
    outer, inner = next(iter(golden(f"{name}_strict").items()))
    assert FAMILIES[family].listed(kind, inner[kind.one]) == body
    assert outer == kind.listed


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", [*LISTS, "response_list", "response_register", "time"])
def test_the_dialect_is_noticed(name: str, family: str) -> None:
    reader, body = Reader(), golden(f"{name}_{family}")
    if name in LISTS:
        reader.objects(body, LISTS[name])
    elif name == "time":
        reader.moment(reader.one(body, "SystemTimeObject")["LocalTime"])
        # The names of a time are spelt with capitals by everybody.
        reader.shown.discard(Trait.SMALL)
    else:
        assert reader.outcomes(body)
    assert reader.dialect == family


@pytest.mark.parametrize("family", FAMILIES)
def test_each_things_outcome_is_read(family: str) -> None:
    read = Reader().outcomes(golden(f"response_list_{family}"))
    assert [outcome.status for outcome in read] == [Status.OK, Status.INVALID_JSON_CONTENT]
    assert all(len(outcome.id) == 48 and outcome.path == "/VIID/Faces" for outcome in read)
    assert [outcome.status for outcome in Reader().outcomes(golden(f"response_reboot_{family}"))] == [Status.REBOOT]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_time_is_the_same_in_milliseconds_and_in_digits(family: str) -> None:
    reader = Reader()
    told = reader.one(golden(f"time_{family}"), "SystemTimeObject")
    assert reader.moment(told["LocalTime"]) == ids.moment_of("20261124201500")


@pytest.mark.parametrize("family", FAMILIES)
def test_what_we_answer_is_what_the_golden_messages_say(family: str) -> None:
    say, at = FAMILIES[family], ids.moment_of("20261124201500")
    device, library = "51010800005030000021", "51010800005030000001"
    told = shapes.status(say, path="/VIID/System/Register", status=Status.OK, id=device, at=at)
    assert {"ResponseStatusObject": told} == golden(f"response_register_{family}")
    assert shapes.system_time(say, library=library, at=at) == golden(f"time_{family}")
    assert shapes.registration(device) == golden("register_strict")
    assert shapes.keepalive(device) == golden("keepalive_strict")
    assert shapes.leave(device) == golden("unregister_strict")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_notifications_lists_are_found_and_said(family: str) -> None:
    for name, kinds in (
        ("notification", (codes.FACE, codes.PERSON)),
        ("notification_devices", (codes.APE, codes.APE_STATUS)),
    ):
        told = Reader().objects(golden(f"{name}_{family}"), codes.NOTIFICATION)
        assert told is not None
        for kind in kinds:
            assert Reader().objects(told[0], kind, notified=True), (name, kind.word)
            within = Reader().objects(golden(f"{name}_strict"), codes.NOTIFICATION)
            assert within is not None
            objects = within[0][kind.notified][kind.one]
            ((said, rows),) = FAMILIES[family].notified(kind, objects).items()
            other = golden(f"{name}_{family}")
            outer = next(iter(other.values()))["SubscribeNotificationObject"][0]
            assert outer[said] == rows


@pytest.mark.parametrize("family", FAMILIES)
def test_an_order_is_read(family: str) -> None:
    order = (Reader().objects(golden(f"subscribe_{family}"), codes.SUBSCRIBE) or [{}])[0]
    assert (text(order, "SubscribeDetail"), whole(order, "ReportInterval")) == ("11,12", 3)
    assert Reader().one(golden(f"register_{family}"), "RegisterObject")["DeviceID"] == "51010800005030000021"


@given(st.frozensets(st.sampled_from(Trait)))
def test_every_mixture_of_traits_has_a_name_that_means_it(traits: frozenset[Trait]) -> None:
    name = Dialect(traits=traits).name
    assert len(name) <= 30
    assert dialect_of(name).traits == traits


@given(st.frozensets(st.sampled_from(Trait)), st.sampled_from([codes.FACE, codes.APE, codes.PERSON]))
def test_whatever_we_say_in_any_mixture_is_read_as_the_same(traits: frozenset[Trait], kind: Kind) -> None:
    say, at = Dialect(traits=traits), ids.moment_of("20261124201500")
    device = ids.device_id(area="510108", type=ids.CAMERA, serial=7)
    one = {
        codes.FACE: shapes.face(device=device, at=at, serial=3),
        codes.PERSON: shapes.person(device=device, at=at, serial=3),
        codes.APE: shapes.device(
            number=device, name="西门", model="M", area="510108", place="G07", library=device, online=True
        ),
    }[kind]
    assert Reader().objects(parted(say.listed(kind, [one])), kind) == [one]
    assert Reader().objects(parted(say.notified(kind, [one])), kind, notified=True) == [one]
    row = shapes.status(say, path=kind.path, status=Status.DEVICE_BUSY, id=device, at=at, why="later")
    assert Reader().outcomes(parted(say.statuses([row]))) == (
        Outcome(status=Status.DEVICE_BUSY, path=kind.path, id=device),
    )


def test_a_name_that_is_no_dialect_is_refused() -> None:
    for name in ("french", "mixed-Z", "mixed", "Strict"):
        with pytest.raises(UnknownDialect):
            dialect_of(name)
    assert name_of(noticed=frozenset(), shown=EVERY) == "strict"


def test_what_we_emit_is_the_strict_form() -> None:
    say = dialect_of("")
    assert say.content_type == "application/VIID+JSON;charset=UTF-8"
    assert say.code(Status.OK) == "0"
    assert list(say.listed(codes.FACE, [])) == ["FaceListObject"]
    assert list(say.notified(codes.FACE, [])) == ["FaceObjectList"]
    assert list(say.statuses([])) == ["ResponseStatusListObject"]


def test_no_shape_of_ours_judges_anybody_or_shows_a_picture() -> None:
    device = ids.device_id(area="510108", type=ids.CAMERA, serial=7)
    at = ids.moment_of("20261124201500")
    said = json.dumps([shapes.face(device=device, at=at, serial=1), shapes.person(device=device, at=at, serial=1)])
    for word in (
        "Suspect",
        "Suspicious",
        "Criminal",
        "Detainee",
        "Victim",
        "Foreigner",
        "Ethic",
        "Data",
        "SubImage",
        "Name",
    ):
        assert word not in said


BAD = [
    (b"", Status.INVALID_JSON_FORMAT),
    (b"{", Status.INVALID_JSON_FORMAT),
    (b"[]", Status.INVALID_JSON_FORMAT),
    (b"1" * 10_000, Status.INVALID_JSON_FORMAT),
    (b'{"a": NaN}', Status.INVALID_JSON_FORMAT),
    (b"[" * 200_000, Status.INVALID_JSON_FORMAT),
    (b'{"a":' * 200_000, Status.INVALID_JSON_FORMAT),
    ('{"a": "西"}'.encode("gb18030"), Status.INVALID_JSON_FORMAT),
    ('{"a": 1}'.encode("utf-16"), Status.INVALID_JSON_FORMAT),
    (b"\xff\xfe\x00\x00", Status.INVALID_JSON_FORMAT),
    (b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', Status.INVALID_XML_FORMAT),
    (b'{"a": "' + b"A" * LONGEST_BODY + b'"}', Status.INVALID_JSON_CONTENT),
]


@pytest.mark.parametrize(("raw", "status"), BAD, ids=range(len(BAD)))
def test_what_is_no_message_is_refused_with_the_status_that_says_why(raw: bytes, status: Status) -> None:
    with pytest.raises(Unreadable) as refused:
        Reader().body(raw)
    assert refused.value.status is status
    assert "AAAA" not in str(refused.value)


def test_another_charset_is_refused_even_where_it_would_fit() -> None:
    for told in ("application/json; charset=gbk", 'application/VIID+JSON;charset="utf-16"'):
        with pytest.raises(Unreadable):
            Reader().body(b"{}", content_type=told)
    for told in ("", "application/json", "text/plain; charset=utf-8", "application/VIID+JSON;charset=UTF8"):
        assert Reader().body(b"\xef\xbb\xbf{}", content_type=told) == {}


def test_more_things_than_anybody_sends_at_once_are_refused_together() -> None:
    with pytest.raises(Unreadable):
        Reader().objects({"FaceListObject": {"FaceObject": [{}] * 1001}}, codes.FACE)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                (
                    *("FaceListObject", "faceobjectlist", "FaceObject", "FaceList", "ResponseStatusListObject", "Id"),
                    *("StatusCode", "ResponseStatusObject", "SubImageList", "LocalTime", "RequestURL", "", "FaceID"),
                )
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=15,
)


@given(JSON)
def test_no_json_at_all_breaks_the_reader(body: Any) -> None:
    reader = Reader()
    for kind in (codes.FACE, codes.NOTIFICATION, codes.APE):
        for one in reader.objects(body, kind) or []:
            assert isinstance(one, dict)
            text(one, "FaceID"), whole(one, "FaceID"), reader.moment(one.get("FaceID"))
    for outcome in reader.outcomes(body):
        assert outcome.status is None or outcome.status in Status
    reader.one(body, "RegisterObject")
    assert len(reader.dialect) <= 30


def test_what_a_line_may_not_hold_is_taken_out_of_it() -> None:
    one = {"Name": "a\x00b\n\ud800c" + "d" * 500, "Flag": True, "List": [1]}
    assert text(one, "Name", most=10) == "abc" + "d" * 7
    assert (text(one, "Flag"), text(one, "List"), text(one, "None")) == ("", "", "")
    assert (whole({"n": "12"}, "n"), whole({"n": True}, "n"), whole({"n": "１"}, "n"), whole({"n": 10**12}, "n")) == (
        12,
        None,
        None,
        None,
    )
