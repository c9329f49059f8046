from django.db import models
from django.urls import reverse


class Thing(models.Model):
    """Something worth a page of its own."""

    name = models.CharField(max_length=80)
    description = models.TextField(blank=True)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    image = models.ImageField(upload_to="things/", blank=True)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("things:detail", args=[self.pk])

    def as_dict(self):
        """For the JSON API."""
        return {
            "id": self.pk,
            "name": self.name,
            "description": self.description,
            "price": str(self.price),
            "image": self.image.url if self.image else None,
            "url": self.get_absolute_url(),
        }
