"""The Spanish platform from the command line, and its faults on demand as an independent client meets them."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import zeep.exceptions

from tests.sim.ses.parts import communication, part, reference
from tests.sim.ses.running import PARTY, PASSWORD, USER, RunningSes, driver, head, packed, settled

COMMAND = [sys.executable, "-m", "linli.sim", "platform", "ses_hospedajes"]


def lot() -> dict[str, Any]:
    """What a lot of one record is asked with."""
    return {"cabecera": head(), "solicitud": packed(part(communication()))}


def count(books: httpx.Client, name: str) -> int:
    """One of the counts of the books."""
    return int(books.get("/ses/v1/books", params={"size": 1}).json()[name])


@pytest.mark.parametrize(("fault", "booked"), [("http_500", 0), ("lost_answer", 1), ("refuse_auth", 0)])
def test_what_goes_wrong_on_the_wire_is_in_the_books_or_not(
    service: Any, books: httpx.Client, fault: str, booked: int
) -> None:
    before = count(books, "lots")
    books.post("/faults", json={fault: 1})
    with pytest.raises((zeep.exceptions.Error, requests.RequestException)):
        service.comunicacion(peticion=lot())
    assert count(books, "lots") == before + booked
    assert books.get("/faults").json()["injected"][fault] >= 1


def test_a_lot_can_be_answered_with_the_number_of_the_lot_before(service: Any, books: httpx.Client) -> None:
    first = service.comunicacion(peticion=lot()).respuesta.lote
    before = count(books, "lots")
    books.post("/faults", json={"duplicate": 1})
    assert service.comunicacion(peticion=lot()).respuesta.lote == first
    assert count(books, "lots") == before + 1


def test_a_pending_lot_stays_so_for_as_long_as_was_asked(service: Any, books: httpx.Client) -> None:
    books.post("/faults", json={"pending": 1, "pending_s": 60})
    lote = service.comunicacion(peticion=lot()).respuesta.lote
    books.post("/faults", json={})
    (shown,) = service.consultaLote(codigosLote={"lote": [lote]}).resultado
    assert (shown.codigoEstado, shown.resultadoComunicaciones) == (5, None)


def test_an_answer_that_trickles_is_whole_in_the_end(service: Any, books: httpx.Client) -> None:
    books.post("/faults", json={"trickle": 1, "trickle_s": 0.2})
    assert service.comunicacion(peticion=lot()).respuesta.codigo == 0


def test_a_plan_that_is_none_changes_nothing(books: httpx.Client) -> None:
    before = books.get("/faults").json()["plan"]
    for wrong in (b"[]", b"", b'{"no_such_fault": 1}', b'{"http_500": 7}'):
        assert books.post("/faults", content=wrong).status_code == 400
    assert books.get("/faults").json()["plan"] == before


def test_books_and_faults_are_shown_to_whoever_has_the_token(ses: RunningSes) -> None:
    with httpx.Client(base_url=ses.url, trust_env=False) as stranger:
        assert [stranger.get(path).status_code for path in ("/ses/v1/books", "/faults")] == [401, 401]
        assert stranger.post("/faults", json={}).status_code == 401
        assert stranger.get("/health").json()["state"] == "up"


def test_the_books_are_read_page_by_page(service: Any, books: httpx.Client) -> None:
    mine = [reference() for _ in range(5)]
    for one in mine:
        service.comunicacion(peticion={"cabecera": head(), "solicitud": packed(part(communication(referencia=one)))})
    seen: list[str] = []
    after: int | None = 0
    while after is not None:
        page = books.get("/ses/v1/books", params={"after": after, "size": 2}).json()
        seen += [row["reference"] for row in page["rows"]]
        after = page["next"]
    assert [one for one in seen if one in mine] == mine


def test_every_number_given_before_a_kill_is_known_after_it(tmp_path: Path) -> None:
    ses = RunningSes(books=tmp_path / "books.sqlite").start()
    given: list[str] = []
    full = threading.Event()

    def send() -> None:
        service = driver(ses.address)
        try:
            while True:
                given.append(service.comunicacion(peticion=lot()).respuesta.lote)
                if len(given) >= 30:
                    full.set()
        except (zeep.exceptions.Error, requests.RequestException):
            return

    senders = [threading.Thread(target=send) for _ in range(2)]
    for sender in senders:
        sender.start()
    assert full.wait(timeout=15)
    ses.kill()
    for sender in senders:
        sender.join()
    ses.start()
    try:
        service = driver(ses.address)
        assert {settled(service, lote).codigoEstado for lote in given} == {1}
    finally:
        ses.stop()


def test_accounts_come_from_a_file_too(tmp_path: Path) -> None:
    file = tmp_path / "accounts.json"
    file.write_text(f'[{{"username": "third", "password": "{PASSWORD}", "party": "{PARTY}"}}]')
    ses = RunningSes(books=tmp_path / "books.sqlite", options=("--accounts", str(file))).start()
    try:
        for user in (USER, "third"):
            assert driver(ses.address, user=user).catalogo(peticion={"catalogo": "SEXO"}).resultado.codigo == 0
    finally:
        ses.stop()


def test_an_account_that_is_none_is_refused_at_the_start(tmp_path: Path) -> None:
    command = [*COMMAND, "--books", str(tmp_path / "b.sqlite"), "--account", "user:password"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert (refused.returncode, "USER:PASSWORD:PARTY" in refused.stderr) == (2, True)
