"""The routes of this domain, one file a noun."""

from ninja import Router

from linli.server.connectors.api.face_checks import router as face_checks
from linli.server.connectors.api.links import router as links
from linli.server.connectors.api.orders import router as orders
from linli.server.connectors.api.receipts import router as receipts
from linli.server.connectors.api.reconciling import router as reconciling
from linli.server.connectors.api.reports import router as reports
from linli.server.connectors.viid.api import router as viid

router = Router()
for each in (reports, links, orders, face_checks, receipts, reconciling, viid):
    router.add_router("", each)

__all__ = ["router"]
