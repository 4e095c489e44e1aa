"""How the face layer is asked: our neutral contract, one question of one person and one document, and every answer a verdict.

The layer's real interface is not public; the other side of this contract is played by `linli-sim platform face_layer`. There is no
call here for a search, a gallery or a list, and none may be added: the estate compares one with one.
"""

import base64
import ipaddress
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import structlog

from linli.server.connectors import platforms
from linli.server.connectors.delivery import Breaker
from linli.server.connectors.face_check.rules import (
    HIGHEST_SCORE,
    PLATFORM,
    Asked,
    FaceLayer,
    FaceVerdict,
    Heard,
)
from linli.server.kernel.http import Answer, NoAnswer, Peer

CHECKS = "/face/v1/checks"
ANSWER_SECONDS = 4.0
WHOLE_SECONDS = 8.0
# A guest waits in a thread of the server: a slow layer may hold a few of them, never all.
AT_ONCE = 4
VERDICTS: Mapping[str, FaceVerdict] = MappingProxyType(
    {"SAME": FaceVerdict.SAME, "NOT_SAME": FaceVerdict.NOT_SAME, "UNSURE": FaceVerdict.UNSURE}
)
LOCKED_OUT = frozenset({401, 403, 407})
NOT_UNDERSTOOD = frozenset({400, 404, 409, 413, 415, 422})
_WORD = re.compile(r"[\x21-\x7e]{1,40}")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HttpFaceLayer:
    """The face layer at one address."""

    peer: Peer = field(repr=False)
    breaker: Breaker = field(repr=False)
    turns: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AT_ONCE), repr=False)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """This will say whether a question may be asked now; a dead or busy layer says no at once."""
        if not self.turns.acquire(blocking=False):
            yield False
            return
        try:
            yield self.breaker.room(free=1) > 0
        finally:
            self.turns.release()

    def ask(self, *, asked: Asked) -> Heard:
        """This will ask once, and read what comes back."""
        body = {
            "check_id": asked.check_id,
            "document_kind": asked.document_kind,
            "document_number": asked.document_number,
            "name": asked.name,
            "picture": base64.b64encode(asked.picture).decode("ascii"),
        }
        started = time.perf_counter()
        try:
            heard = _read(self.peer.post(CHECKS, body), check_id=asked.check_id)
        except NoAnswer as silence:
            heard = Heard(verdict=FaceVerdict.NO_ANSWER, code=silence.reason)
        except Exception as problem:
            # Whatever a hostile answer makes of its reader, the guest goes on by another way.
            log.warning("face_layer_unreadable", problem=type(problem).__name__)
            heard = Heard(verdict=FaceVerdict.NO_ANSWER, code="unreadable")
        if heard.verdict is FaceVerdict.NO_ANSWER or heard.code == "locked_out":
            self.breaker.note_failure()
        else:
            self.breaker.note_success()
        return replace(heard, seconds=time.perf_counter() - started)


class NoFaceLayer:
    """No face layer is linked: there is never a turn."""

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """This will say no."""
        yield False

    def ask(self, *, asked: Asked) -> Heard:
        """This will have nobody to ask."""
        return Heard(verdict=FaceVerdict.NO_ANSWER, code="not_linked")


@cache
def linked() -> FaceLayer:
    """This will give the process's face layer, from the table `face_layer` of the links file (url, token)."""
    try:
        table = platforms.link_settings().get(PLATFORM, {})
    except platforms.BadLinks as problem:
        log.error("face_layer_not_linked", problem=str(problem))
        return NoFaceLayer()
    return at(url=table.get("url", ""), token=table.get("token", ""))


def is_linked() -> bool:
    """This will say whether this process has a face layer at all."""
    return not isinstance(linked(), NoFaceLayer)


def at(*, url: str, token: str) -> FaceLayer:
    """This will link to the face layer at an address; faces leave this machine under TLS or not at all."""
    if not url:
        return NoFaceLayer()
    if not _private(url):
        log.error("face_layer_not_linked", problem="the address must begin with https://")
        return NoFaceLayer()
    peer = Peer(name=PLATFORM, url=url, token=token, timeout=ANSWER_SECONDS, whole=WHOLE_SECONDS, connections=AT_ONCE)
    return HttpFaceLayer(peer, Breaker(failures_at_most=3, first_pause=5.0, longest_pause=60.0))


def _private(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme == "https" or host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(answer: Answer, *, check_id: str) -> Heard:
    if answer.status in LOCKED_OUT:
        return Heard(verdict=FaceVerdict.REFUSED, code="locked_out")
    if answer.status in NOT_UNDERSTOOD:
        return Heard(verdict=FaceVerdict.REFUSED, code="not_understood")
    if answer.status != 200:
        return _silent("busy" if answer.status >= 500 or answer.status == 429 else "nonsense")
    parts = _parts_of(answer.body)
    verdict, score, receipt = VERDICTS.get(str(parts.get("answer"))), parts.get("score"), parts.get("receipt")
    if verdict is None:
        return _silent("nonsense")
    if parts.get("check_id") != check_id:
        # The answer about another guest: whoever takes it for this one lets a stranger in.
        return _silent("other_check")
    if isinstance(score, bool) or not isinstance(score, int) or not 0 <= score <= HIGHEST_SCORE:
        return _silent("score_out_of_range")
    if not isinstance(receipt, str) or _WORD.fullmatch(receipt) is None:
        return _silent("no_receipt")
    return Heard(verdict=verdict, score=score, receipt=receipt)


def _silent(code: str) -> Heard:
    return Heard(verdict=FaceVerdict.NO_ANSWER, code=code)


def _parts_of(body: bytes) -> dict[str, Any]:
    try:
        parts = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parts if isinstance(parts, dict) else {}
