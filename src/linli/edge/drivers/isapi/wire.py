"""Speak ISAPI: HTTP digest, JSON where the device has it and XML where it has not, and its status codes 1 to 7."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import httpx

from linli.edge.drivers import bounded
from linli.edge.drivers.bounded import Answer, DeviceAway, DeviceBusy

NAMESPACE = "http://www.isapi.org/ver20/XMLSchema"
OK, BUSY, DEVICE_ERROR, REBOOT = 1, 2, 3, 7
REFUSING = (4, 5, 6)
# The device shuts out, for half an hour, whoever tries a wrong password a few times: so we try seldom.
WRONG_PASSWORD_PAUSE_S = 600.0


class Refused(Exception):
    """The device understood and will not: `sub` is its own word for the reason."""

    def __init__(self, status: int, sub: str, words: str = "") -> None:
        super().__init__(words or sub or f"status {status}")
        self.status, self.sub = status, sub


class DeviceFault(DeviceBusy):
    """The device tried and failed (its status 3); a few more times are worth it, not more."""


class IsapiClient:
    """One connection to one device, for one thread."""

    def __init__(self, *, url: str, username: str, password: str, timeout_s: float, verify: bool = True) -> None:
        self._client = httpx.Client(
            base_url=url,
            auth=httpx.DigestAuth(username, password),
            timeout=timeout_s,
            trust_env=False,
            follow_redirects=False,
            verify=verify,
        )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def get(self, path: str) -> dict[str, Any]:
        """Ask for a JSON object. Raises DeviceAway or Refused."""
        return _checked(bounded.ask(self._client, "GET", _json(path)))

    def put(self, path: str, words: dict[str, Any]) -> dict[str, Any]:
        """Put a JSON object. Raises DeviceAway or Refused."""
        return _checked(bounded.ask(self._client, "PUT", _json(path), json=words))

    def post(self, path: str, words: dict[str, Any]) -> dict[str, Any]:
        """Post a JSON object: a search, or a new record. Raises DeviceAway or Refused."""
        return _checked(bounded.ask(self._client, "POST", _json(path), json=words))

    def put_picture(self, path: str, words: dict[str, Any], picture: bytes) -> dict[str, Any]:
        """Put a picture with what it is of, as a form. Raises DeviceAway or Refused."""
        parts = {
            "FaceDataRecord": (None, json.dumps(words), "application/json"),
            "img": ("face.jpg", picture, "image/jpeg"),
        }
        return _checked(bounded.ask(self._client, "PUT", _json(path), files=parts))

    def get_xml(self, path: str) -> dict[str, str]:
        """Ask for an XML element; give the texts of everything in it by name. Raises DeviceAway or Refused."""
        answer = bounded.ask(self._client, "GET", path)
        told = xml_texts(answer.body)
        _check_http(answer, told)
        return told

    def put_xml(self, path: str, root: str, words: dict[str, str]) -> None:
        """Put an XML element of plain texts. Raises DeviceAway or Refused."""
        element = ElementTree.Element(root, version="2.0", xmlns=NAMESPACE)
        for name, text in words.items():
            ElementTree.SubElement(element, name).text = text
        body = b'<?xml version="1.0" encoding="UTF-8"?>' + ElementTree.tostring(element)
        answer = bounded.ask(self._client, "PUT", path, content=body, headers={"content-type": "application/xml"})
        told = answer.as_json() if answer.body.lstrip().startswith(b"{") else xml_texts(answer.body)
        _check_http(answer, told)


def xml_texts(body: bytes) -> dict[str, str]:
    """Read the texts of an XML document by local name, the first of each. Raises DeviceAway, at any DTD too."""
    try:
        text = body.decode()
        # A document type can name files to read and entities that grow without end; no device needs one.
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise DeviceAway("the answer has a document type")
        root = ElementTree.fromstring(text)
    except (ValueError, ElementTree.ParseError):
        raise DeviceAway("the answer is not XML") from None
    told: dict[str, str] = {}
    for element in root.iter():
        told.setdefault(element.tag.rpartition("}")[2], (element.text or "").strip())
    return told


def _json(path: str) -> str:
    return f"{path}?format=json"


def _checked(answer: Answer) -> dict[str, Any]:
    if answer.status == 401:
        _check_http(answer, {})
    told = answer.as_json()
    _check_http(answer, told)
    return told


def _check_http(answer: Answer, told: dict[str, Any]) -> None:
    if answer.status == 401:
        raise DeviceAway("the device does not accept the password", pause_s=WRONG_PASSWORD_PAUSE_S)
    status = told.get("statusCode")
    code = int(str(status)) if str(status).isdecimal() else (OK if answer.status == 200 else 0)
    sub, words = str(told.get("subStatusCode", ""))[:80], str(told.get("errorMsg", ""))[:120]
    if code == OK and answer.status == 200:
        return
    if code in REFUSING:
        raise Refused(code, sub, words)
    if code == DEVICE_ERROR:
        raise DeviceFault(f"the device failed: {sub or words or 'device error'}")
    if code == BUSY:
        raise DeviceBusy("the device is busy")
    if code == REBOOT:
        raise DeviceBusy("the device must start anew")
    raise DeviceAway(f"the device answered {answer.status}")
