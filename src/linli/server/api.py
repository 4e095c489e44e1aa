"""The one API: routers, authentication, and problem documents for everything that goes wrong."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.security import HttpBearer
from ninja.security.apikey import APIKeyCookie

from linli.server.access import queries as access
from linli.server.access.api import router as access_router
from linli.server.connectors.api import router as connectors_router
from linli.server.kernel import clock, tickets
from linli.server.kernel.actors import Actor, Grant, Role
from linli.server.kernel.door import refused
from linli.server.kernel.errors import BadField, NotAllowed, NotFound, Refusal, SignInNeeded, TryAgain
from linli.server.kernel.files import FileTooBig
from linli.server.lettings.api import router as lettings_router
from linli.server.overview import router as overview_router
from linli.server.people import queries as people
from linli.server.people.api import router as people_router
from linli.server.places.api import router as places_router
from linli.server.privacy.api import router as privacy_router
from linli.server.stays.api import router as stays_router

log = structlog.get_logger(__name__)


class Malformed(Refusal):
    """This request is not well-formed JSON of the expected shape."""

    zh = "请求格式有误。"
    status = 422


class Internal(Refusal):
    """Something went wrong on our side; it has been recorded."""

    zh = "系统内部错误，已记录。"
    status = 500


class Session(APIKeyCookie):
    """A signed-in account by its session cookie; changing requests also need the CSRF header."""

    param_name = "sessionid"

    def authenticate(self, request: HttpRequest, key: str | None) -> Actor | None:
        """This will return the account's actor, or None when the session is not signed in."""
        account_id = request.session.get("_auth_user_id") if key else None
        if account_id is None:
            return None
        return people.find_actor(account_id=str(account_id), session_hash=request.session.get("_auth_user_hash"))


class Bearer(HttpBearer):
    """A guest by a signed ticket, or a gate box by its key."""

    def authenticate(self, request: HttpRequest, token: str) -> Actor | None:
        """This will return who holds the token; raises `SignInNeeded` for a box key that is not ours."""
        if token.startswith("box_"):
            box = access.authenticate_box(key=token)
            return Actor(
                id=box.id, estate_id=box.estate_id, grants=frozenset({Grant(role=Role.BOX, scope=f"box:{box.id}")})
            )
        now = clock.now()
        for purpose, scope in (("guest", "stay"), ("registration", "booking"), ("visit", "visit")):
            ticket = tickets.read(purpose, token, now=now)
            if ticket is not None:
                grant = Grant(role=Role.GUEST, scope=f"{scope}:{ticket['id']}")
                actor_id = f"guest:{ticket['id']}:{ticket.get('n', 0)}"
                return Actor(id=actor_id, estate_id=ticket["estate_id"], grants=frozenset({grant}))
        return None


api = NinjaAPI(
    title="Linli 邻里",
    version="1",
    description="The API of an estate in which flats are let by the night. Errors are problem+json (RFC 9457).",
    # A token that is shown counts before a cookie that happens to be there: a host may open a guest's link.
    auth=[Bearer(), Session()],
    urls_namespace="api",
)


def _listed(view: Callable[..., Any]) -> Callable[..., Any]:
    """Answer with a list where a view gives a tuple: of two items the framework would read a status and a body."""

    @wraps(view)
    def answered(*args: Any, **kwargs: Any) -> Any:
        result = view(*args, **kwargs)
        return list(result) if isinstance(result, tuple) else result

    return answered


api.add_decorator(_listed)


@api.get("/health", auth=None, tags=["health"], response=dict[str, str])
def health(request: HttpRequest) -> dict[str, str]:
    """This will say that the server answers and its database does too."""
    access.ping()
    return {"status": "ok"}


for router in (
    privacy_router,
    places_router,
    people_router,
    lettings_router,
    access_router,
    stays_router,
    connectors_router,
    overview_router,
):
    api.add_router("", router)


@api.exception_handler(Refusal)
def _on_refusal(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    return refused(refusal)


@api.exception_handler(AuthenticationError)
def _on_stranger(request: HttpRequest, problem: AuthenticationError) -> HttpResponse:
    return refused(SignInNeeded())


@api.exception_handler(ValidationError)
def _on_bad_fields(request: HttpRequest, problem: ValidationError) -> HttpResponse:
    errors = [_field_error(error) for error in problem.errors[:20]]
    refusal = Malformed(field=errors[0]["field"] if errors else None, errors=errors)
    return refused(refusal)


@api.exception_handler(HttpError)
def _on_http_error(request: HttpRequest, problem: HttpError) -> HttpResponse:
    if problem.status_code == 403:
        return refused(NotAllowed())
    return refused(Malformed())


@api.exception_handler(MultiPartParserError)
@api.exception_handler(SuspiciousOperation)
@api.exception_handler(UnreadablePostError)
def _on_unreadable_body(request: HttpRequest, problem: Exception) -> HttpResponse:
    # A body that no browser sends: a boundary that is none, a thousand fields, more than we take, a sender that hung up.
    if isinstance(problem, RequestDataTooBig):
        return refused(FileTooBig(limit_mb=settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024 // 1024))
    return refused(Malformed())


@api.exception_handler(Http404)
def _on_missing(request: HttpRequest, problem: Http404) -> HttpResponse:
    return refused(NotFound())


@api.exception_handler(DataError)
@api.exception_handler(UnicodeError)
def _on_unstorable(request: HttpRequest, problem: Exception) -> HttpResponse:
    return refused(BadField())


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def _on_busy(request: HttpRequest, problem: Exception) -> HttpResponse:
    # A deadlock (40P01), a restart, an exhausted pool: nothing was changed, and trying again is the right advice.
    log.warning("database_busy", problem=type(problem).__name__, path=request.path)
    return refused(TryAgain())


@api.exception_handler(IntegrityError)
def _on_conflict(request: HttpRequest, problem: IntegrityError) -> HttpResponse:
    # A race that no rule foresaw: the database had the last word, and nothing was changed.
    log.warning("constraint_held", constraint=_constraint(problem), path=request.path)
    return refused(TryAgain())


@api.exception_handler(Exception)
def _on_surprise(request: HttpRequest, problem: Exception) -> HttpResponse:
    log.error("surprise", path=request.path, exc_info=problem)
    return refused(Internal())


def _constraint(problem: IntegrityError) -> str:
    diagnostics = getattr(problem.__cause__, "diag", None)
    return str(getattr(diagnostics, "constraint_name", ""))


def _field_error(error: dict[str, Any]) -> dict[str, str]:
    place = [str(part) for part in error.get("loc", ()) if part not in ("body", "query", "path", "form", "file")]
    # The first part names our own parameter, not the sender's field.
    shown = place[1:] if len(place) > 1 else place
    return {
        "field": ".".join(shown) or "body",
        "message": str(error.get("msg", ""))[:200],
        "kind": str(error.get("type", "")),
    }
