"""Two releases side by side, as people deploy them: smoke, activate, roll back, with a hold."""

import json
import signal
import threading
import time

import pytest

from queueproxy.broker.handle import Broker
from queueproxy.broker.link.connect import BrokerAddress
from queueproxy.broker.operate.releases import Releases

from ..kit.waiting import wait_until

BOOT = 60.0  # seconds, on a busy machine


@pytest.fixture
def server():
    return "uvicorn"


def start(site, name: str, *options: str):
    """Workers of a release that stand by, or serve where nobody else does; once they are ready."""
    words = ("--standby", "--release", name, *(options or ("--threads", "2")))
    supervisor = site.workers(*words, PROBE_RELEASE=name)
    wait_until(lambda: " serves " in log(supervisor) or "stands by" in log(supervisor), name, BOOT)
    return supervisor


def log(process) -> str:
    return process.log.read_text()


def states(site) -> dict[str, str]:
    return {release["name"]: release["state"] for release in site.status()["releases"]}


def served_by(site, nonce: str) -> str:
    """The release that answers."""
    return site.get(f"/run/{nonce}/").text.split()[-1]


@pytest.fixture
def two(site):
    """A site that ``old`` serves, beside ``new``."""
    site.front()
    site.old = start(site, "old")
    site.new = start(site, "new")
    return site


def test_a_deploy_and_its_rollback(two):
    assert states(two) == {"old": "active", "new": "standby"}
    assert served_by(two, "a") == "old"
    activated = two.run("queueproxy", "release", "activate", "new")
    assert (activated.returncode, activated.stdout) == (0, "new is active; old stands by.\n")
    assert served_by(two, "b") == "new"
    again = two.run("queueproxy", "release", "activate", "new")
    assert (again.returncode, again.stdout) == (0, "new is active already.\n")
    back = two.run("queueproxy", "release", "rollback")
    assert (back.returncode, back.stdout) == (0, "old is active; new stands by.\n")
    assert served_by(two, "c") == "old"
    listed = json.loads(two.run("queueproxy", "release", "list", "--json").stdout)
    assert [release["name"] for release in listed] == ["old", "new"]
    assert listed[1]["previous"]
    status = two.run("queueproxy", "status")
    assert "release old  active  1 worker (1 ready)" in status.stdout
    never = two.run("queueproxy", "release", "activate", "newest", "--timeout", "0")
    assert (never.returncode, never.stderr) == (
        1,
        "No worker of newest is ready; active: old.\n",
    )
    assert two.run("queueproxy", "release", "activate", "no name").returncode == 2


def test_under_load_each_is_answered_by_the_release_that_was_active(site):
    """Whoever asks after an activation has returned; and nobody is turned away."""
    site.front()
    start(site, "old")
    start(site, "new", "--async", "4")
    users = [User(site) for _ in range(4)]
    releases = Releases(Broker(BrokerAddress(site.broker.url), "queueproxy", 15).link("test"))
    for number in range(10):
        name = ("new", "old")[number % 2]
        assert releases.activate(name, keep=600).what == "done"
        since = time.monotonic()
        wait_until(lambda: all(user.asked > since for user in users), "they ask", BOOT)  # noqa: B023
        assert not any(user.answered_by_another(name, since) for user in users)
    for user in users:
        user.over = True
        user.join(BOOT)
        assert {status for _, status, _ in user.answers} == {200}
        assert {name for _, _, name in user.answers} == {"old", "new"}


class User(threading.Thread):
    """Asks again and again."""

    def __init__(self, site):
        super().__init__(daemon=True)
        self._site = site
        self.answers: list[tuple[float, int, str]] = []  # when asked, status, release
        self.asked = 0.0  # the last that was answered
        self.over = False
        self.start()

    def run(self) -> None:
        while not self.over:
            began = time.monotonic()
            answer = self._site.get("/run/load/")
            self.answers.append((began, answer.status_code, answer.text.split()[-1]))
            self.asked = began

    def answered_by_another(self, name: str, since: float) -> list:
        return [one for one in self.answers if one[0] > since and one[2] != name]


def test_no_release_any_more_where_nobody_would_serve(two):
    refused = two.run("queueproxy", "release", "off")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "no worker runs, or all stand by" in refused.stderr
    assert states(two)["old"] == "active"
    forced = two.run("queueproxy", "release", "off", "--force")
    assert (forced.returncode, forced.stdout) == (0, "old is not the only one any more.\n")
    assert states(two) == {"old": "standby", "new": "standby"}


def test_smoke_runs_on_the_release_that_stands_by(two):
    good = two.run("queueproxy", "release", "smoke", "new", "/run/smoke/", "/code/")
    assert good.returncode == 0, good.stderr
    first, second = good.stdout.splitlines()
    assert first.startswith("/run/smoke/  200 in ")
    assert first.endswith("other body")  # it names its release
    assert second.endswith("same")
    assert len(two.runs("smoke")) == 2  # once on each release
    assert two.run("queueproxy", "pause").returncode == 0
    paused = two.run("queueproxy", "release", "smoke", "new", "/code/")
    assert (paused.returncode, paused.stderr) == (1, "default is paused: nothing would be run.\n")
    assert two.run("queueproxy", "resume").returncode == 0
    bad = two.run("queueproxy", "release", "smoke", "new", "/bad/one/")
    assert bad.returncode == 1
    assert bad.stderr == "1 of 1 failed.\n"
    assert two.queue()["completed_total"] == 0  # nobody's
    gone = two.run("queueproxy", "release", "smoke", "newest", "/code/", "--timeout", "0.5")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert gone.stderr == "There is no worker of newest.\n"


@pytest.mark.parametrize("ends", [False, True])
def test_while_smoke_runs_status_does_not_say_that_anybody_serves(site, ends):
    """Nor once the command was killed, and the view that it has left behind still runs."""
    start(site, "new")
    activated = site.run("queueproxy", "release", "activate", "old", "--force")
    assert activated.returncode == 0, activated.stderr
    smoke = site.manage("queueproxy", "release", "smoke", "new", "/run/slow/?seconds=30")
    wait_until(lambda: site.runs("slow"), "it runs", BOOT)
    if ends:
        smoke.kill()
        smoke.wait(BOOT)
    told = site.run("queueproxy", "status")
    assert told.returncode == 1
    assert " 0 fronts " in told.stdout
    assert "No front: nobody accepts requests." in told.stdout
    assert "All workers stand by: none is of the active release old." in told.stdout
    assert "/run/slow/" in told.stdout  # what it is at is shown all the same


def test_a_hold_activates_what_its_command_has_prepared(two):
    words = ("queueproxy", "hold", "--then", "activate=new")
    nobody = two.run("queueproxy", "hold", "--then", "activate=newest", "--", "echo", "run")
    assert (nobody.returncode, nobody.stdout) == (1, "")
    assert nobody.stderr == "There is no worker of newest; nothing was run.\n"
    failed = two.run(*words, "--", "false")
    assert failed.returncode == 1
    assert states(two)["old"] == "active"
    waiting = two.in_background("GET", "/run/held/")
    assert waiting.result().text.endswith("old")
    done = two.run(*words, "--", "true")
    assert done.returncode == 0
    assert done.stderr.splitlines()[1:] == [
        "new is active; old stands by.",
        "Resumed ops, high, default, low.",
    ]
    assert served_by(two, "a") == "new"
    assert two.run("queueproxy", "hold", "--then", "new", "--", "true").returncode == 2


def test_a_hold_that_waits_for_a_release_can_be_interrupted(two):
    """Its command took the release's workers with it, say."""
    threading.Thread(target=two.new.wait, daemon=True).start()  # else it is a zombie for ever
    script = "kill $0; while kill -0 $0 2>/dev/null; do sleep 0.1; done"
    command = ("sh", "-c", script, str(two.new.pid))
    words = ("queueproxy", "hold", "--then", "activate=new", "--", *command)
    hold = two.manage(*words)
    hold.until(lambda: "Waits 30 s at most for a worker of new" in log(hold), "it waits")
    hold.send_signal(signal.SIGINT)
    assert hold.wait(60) == 128 + signal.SIGINT
    assert "Interrupted by SIGINT; new was not waited for any longer." in log(hold)
    assert "Resumed" in log(hold)
    assert states(two)["old"] == "active"


def test_a_release_ends_when_its_time_to_stand_by_is_over(make_site):
    site = make_site(LEASE=1)
    old = start(site, "old", "--processes", "2")
    start(site, "new")
    activated = site.run("queueproxy", "release", "activate", "new", "--keep", "0")
    assert (activated.returncode, activated.stdout) == (0, "new is active; old ends.\n")
    assert old.wait(60) == 0
    assert "has stood by for its time" in log(old)
    assert states(site) == {"new": "active", "old": "gone"}


def test_a_reload_by_another_release_leaves_the_active_one_at_work(make_site, tmp_path):
    """Its processes would all stand by."""
    site = make_site(LEASE=1)
    repository = tmp_path / "site" / ".git"
    repository.mkdir(parents=True)
    (repository / "HEAD").write_text("1" * 40)
    supervisor = site.manage("runqueueworker", "--standby", cwd=repository.parent)
    wait_until(lambda: " serves " in log(supervisor), f"{supervisor.log}", BOOT)
    (repository / "HEAD").write_text("2" * 40)
    supervisor.send_signal(1)
    wait_until(lambda: "A replacement did not come up" in log(supervisor), "told", BOOT)
    (failure,) = wait_until(lambda: site.status()["boot_failures"], "seen", BOOT)
    assert failure["release"] == "2" * 9
    assert failure["ending"] == "Its release is not the active one: it would stand by."
    assert failure["serving"] == 1
    wait_until(lambda: states(site) == {"1" * 9: "active"}, "the new process has gone")


def test_without_a_name_nobody_stands_by(site, tmp_path):
    refused = site.manage("runqueueworker", "--standby", cwd=tmp_path)
    assert refused.wait(60) == 2
    assert "needs the name of its release" in log(refused)
