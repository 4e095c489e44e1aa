"""How receipts are asked for over HTTP: the printed one by its guest, host or desk; the code on it by anybody who holds it."""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from linli.server.connectors.receipts import page, printing, queries
from linli.server.connectors.receipts.queries import ReceiptUnknown, ReceiptView
from linli.server.kernel import clock
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.door import actor_of
from linli.server.kernel.errors import NotAllowed

router = Router(tags=["receipts"])


# Before the route of any stay, whose id would otherwise be `me`.
@router.get("/stays/me/receipt", response={200: None})
def print_own_receipt(request: HttpRequest) -> HttpResponse:
    """This will print the guest's own registration receipt as PDF, once there is one; for guests from abroad."""
    actor = actor_of(request)
    return _printed(actor, _own_stay(actor))


@router.get("/stays/{stay_id}/receipt", response={200: None})
def print_receipt(request: HttpRequest, stay_id: str) -> HttpResponse:
    """This will print the registration receipt of a stay as PDF, for the flat's operator and the desk."""
    return _printed(actor_of(request), stay_id)


@router.get("/receipts/{token}", response=ReceiptView, auth=None)
def verify_receipt(request: HttpRequest, token: str) -> ReceiptView | HttpResponse:
    """This will say what has become of the receipt behind a code: as JSON, or as a page to a browser."""
    if "text/html" not in request.headers.get("Accept", ""):
        return queries.get_receipt(token=token, now=clock.now())
    try:
        return _page(page.show(queries.get_receipt(token=token, now=clock.now())))
    except ReceiptUnknown as refusal:
        return _page(page.show_refusal(refusal), status=refusal.status)


def _printed(actor: Actor, stay_id: str) -> HttpResponse:
    paper = queries.get_paper(actor=actor, stay_id=stay_id, now=clock.now())
    made = printing.as_pdf(paper, faces=printing.typefaces())
    return HttpResponse(
        made,
        content_type="application/pdf",
        headers={"Content-Disposition": 'inline; filename="registration-receipt.pdf"'},
    )


def _page(text: str, *, status: int = 200) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/html; charset=utf-8", headers={"Vary": "Accept"})


def _own_stay(actor: Actor) -> str:
    for scope in sorted(actor.scopes(Role.GUEST)):
        if scope.startswith("stay:"):
            return scope.removeprefix("stay:")
    raise NotAllowed
