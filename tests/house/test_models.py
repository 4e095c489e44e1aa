"""What every table owes the house: its estate in a key, its constraints named as sentences, its times aware."""

import pytest
from django.apps import apps
from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models

OURS = [model for model in apps.get_models() if model.__module__.startswith("linli.server.")]
BY_ESTATE = [model for model in OURS if any(field.name == "estate_id" for field in model._meta.get_fields())]
# Parts of a whole, which mean nothing without it and go with it.
PARTS = {("connectors.Attempt", "report"), ("people.PersonUse", "person"), ("people.DocumentCheck", "document")}


def keys(model: type[models.Model]) -> list[set[str]]:
    """Every set of fields that cannot occur twice."""
    found = [set(each.fields) for each in model._meta.constraints if isinstance(each, models.UniqueConstraint)]
    for each in model._meta.constraints:
        if isinstance(each, ExclusionConstraint):
            found.append({str(expression) for expression, _ in each.expressions})
    found += [{field.name} for field in model._meta.fields if field.unique]
    primary = model._meta.pk
    if isinstance(primary, models.CompositePrimaryKey):
        found.append(set(primary.field_names))
    return found


@pytest.mark.parametrize("model", BY_ESTATE, ids=lambda model: model._meta.label)
def test_an_estates_rows_carry_the_estate_in_a_key(model: type[models.Model]) -> None:
    assert any("estate_id" in key for key in keys(model)), model._meta.label


def test_only_what_belongs_to_no_estate_lacks_one() -> None:
    without = {model._meta.label for model in OURS if model not in BY_ESTATE}
    # A challenge is given out before anybody is known.
    assert without == {"places.Estate", "people.SignInFailures", "connectors.ViidNonce"}


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_constraints_are_named_as_sentences(model: type[models.Model]) -> None:
    for each in model._meta.constraints:
        assert len(each.name.split("_")) >= 3, each.name
        assert each.name == each.name.lower(), each.name


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_moments_end_in_at_and_days_in_date(model: type[models.Model]) -> None:
    allowed = {
        "start",
        "end",
        "at",
        "told_until",
        "locked_until",
        "lease_until",
        "since",
        "in_force_from",
        "in_force_to",
    }
    allowed |= {"failing_since", "known_since", "pending_since", "last_login"}
    for field in model._meta.fields:
        if isinstance(field, models.DateTimeField):
            assert field.name.endswith("_at") or field.name in allowed, field.name
        elif isinstance(field, models.DateField):
            assert "date" in field.name or field.name == "valid_until", field.name


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_a_row_that_others_hang_on_is_not_deleted_from_under_them(model: type[models.Model]) -> None:
    cascades = {
        (model._meta.label, field.name)
        for field in model._meta.fields
        if isinstance(field, models.ForeignKey) and field.remote_field.on_delete is models.CASCADE
    }
    assert cascades <= PARTS, cascades
