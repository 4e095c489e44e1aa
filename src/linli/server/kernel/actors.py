"""Who acts: an account with roles in scopes, a guest with a link, a gate box with its key, or the estate itself."""

from dataclasses import dataclass, field
from enum import StrEnum

from linli.server.kernel.errors import NotAllowed


class Role(StrEnum):
    """What somebody may be on an estate (domain glossary: 角色)."""

    ESTATE_ADMIN = "estate_admin"
    OFFICE = "office"
    PROPERTY = "property"
    COMMITTEE = "committee"
    GUARD = "guard"
    POLICE = "police"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    GUEST = "guest"
    BOX = "box"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One role in one scope; the scope is the estate (`*`) or one thing such as `operator:op_…` or `stay:stay_…`."""

    role: Role
    scope: str = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Somebody or something that acts on one estate, and what it may be."""

    id: str
    estate_id: str
    grants: frozenset[Grant] = field(default_factory=frozenset)

    def may(self, *roles: Role, scope: str = "*") -> bool:
        """This will say whether the actor holds one of the roles, on the whole estate or in exactly this scope."""
        return any(grant.role in roles and grant.scope in ("*", scope) for grant in self.grants)

    def require(self, *roles: Role, scope: str = "*") -> None:
        """This will refuse with `NotAllowed` unless `may` says yes."""
        if not self.may(*roles, scope=scope):
            raise NotAllowed

    def require_any(self, role: Role) -> None:
        """This will refuse with `NotAllowed` unless the actor holds the role in some scope; the caller then filters by `scopes`."""
        if not self.scopes(role):
            raise NotAllowed

    def scopes(self, role: Role) -> frozenset[str]:
        """This will return the scopes in which the actor holds the role."""
        return frozenset(grant.scope for grant in self.grants if grant.role == role)


def system(estate_id: str) -> Actor:
    """This will return the estate's own hand: timers, reactions and the seed."""
    return Actor(id="system", estate_id=estate_id, grants=frozenset({Grant(role=Role.SYSTEM)}))
