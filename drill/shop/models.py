"""The shop's tables as the release of this process knows them."""

from django.db import models

from .release import RELEASE


class Execution(models.Model):
    """One run of a view. Not unique by nonce: what ran twice must be seen."""

    nonce = models.CharField(max_length=40)


class Order(models.Model):
    """What a POST leaves behind. Amounts in cents."""

    nonce = models.CharField(max_length=40)
    net = models.IntegerField()
    if RELEASE >= 2:
        tax = models.IntegerField()
    if RELEASE >= 3:
        gross = models.IntegerField(null=True)  # null: written by release 2 in its last moments
