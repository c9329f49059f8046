"""The README's five steps, run as they stand there, on what startproject makes."""

import re

import pytest

from ..kit.waiting import wait_until
from .newcomer import Newcomer
from .steps import README, read_steps

pytestmark = pytest.mark.packages

FORM = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
STYLE = re.compile(r'<link rel="stylesheet" href="([^"]+base\.css)">')


@pytest.fixture(scope="module")
def last_step():
    """Of the fifth step: the line that starts it all, and those for a second terminal."""
    server, others = read_steps()[-1].blocks
    return server.text.strip(), others.text.splitlines()


@pytest.fixture(scope="module")
def site(newcomer, last_step):
    """All of it, in one terminal."""
    password = {"DJANGO_SUPERUSER_PASSWORD": "a-good-one-7"}
    who = "--username ann --email ann@example.com"
    newcomer.type(f"python manage.py createsuperuser --noinput {who}", **password)
    with newcomer.start(last_step[0]) as running:
        running.page("/admin/")
        yield running


def test_readme_is_short():
    assert len(README.read_text().splitlines()) < 200
    assert len(read_steps()) == 5
    assert not re.search(r"\b(pkill|pgrep|killall)\b", README.read_text())


def test_what_check_says(newcomer):
    said = newcomer.type("python manage.py check --deploy")
    assert "queueproxy.E" not in said
    assert "queueproxy.W013" in said, "static files in production"


def test_the_admin_has_its_styles(site):
    page = site.page("/admin/")
    assert page.status_code == 200
    style = site.get(STYLE.search(page.text)[1])
    assert (style.status_code, style.headers["content-type"][:8]) == (200, "text/css")


def test_log_in_and_see_the_queue(site):
    with site.client() as browser:
        page = browser.get("/admin/")
        login = {"username": "ann", "password": "a-good-one-7", "next": "/admin/"}
        token = FORM.search(page.text)[1]
        page = browser.post("/admin/login/", data={**login, "csrfmiddlewaretoken": token})
        assert "Site administration" in page.text
        assert browser.get("/admin/queueproxy/queue/").status_code == 200


def test_a_second_terminal(site, newcomer, last_step):
    *lines, stop = last_step[1]
    wait_until(lambda: "2 workers" in newcomer.type(lines[0]), "the second worker")
    said = [newcomer.type(line) for line in lines]
    assert "This is the private broker of process" in said[0]
    assert "1 front" in said[0]
    assert "2 workers" in said[0]
    assert "workers' supervisor" in said[1]
    assert "No migrations to apply" in said[2]
    assert site.page("/admin/").status_code == 200
    assert "Stopped: front" in newcomer.type(stop)
    assert site.process.wait(60) == 0
    assert "Traceback" not in site.log.read_text()


def test_another_project_on_this_machine_is_not_met_and_ctrl_c_ends_it(newcomer, last_step):
    with newcomer.start(last_step[0]) as running:
        running.page("/admin/")
        other = Newcomer(newcomer.directory.parent / "other", newcomer.environ)
        newcomer.type(f"cp -r . {other.directory} && rm -r {other.directory}/var")
        assert "Nothing that could be stopped runs here" in other.type(last_step[1][-1])
        assert other.type("python manage.py queueproxy reload || echo none").endswith("none\n")
        with other.start(last_step[0]) as theirs:
            theirs.page("/admin/")
            assert _pids(other) != _pids(newcomer)
            other.type(last_step[1][-1])
            assert theirs.process.wait(60) == 0
        assert running.page("/admin/").status_code == 200
        assert running.ctrl_c() == 0
        assert "Traceback" not in running.log.read_text()


def test_runserver_is_a_front_with_styles(newcomer):
    with newcomer.start("python manage.py runserver 8000 --noreload") as running:
        assert running.page("/static/admin/css/base.css").status_code == 200


def _pids(newcomer: Newcomer) -> str:
    return newcomer.type("ls var/queueproxy")
