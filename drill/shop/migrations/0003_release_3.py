"""``gross`` may be null: release 2 works with both tables, but not while this one is locked."""

from django.db import migrations, models
from django.db.models import F

from ._slowly import back_fill


def fill_gross(apps, schema_editor):
    back_fill(apps.get_model("shop", "Order"), gross=F("net") + F("tax"))


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_release_2")]
    operations = [
        migrations.AddField("Order", "gross", models.IntegerField(null=True)),
        migrations.RunPython(fill_gross, migrations.RunPython.noop),
    ]
