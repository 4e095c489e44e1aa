"""How the doors are asked over HTTP."""

from ninja import Router

from linli.server.access.api import (
    alarms,
    boxes,
    desk,
    faces,
    gates,
    health,
    household,
    passes,
    terminals,
    terms,
    visitors,
)

router = Router(tags=["access"])
for part in (desk, household, visitors, terms, boxes, gates, passes, terminals, alarms, health, faces):
    router.add_router("", part.router)
