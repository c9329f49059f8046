"""Stands before the real one, for processes that are not to have it."""

raise ModuleNotFoundError("OpenTelemetry is hidden here.", name=__name__)
