"""Several fronts replaced together by fresh ones (SIGHUP): nobody is turned away."""

import signal
import threading

import httpx
import pytest

from ..kit.proc import children, is_alive
from ..kit.waiting import wait_until

SETTINGS = "from tests.acceptance.probe.settings import *"


@pytest.fixture
def code(tmp_path):
    """The settings of a site, to be changed as a deploy would."""
    file = tmp_path / "deployed.py"
    file.write_text(SETTINGS)
    return file


@pytest.fixture
def deployed(make_site, code):
    """A site with two fronts; its settings are a file."""
    site = make_site(LEASE=1)
    site.environ["PYTHONPATH"] += f":{code.parent}"
    site.environ["DJANGO_SETTINGS_MODULE"] = "deployed"
    return site


class Traffic(threading.Thread):
    """Clients one after the other, each on a connection of its own."""

    def __init__(self, site):
        super().__init__(daemon=True)
        self._site = site
        self._over = threading.Event()
        self.answers: list[str] = []

    def run(self) -> None:
        while not self._over.is_set():
            try:
                answer = httpx.get(f"{self._site.url}/run/t{len(self.answers)}/", timeout=60)
                self.answers.append(str(answer.status_code))
            except httpx.TransportError as error:
                self.answers.append(repr(error))

    def __enter__(self) -> "Traffic":
        self.start()
        wait_until(lambda: self.answers, "a first answer")
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        self.join()


def fronts_of(site, front) -> list[int]:
    """Process ids of its two fronts, once the broker knows them."""
    known = sorted(one["pid"] for one in site.status()["fronts"])
    return known if len(known) == 2 and known == children(front.pid) else []


def test_all_are_replaced_under_load(deployed):
    front = deployed.front("--fronts", "2")
    old = wait_until(lambda: fronts_of(deployed, front), "two fronts")
    deployed.workers()
    held = [deployed.in_background("GET", f"/run/held{n}/?seconds=3") for n in range(2)]
    wait_until(lambda: deployed.runs("held0"), "one runs, one waits")
    with Traffic(deployed) as traffic:
        front.send_signal(signal.SIGHUP)
        wait_until(lambda: "Fresh fronts listen" in front.log.read_text(), "fresh ones", timeout=60)
        wait_until(lambda: not any(map(is_alive, old)), "the old ones have ended", timeout=60)
        new = wait_until(lambda: fronts_of(deployed, front), "two fronts")
        wanted = len(traffic.answers) + 20
        wait_until(lambda: len(traffic.answers) > wanted, "fresh ones serve")
    assert not {*old} & {*new}
    assert {*traffic.answers} == {"200"}
    assert [client.result().status_code for client in held] == [200, 200]
    assert "the fronts are replaced by fresh ones" in front.log.read_text()
    front.terminate()
    assert front.wait(60) == 0


def test_the_old_ones_stay_where_fresh_ones_do_not_come_up(deployed, code):
    front = deployed.front("--fronts", "2")
    old = wait_until(lambda: fronts_of(deployed, front), "two fronts")
    deployed.workers()
    code.write_text("import a_library_that_nobody_has_installed")
    front.send_signal(signal.SIGHUP)
    wait_until(lambda: "do not come up; the old ones go on" in front.log.read_text(), "it is told")
    assert deployed.get("/run/a/").status_code == 200
    code.write_text(SETTINGS)
    front.send_signal(signal.SIGHUP)
    wait_until(lambda: "Fresh fronts listen" in front.log.read_text(), "fresh ones", timeout=60)
    wait_until(lambda: not any(map(is_alive, old)), "the old ones have ended", timeout=60)
    assert deployed.get("/run/b/").status_code == 200


def test_stopped_in_the_middle_of_it(deployed):
    front = deployed.front("--fronts", "2")
    wait_until(lambda: fronts_of(deployed, front), "two fronts")
    front.send_signal(signal.SIGHUP)
    started = wait_until(lambda: len(pids := children(front.pid)) > 2 and pids, "fresh ones")
    front.terminate()
    assert front.wait(60) == 0
    assert not any(map(is_alive, started))
