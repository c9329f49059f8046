"""Files that say which processes run: whose lock is held, who is signalled, who is believed."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from queueproxy.cli.run_files import FRONT, WORKERS, RunDirectory, Unusable

from ..kit.waiting import wait_until

PROJECT = {"settings": "mysite.settings", "namespace": "queueproxy"}
ENTERS = """
import sys, signal
from pathlib import Path
from queueproxy.cli.run_files import RunDirectory
path, kind, site = sys.argv[1:]
project = {"settings": site, "namespace": "queueproxy"}
with RunDirectory(Path(path), project).entered(kind, {"a": 1}) as tell:
    tell(broker="unix:///x")
    signal.signal(signal.SIGHUP, lambda *_: print("hangup", flush=True))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("entered", flush=True)
    while True:
        signal.pause()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "var" / "queueproxy"


@pytest.fixture
def directory(path):
    return RunDirectory(path, PROJECT)


@pytest.fixture
def enter(path):
    """Starts a process that enters itself; ends it."""
    started = []

    def enter(kind=WORKERS, settings="mysite.settings", where=path) -> subprocess.Popen:
        words = [sys.executable, "-c", ENTERS, str(where), kind, settings]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "entered\n"
        return process

    yield enter
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_what_runs_is_found_with_what_it_tells(directory, enter):
    process = enter(FRONT)
    (found,) = directory.running()
    assert (found.kind, found.pid) == (FRONT, process.pid)
    assert dict(found.told) == {"a": 1, "broker": "unix:///x", **PROJECT}
    assert found.runs()


def test_files_are_the_owners_alone(directory, path, enter):
    enter()
    (file,) = path.glob("workers-*.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (path / ".gitignore").read_text() == "*\n"


def test_a_signal_reaches_it(directory, enter):
    process = enter()
    (found,) = directory.running()
    assert found.signal(signal.SIGHUP)
    assert process.stdout.readline() == "hangup\n"
    assert found.signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert not found.runs()
    assert not found.signal(signal.SIGTERM)


def test_it_takes_its_file_away(directory, path, enter):
    process = enter()
    process.terminate()
    process.wait(20)
    assert [file.name for file in path.iterdir()] == [".gitignore"]


def test_the_file_of_a_killed_process_is_neither_believed_nor_kept(directory, path, enter):
    process = enter()
    (found,) = directory.running()
    process.kill()
    process.wait()
    assert not found.runs()
    assert directory.running() == []
    assert not list(path.glob("workers-*"))


def test_a_stranger_with_the_number_in_a_stale_file_is_not_signalled(directory, path, enter):
    """As after a restart of the machine: the number is another process's by now."""
    process = enter()
    process.kill()
    process.wait()
    (file,) = path.glob("workers-*.json")
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        # Its name tells the stranger's number; nobody holds the lock.
        file.rename(path / f"workers-{stranger.pid}.json")
        assert directory.running() == []
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_number_that_a_name_tells_is_not_believed(directory, path, enter):
    """The kernel says who holds the lock, whatever the name says."""
    process = enter()
    (file,) = path.glob("workers-*.json")
    file.rename(path / "workers-1.json")
    (found,) = directory.running()
    assert found.pid == process.pid


def test_another_projects_processes_are_not_found(directory, path, enter):
    enter(settings="other.settings")
    assert directory.running() == []
    assert len(list(path.glob("workers-*.json"))) == 1, "and keep their files"


def test_its_own_file_is_left_alone(directory, path):
    with directory.entered(FRONT, {}):
        assert directory.running() == []
        (seen,) = _seen_by_another(path)
        assert seen == str(os.getpid()), "the lock is still held"


def test_a_forked_child_does_not_hold_it(directory, path):
    with directory.entered(FRONT, {}):
        child = os.fork()
        if child == 0:
            signal.pause()
        try:
            assert _seen_by_another(path) == [str(os.getpid())]
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _seen_by_another(path: Path) -> list[str]:
    code = (
        "import sys; from pathlib import Path; from queueproxy.cli.run_files import RunDirectory\n"
        f"print(*[p.pid for p in RunDirectory(Path(sys.argv[1]), {PROJECT}).running()])"
    )
    words = [sys.executable, "-c", code, str(path)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()


# Who is not believed.


def test_a_directory_that_others_may_write_to(directory, path):
    path.mkdir(parents=True)
    path.chmod(0o777)
    with pytest.raises(Unusable, match="others may write there"):
        directory.running()
    with pytest.raises(Unusable), directory.entered(FRONT, {}):
        pass


def test_a_link_in_the_place_of_the_directory(directory, path, tmp_path, enter):
    elsewhere = tmp_path / "elsewhere"
    enter(where=elsewhere)
    path.parent.mkdir()
    path.symlink_to(elsewhere)
    with pytest.raises(Unusable):
        directory.running()


def test_a_link_in_the_place_of_a_file(directory, path, tmp_path, enter):
    elsewhere = tmp_path / "elsewhere"
    enter(where=elsewhere)
    (file,) = elsewhere.glob("workers-*.json")
    path.mkdir(mode=0o700, parents=True)
    (path / "workers-1.json").symlink_to(file)
    assert directory.running() == []


def test_a_file_that_others_may_write_to(directory, path, enter):
    enter()
    (file,) = path.glob("workers-*.json")
    file.chmod(0o666)
    assert directory.running() == []


@pytest.mark.parametrize("words", ["", "{", "[]", "7", "\x00"])
def test_a_file_that_says_nothing(directory, path, enter, words):
    enter()
    (file,) = path.glob("workers-*.json")
    file.write_text(words)
    assert directory.running() == []


def test_no_directory_is_nobody(directory):
    assert directory.running() == []


def test_a_directory_that_can_not_be_made(tmp_path):
    (tmp_path / "var").write_text("a file")
    with (
        pytest.raises(Unusable),
        RunDirectory(tmp_path / "var" / "queueproxy", PROJECT).entered(FRONT, {}),
    ):
        pass


def test_what_waits_for_an_end_sees_it(directory, enter):
    process = enter()
    (found,) = directory.running()
    process.terminate()
    process.wait(20)
    wait_until(lambda: not found.runs())
