"""How the doors are asked over HTTP."""

from ninja import Router

from linli.server.access.api import alarms, boxes, faces, gates, health, passes, terminals

router = Router(tags=["access"])
for part in (boxes, gates, passes, terminals, alarms, health, faces):
    router.add_router("", part.router)
