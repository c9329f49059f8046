"""What is accepted as a thing, from a page and as JSON."""

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from .models import CURRENCY, Thing

MAX_IMAGE = 8 * 1024 * 1024  # bytes


class ThingForm(forms.ModelForm):
    """Create or change a thing, with its image."""

    class Meta:
        model = Thing
        fields = ["name", "description", "price", "image"]
        labels = {"price": f"Price in {CURRENCY}"}
        widgets = {"description": forms.Textarea(attrs={"rows": 5})}

    def clean_image(self):
        """Refuse a large upload; the image a thing already has is not looked at again."""
        image = self.cleaned_data["image"]
        if isinstance(image, UploadedFile) and image.size > MAX_IMAGE:
            raise ValidationError("An image has at most 8 MiB.")
        return image


class ApiThingForm(forms.ModelForm):
    """The same rules for JSON; without the image."""

    class Meta:
        model = Thing
        fields = ["name", "description", "price"]
