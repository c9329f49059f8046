from django.db import models
from django.utils.translation import gettext_lazy as _


class Queue(models.Model):
    """The queue's entry in the admin. It has no table: everything is in the broker."""

    class Meta:
        managed = False
        default_permissions = ()
        verbose_name = _("queue")
        verbose_name_plural = _("Queue")
        permissions = [
            ("view_dashboard", _("Can see the queue")),
            ("control_queue", _("Can pause and resume the queue and withdraw requests")),
            ("manage_dead_letters", _("Can replay and discard dead letters")),
        ]
