from importlib import import_module

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Persons and their documents, accounts and their roles, households and residencies."""

    name = "linli.server.people"
    label = "people"

    def ready(self) -> None:
        """This will tell privacy what is held on persons; models exist only now, hence the late import."""
        import_module("linli.server.people.personal_data").register()
