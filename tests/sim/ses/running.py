"""A simulated Spanish platform in a process of its own, and an independent client (zeep, by the official WSDL) to drive it."""

import base64
import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import requests
import zeep

from linli import schemas
from linli.sim.platforms.ses_hospedajes import ADDRESS

TOKEN = "a-token-of-this-test"
USER, PASSWORD, PARTY = "arrendador-1", "a-secret-of-this-test", "0000000001"
OTHER, OTHER_PASSWORD, OTHER_PARTY = "arrendador-2", "another-secret-of-this-test", "0000000002"
PATIENCE = 15.0

Found = TypeVar("Found")


@dataclass
class RunningSes:
    """One platform process over one file of books; it can be killed and started again on the same port."""

    books: Path
    options: tuple[str, ...] = ("--delay", "0.05")
    port: int = 0
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        """Where its service is."""
        return self.url + ADDRESS

    def start(self) -> "RunningSes":
        """Start it and wait until it says that it listens."""
        command = [sys.executable, "-m", "linli.sim", "platform", "ses_hospedajes", "--books", str(self.books)]
        for account in (f"{USER}:{PASSWORD}:{PARTY}", f"{OTHER}:{OTHER_PASSWORD}:{OTHER_PARTY}"):
            command += ["--account", account]
        command += ["--port", str(self.port), "--token", TOKEN, *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert "listening on http://" in said, said
        self.port = int(said.strip().rsplit(":", 1)[1])
        return self

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end."""
        self._end(signal.SIGTERM)

    def client(self) -> httpx.Client:
        """A look into its books and faults."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=10, trust_env=False)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(timeout=10)
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None


def driver(address: str, *, user: str = USER, password: str = PASSWORD, wsdl: str | None = None) -> Any:
    """Zeep's proxy of the service, by the official WSDL unless another is given."""
    session = requests.Session()
    session.trust_env = False
    session.auth = (user, password)
    official = str(schemas.ses_hospedajes() / "comunicacion.wsdl")
    transport = zeep.Transport(session=session, timeout=10, operation_timeout=10)
    client = zeep.Client(wsdl or official, transport=transport)
    return client.create_service(
        "{http://www.soap.servicios.hospedajes.mir.es/comunicacion}ComunicacionPortSoap11", address
    )


def packed(document: bytes, *, name: str = "solicitud.xml") -> str:
    """A payload as the platform wants it: Base64 of a ZIP of one file."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, document)
    return base64.b64encode(held.getvalue()).decode()


def head(operation: str = "A", *, party: str = PARTY) -> dict[str, str]:
    """The header of a lot."""
    told = {"codigoArrendador": party, "aplicacion": "prueba", "tipoOperacion": operation}
    return told | ({"tipoComunicacion": "PV"} if operation == "A" else {})


def soon(look: Callable[[], Found | None], *, seconds: float = PATIENCE) -> Found:
    """What is there before long; fails when patience ends."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = look()
        if found is not None:
            return found
        time.sleep(0.02)
    raise AssertionError("it never came")


def settled(service: Any, lote: str) -> Any:
    """A lot once it is decided."""

    def look() -> Any:
        lots = service.consultaLote(codigosLote={"lote": [lote]}).resultado
        return lots[0] if lots and lots[0].codigoEstado not in (4, 5) else None

    return soon(look)
