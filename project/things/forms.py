from django import forms
from django.core.exceptions import ValidationError

from .models import Thing

MAX_IMAGE = 8 * 1024 * 1024  # bytes


class ThingForm(forms.ModelForm):
    """Create or change a thing, with its image."""

    class Meta:
        model = Thing
        fields = ["name", "description", "price", "image"]

    def clean_price(self):
        price = self.cleaned_data["price"]
        if price < 0:
            raise ValidationError("A price can't be below zero.")
        return price

    def clean_image(self):
        image = self.cleaned_data["image"]
        if image and image.size > MAX_IMAGE:
            raise ValidationError("An image has at most 8 MB.")
        return image


class ApiThingForm(forms.ModelForm):
    """The same rules for JSON; without the image."""

    clean_price = ThingForm.clean_price

    class Meta:
        model = Thing
        fields = ["name", "description", "price"]
