"""How privacy is asked over HTTP: the purposes for everybody, the state of the audit chain for the auditor."""

from typing import Annotated

from django.http import HttpRequest
from ninja import Router
from pydantic import BaseModel, Field

from linli.server.kernel import clock
from linli.server.kernel.actors import Role
from linli.server.kernel.door import actor_of
from linli.server.kernel.errors import NotAllowed
from linli.server.kernel.text import Line
from linli.server.privacy import actions, queries
from linli.server.privacy.queries import ChainReport, DisclosureView, NoticeView

router = Router(tags=["privacy"])


class DisclosureSearch(BaseModel):
    """About whom."""

    person_id: Annotated[Line, Field(max_length=40)]


@router.get("/privacy/notices/{purpose}", response=NoticeView)
def notice(request: HttpRequest, purpose: str) -> NoticeView:
    """This will show the notice of a purpose, word for word, with the digest that a consent sends back."""
    actor = actor_of(request)
    if actor.scopes(Role.BOX):
        raise NotAllowed
    return queries.get_notice(estate_id=actor.estate_id, purpose=purpose)


@router.get("/privacy/audit-chain", response=ChainReport)
def audit_chain(request: HttpRequest) -> ChainReport:
    """This will check the estate's whole audit chain."""
    actor = actor_of(request)
    actor.require(Role.AUDITOR, Role.ESTATE_ADMIN)
    return queries.verify_chain(estate_id=actor.estate_id)


@router.post("/disclosures", response=list[DisclosureView])
def search_disclosures(request: HttpRequest, body: DisclosureSearch) -> list[DisclosureView]:
    """This will show what left about one person; a POST, because every look is entered in the audit chain."""
    return list(actions.search_disclosures(actor=actor_of(request), person_id=body.person_id, now=clock.now()))
