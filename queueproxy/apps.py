import os
from types import ModuleType

from django.apps import AppConfig

from . import cache_aliases, conf


class QueueProxyConfig(AppConfig):
    """The reusable app."""

    name = "queueproxy"
    verbose_name = "Queue proxy"
    default_auto_field = "django.db.models.BigAutoField"

    def __init__(self, app_name: str, app_module: ModuleType | None):
        super().__init__(app_name, app_module)
        # Here, since modules of models may take a cache as they are imported.
        _serve_caches_from_embedded()

    def ready(self) -> None:
        from . import checks, policy_checks  # noqa: F401  registers them

        # Again, for caches whose own classes could not be imported before the models.
        _serve_caches_from_embedded()


def _serve_caches_from_embedded() -> None:
    if conf.EMBEDDED_URL_VARIABLE in os.environ:
        cache_aliases.serve_from_embedded(os.environ[conf.EMBEDDED_URL_VARIABLE])
