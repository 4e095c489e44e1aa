"""How the doors are asked over HTTP."""

from ninja import Router

from linli.server.access.api import boxes, gates, passes

router = Router(tags=["access"])
for part in (boxes, gates, passes):
    router.add_router("", part.router)
