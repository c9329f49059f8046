"""What the tests, the drill and the benchmarks are started with."""

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ..kit import proc
from ..kit.asking import get, listens
from ..kit.ports import free_port
from ..kit.processes import ROOT, EndedEarly, Process, end
from ..kit.waiting import wait_until

KIT = Path(proc.__file__).parent
PYTHON = (sys.executable, "-c")


@pytest.fixture
def start(tmp_path):
    """Starts Python code as a process; kills it at the end."""
    started = []

    def start(code: str) -> Process:
        started.append(Process([*PYTHON, code], tmp_path / f"log{len(started)}"))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_it_imports_nothing_of_the_tests():
    for path in KIT.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level < 2, path
                assert (node.module or "").partition(".")[0] != "tests", path


@pytest.mark.parametrize("program", ["drill.__main__", "benchmarks.__main__"])
def test_a_program_that_uses_it_does_without_pytest(program):
    code = f"import sys; sys.modules['pytest'] = None; import {program}"
    subprocess.run([*PYTHON, code], cwd=ROOT, check=True, timeout=60)


# Processes.


def test_one_that_runs_is_waited_on(start):
    process = start("import time; print('there', flush=True); time.sleep(60)")
    assert process.until(lambda: "there" in process.told(), "it speaks")


def test_one_that_ends_by_itself_is_told_with_its_last_words(start):
    process = start("import sys; sys.exit('no such thing')")
    with pytest.raises(EndedEarly, match="ended with 1:\nno such thing"):
        process.until(lambda: False, "what never comes")


def test_all_end_with_whatever_they_have_started(start):
    parent = start("import subprocess; subprocess.run(['sh', '-c', 'trap \"\" TERM; sleep 60'])")
    (child,) = wait_until(lambda: proc.children(parent.pid), "a child")
    wait_until(lambda: proc.children(child), "which is deaf by now")
    end([parent])
    assert parent.returncode == -signal.SIGTERM
    wait_until(lambda: not proc.is_alive(child), "the child has ended")


# /proc.


def test_pss_is_read():
    rollup = "55-7f ---p 0 00:00 0 [rollup]\nRss:  9000 kB\nPss:  1234 kB\nPss_Anon:  1 kB\n"
    assert proc.parse_pss(rollup) == 1234 * 1024


def test_children_and_their_time_are_found():
    code = "import sys; sum(range(10**7)); print(flush=True); sys.stdin.read()"
    shell = f"{sys.executable} -c '{code}'; true"  # so that the shell stays as a parent
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(["sh", "-c", shell], **pipes) as parent:
        parent.stdout.readline()
        below = proc.descendants(parent.pid)
        used, memory = proc.cpu_seconds(*below), proc.shared_memory(below)
        parent.stdin.close()
    assert len(below) == 1
    assert used > 0
    assert memory > 1 << 20


def test_a_process_that_has_ended_counts_nothing():
    ended = subprocess.Popen([*PYTHON, ""])
    ended.wait()
    assert proc.cpu_seconds(ended.pid) == 0
    assert proc.shared_memory([ended.pid]) == 0
    assert proc.children(ended.pid) == []
    assert proc.command_line(ended.pid) == ""
    assert not proc.is_alive(ended.pid)


def test_one_that_is_stopped_is_frozen_and_alive(start):
    process = start("import time; time.sleep(60)")
    process.send_signal(signal.SIGSTOP)
    wait_until(lambda: proc.is_frozen(process.pid), "it is frozen")
    assert proc.is_alive(process.pid)


# What is not there.


def test_nobody_listens():
    port = free_port()
    assert not listens(port)
    assert get(port, "/").status == 0


@pytest.mark.parametrize(("ci", "outcome"), [("", "3 skipped"), ("1", "1 failed, 2 errors")])
def test_what_is_missing_skips_a_test_and_fails_it_in_ci(tmp_path, ci, outcome):
    hooks = "from tests.conftest import pytest_runtest_call, pytest_runtest_setup\n"
    (tmp_path / "conftest.py").write_text(hooks)
    (tmp_path / "test_it.py").write_text(NEEDY)
    words = ("-m", "pytest", "-rs", "-c", os.devnull, "-p", "no:cacheprovider", str(tmp_path))
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "CI": ci}
    done = subprocess.run(
        [sys.executable, *words], cwd=tmp_path, env=environ, capture_output=True, text=True
    )
    assert outcome in done.stdout.splitlines()[-1]
    assert "a thing" in done.stdout


NEEDY = """
import pytest
from tests.kit.missing import Missing

@pytest.fixture(scope="module")
def given():
    raise Missing("a thing")

def test_one(given): pass
def test_other(given): pass
def test_by_itself(): raise Missing("a thing")
"""
