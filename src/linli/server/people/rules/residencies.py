"""Who lives here (实有人口): kinds of residency and what a household must be. Guests are a class of their own, never residents."""

from dataclasses import dataclass
from datetime import date

from linli.server.kernel.errors import BadField, Refusal
from linli.server.people.rules.documents import DocumentInput
from linli.server.people.rules.identities import PersonInput

# Registered here 户籍, floating 流动(暂住), lodging with kin 寄住, from abroad 境外, not yet registered anywhere 未落户.
RESIDENCY_KINDS = ("registered", "floating", "lodging", "overseas", "unsettled")
# GB/T 4761 by its tens: self, spouse, son, daughter, grandchild, parent, grandparent, sibling, other.
RELATIONS = ("01", "02", "10", "20", "30", "40", "50", "60", "70", "80", "90", "99")


class HouseholdWithoutHead(Refusal):
    """A household has exactly one head (relation 01 or 02), and at most 30 members."""

    zh = "每户须有且仅有一名户主（01 或 02），最多 30 人。"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentInput:
    """A member of a household, with the relation to its head (GB/T 4761)."""

    person: PersonInput
    document: DocumentInput
    kind: str
    relation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseholdInput:
    """People who move into one flat together on one day."""

    dwelling_id: str
    members: tuple[ResidentInput, ...]
    moved_in_date: date


def check_household(household: HouseholdInput, *, today: date) -> None:
    """This will refuse a household without exactly one head, of unknown kinds or relations, or that moves in after today."""
    heads = sum(member.relation in ("01", "02") for member in household.members)
    if heads != 1 or len(household.members) > 30:
        raise HouseholdWithoutHead(field="members")
    if household.moved_in_date > today:
        raise BadField(field="moved_in_date")
    for member in household.members:
        if member.kind not in RESIDENCY_KINDS:
            raise BadField(field="kind")
        if member.relation not in RELATIONS:
            raise BadField(field="relation")
