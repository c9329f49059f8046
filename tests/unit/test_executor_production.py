"""The test client at work leaves no trace of testing in its process."""

import subprocess
import sys

SCRIPT = """
import django
from django.conf import settings

settings.configure(
    SECRET_KEY="a key of this test",
    ROOT_URLCONF="tests.unit.executor_site",
    ALLOWED_HOSTS=["localhost"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
django.setup()

from django.core import mail, signals
from django.db import close_old_connections
from django.template.base import Template
from django.test import signals as test_signals, utils

from queueproxy.worker.executor import Executor
from tests.unit.executor_site import Taker, answered, head_of

taker = answered(Executor(), head_of("GET", "/echo/"), b"", Taker())
assert taker.status == 200, taker.body
assert not hasattr(utils._TestState, "saved_data"), "setup_test_environment was called"
assert Template._render is not utils.instrumented_test_render
assert not hasattr(mail, "outbox")
assert settings.EMAIL_BACKEND.endswith("smtp.EmailBackend")
assert settings.ALLOWED_HOSTS == ["localhost"]
assert not test_signals.template_rendered.receivers
assert not signals.got_request_exception.receivers
for signal in (signals.request_started, signals.request_finished):
    assert close_old_connections in signal._live_receivers(None)[0]
"""


def test_no_trace_of_testing():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
