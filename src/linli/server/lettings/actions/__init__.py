"""What can be done: register and close operators, draft a unit and take it through its states, one at a time or in bulk."""

from linli.server.lettings.actions.bulk import UnitDraft, let_units, register_operators
from linli.server.lettings.actions.operators import OperatorInput, close_operator, register_operator, renew_seals
from linli.server.lettings.actions.units import (
    activate_unit,
    allowed_verbs,
    check_unit,
    close_unit,
    code_unit,
    draft_unit,
    redraft_unit,
    resume_unit,
    submit_unit,
    suspend_unit,
)
from linli.server.lettings.rules import RoomTerms

__all__ = [
    "OperatorInput",
    "RoomTerms",
    "UnitDraft",
    "activate_unit",
    "allowed_verbs",
    "check_unit",
    "close_operator",
    "close_unit",
    "code_unit",
    "draft_unit",
    "let_units",
    "redraft_unit",
    "register_operator",
    "register_operators",
    "renew_seals",
    "resume_unit",
    "submit_unit",
    "suspend_unit",
]
