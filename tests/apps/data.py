"""python -m tests.apps.data: fills the database of the apps' site."""

import django
from django.core.management import call_command


def main() -> None:
    """Migrate, and make what the steps need."""
    django.setup()
    call_command("migrate", "--run-syncdb", verbosity=0)
    from django.contrib.auth.models import User
    from oscar.apps.catalogue.models import ProductClass
    from oscar.test.factories import create_product
    from wagtail.models import Page, Site

    from tests.apps.home.models import HomePage, Note

    User.objects.create_superuser("admin", "admin@apps.test", "admin")
    User.objects.create_user("axel", "axel@apps.test", "right")
    for number in range(5):
        Note.objects.create(title=f"Note {number}", stars=number)
    root = Page.objects.get(depth=1)
    home = root.add_child(instance=HomePage(title="Home", slug="start", body="<p>Hello</p>"))
    Site.objects.update(root_page=home, hostname="apps.test", port=80)
    ProductClass.objects.create(name="Lamps", track_stock=True)
    for number in range(3):
        create_product(
            upc=f"lamp-{number}",
            title=f"Lamp {number}",
            product_class="Lamps",
            price=10 + number,
            num_in_stock=9,
        )


if __name__ == "__main__":
    main()
