"""``tax`` is never null: release 1 can't write to this table, release 2 can't read the old one."""

from django.db import migrations, models
from django.db.models import F

from ._slowly import back_fill


def fill_tax(apps, schema_editor):
    back_fill(apps.get_model("shop", "Order"), tax=F("net") * 20 / 100)


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_release_1")]
    operations = [
        migrations.AddField("Order", "tax", models.IntegerField(null=True)),
        migrations.RunPython(fill_tax, migrations.RunPython.noop),
        migrations.AlterField("Order", "tax", models.IntegerField()),
    ]
