"""How stays and their feeds are asked over HTTP, by noun: lodging, feeds and their questions, hooks, calendars."""

from ninja import Router

from linli.server.stays.api.calendars import router as calendars
from linli.server.stays.api.feeds import router as feeds
from linli.server.stays.api.hooks import router as hooks
from linli.server.stays.api.lodging import router as lodging

router = Router()
for part in (lodging, feeds, hooks, calendars):
    router.add_router("", part)
