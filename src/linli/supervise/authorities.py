"""The other sides of the links, simulated on this machine: which there are, where they listen, and the links file that names them."""

import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from linli.supervise.reach import free_port

# Our own number at the libraries: the fictional estate's area, a platform of type 503 (GB/T 28181).
OUR_NUMBER = "51010800005030000002"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """One simulated platform: its address, what it is started with, and what a table of the links file says of it."""

    name: str
    url: str
    options: tuple[str, ...] = ()
    told: Mapping[str, str] = field(default_factory=dict, repr=False)

    def command(self, *, program: str, books: Path, faults: float) -> list[str]:
        """Give the command line that plays it."""
        port = self.url.rsplit(":", 1)[1]
        return [
            *(program, "platform", self.name, "--port", port, "--faults", str(faults)),
            *("--books", str(books / f"{self.name}-books.sqlite3"), *self.options),
        ]


def simulated(*, lodging_url: str, lodging_token: str) -> tuple[Authority, ...]:
    """Plan the four other sides of a fictional estate; the Spanish one is tried by its own tests alone."""
    password, token = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    registered = {"user": "linli", "password": password, "device_id": OUR_NUMBER}
    # With an equals sign: a secret may begin with a hyphen, and would be read as an option of its own.
    digest = ("--user=linli", f"--password={password}")
    return (
        Authority(
            name="lodging",
            url=lodging_url,
            options=(f"--token={lodging_token}",),
            told={"url": lodging_url, "token": lodging_token},
        ),
        _at_a_port("community", options=digest, told=registered),
        _at_a_port("viid", options=digest, told=registered),
        _at_a_port("face_layer", options=(f"--token={token}",), told={"token": token}),
    )


def write_links(file: Path, authorities: Iterable[Authority]) -> None:
    """Write the links file anew, readable by its owner alone: it holds the secrets, and the ports change with every start."""
    tables = (
        "\n".join([f"[{one.name}]", *(f'{key} = "{text}"' for key, text in one.told.items())]) for one in authorities
    )
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write("\n\n".join(tables) + "\n")


def _at_a_port(name: str, *, options: tuple[str, ...], told: Mapping[str, str]) -> Authority:
    url = f"http://127.0.0.1:{free_port()}"
    return Authority(name=name, url=url, options=options, told={"url": url, **told})
