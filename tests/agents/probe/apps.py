"""Starts the agent, in every process that loads this site."""

from django.apps import AppConfig

from . import recorder


class ProbeConfig(AppConfig):
    name = "tests.agents.probe"

    def ready(self):
        recorder.start()
