"""Traveller's parts written by hand, apart from the code that Linli writes them with. Nobody is behind them."""

import itertools

_number = itertools.count(1)


def person(**changes: str | None) -> str:
    """One person in the schema's order; None leaves an element out."""
    told: dict[str, str | None] = {
        "rol": "VI",
        "nombre": "ANNA MARIA",
        "apellido1": "ERIKSSON",
        "apellido2": None,
        "tipoDocumento": "PAS",
        "numeroDocumento": "L898902C3",
        "fechaNacimiento": "1974-08-12",
        "nacionalidad": "SWE",
        "sexo": "M",
        "direccion": "<direccion>Calle Ficticia 1</direccion><nombreMunicipio>Ningures</nombreMunicipio>"
        "<codigoPostal>00000</codigoPostal><pais>SWE</pais>",
        "telefono": "+46000000000",
        "correo": None,
        "parentesco": None,
        **changes,
    }
    return "<persona>" + "".join(f"<{k}>{v}</{k}>" for k, v in told.items() if v is not None) + "</persona>"


def reference() -> str:
    """A reference that was not used before."""
    return f"prueba-{next(_number):06d}"


def communication(*people: str, referencia: str | None = None, **changes: str) -> str:
    """One communication about these people."""
    people = people or (person(),)
    told = {
        "referencia": referencia or reference(),
        "fechaContrato": "2026-06-01",
        "fechaEntrada": "2026-06-01T15:00:00",
        "fechaSalida": "2026-06-03T11:00:00",
        "numPersonas": str(len(people)),
        "pago": "<tipoPago>OTRO</tipoPago>",
        **changes,
    }
    contract = "".join(f"<{k}>{v}</{k}>" for k, v in told.items())
    return f"<comunicacion><contrato>{contract}</contrato>{''.join(people)}</comunicacion>"


def part(*communications: str, establishment: str = "DF2A00001") -> bytes:
    """The payload of a lot."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<alt:peticion xmlns:alt="http://www.neg.hospedajes.mir.es/altaParteHospedaje"><solicitud>'
        f"<codigoEstablecimiento>{establishment}</codigoEstablecimiento>{''.join(communications)}"
        "</solicitud></alt:peticion>"
    ).encode()


def annulment(*codes: str) -> bytes:
    """The payload that annuls communications."""
    told = "".join(f"<codigoComunicacion>{code}</codigoComunicacion>" for code in codes)
    return (
        f'<comunicaciones xmlns="http://www.neg.hospedajes.mir.es/anularComunicacion">{told}</comunicaciones>'.encode()
    )
