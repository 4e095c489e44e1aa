"""A subject as it was gathered, and the one place where people are opened for an authority."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from linli.server.connectors.protocol import Facts, FactsMissing, PersonFacts
from linli.server.connectors.rules import SubjectKind
from linli.server.kernel.errors import NotFound
from linli.server.people import queries as people
from linli.server.people.queries import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """A subject's facts; `person_id` is empty when nobody's data is in them, `terms` says which deadlines run, `gone` that it is no more."""

    facts: Facts = field(repr=False)
    subject_id: str
    terms: str
    person_id: str = ""
    operator_id: str = ""
    unit_label: str = ""
    gone: bool = False

    @property
    def subject_kind(self) -> SubjectKind:
        """What kind of subject it is."""
        return self.facts.subject_kind


def person(*, estate_id: str, person_id: str, document_id: str | None = None) -> PersonFacts:
    """This will unseal who somebody is; raises `FactsMissing` when they have been erased."""
    try:
        return _facts(people.get_identity(estate_id=estate_id, person_id=person_id, document_id=document_id))
    except NotFound:
        # Erased before it was reported: that must be seen by somebody, not retried for ever.
        raise FactsMissing("zjhm") from None


def persons(*, estate_id: str, person_ids: Iterable[str]) -> Mapping[str, PersonFacts]:
    """This will unseal many at once, by id; who was erased is left out: there is nobody left to tell of."""
    found = people.list_identities(estate_id=estate_id, person_ids=person_ids)
    return {person_id: _facts(identity) for person_id, identity in found.items()}


def _facts(identity: Identity) -> PersonFacts:
    return PersonFacts(
        native_name=identity.native_name,
        latin_name=identity.latin_name,
        sex=identity.sex,
        birth_date=identity.birth_date,
        nationality=identity.nationality,
        document_kind=identity.document_kind,
        document_number=identity.document_number,
    )
