"""Nothing about a person is held in secret: every model that knows one has said why, for how long, and how it lets go."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import models

from linli.server.kernel import clock
from linli.server.privacy import queries as privacy
from linli.server.privacy.rules import PURPOSES

OURS = [model for model in apps.get_models() if model.__module__.startswith("linli.server.")]
NAMES = {"person_id", "holder_id", "booker_name", "native_name", "phone"}


def knows_a_person(model: type[models.Model]) -> bool:
    for field in model._meta.fields:
        if isinstance(field, models.ForeignKey) and field.related_model._meta.label in (
            "people.Person",
            "privacy.Purpose",
        ):
            return True
        if field.name in NAMES or field.attname in NAMES:
            return True
    return False


PERSONAL = [model._meta.label for model in OURS if knows_a_person(model)]


def test_the_search_for_personal_models_finds_the_ones_everybody_knows() -> None:
    assert {"people.Person", "people.Document", "stays.Stay", "access.Pass", "connectors.Report"} <= set(PERSONAL)


@pytest.mark.parametrize("label", PERSONAL)
def test_every_model_that_knows_a_person_is_registered(label: str) -> None:
    assert label in {holding.model for holding in privacy.holdings()}


def test_every_holding_names_a_declared_purpose_and_what_it_holds() -> None:
    declared = {terms.code for terms in PURPOSES}
    for holding in privacy.holdings():
        assert holding.purpose_code in declared, holding.model
        assert holding.fields, holding.model
        assert apps.get_model(holding.model)


@pytest.mark.django_db
def test_every_holding_can_be_asked_about_a_person_and_swept(world) -> None:
    (stay,) = world.stay(state="IN_HOUSE")
    person_id = apps.get_model("stays.Stay").objects.get(id=stay.id).person_id
    told = {holding.model: holding.export(world.estate_id, person_id) for holding in privacy.holdings()}
    assert told["people.Person"]
    assert told["stays.Stay"]
    assert not any(holding.export(world.estate_id, "per_nobody") for holding in privacy.holdings())
    for holding in privacy.holdings():
        assert holding.erase_expired(clock.now() - timedelta(days=1)) == 0, holding.model
