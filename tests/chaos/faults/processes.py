"""What goes wrong with fronts, supervisors and workers."""

import random
import signal
import threading
import time

from ...kit.waiting import wait_until
from ..site import SETTINGS, Site
from ..split_site import SplitSite
from ..users import ask


def kill_worker(site: Site, chance: random.Random) -> None:
    """SIGKILL to one worker process."""
    site.signal_worker(site.random_worker(chance), signal.SIGKILL)


def freeze_worker(site: Site, chance: random.Random) -> None:
    """SIGSTOP for up to three leases, then SIGCONT: a zombie."""
    pid = site.random_worker(chance)
    site.signal_worker(pid, signal.SIGSTOP)
    time.sleep(SETTINGS["LEASE"] * chance.choice((1.3, 1.6, 2, 3)))
    site.signal_worker(pid, signal.SIGCONT)


def wake_zombie(site: Site, chance: random.Random) -> None:
    """A worker faints in a slow view and wakes up while another runs the same request."""
    nonce = f"zombie{chance.getrandbits(40):x}"
    port = chance.choice(site.ports)

    def send() -> None:
        site.outcomes.append(ask(port, nonce, "GET", query=f"seconds={SETTINGS['LEASE'] * 2}"))

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    try:
        first = _nth_run(site, nonce, 1).pid
        site.signal_worker(first, signal.SIGSTOP)
        try:
            _nth_run(site, nonce, 2)
        finally:
            site.signal_worker(first, signal.SIGCONT)
    except AssertionError:
        pass  # the front was not there, or the worker died before it fainted
    sender.join(SETTINGS["MAX_HOLD"] + 10)


def _nth_run(site: Site, nonce: str, number: int):
    return wait_until(lambda: site.ledger.of(nonce)[number - 1 :], timeout=SETTINGS["MAX_HOLD"])[0]


def drain_workers(site: SplitSite, chance: random.Random) -> None:
    """SIGTERM to a supervisor, another in its place."""
    site.replace_supervisor(chance.randrange(2))


def reload_workers(site: SplitSite, chance: random.Random) -> None:
    """SIGHUP: processes replaced one by one."""
    site.supervisors[chance.randrange(2)].send_signal(signal.SIGHUP)


def kill_supervisor(site: SplitSite, chance: random.Random) -> None:
    """SIGKILL to a supervisor: its workers drain by themselves, another starts."""
    which = chance.randrange(2)
    site.supervisors[which].kill()
    site.supervisors[which].wait()
    site.supervisors[which] = site.start_supervisor(which)


def kill_front(site: SplitSite, chance: random.Random) -> None:
    """SIGKILL to a front; its clients are cut."""
    site.replace_front(chance.randrange(2), signal.SIGKILL)


def replace_front(site: SplitSite, chance: random.Random) -> None:
    """SIGTERM to a front: it finishes what it holds."""
    site.replace_front(chance.randrange(2), signal.SIGTERM)


def freeze_front(site: SplitSite, chance: random.Random) -> None:
    """SIGSTOP for longer than a front's lease."""
    front = site.fronts[chance.randrange(2)]
    front.send_signal(signal.SIGSTOP)
    time.sleep(SETTINGS["LEASE"] * 2.5)
    front.send_signal(signal.SIGCONT)
