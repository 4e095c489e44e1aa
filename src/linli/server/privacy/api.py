"""How privacy is asked over HTTP: the purposes for everybody, the state of the audit chain for the auditor."""

from django.http import HttpRequest
from ninja import Router

from linli.server.kernel.actors import Role
from linli.server.kernel.door import actor_of
from linli.server.kernel.errors import NotAllowed
from linli.server.privacy import queries
from linli.server.privacy.queries import ChainReport, NoticeView

router = Router(tags=["privacy"])


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
