from django.apps import AppConfig


class PlacesConfig(AppConfig):
    """The address tree, from the estate to the bed."""

    name = "linli.server.places"
    label = "places"
