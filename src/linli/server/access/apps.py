from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Doors, passes, the gates' snapshots, their journals and their receipts."""

    name = "linli.server.access"
    label = "access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """This will tell privacy what access holds on persons; models may only be imported once every app is there."""
        from linli.server.access import personal_data
        from linli.server.privacy import queries as privacy

        for holding in personal_data.HOLDINGS:
            privacy.register(holding)
