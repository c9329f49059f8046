"""Our threads leave the standard library's own names alone: newer Pythons add some."""

import threading

from queueproxy.worker.loop import ExecutorThread


def test_no_name_of_the_thread_class_is_taken():
    """Python 3.13 sets ``_handle`` on each thread: a method of that name is never called."""
    theirs = set(dir(threading.Thread)) | set(vars(threading.Thread())) | {"_handle"}
    ours = {name for name in vars(ExecutorThread) if not name.startswith("__")}
    assert ours & theirs == {"run"}
