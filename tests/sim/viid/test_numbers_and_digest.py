"""The numbers of GA/T 1400 have their digits and parts; the digest is RFC 2617's own example."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linli.sim.platforms.viid import digest, ids
from linli.sim.platforms.viid.digest import Guard, Proof

DEVICE = "51010800001190000001"
MOMENTS = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2099, 1, 1), timezones=st.just(UTC))


@given(at=MOMENTS, serial=st.integers(0, 99_999), content=st.sampled_from(sorted(ids.CONTENTS)))
def test_every_number_we_make_is_sound_and_says_when_it_was_made(at: datetime, serial: int, content: str) -> None:
    source = ids.source_id(device_id=DEVICE, at=at, serial=serial)
    seen = ids.object_id(source_id=source, content=content, serial=serial)
    subscription = ids.office_id(office="510108000000", kind="03", at=at, serial=serial)
    assert (len(source), len(seen), len(subscription)) == (41, 48, 33)
    assert ids.flaw_of_source(source) is None
    assert ids.flaw_of_object(seen, content=content) is None
    assert ids.flaw_of_office_number(subscription, kind="03") is None
    assert ids.moment_of(source[22:36]) == at.replace(microsecond=0)


@given(text=st.text(max_size=60))
def test_no_text_makes_a_check_fall_over(text: str) -> None:
    assert ids.flaw_of_device(text) is not None or len(text) == 20
    assert ids.flaw_of_source(text) is not None or len(text) == 41
    assert ids.flaw_of_object(text, content="06") is not None or len(text) == 48
    assert ids.flaw_of_office_number(text, kind="03") is not None or len(text) == 33


@pytest.mark.parametrize(
    "number",
    ["5101080000119000001", "99010800001190000001", "51010800000190000001", "５1010800001190000001", 20, None],
)
def test_a_devices_number_with_a_wrong_part_is_found_out(number: object) -> None:
    assert ids.flaw_of_device(number) is not None


def test_the_example_of_the_rfc_is_computed_as_it_stands_there() -> None:
    words = {
        "realm": "testrealm@host.com",
        "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        "uri": "/dir/index.html",
        "qop": "auth",
        "nc": "00000001",
        "cnonce": "0a4f113b",
    }
    told = digest.proof(username="Mufasa", password="Circle Of Life", method="GET", words=words)
    assert told == "6629fae49393a05397450978507c4ef1"


def test_a_nonce_is_good_once_and_not_for_long() -> None:
    now = [0.0]
    guard = Guard(realm="viid", accounts={"estate": "word"}, nonce_s=60, monotonic=lambda: now[0])

    def proof(challenge: str, password: str = "word") -> str:
        return digest.answer(challenge=challenge, username="estate", password=password, method="POST", uri="/r")

    def weigh(header: str, target: str = "/r") -> Proof:
        return guard.prove(header=header, method="POST", target=target)[0]

    once = proof(guard.challenge())
    assert [weigh(once), weigh(once)] == [Proof.SOUND, Proof.STALE]
    late = proof(guard.challenge())
    now[0] += 61
    assert weigh(late) is Proof.STALE
    assert weigh(proof(guard.challenge(), "wrong")) is Proof.WRONG
    assert weigh(proof(guard.challenge()), "/elsewhere") is Proof.WRONG
    assert weigh("") is Proof.MISSING
    assert weigh("Digest nonsense,,=,") is Proof.WRONG


@pytest.mark.parametrize(
    "challenge",
    ['Digest realm="r",qop="auth",nonce="n"', "Digest realm=r, qop=auth, nonce=n", 'Digest realm="r", nonce="n"'],
)
def test_a_challenge_is_read_with_and_without_spaces_quotes_and_opaque(challenge: str) -> None:
    told = digest.words_in(digest.answer(challenge=challenge, username="u", password="p", method="POST", uri="/x")[7:])
    assert (told["realm"], told["nonce"], told["uri"]) == ("r", "n", "/x")
    assert ("qop" in told) == ("qop" in challenge)


@pytest.mark.parametrize("challenge", ["Basic realm=x", "Digest realm=x", 'Digest nonce="n", algorithm=SHA-256'])
def test_a_challenge_that_is_not_ours_to_answer_is_left_alone(challenge: str) -> None:
    with pytest.raises(ValueError):
        digest.answer(challenge=challenge, username="u", password="p", method="POST", uri="/x")
