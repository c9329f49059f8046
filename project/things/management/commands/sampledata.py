"""manage.py sampledata: users and things to look at; may be run again."""

import random
from decimal import Decimal

from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils.text import slugify

from project.things.models import Thing
from project.things.pictures import KINDS, SORTS, picture

USERS = [("admin", True), ("demo", False)]


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
                    _make(sort, kind)
        self.stdout.write(f"{Thing.objects.count()} things, {users.count()} users.")


def _make(sort: str, kind: str) -> None:
    """Make one thing; the same name gives the same price and picture every time."""
    name = f"{sort} {kind.lower()}"
    thing = Thing(
        name=name,
        description=f"A {name.lower()}, in good order. One owner, many stories.",
        price=Decimal(random.Random(name).randint(300, 25_000)) / 100,
    )
    thing.image.save(f"{slugify(name)}.png", ContentFile(picture(kind, sort)))
