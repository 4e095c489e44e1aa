from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Persons and their documents, accounts and their roles, households and residencies."""

    name = "linli.server.people"
    label = "people"
