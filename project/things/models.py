"""The one table of the example."""

from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone

MOST_WORDS = 8  # of a search; each is one more condition for the database
CURRENCY = "€"
SETTLES_WITHIN = timedelta(seconds=1)


class ThingQuerySet(models.QuerySet["Thing"]):
    """Things, with a search."""

    def search(self, text: str) -> Self:
        """Those whose name or description has every word of the text (its first eight)."""
        things = self
        # PostgreSQL takes no NUL in a text.
        for word in text.replace("\0", " ").split()[:MOST_WORDS]:
            in_name, in_text = models.Q(name__icontains=word), models.Q(description__icontains=word)
            things = things.filter(in_name | in_text)
        return things

    def settled(self) -> Self:
        """Those before which no other will come to light, so that who has seen one has seen all.

        Of two things that are added at once, the one with the greater number may be there first.
        """
        return self.filter(created__lte=timezone.now() - SETTLES_WITHIN)


class Thing(models.Model):
    """Something worth a page of its own."""

    name = models.CharField(max_length=80)
    description = models.TextField(blank=True)
    price = models.DecimalField(
        max_digits=8, decimal_places=2, default=0, validators=[MinValueValidator(0)]
    )
    image = models.ImageField(upload_to="things/", blank=True)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False
    )
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)

    objects = ThingQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("things:detail", args=[self.pk])

    @property
    def price_text(self) -> str:
        """For people: ``€1,234.50``."""
        return f"{CURRENCY}{self.price:,.2f}"

    def as_dict(self) -> dict[str, Any]:
        """For the JSON API."""
        return {
            "id": self.pk,
            "name": self.name,
            "description": self.description,
            "price": str(self.price),
            "image": self.image.url if self.image else None,
            "url": self.get_absolute_url(),
        }
