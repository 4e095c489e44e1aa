"""What can be done: identify a person, check a document, take in many at once, open and close accounts, move in and out."""

from linli.server.people.actions.accounts import (
    RoleInput,
    change_password,
    close_account,
    forget_failures,
    grant_role,
    open_account,
    reopen_account,
    sign_in,
    withdraw_role,
)
from linli.server.people.actions.checks import record_check, reveal_document
from linli.server.people.actions.enrolment import Enrolment, enrol, keep_for, release
from linli.server.people.actions.identities import correct_person, identify_visitor
from linli.server.people.actions.residencies import move_in, move_out
from linli.server.people.actions.seals import renew_seals
from linli.server.people.rules import DocumentInput, HouseholdInput, PersonInput, ResidentInput

__all__ = [
    "DocumentInput",
    "Enrolment",
    "HouseholdInput",
    "PersonInput",
    "ResidentInput",
    "RoleInput",
    "change_password",
    "close_account",
    "correct_person",
    "enrol",
    "forget_failures",
    "grant_role",
    "identify_visitor",
    "keep_for",
    "move_in",
    "move_out",
    "open_account",
    "record_check",
    "release",
    "renew_seals",
    "reopen_account",
    "reveal_document",
    "sign_in",
    "withdraw_role",
]
