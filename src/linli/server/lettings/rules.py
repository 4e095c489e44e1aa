"""Who may let, how a unit moves from draft to closed, and how many may sleep where. The state machine is a table."""

from dataclasses import dataclass
from enum import StrEnum

from linli.server.kernel.actors import Role
from linli.server.kernel.errors import Refusal


class OperatorKind(StrEnum):
    """What an operator is in law: a natural person, an individual business (个体工商户) or a company."""

    NATURAL = "natural"
    INDIVIDUAL_BUSINESS = "individual_business"
    COMPANY = "company"


class LettingMode(StrEnum):
    """Whether strangers may share the room."""

    ROOM = "room"
    BED = "bed"


class UnitState(StrEnum):
    """Where a unit stands (domain sheet 9)."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    CHECKED = "CHECKED"
    CODED = "CODED"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    CLOSED = "CLOSED"


ORGANISATIONS = (OperatorKind.INDIVIDUAL_BUSINESS, OperatorKind.COMPANY)
MARKED = (UnitState.CODED, UnitState.ACTIVE, UnitState.SUSPENDED)
