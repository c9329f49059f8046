"""Compares how fronts classify paths with what Django finds there, for whole URLconfs."""


class Urlconf:
    """A URLconf without a module: a value for ROOT_URLCONF.

    Args:
        patterns: its ``urlpatterns``.
    """

    def __init__(self, *patterns):
        self.urlpatterns = list(patterns)
