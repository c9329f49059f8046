"""python -m tests.urlconfs [URLCONF...]: compare for URLconfs of the project in force.

For projects that are not among the tests: set DJANGO_SETTINGS_MODULE and PYTHONPATH. Exit status 1
where a front takes a path for another view's than Django does.
"""

import sys

import django
from django.conf import settings
from django.test import override_settings

django.setup()

from .comparison import compare  # noqa: E402  after the apps


def main(urlconfs: list[str]) -> int:
    wrong = 0
    for urlconf in urlconfs or [settings.ROOT_URLCONF]:
        with override_settings(ROOT_URLCONF=urlconf):
            for share in (1.0, 0.3):
                wrong += _compare(urlconf, share)
    return 1 if wrong else 0


def _compare(urlconf: str, share: float) -> int:
    found = compare(share=share)
    counts = ", ".join(f"{number} {what}" for what, number in sorted(found.counts.items()))
    print(f"{urlconf}, policies on {share:.0%}: {found.views} views; paths: {counts}", flush=True)
    for line in found.wrong[:20]:
        print(f"  WRONG {line}")
    if share == 1:
        for shown, reason in found.left_out.items():
            print(f"  not expressible: {shown}: {reason}")
    return len(found.wrong)


sys.exit(main(sys.argv[1:]))
