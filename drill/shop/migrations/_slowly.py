"""A back-fill that takes its time, on any machine."""

import os
import time

from django.db.models import Expression, Max

from .. import BACKFILL_VARIABLE

BATCHES = 20


def back_fill(model, **values: Expression) -> None:
    """Set columns of all rows in batches, as slowly as if the table were a large one.

    Args:
        model: whose rows.
        values: what each column becomes.
    """
    pause = float(os.environ.get(BACKFILL_VARIABLE, "0")) / BATCHES
    last = model.objects.aggregate(last=Max("id"))["last"] or 0
    size = last // BATCHES + 1
    for first in range(0, size * BATCHES, size):
        model.objects.filter(id__gt=first, id__lte=first + size).update(**values)
        time.sleep(pause)
