"""A site with exit handlers and threads of its own, as agents and connection pools have them."""

import atexit
import logging
import logging.handlers
import os
import threading
import time
from pathlib import Path

from tests.acceptance.probe.urls import note, run, urlpatterns

__all__ = ["note", "run", "urlpatterns"]

TOLD = Path(os.environ["PROBE_LEDGER"] + "-exit")
FOR_LONG = 120.0  # seconds; a test ends it sooner


def tell(word: str) -> None:
    with TOLD.open("a") as file:
        file.write(f"{os.getpid()} {word}\n")


def at_exit() -> None:
    tell("atexit")
    time.sleep(float(os.environ.get("EXIT_SECONDS", 0)))


if "QUEUEPROXY_TEST_THREAD" in os.environ:
    threading.Thread(target=time.sleep, args=(FOR_LONG,)).start()

atexit.register(at_exit)

buffered = logging.handlers.MemoryHandler(1000, target=logging.FileHandler(TOLD))
logging.getLogger("buffered").addHandler(buffered)
logging.getLogger("buffered").warning("%d logged", os.getpid())
