from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("queueproxy", "0002_execution"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="queue",
            options={
                "default_permissions": (),
                "managed": False,
                "permissions": [
                    ("view_dashboard", "Can see the queue"),
                    ("control_queue", "Can pause and resume the queue and withdraw requests"),
                    ("manage_dead_letters", "Can replay and discard dead letters"),
                    ("manage_releases", "Can activate a release and roll back"),
                ],
                "verbose_name": "queue",
                "verbose_name_plural": "Queue",
            },
        ),
    ]
