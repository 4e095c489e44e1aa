"""The Spanish platform's answers, written as its official schema describes them."""

from collections.abc import Sequence
from datetime import datetime

from linli.sim.platforms.ses_books import BookedLot, Communication, Outcome
from linli.sim.platforms.ses_papers import Branch, Element, branch, envelope, leaf, text_of
from linli.sim.platforms.ses_rules import CATALOGUES

WAITING, ALL_GOOD, SOME_REFUSED = (5, "Pendiente de tramitar"), (1, "Tramitado"), (6, "Tramitado con errores")
# The platform shows persons under other names than it takes them: `documento` for `numeroDocumento`, `cp` for `codigoPostal`.
SHOWN = (
    ("rol", "rol"),
    ("nombre", "nombre"),
    ("apellido1", "apellido1"),
    ("apellido2", "apellido2"),
    ("tipoDocumento", "tipoDocumento"),
    ("numeroDocumento", "documento"),
    ("fechaNacimiento", "fechaNacimiento"),
    ("nacionalidad", "nacionalidad"),
    ("sexo", "sexo"),
)


def lot_taken(lote: str, *, code: int = 0, says: str = "Ok") -> bytes:
    """This will answer a lot: with its number, or with the error for which it was not taken."""
    told = [leaf("codigo", code), leaf("descripcion", says)]
    return envelope("comunicacionResponse", [branch("respuesta", *told, *([leaf("lote", lote)] if lote else []))])


def asked_lots(found: Sequence[BookedLot]) -> bytes:
    """This will answer operation C: the lots that were asked for."""
    return envelope("comunicacionResponse", [_response("respuesta"), *map(_lot, found)])


def lots(found: Sequence[BookedLot], *, code: int = 0, says: str = "Ok") -> bytes:
    """This will show lots and, when they are decided, each of their records."""
    return envelope("consultaLoteResponse", [_response("respuesta", code, says), *map(_lot, found)])


def communications(found: Sequence[Communication]) -> bytes:
    """This will show communications as they were accepted."""
    return envelope("consultaComunicacionResponse", [_response("resultado"), *map(_communication, found)])


def lot_annulled(*, known: bool) -> bytes:
    """This will say whether a lot was annulled."""
    code, says = (0, "Ok") if known else (10130, "lote: no existe")
    return envelope("anulacionLoteResponse", [leaf("codigo", code), leaf("descripcion", says)])


def catalogue(name: str) -> bytes:
    """This will show one code table."""
    table = CATALOGUES.get(name.upper())
    tuples = [branch("tupla", leaf("codigo", k), leaf("descripcion", v)) for k, v in (table or {}).items()]
    told = _response("resultado") if table else _response("resultado", 10130, "catalogo: no existe")
    return envelope("catalogoResponse", [told, branch("respuesta", branch("resultado", *tuples))])


def _response(name: str, code: int = 0, says: str = "Ok") -> Branch:
    return branch(name, leaf("codigo", code), leaf("descripcion", says))


def _lot(lot: BookedLot) -> Branch:
    state, says = WAITING
    if lot.settled_at is not None:
        state, says = SOME_REFUSED if any(one.error_kind for one in lot.outcomes) else ALL_GOOD
    known = [
        leaf("lote", lot.lote),
        leaf("tipoComunicacion", "PV"),
        leaf("tipoOperacion", lot.operation),
        leaf("fechaPeticion", _moment(lot.seen_at)),
        leaf("fechaProcesamiento", _moment(lot.settled_at or lot.seen_at)),
        leaf("codigoEstado", state),
        leaf("descEstado", says),
        leaf("identificadorUsuario", lot.username),
        leaf("nombreUsuario", lot.username),
        leaf("codigoArrendador", lot.party),
        leaf("aplicacion", lot.application),
    ]
    if lot.settled_at is not None:
        known.append(branch("resultadoComunicaciones", *map(_outcome, lot.outcomes)))
    return branch("resultado", *known)


def _outcome(one: Outcome) -> Branch:
    told = (
        [leaf("codigoComunicacion", one.code)]
        if one.code
        else [leaf("tipoError", one.error_kind or "10999"), leaf("error", one.error or "")]
    )
    annulled = [leaf("anulada", "true")] if one.annulled else []
    return branch("resultadoComunicacion", leaf("orden", one.orden), *annulled, *told)


def _communication(one: Communication) -> Branch:
    body = one.body
    return branch(
        "comunicacion",
        leaf("tipo", "PV"),
        leaf("codigo", one.code),
        leaf("anulada", "true" if one.annulled else "false"),
        leaf("referencia", text_of(body, "contrato/referencia")),
        leaf("fechaContrato", text_of(body, "contrato/fechaContrato")),
        leaf("fechaInicio", text_of(body, "contrato/fechaEntrada")),
        leaf("fechaFin", text_of(body, "contrato/fechaSalida")),
        leaf("fechaAlta", _moment(one.seen_at)),
        branch("pago", leaf("tipo", text_of(body, "contrato/pago/tipoPago"))),
        branch(
            "arrendador",
            leaf("nombre", "Ficticio"),
            leaf("tipoDocumento", "OTRO"),
            leaf("documento", one.party),
            leaf("codigo", one.party),
            leaf("tipo", "VUT"),
        ),
        branch("establecimiento", leaf("codigo", one.establishment)),
        branch("personas", *map(_person, body.findall("persona"))),
    )


def _person(person: Element) -> Branch:
    told = [leaf(there, text) for here, there in SHOWN if (text := text_of(person, here))]
    return branch("persona", *told)


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
