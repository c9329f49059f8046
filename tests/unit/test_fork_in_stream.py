"""A child that a stream forks ends where its stream ends, whatever other threads held."""

import subprocess
import sys

import pytest

# A watch, as the worker's has, with a lock that another thread holds while the stream forks.
SCRIPT = """
import os, sys, threading
from contextlib import contextmanager

from django.conf import settings
settings.configure()
from django.http import StreamingHttpResponse

from queueproxy.worker.forking import guard_forks
from queueproxy.worker.response import each_piece
from tests.integration.test_worker.fork_urls import ending

lock, child_has_ended = threading.Lock(), threading.Event()

def hold():
    with lock:
        child_has_ended.wait()

@contextmanager
def watch(end):
    holder.start()
    yield
    with lock:
        pass

async def pieces():
    yield b"first, "
    pid = os.fork()
    if pid:
        told = ending(pid)
        child_has_ended.set()
        yield told.encode()
    elif WAY == "exit":
        sys.exit(3)
    elif WAY == "go-on":
        yield b"never to be seen"

guard_forks()
holder = threading.Thread(target=hold)
each_piece(StreamingHttpResponse(pieces()), lambda data: print(data.decode(), end=""), watch)
"""


@pytest.mark.parametrize(("way", "status"), [("go-on", 0), ("end", 0), ("exit", 3)])
def test_a_child_does_not_wait_for_a_lock_of_its_parent(way, status):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("WAY", repr(way))],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == f"first, ended with {status}", done.stderr
