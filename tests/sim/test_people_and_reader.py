"""Fictional people with sound documents, and the reader that signs them."""

import base64
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from linli.documents.mrz import read_mrz
from linli.documents.numbers import parse_number
from linli.sim import cli
from linli.sim.people import KINDS, person
from linli.sim.reader import BenchReader, ReaderKeyUnusable, key_in

TODAY = date(2026, 6, 1)
NOW = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)


def test_nobody_shares_a_document_and_every_number_is_sound() -> None:
    people = [person(index=index, seed=1, today=TODAY) for index in range(5000)]
    assert len({(one.document_type, one.document_number) for one in people}) == 5000
    assert {one.kind for one in people} == set(KINDS)
    for one in people:
        read = parse_number(one.document_type, one.document_number, today=TODAY)
        assert read.birth_date in (None, one.birth_date)
        assert read.sex in (None, one.sex)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_index_is_the_same_person(kind: str) -> None:
    assert person(index=7, seed=1, today=TODAY, kind=kind) == person(index=7, seed=1, today=TODAY, kind=kind)
    assert person(index=7, seed=1, today=TODAY, kind=kind) != person(index=8, seed=1, today=TODAY, kind=kind)


def test_adults_are_adults_and_minors_are_minors() -> None:
    for index in range(300):
        adult = person(index=index, seed=1, today=TODAY, kind="mainland")
        minor = person(index=index, seed=1, today=TODAY, kind="mainland_minor")
        assert date(adult.birth_date.year + 18, adult.birth_date.month, min(adult.birth_date.day, 28)) <= TODAY
        assert (TODAY - minor.birth_date).days < 18 * 365


def test_a_passport_is_read_back_without_mending() -> None:
    for index in range(200):
        one = person(index=index, seed=1, today=TODAY, kind="foreign")
        read = read_mrz(one.mrz, today=TODAY)
        assert {state.value for state in read.states.values()} == {"ok"}, (one.mrz, read.states)
        assert read.number == one.document_number
        assert read.birth is not None
        assert read.birth.exact == one.birth_date


def test_an_index_beyond_the_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="no fictional person"):
        person(index=10_000_000, seed=1, today=TODAY)


def test_a_readers_record_is_signed_over_its_exact_text(tmp_path: Path) -> None:
    bench = BenchReader(reader_id="reader-07", key=key_in(file=tmp_path / "reader.key"))
    one = person(index=3, seed=1, today=TODAY)
    reading = bench.read(person=one, now=NOW)
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(bench.public_key + "="))
    signature = base64.urlsafe_b64decode(reading.signature + "==")
    public.verify(signature, reading.record.encode())
    with pytest.raises(InvalidSignature):
        public.verify(signature, reading.record.replace(one.document_number, "0").encode())
    fields = json.loads(reading.record)
    assert (fields["document"]["number"], fields["read_at"]) == (one.document_number, "2026-06-01T04:00:00Z")


def test_a_reader_keeps_its_key_and_refuses_what_is_none(tmp_path: Path) -> None:
    file = tmp_path / "reader.key"
    assert key_in(file=file).private_bytes_raw() == key_in(file=file).private_bytes_raw()
    assert file.stat().st_mode & 0o077 == 0
    file.write_text("not a key")
    with pytest.raises(ReaderKeyUnusable):
        key_in(file=file)


def test_the_command_prints_a_record_and_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = str(tmp_path / "reader.key")
    assert cli.main(["reader", "--key", key, "--person", "2", "--at", "2026-06-01T04:00:00+00:00"]) == 0
    assert json.loads(capsys.readouterr().out).keys() == {"record", "signature", "reader_id"}
    assert cli.main(["reader", "--key", key, "--public-key"]) == 0
    assert len(base64.urlsafe_b64decode(capsys.readouterr().out.strip() + "=")) == 32
    assert cli.main(["people", "--count", "3"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert cli.main(["platform", "lodging", "--books", str(tmp_path / "b"), "--fault", "storm=1"]) == 2
