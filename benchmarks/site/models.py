"""What the page lists."""

from django.conf import settings
from django.db import models


class Article(models.Model):
    """A row of the page."""

    title = models.CharField(max_length=100)
    summary = models.TextField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    created = models.DateTimeField(db_index=True)
