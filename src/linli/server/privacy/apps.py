from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    """Purposes, the audit chain and the disclosure ledger as a Django app."""

    name = "linli.server.privacy"
    label = "privacy"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what this domain holds on persons."""
        from linli.server.privacy import personal_data

        personal_data.register()
