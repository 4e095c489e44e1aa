"""The digest: the standard's own example, every way in which peers write a header, and what proves nothing."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linli.server.connectors.viid import digest
from linli.server.connectors.viid.digest import Challenge, NoDigest

EXAMPLE = {
    "username": "Mufasa",
    "realm": "testrealm@host.com",
    "password": "Circle Of Life",
    "method": "GET",
    "uri": "/dir/index.html",
    "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093",
    "qop": "auth",
    "count": 1,
    "cnonce": "0a4f113b",
}
REGISTER = "/VIID/System/Register"


def test_the_standards_example_comes_out() -> None:
    assert digest.response_of(**EXAMPLE) == "6629fae49393a05397450978507c4ef1"  # type: ignore[arg-type]


def test_the_successors_example_comes_out_with_sha_256() -> None:
    # RFC 7616, 3.9.1
    given = {
        "username": "Mufasa",
        "realm": "http-auth@example.org",
        "password": "Circle of Life",
        "method": "GET",
        "uri": "/dir/index.html",
        "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "qop": "auth",
        "count": 1,
        "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    }
    wanted = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
    assert digest.response_of(**given, algorithm="SHA-256") == wanted  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "header",
    [
        'Digest realm="r", qop="auth", nonce="abc", opaque="o", algorithm=MD5',
        'Digest realm="r",qop="auth",nonce="abc",opaque="o",algorithm="MD5"',
        "digest nonce=abc,realm=r,qop=auth,opaque=o,algorithm=MD5",
        'Digest  realm = "r" ,  qop="auth,auth-int" , nonce = "abc",opaque="o", algorithm=md5, stale=FALSE',
        'Basic realm="other", Digest realm="r", qop="auth", nonce="abc", opaque="o", algorithm=MD5',
    ],
)
def test_a_challenge_is_read_however_it_is_written(header: str) -> None:
    read = digest.challenge_in(header)
    assert (read.realm, read.nonce, read.opaque, read.qop, read.stale) == ("r", "abc", "o", "auth", False)


def test_a_challenge_may_lack_opaque_and_qop_and_name_its_age() -> None:
    read = digest.challenge_in('Digest realm="r", nonce="abc", stale="true"')
    assert (read.opaque, read.qop, read.stale) == (None, None, True)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic realm=x",
        "Digest",
        'Digest realm="r"',
        'Digest nonce="a", algorithm=SHA3',
        'Digest nonce="a", qop="auth-int"',
        "Digest " + "x" * 100_000,
        'Digest nonce="' + "\\" * 5000,
    ],
)
def test_what_cannot_be_answered_is_no_challenge(header: str) -> None:
    with pytest.raises(NoDigest):
        digest.challenge_in(header)


NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20)


@given(NAMES, NAMES, st.booleans(), st.one_of(st.none(), NAMES))
def test_whoever_knows_the_password_proves_it(username: str, password: str, with_qop: bool, opaque: str | None) -> None:
    challenge = Challenge(realm="Linli", nonce="0123abcd", qop="auth" if with_qop else None, opaque=opaque)
    header = digest.answer(
        challenge, username=username, password=password, method="POST", uri=REGISTER, cnonce="c0ffee", count=7
    )
    proof = digest.proof_in(header)
    assert (proof.username, proof.count) == (username, 7 if with_qop else 0)
    told = {"realm": "Linli", "password": password, "method": "POST", "target": REGISTER}
    assert digest.is_proven(proof, **told)
    for wrong in ({"password": password + "x"}, {"method": "GET"}, {"target": "/VIID/Faces"}, {"realm": "other"}):
        assert not digest.is_proven(proof, **{**told, **wrong})


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer abc",
        "Digest username=x",
        'Digest username="u", realm="r", nonce="n", uri="/", response="x", qop=auth, nc=1g, cnonce="c"',
        'Digest username="u", realm="r", nonce="n", uri="/", response="x", qop=auth-int, nc=00000001, cnonce="c"',
        'Digest username="u", realm="r", nonce="n", uri="/", response="x", qop=auth, nc=00000001',
    ],
)
def test_what_is_no_proof_is_none(header: str) -> None:
    with pytest.raises(NoDigest):
        digest.proof_in(header)


@given(st.text(max_size=300))
def test_any_header_at_all_is_read_or_refused(header: str) -> None:
    for read in (digest.challenge_in, digest.proof_in):
        with contextlib.suppress(NoDigest):
            read(header)


def test_our_own_challenge_is_read_as_we_meant_it() -> None:
    ours = Challenge(realm="Linli", nonce="abc", opaque="o", algorithm="MD5", stale=True)
    assert digest.challenge_in(ours.header()) == ours
