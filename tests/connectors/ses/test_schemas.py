"""The official files are as published: what we are held to is not ours to change."""

import hashlib

import pytest
from lxml import etree

from linli import schemas

PUBLISHED = {
    "altaParteHospedaje.xsd": "6aa77aeb1710f4630ed14a6773640ce8487b768124a5bff5dd6c8c3e1a0f4b84",
    "altaReservaHospedaje.xsd": "bd6f75354d232d3553f91233f0107b2b7c89b7941f5e33f4e4d8f535190464a9",
    "anularComunicacion.xsd": "2c2fa53cb05831a2d310d3c08d2cd1d5a5148c003ca4199f0d0d33e8072608cb",
    "comunicacion.wsdl": "6e5fcfc31f2fff455e7610f7a75ba83c3261a9df0595fc78fe616d414284c9d3",
    "comunicacion.xsd": "99f487f4175918082034ff85cf80498be1d8d5f30823d6f79628c373a041e06b",
    "consultarComunicacion.xsd": "e216a06ac5a356a0e5c211344c727a09307672ce0771e929fd1401aaa0739170",
    "tipoComunicacion.xsd": "ed7499df0bc1da4fbdeede9963dfad764c3b3fa37d5167cb63c264845bfaf53b",
    "tiposGenerales.xsd": "e872482d8180798223f1fa49be45ddc1d2f0859e368b9c3e0ea348e33a28c29d",
}


def test_every_file_is_there_and_no_other_schema() -> None:
    here = {file.name for file in schemas.ses_hospedajes().iterdir() if file.suffix in (".xsd", ".wsdl")}
    assert here == PUBLISHED.keys()


@pytest.mark.parametrize(("name", "digest"), PUBLISHED.items())
def test_no_byte_was_changed(name: str, digest: str) -> None:
    assert hashlib.sha256((schemas.ses_hospedajes() / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("name", [name for name in PUBLISHED if name.endswith(".xsd")])
def test_every_schema_is_one(name: str) -> None:
    etree.XMLSchema(etree.parse(schemas.ses_hospedajes() / name))
