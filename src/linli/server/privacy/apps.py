from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    """Purposes, the audit chain and the disclosure ledger as a Django app."""

    name = "linli.server.privacy"
    label = "privacy"
    default_auto_field = "django.db.models.BigAutoField"
