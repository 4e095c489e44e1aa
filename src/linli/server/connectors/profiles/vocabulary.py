"""Which facts of ours a mapping profile may name, in which message, and of what shape each is; and which of them need a law of their own.

A new fact is a row here and a line in `facts.py`. That a fact has a name here does not let it leave: a profile must ask for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from linli.server.connectors.rules import MessageKind


class Shape(StrEnum):
    """What kind of value a fact is; a format writes some of them."""

    TEXT = "text"
    TEXTS = "texts"
    DAY = "day"
    MOMENT = "moment"
    FLAG = "flag"
    NUMBER = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact: its shape, the messages that can carry it, and whether we hold it at all.

    `sensitive`: it says something of faith, ethnicity, politics or the face (PIPL art. 28), and no profile may name it without a law.
    """

    shape: Shape
    kinds: frozenset[MessageKind]
    held: bool = True
    sensitive: bool = False


OF_STAYS = frozenset(
    {
        MessageKind.CHECK_IN,
        MessageKind.AMEND,
        MessageKind.ROOM_CHANGE,
        MessageKind.EXTEND,
        MessageKind.CHECK_OUT,
        MessageKind.CANCEL,
    }
)
OF_VISITS = frozenset({MessageKind.VISITOR_IN, MessageKind.VISITOR_OUT})
OF_STAFF = frozenset({MessageKind.STAFF})
OF_UNITS = frozenset({MessageKind.UNIT_CREATE, MessageKind.UNIT_UPDATE, MessageKind.UNIT_CLOSE})
OF_PEOPLE = OF_STAYS | OF_VISITS | OF_STAFF
ANY = OF_PEOPLE | OF_UNITS

# Pinyin initials under which Chinese police applications carry what is sensitive: the name alone is enough to ask for a law.
SENSITIVE_NAMES = frozenset({"mz", "zjxy", "xy", "zzmm", "dp", "zp", "zjzp", "xczp", "rxzp"})


def _facts(shape: Shape, kinds: frozenset[MessageKind], *names: str, held: bool = True) -> dict[str, Fact]:
    return {name: Fact(shape=shape, kinds=kinds, held=held) for name in names}


def _sensitive(*names: str) -> dict[str, Fact]:
    return {name: Fact(shape=Shape.TEXT, kinds=OF_PEOPLE, held=False, sensitive=True) for name in names}


FACTS: Mapping[str, Fact] = MappingProxyType(
    {
        **_facts(Shape.MOMENT, ANY, "happened_at"),
        **_facts(Shape.TEXT, ANY, "why"),
        # The person: a guest, a visitor, somebody who works in a flat.
        **_facts(Shape.TEXT, OF_PEOPLE, "native_name", "latin_name", "second_surname", "sex", "nationality", "region"),
        **_facts(Shape.TEXT, OF_PEOPLE, "document_kind", "document_number", "phone"),
        **_facts(Shape.DAY, OF_PEOPLE, "birth_date"),
        # Asked of guests from abroad by many forms; the estate does not collect them, so they can only be optional.
        **_facts(Shape.TEXT, OF_STAYS, "visa_kind", "visa_number", "entry_port", held=False),
        **_facts(Shape.DAY, OF_STAYS, "visa_until", "entered_on", "may_stay_until", held=False),
        **_sensitive("ethnicity", "faith", "politics", "photo"),
        # Where and when.
        **_facts(Shape.TEXT, ANY, "unit_mark"),
        **_facts(Shape.TEXT, OF_STAYS, "stay_id", "booking_id", "bed", "relation"),
        **_facts(Shape.TEXT, OF_STAYS | OF_VISITS, "room"),
        **_facts(Shape.TEXT, OF_STAYS | OF_UNITS, "unit_address"),
        **_facts(Shape.MOMENT, OF_STAYS, "checked_in_at", "leave_at"),
        **_facts(Shape.MOMENT, OF_STAYS | OF_VISITS, "left_at"),
        **_facts(Shape.FLAG, OF_STAYS, "presumed_left", "minor"),
        **_facts(Shape.TEXT, OF_VISITS, "visit_id", "visitor_masked"),
        **_facts(Shape.MOMENT, OF_VISITS, "came_at", "leave_by"),
        **_facts(Shape.TEXT, OF_STAFF, "staff_id", "job"),
        **_facts(Shape.TEXTS, OF_STAFF, "unit_marks"),
        **_facts(Shape.DAY, OF_STAFF, "since_date"),
        **_facts(Shape.FLAG, OF_STAFF, "gone"),
        **_facts(Shape.TEXT, OF_UNITS, "unit_id", "unit_label", "operator_name", "operator_document", "unit_state"),
        **_facts(Shape.NUMBER, OF_UNITS, "floor", "rooms", "beds"),
    }
)

# The words a fact can be, where a profile may give its own code for each; a table that leaves one out is refused.
WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "sex": frozenset({"male", "female", "unspecified"}),
        "job": frozenset({"operator", "keeper", "cleaner"}),
        "unit_state": frozenset({"CODED", "ACTIVE", "SUSPENDED", "CLOSED"}),
    }
)
