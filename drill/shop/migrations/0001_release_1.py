from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            "Execution",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("nonce", models.CharField(max_length=40)),
            ],
        ),
        migrations.CreateModel(
            "Order",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("nonce", models.CharField(max_length=40)),
                ("net", models.IntegerField()),
            ],
        ),
    ]
