"""How places are asked for over HTTP: the estate, its entrances and its flats, for everybody with a role on the estate."""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from linli.server.kernel import clock
from linli.server.kernel.actors import Actor, Role
from linli.server.kernel.door import actor_of, created
from linli.server.kernel.text import Line, Word
from linli.server.places import actions, queries
from linli.server.places.queries import AliasView, DwellingPage, DwellingView, EntranceView, EstateView, PlaceCounts

router = Router(tags=["places"])

STAFF = (
    Role.ESTATE_ADMIN,
    Role.OFFICE,
    Role.PROPERTY,
    Role.COMMITTEE,
    Role.GUARD,
    Role.POLICE,
    Role.AUDITOR,
)


class NewName(BaseModel):
    """Another name for a place."""

    code: Word
    kind: Word
    text: Line


class NewRooms(BaseModel):
    """Rooms to add, told by how many beds stand in each."""

    beds: Annotated[tuple[int, ...], Field(min_length=1, max_length=30)]


@router.get("/estate", response=EstateView)
def get_estate(request: HttpRequest) -> EstateView:
    """This will return the estate the caller acts on."""
    return queries.get_estate(estate_id=_somebody(request).estate_id)


@router.get("/places/counts", response=PlaceCounts)
def count_places(request: HttpRequest) -> PlaceCounts:
    """This will count the estate's places, from buildings to beds."""
    return queries.count_places(estate_id=_somebody(request).estate_id)


@router.get("/entrances", response=list[EntranceView])
def list_entrances(request: HttpRequest) -> list[EntranceView]:
    """This will list the entrances in the order of buildings."""
    return list(queries.list_entrances(estate_id=_somebody(request).estate_id))


@router.get("/dwellings", response=DwellingPage)
def list_dwellings(
    request: HttpRequest,
    entrance: Word | None = None,
    q: Word = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> DwellingPage:
    """This will list a page of flats, of one entrance or whose code contains `q`."""
    return queries.list_dwellings(estate_id=_somebody(request).estate_id, entrance_id=entrance, text=q, page=page)


@router.get("/dwellings/{dwelling_id}", response=DwellingView)
def get_dwelling(request: HttpRequest, dwelling_id: str) -> DwellingView:
    """This will return one flat with its rooms and beds."""
    return queries.get_dwelling(estate_id=_somebody(request).estate_id, dwelling_id=dwelling_id)


@router.post("/dwellings/{dwelling_id}/rooms", response={201: DwellingView})
def add_rooms(request: HttpRequest, dwelling_id: str, body: NewRooms) -> HttpResponse:
    """This will add rooms with their beds to a flat."""
    actor = actor_of(request)
    return created(
        request,
        lambda: actions.add_rooms(actor=actor, dwelling_id=dwelling_id, beds=body.beds, now=clock.now()),
    )


@router.get("/places/{code}/names", response=list[AliasView])
def list_names(request: HttpRequest, code: str) -> list[AliasView]:
    """This will list the other names of a place."""
    return list(queries.list_aliases(estate_id=_somebody(request).estate_id, place_code=code))


@router.post("/places/names", response={201: AliasView})
def name_place(request: HttpRequest, body: NewName) -> HttpResponse:
    """This will give a place another name."""
    actor = actor_of(request)
    return created(
        request,
        lambda: actions.name_place(actor=actor, code=body.code, kind=body.kind, text=body.text, now=clock.now()),
    )


def _somebody(request: HttpRequest) -> Actor:
    # An operator needs the tree to draft a unit: which flats exist is no secret among those who sign in.
    actor = actor_of(request)
    if not actor.scopes(Role.OPERATOR):
        actor.require(*STAFF)
    return actor
