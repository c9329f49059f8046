from django.apps import AppConfig


class QueueProxyConfig(AppConfig):
    """The reusable app."""

    name = "queueproxy"
    verbose_name = "Queue proxy"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from . import checks  # noqa: F401  registers them
