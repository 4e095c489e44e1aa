from django.apps import AppConfig


class ConnectorsConfig(AppConfig):
    """The links to the authorities: reports, their delivery and their receipts, as a Django app."""

    name = "linli.server.connectors"
    label = "connectors"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """This will tell privacy what connectors hold on persons."""
        from linli.server.connectors import personal_data

        personal_data.register()
