"""The doctor on set-ups that are well and on ones that are broken, each with a real broker."""

import asyncio
import json
import os
import subprocess
from pathlib import Path

import httpx
import pytest
import redis

from queueproxy.broker.operate.acl import ROLES

from ..brokers import BrokerKit
from ..hostile.proxies import proxy
from ..kit.broker_server import BrokerServer, GuardedServer
from ..kit.commands import Commands
from ..kit.ports import free_port
from ..kit.waiting import wait_until

FORWARDING = (
    "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"
    "proxy_set_header X-Forwarded-Proto $scheme;"
)


class SetUp(Commands):
    """The example site with changes to its settings.

    Args:
        directory: for its database, its settings and the logs.
        url: of the broker.
        changes: Python source behind the site's own settings.
    """

    def __init__(self, directory: Path, url: str, changes: str = ""):
        module = f"from project.settings import *\n{changes}\n"
        (directory / "changed_settings.py").write_text(module)
        own = {name: value for name, value in os.environ.items() if "QUEUEPROXY" not in name}
        super().__init__(
            directory,
            {
                **own,
                "DJANGO_SETTINGS_MODULE": "changed_settings",
                "QUEUEPROXY_VAR": str(directory / "var"),
                "QUEUEPROXY_BROKER_URL": url,
            },
        )
        self.environ["PYTHONPATH"] += f":{directory}"

    def migrate(self) -> None:
        """Make the database."""
        self.run("migrate", "--verbosity", "0")

    def doctor(self, *options: str) -> "Report":
        """Run it, for a program."""
        done = self.run("queueproxy", "doctor", "--json", *options)
        assert done.stdout, done.stderr
        return Report(done)


class Report:
    """What the doctor found, and the status it ended with."""

    def __init__(self, done: subprocess.CompletedProcess):
        told = json.loads(done.stdout)
        self.status = done.returncode
        self.findings = told["findings"]
        assert told["healthy"] is (self.status == 0)

    @property
    def wrong(self) -> list[dict]:
        """Its errors and warnings, each with what to do."""
        wrong = [one for one in self.findings if one["level"] in ("error", "warning")]
        assert all(one["todo"] for one in wrong)
        return wrong

    def the_only_one(self) -> tuple[str, str, str]:
        """Area, level and text of the one thing that is wrong."""
        assert self.status == 1
        (one,) = self.wrong
        return one["area"], one["level"], one["text"]


@pytest.fixture
def set_up(tmp_path, broker):
    made = []

    def make(changes: str = "", url: str = "") -> SetUp:
        made.append(SetUp(tmp_path, url or broker.url, changes))
        made[-1].migrate()
        return made[-1]

    yield make
    for one in made:
        for process in one.processes:
            process.terminate()
            process.wait(60)


def test_nothing_is_wrong_with_the_example(set_up, broker):
    site = set_up()
    assert site.doctor().status == 0
    done = site.run("queueproxy", "doctor")
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("Nothing is wrong.\n")
    user = redis.Redis.from_url(broker.url).acl_whoami()
    assert f"The user '{user}' may do what fronts, workers and people need." in done.stdout
    assert "\x1b" not in done.stdout


# 1. The broker.


@pytest.fixture
def another_broker():
    made = []

    def make(**options: str) -> BrokerServer:
        made.append(BrokerServer(**options).start())
        return made[-1]

    yield make
    for server in made:
        server.stop()


def test_a_broker_that_evicts(set_up, another_broker):
    site = set_up(url=another_broker(maxmemory_policy="allkeys-lru").url)
    area, level, text = site.doctor().the_only_one()
    assert (area, level) == ("broker", "error")
    assert "maxmemory-policy allkeys-lru" in text


def test_a_broker_that_can_not_save(set_up, another_broker):
    server = another_broker(save="3600 1")
    server.client().set("a", "b")
    (Path(server.socket).parent / "dump.rdb").mkdir()  # where its file should be
    server.client().bgsave()
    wait_until(lambda: server.client().info()["rdb_last_bgsave_status"] == "err", "it failed")
    found = set_up(url=server.url).doctor().wrong
    assert any("could not save its data" in one["text"] for one in found)


def test_a_broker_that_is_away(set_up, another_broker):
    server = another_broker()
    site = set_up(url=server.url)
    server.kill()
    area, level, text = site.doctor().the_only_one()
    assert (area, level) == ("broker", "error")
    assert "can't be reached" in text


# 2. Its users.


@pytest.fixture
def guarded():
    server = GuardedServer().start()
    yield server
    server.stop()


def test_users_with_the_rights_of_their_roles(set_up, guarded):
    assert set_up(url=guarded.url_of("operator")).doctor().status == 0
    report = set_up(url=guarded.url).doctor()  # one who may ask about all
    assert report.status == 0
    asked = {one["text"] for one in report.findings if "may do what" in one["text"]}
    assert len(asked) == 1 + len(ROLES)


def test_a_user_that_lacks_a_right(set_up, guarded):
    guarded.client().execute_command("ACL", "SETUSER", "queueproxy-operator", "-hset")
    area, level, text = set_up(url=guarded.url_of("operator")).doctor().the_only_one()
    assert (area, level) == ("broker", "error")
    assert "NOPERM" in text
    assert "'hset'" in text


def test_another_user_that_lacks_a_right(set_up, guarded):
    guarded.client().execute_command("ACL", "SETUSER", "queueproxy-worker", "-blpop", "-xdel")
    area, level, text = set_up(url=guarded.url).doctor().the_only_one()
    assert (area, level) == ("broker", "error")
    assert (
        text
        == "The user 'queueproxy-worker' may not use blpop, xdel, which the role 'worker' needs."
    )


def test_a_user_of_another_namespace(set_up, guarded):
    changes = "QUEUEPROXY |= {'NAMESPACE': 'other'}"
    report = set_up(changes, url=guarded.url_of("operator")).doctor()
    assert report.status == 1
    assert any("NOPERM" in one["text"] for one in report.wrong)


# 3. The project.


def test_an_application_without_a_queue(set_up):
    site = set_up("ASGI_APPLICATION = 'project.plain_asgi.application'")
    area, level, text = site.doctor().the_only_one()
    assert (area, level) == ("project", "error")
    assert "constructs no queueproxy.asgi.QueueProxy" in text


def test_an_application_that_queues_nothing_of_http(set_up, tmp_path):
    site = set_up("ASGI_APPLICATION = 'beside.application'")
    (tmp_path / "beside.py").write_text(
        "from channels.routing import ProtocolTypeRouter\n"
        "from django.core.asgi import get_asgi_application\n"
        "from queueproxy.asgi import QueueProxy\n"
        "queue = QueueProxy()\n"
        "application = ProtocolTypeRouter({'http': get_asgi_application()})\n"
    )
    area, level, text = site.doctor().the_only_one()
    assert (area, level) == ("project", "error")
    assert "Django's own handler" in text


def test_static_files_that_nobody_serves(set_up, tmp_path):
    (tmp_path / "collected").mkdir()
    (tmp_path / "collected" / "site.css").touch()
    site = set_up(
        f"DEBUG, STATIC_ROOT = False, {str(tmp_path / 'collected')!r}\n"
        "MIDDLEWARE = [one for one in MIDDLEWARE if 'whitenoise' not in one]"
    )
    area, level, text = site.doctor().the_only_one()
    assert (area, level) == ("project", "warning")
    assert "unless a proxy does" in text


def test_static_files_that_are_not_collected(set_up):
    site = set_up("DEBUG = False\nWHITENOISE_USE_FINDERS = False")
    area, level, text = site.doctor().the_only_one()
    assert (area, level) == ("settings", "warning")
    assert "is empty or not there" in text


# 4. The database.


def test_sqlite_as_django_makes_it(set_up, broker):
    site = set_up("DATABASES['default'].pop('OPTIONS')")
    area, level, text = site.doctor().the_only_one()
    assert (area, level) == ("databases", "warning")
    assert "journal_mode delete" in text
    assert "transaction_mode DEFERRED" in text
    kit = BrokerKit(broker.url, namespace="queueproxy")
    try:
        kit.registration()
        kit.registration()
        found = {one["area"]: one for one in site.doctor().wrong}
    finally:
        asyncio.run(kit.close())
    assert found["databases"]["level"] == "error"  # two workers are there
    assert "2 at once now" in found["databases"]["text"]


def test_migrations_that_are_not_applied(set_up):
    site = set_up()
    assert site.run("migrate", "things", "zero").returncode == 0
    area, level, text = site.doctor().the_only_one()
    assert (area, level, text) == ("databases", "error", "2 migrations are not applied.")


def test_a_database_that_is_not_there_yet(tmp_path, broker):
    site = SetUp(tmp_path, broker.url)
    area, _, text = site.doctor().the_only_one()
    assert area == "databases"
    assert "has no file yet" in text
    assert not (tmp_path / "var" / "db.sqlite3").exists()


def test_a_database_that_is_away(set_up):
    changes = (
        "DATABASES['default'] = {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'n', "
        "'HOST': '127.0.0.1', 'PORT': 1}"
    )
    area, level, text = set_up(changes).doctor().the_only_one()
    assert (area, level) == ("databases", "error")
    assert text.startswith("The database 'default' can't be used: ")


# 5. Proxies.


@pytest.fixture
def front(set_up):
    """Starts a front; its address."""

    def start(changes: str = "") -> tuple[SetUp, tuple[str, int]]:
        site, port = set_up(changes), free_port()
        site.manage("runqueueproxy", str(port), "--server", "uvicorn", "--workers", "1")
        wait_until(lambda: _lives(port), f"front: {site.processes[-1].log}", 60)
        return site, ("127.0.0.1", port)

    return start


def _lives(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/slow/?seconds=0", timeout=60).status_code == 200
    except httpx.TransportError:
        return False


def test_a_proxy_that_nobody_named(front):
    site, address = front()
    with proxy("nginx", address, more=FORWARDING) as (host, port):
        report = site.doctor("--url", f"http://{host}:{port}")
    area, level, text = report.the_only_one()
    assert (area, level) == ("site", "error")
    assert "A proxy at 127.0.0.1 sends x-forwarded-for, x-forwarded-proto" in text
    assert "'127.0.0.1'" in report.wrong[0]["todo"]


def test_a_proxy_that_is_named(front):
    site, address = front("QUEUEPROXY |= {'TRUSTED_PROXIES': ['127.0.0.1']}")
    with proxy("nginx", address, more=FORWARDING) as (host, port):
        report = site.doctor("--url", f"http://{host}:{port}")
    assert report.wrong == []
    told = [one["text"] for one in report.findings if one["area"] == "site"]
    assert "as the proxy at 127.0.0.1 tells" in told[0]
    assert told[1].startswith("Static files are served")


def test_a_proxy_that_tells_nothing(front):
    site, address = front("QUEUEPROXY |= {'TRUSTED_PROXIES': ['127.0.0.1']}")
    with proxy("nginx", address, more='proxy_set_header Host "inside";') as (host, port):
        report = site.doctor("--url", f"http://{host}:{port}")
    # nginx sends the first of two Hosts as well, which a front refuses.
    assert report.status == 1
    assert {one["area"] for one in report.wrong} == {"site"}


def test_an_address_where_nobody_is(set_up):
    report = set_up().doctor("--url", f"http://127.0.0.1:{free_port()}")
    area, level, text = report.the_only_one()
    assert (area, level) == ("site", "error")
    assert "can't be asked" in text


def test_django_is_told_of_a_proxy_and_we_are_not(set_up):
    site = set_up("SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https')")
    area, level, text = site.doctor().the_only_one()
    assert (area, level) == ("proxies", "error")
    assert "TRUSTED_PROXIES is empty" in text


# Settings, limits, words.


def test_settings_that_are_wrong_are_all_that_is_told(set_up):
    site = set_up("QUEUEPROXY |= {'MAX_HOLDS': 5}")
    area, level, text = site.doctor().the_only_one()
    assert (area, level) == ("settings", "error")
    assert "MAX_HOLDS" in text


@pytest.mark.parametrize("key", ["FRONT_SPOOL_DIR", "ERROR_PAGES"])
def test_a_directory_that_is_not_there(set_up, key):
    site = set_up(f"QUEUEPROXY |= {{{key!r}: '/nonexistent'}}")
    area, level, text = site.doctor().the_only_one()
    assert (area, level) == ("settings", "error")
    assert key in text


def test_few_open_files(set_up):
    site = set_up()
    words = [*site._program, "queueproxy", "doctor", "--json"]
    done = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -n 1024; exec "$@"', "sh", *words],
        env=site.environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    area, level, text = Report(done).the_only_one()
    assert (area, level) == ("limits", "warning")
    assert "may open 1024 files" in text


def test_an_address_that_is_none(set_up):
    done = set_up().run("queueproxy", "doctor", "--url", "www.example.com")
    assert done.returncode == 2
    assert "is not an address such as https://example.com" in done.stderr
