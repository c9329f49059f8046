"""manage.py sampledata: users and things to look at; may be run again."""

import io
import random

from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.management.base import BaseCommand
from PIL import Image, ImageDraw

from project.things.models import Thing

KINDS = [
    "Lamp",
    "Chair",
    "Clock",
    "Kettle",
    "Radio",
    "Bicycle",
    "Atlas",
    "Compass",
    "Lantern",
    "Drum",
]
SORTS = ["Brass", "Folding", "Blue", "Pocket", "Wooden", "Quiet"]
USERS = [("admin", True), ("demo", False)]


class Command(BaseCommand):
    help = "Creates users (admin/admin, demo/demo) and sixty things, where they are missing."

    def handle(self, **options):
        users = get_user_model().objects
        for name, is_admin in USERS:
            if not users.filter(username=name).exists():
                create = users.create_superuser if is_admin else users.create_user
                create(name, password=name)
        if not Thing.objects.exists():
            for number, sort in enumerate(SORTS):
                for kind in KINDS:
                    self._make(f"{sort} {kind.lower()}", random.Random(f"{number}{kind}"))
        self.stdout.write(f"{Thing.objects.count()} things, {users.count()} users.")

    def _make(self, name, chance):
        thing = Thing(
            name=name,
            description=f"A {name.lower()}, in good order. One owner, many stories.",
            price=chance.randint(300, 25_000) / 100,
        )
        thing.image.save(f"{name.replace(' ', '-').lower()}.png", _picture(chance), save=False)
        thing.save()


def _picture(chance) -> ContentFile:
    """A few soft shapes."""
    image = Image.new("RGB", (320, 200), tuple(chance.randint(190, 240) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(4):
        x, y, r = chance.randint(0, 320), chance.randint(0, 200), chance.randint(25, 90)
        colour = tuple(chance.randint(70, 220) for _ in range(3))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
    out = io.BytesIO()
    image.save(out, "PNG")
    return ContentFile(out.getvalue())
