from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Doors, passes, the gates' snapshots, their journals and their receipts."""

    name = "linli.server.access"
    label = "access"
    default_auto_field = "django.db.models.BigAutoField"
