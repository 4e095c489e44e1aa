from django.apps import AppConfig


class StaysConfig(AppConfig):
    """Bookings, stays and check-in as a Django app."""

    name = "linli.server.stays"
    label = "stays"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """This will tell privacy what stays hold on persons."""
        from linli.server.stays import personal_data

        personal_data.register()
