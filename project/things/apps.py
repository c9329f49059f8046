from django.apps import AppConfig


class ThingsConfig(AppConfig):
    name = "project.things"
    label = "things"
    verbose_name = "Things"
