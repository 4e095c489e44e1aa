from importlib import import_module

from django.apps import AppConfig


class LettingsConfig(AppConfig):
    """Who may let which dwelling by the night, and on what terms."""

    name = "linli.server.lettings"
    label = "lettings"

    def ready(self) -> None:
        """This will tell privacy what is held on operators; models exist only now, hence the late import."""
        import_module("linli.server.lettings.personal_data").register()
