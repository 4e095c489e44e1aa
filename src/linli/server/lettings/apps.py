from django.apps import AppConfig


class LettingsConfig(AppConfig):
    """Who may let which dwelling by the night, and on what terms."""

    name = "linli.server.lettings"
    label = "lettings"
