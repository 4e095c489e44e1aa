"""The view library as a platform: the catalogue, and faces without a picture; each object comes back with a verdict of its own."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError

from linli.server.connectors.platforms import viid
from linli.server.connectors.platforms.viid import ViewLibraryPlatform
from linli.server.connectors.rules import MessageKind, Verdict
from linli.server.connectors.viid import posting
from linli.server.connectors.viid.client import Link, login_of
from linli.server.connectors.viid.dialects import LOOSE
from tests.connectors.viid.facts import AT, STAY, Counted, Ticks, device, gate, message, messages, passage
from tests.sim.viid.running import LOWER, PASSWORD, USER, RunningLibrary

TOLD = (MessageKind.DOOR, MessageKind.DEVICE, MessageKind.PASSAGE)
TABLE = {"url": "http://127.0.0.1:9", "device_id": LOWER, "user": USER, "password": PASSWORD}


@pytest.fixture
def platform(link: Link) -> ViewLibraryPlatform:
    """Our side, with faces switched on."""
    return ViewLibraryPlatform(link=link, faces=True, numbers=Counted())


def objects(above: RunningLibrary, kind: str) -> list[dict[str, Any]]:
    rows = above.books_of("object", kind=kind, size=1000)["rows"]
    return [json.loads(row["body"]) if isinstance(row.get("body"), str) else row for row in rows]


def test_a_passage_is_wanted_only_where_faces_are_switched_on() -> None:
    assert not viid.make(TABLE).wants(MessageKind.PASSAGE)
    assert not viid.make({**TABLE, "faces": "yes"}).wants(MessageKind.PASSAGE)
    assert viid.make({**TABLE, "faces": "on"}).wants(MessageKind.PASSAGE)


@pytest.mark.parametrize("kind", [kind for kind in MessageKind if kind not in TOLD])
def test_nothing_else_ever_leaves_to_it(kind: MessageKind) -> None:
    made = viid.make({**TABLE, "faces": "on"})
    assert not made.wants(kind)
    assert kind not in made.allowed


def test_devices_are_nobodys_data_and_passages_rest_on_consent() -> None:
    made = viid.make(TABLE)
    assert made.purpose_of(MessageKind.DEVICE) == "view_library"
    assert made.purpose_of(MessageKind.PASSAGE) == "view_library_faces"


def test_a_passage_says_nothing_of_who_it_was(platform: ViewLibraryPlatform) -> None:
    sent = message(platform, passage())
    (parcel,) = platform._parcels([sent])
    said = json.dumps(parcel.object, ensure_ascii=False) + json.dumps(dict(sent.fields), ensure_ascii=False)
    for word in ("王", STAY.guest.document_number, "stay_01", "19900307", "Data", "Suspect"):
        assert word not in said


def test_a_table_that_cannot_be_used_is_refused_at_once() -> None:
    for wrong in ({"device_id": "1"}, {"dialect": "french"}):
        with pytest.raises(ValueError):
            viid.make({**TABLE, **wrong})
    with pytest.raises(KeyError):
        viid.make({"url": "http://127.0.0.1:9"})


def test_the_whole_catalogue_goes_in_one_request(above: RunningLibrary, platform: ViewLibraryPlatform) -> None:
    before = len(above.books_of("request", size=1000)["rows"])
    told = platform.send(messages=messages(platform, [gate(number) for number in range(1, 52)]))
    assert {one.verdict for one in told} == {Verdict.ACCEPTED}
    assert [len(one.receipt) for one in told] == [20] * 51
    sent = above.books_of("request", size=1000)["rows"][before:]
    assert sum(row["path"] == "/VIID/APEs" for row in sent) == 1


def test_no_two_things_share_a_number(platform: ViewLibraryPlatform) -> None:
    parcels = platform._parcels(messages(platform, [gate(1), device(1), gate(2), device(2), passage(1, gate=2)]))
    assert len({parcel.number for parcel in parcels}) == 5
    assert parcels[4].object["DeviceID"] == parcels[2].number


def test_without_numbers_nothing_leaves(above: RunningLibrary, link: Link) -> None:
    def broken(book: str, subject_ids: Sequence[str]) -> Mapping[str, int]:
        raise DatabaseError

    platform = ViewLibraryPlatform(link=link, faces=True, numbers=broken)
    sent = messages(platform, [gate(1), device(1)])
    assert [one.verdict for one in platform.send(messages=sent)] == [Verdict.UNREACHABLE] * 2
    assert platform.ask(message=sent[0]).verdict is Verdict.UNREACHABLE
    assert link.registrations == 0


def test_a_device_that_changes_or_goes_is_told_again(above: RunningLibrary, platform: ViewLibraryPlatform) -> None:
    for told in (
        message(platform, device()),
        message(platform, device(online=False)),
        message(platform, device(), gone=True),
    ):
        assert platform.send(messages=[told])[0].verdict is Verdict.ACCEPTED
    assert message(platform, device(), gone=True).fields["IsOnline"] == "2"


@pytest.mark.parametrize("objects", ["faces", "persons"])
def test_a_passage_gets_its_own_number_as_its_receipt(above: RunningLibrary, link: Link, objects: str) -> None:
    platform = ViewLibraryPlatform(link=link, faces=True, objects=objects, numbers=Counted())
    told = platform.send(messages=messages(platform, [passage(1), passage(2)]))
    assert [(one.verdict, len(one.receipt)) for one in told] == [(Verdict.ACCEPTED, 48)] * 2
    assert told[0].receipt != told[1].receipt
    assert told[0].dialect == "strict"


def test_sending_again_changes_nothing_over_there(above: RunningLibrary, platform: ViewLibraryPlatform) -> None:
    sent = messages(platform, [passage(11, at=AT + timedelta(seconds=5))])
    first, second = platform.send(messages=sent)[0], platform.send(messages=sent)[0]
    assert (first.verdict, second.verdict) == (Verdict.ACCEPTED, Verdict.ACCEPTED)
    assert first.receipt == second.receipt == platform.ask(message=sent[0]).receipt


def test_what_never_arrived_is_unheard_of_and_a_device_is_always_sent_again(
    above: RunningLibrary, platform: ViewLibraryPlatform
) -> None:
    never = message(platform, passage(99, at=AT + timedelta(days=1)))
    assert platform.ask(message=never).verdict is Verdict.UNHEARD_OF
    known = message(platform, device())
    platform.send(messages=[known])
    assert platform.ask(message=known).verdict is Verdict.UNHEARD_OF


@pytest.mark.parametrize(
    ("fault", "verdict", "code"),
    [
        ({"item_error": 1, "item_code": 8}, Verdict.REJECTED, "8"),
        ({"item_error": 1, "item_code": 4}, Verdict.REJECTED, "4"),
        ({"item_error": 1, "item_code": 2}, Verdict.BUSY, "2"),
        ({"busy:Faces": 1}, Verdict.BUSY, "2"),
        ({"reboot:Faces": 1}, Verdict.BUSY, "9"),
        ({"http_500:Faces": 1}, Verdict.BUSY, ""),
        ({"nonsense:Faces": 1}, Verdict.NONSENSE, ""),
        ({"lost_answer:Faces": 1}, Verdict.NO_ANSWER, "broken_connection"),
    ],
)
def test_every_fault_is_read_for_what_it_is(
    above: RunningLibrary, platform: ViewLibraryPlatform, fault: dict[str, float], verdict: Verdict, code: str
) -> None:
    above.faults(**{name.replace(":", "__"): value for name, value in fault.items()})
    told = platform.send(messages=messages(platform, [passage(21), passage(22)]))
    assert [(one.verdict, one.code) for one in told] == [(verdict, code)] * 2


def test_the_answer_to_another_request_is_taken_for_nobodys(
    above: RunningLibrary, platform: ViewLibraryPlatform
) -> None:
    platform.send(messages=messages(platform, [passage(31)]))
    above.faults(duplicate__Faces=1)
    assert platform.send(messages=messages(platform, [passage(32)]))[0].verdict is Verdict.NONSENSE


def test_one_bad_object_spoils_no_other(above: RunningLibrary, platform: ViewLibraryPlatform) -> None:
    sent = messages(platform, [passage(number, at=AT + timedelta(minutes=number)) for number in range(41, 47)])
    clash = message(platform, passage(43, at=AT + timedelta(minutes=43)))
    platform.send(messages=[sent[2]])
    above.faults(item_error=0.5, item_code=8)
    told = platform.send(messages=[*sent, clash])
    assert {one.verdict for one in told} <= {Verdict.ACCEPTED, Verdict.REJECTED}
    above.faults()
    left = [one for one, said in zip(sent, told, strict=False) if said.verdict is Verdict.REJECTED]
    assert all(one.verdict is Verdict.ACCEPTED for one in platform.send(messages=left))


def test_after_a_restart_over_there_the_rest_follows_in_its_order(
    above: RunningLibrary, platform: ViewLibraryPlatform, ticks: Ticks
) -> None:
    sent = messages(platform, [passage(number, at=AT + timedelta(hours=1, seconds=number)) for number in (51, 52, 53)])
    assert platform.send(messages=sent[:1])[0].verdict is Verdict.ACCEPTED
    above.run("reboot", times=2)
    assert [one.code for one in platform.send(messages=sent[1:])] == ["9", "9"]
    above.run("forget")
    above.run("reboot", times=0)
    ticks.at += 61
    assert [one.verdict for one in platform.send(messages=sent[1:])] == [Verdict.ACCEPTED] * 2


def test_the_dialect_of_each_receipt_is_noted(above: RunningLibrary, link: Link) -> None:
    above.run("dialect", dialect="loose")
    link.dialect = LOOSE
    platform = ViewLibraryPlatform(link=link, faces=True, numbers=Counted())
    told = platform.send(messages=messages(platform, [passage(61)]))
    assert (told[0].verdict, told[0].dialect) == (Verdict.ACCEPTED, "loose")


def test_a_hundred_and_no_more_go_together(platform: ViewLibraryPlatform) -> None:
    parcels = platform._parcels(messages(platform, [passage(number) for number in range(250)]))
    assert [len(batch) for batch in posting.batches(parcels)] == [100, 100, 50]
    heavy = [
        posting.Parcel(method="POST", kind=one.kind, number=one.number, object={"Data": "x" * 2_000_000})
        for one in parcels[:5]
    ]
    assert [len(batch) for batch in posting.batches(heavy)] == [2, 2, 1]


def test_nobody_there_is_unreachable_for_all() -> None:
    made = ViewLibraryPlatform(link=Link(login=login_of(TABLE)), faces=True, numbers=Counted())
    told = made.send(messages=messages(made, [passage(1), passage(2)]))
    assert [one.verdict for one in told] == [Verdict.UNREACHABLE] * 2
