"""What proves a pass besides its code, as people may see it: never the digits, never the number."""

from dataclasses import dataclass, field
from datetime import datetime

from linli.gate.decision import Kind
from linli.server.access.models import Credential
from linli.server.kernel import crypto
from linli.server.kernel.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialView:
    """A card, PIN, identity card or face that proves a pass; `label` is masked."""

    id: str
    pass_id: str
    kind: str
    label: str
    live: bool
    version: int
    issued_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedPin:
    """A PIN with its digits, which are shown this once."""

    credential: CredentialView
    pin: str = field(repr=False)


def view(row: Credential) -> CredentialView:
    """This will show a stored credential."""
    return CredentialView(
        id=row.id,
        pass_id=row.bearer_id,
        kind=row.kind,
        label=row.label,
        live=row.live,
        version=row.version,
        issued_at=row.issued_at,
        ended_at=row.ended_at,
    )


def get_credential(*, estate_id: str, credential_id: str) -> CredentialView:
    """This will return a credential of the estate, or refuse with `NotFound`."""
    row = Credential.objects.filter(estate_id=estate_id, id=credential_id).first()
    if row is None:
        raise NotFound(field="credential_id")
    return view(row)


def list_credentials(*, estate_id: str, pass_id: str) -> tuple[CredentialView, ...]:
    """This will list what proves a pass and what did, newest first."""
    rows = Credential.objects.filter(estate_id=estate_id, bearer_id=pass_id).order_by("-issued_at", "-id")
    return tuple(view(row) for row in rows[:100])


def index_of(*, estate_id: str, kind: Kind, value: str) -> bytes:
    """This will return the blind index under which a value is found and kept apart on its estate."""
    return crypto.blind_index(value, context=f"credential.{kind.value}.{estate_id}")


def context_of(kind: str) -> str:
    """This will name the context in which a kind of value is sealed."""
    return f"credential.{kind}"
