"""manage.py sampledata: users and things to look at; may be run again."""

import io
import random
from decimal import Decimal

from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils.text import slugify
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
PICTURE = (480, 300)  # pixels


class Command(BaseCommand):
    help = "Creates users (admin/admin, demo/demo) and sixty things, where they are missing."

    @transaction.atomic
    def handle(self, **options):
        users = get_user_model().objects
        for name, is_admin in USERS:
            if not users.filter(username=name).exists():
                create = users.create_superuser if is_admin else users.create_user
                create(name, password=name)
        if not Thing.objects.exists():
            for sort in SORTS:
                for kind in KINDS:
                    _make(f"{sort} {kind.lower()}")
        self.stdout.write(f"{Thing.objects.count()} things, {users.count()} users.")


def _make(name: str) -> None:
    """One thing; the same name gives the same price and picture every time."""
    chance = random.Random(name)
    thing = Thing(
        name=name,
        description=f"A {name.lower()}, in good order. One owner, many stories.",
        price=Decimal(chance.randint(300, 25_000)) / 100,
    )
    thing.image.save(f"{slugify(name)}.png", _picture(chance))


def _picture(chance: random.Random) -> ContentFile:
    """A few soft shapes, drawn large and made smaller, which smooths their edges."""
    width, height = (2 * side for side in PICTURE)
    image = Image.new("RGB", (width, height), _colour(chance, 190, 240))
    draw = ImageDraw.Draw(image)
    for _ in range(4):
        x, y = chance.randint(0, width), chance.randint(0, height)
        r = chance.randint(width // 12, width // 4)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=_colour(chance, 70, 220))
    out = io.BytesIO()
    image.reduce(2).save(out, "PNG")
    return ContentFile(out.getvalue())


def _colour(chance: random.Random, least: int, most: int) -> tuple[int, ...]:
    return tuple(chance.randint(least, most) for _ in range(3))
