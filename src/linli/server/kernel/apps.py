from django.apps import AppConfig


class KernelConfig(AppConfig):
    """The kernel as a Django app: the outbox and the memory of keys."""

    name = "linli.server.kernel"
    label = "kernel"
    default_auto_field = "django.db.models.BigAutoField"
