"""What the apps are shown with: a page, and a note with a history."""

from django.conf import settings
from django.db import models
from simple_history.models import HistoricalRecords
from wagtail.admin.panels import FieldPanel
from wagtail.fields import RichTextField
from wagtail.models import Page


class HomePage(Page):
    """A page of Wagtail's."""

    body = RichTextField(blank=True)
    content_panels = [*Page.content_panels, FieldPanel("body")]


class Note(models.Model):
    """Something to list, filter, change and export."""

    title = models.CharField(max_length=100)
    stars = models.PositiveIntegerField(default=0)
    file = models.FileField(upload_to="notes", blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.title
