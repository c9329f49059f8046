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
            ("manage_releases", _("Can activate a release and roll back")),
        ]


class Execution(models.Model):
    """A request whose effects are in this database, once, and what was answered.

    Written in the transaction of its effects: see `queueproxy.exactly_once`. Without an answer
    only where somebody has committed in the middle of that transaction.
    """

    key = models.CharField(_("key"), max_length=64, primary_key=True)
    request = models.CharField(_("request"), max_length=64)  # the id of the one that was run
    fingerprint = models.CharField(max_length=64, blank=True)  # of it, where it had a client's key
    created = models.DateTimeField(_("time"), db_index=True)
    status = models.PositiveSmallIntegerField(_("status"), null=True)
    headers = models.TextField(blank=True)  # JSON: a list of names and values
    body = models.BinaryField(default=b"")

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("execution")
        verbose_name_plural = _("executions")

    def __str__(self) -> str:
        return self.key
