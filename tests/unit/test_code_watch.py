"""Which files of a project count, and that a change is told once, when it is over."""

import pytest

from queueproxy.development.code_watch import ALL, CODE, CodeWatch, project_directories

from ..kit.waiting import wait_until


@pytest.fixture
def watch(tmp_path):
    """Starts watches; ends them."""
    started = []

    def watch(suffixes=ALL, but=()) -> list[str]:
        changed: list[str] = []
        started.append(CodeWatch(changed.append, suffixes, [tmp_path], but))
        started[-1].start()
        return changed

    yield watch
    for one in started:
        one.stop()
        one.join(5)


def test_what_is_made_changed_and_deleted(watch, tmp_path):
    changed = watch()
    file = tmp_path / "views.py"
    file.write_text("")
    wait_until(lambda: changed == [str(file)])
    file.write_text("x = 1")
    wait_until(lambda: changed == [str(file)] * 2)
    file.unlink()
    wait_until(lambda: changed == [str(file)] * 3)


def test_many_at_once_are_one_change(watch, tmp_path):
    changed = watch()
    (tmp_path / ".app").mkdir()  # hidden until all are there: writing them may take long
    for name in "abc":
        (tmp_path / ".app" / f"{name}.py").write_text("")
    (tmp_path / ".app").rename(tmp_path / "app")
    first = str(tmp_path / "app" / "a.py")
    wait_until(lambda: changed == [first])
    last = tmp_path / "last.py"
    last.write_text("")
    wait_until(lambda: changed[-1] == str(last))
    assert changed == [first, str(last)]


def test_what_does_not_count(watch, tmp_path):
    for name in (".git", "node_modules", "venv", "media", "app/__pycache__"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "venv" / "pyvenv.cfg").write_text("")
    changed = watch(CODE, [tmp_path / "media"])
    names = (".git/a.py", "node_modules/a.py", "venv/a.py", "media/a.py", "app/__pycache__/a.py")
    for name in (*names, "page.html", "db.sqlite3", "app/last.py"):
        (tmp_path / name).write_text("")
    wait_until(lambda: changed)
    assert changed == [str(tmp_path / "app" / "last.py")]


def test_a_directory_that_is_not_there(tmp_path):
    CodeWatch(print, ALL, [tmp_path / "none"], [])


def test_the_projects_directories(settings, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    settings.BASE_DIR = tmp_path / "site"
    settings.TEMPLATES = [{"DIRS": [tmp_path / "elsewhere", tmp_path / "site" / "templates"]}]
    found = project_directories()
    assert {tmp_path / "site", tmp_path / "elsewhere"} <= set(found)
    assert tmp_path / "site" / "templates" not in found
    assert not any("site-packages" in str(path) for path in found)
