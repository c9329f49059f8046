"""What goes wrong where one command runs all: runqueueproxy --embedded --workers."""

import os
import random
import signal

from ..embedded_site import EmbeddedSite


def kill_embedded_front(site: EmbeddedSite, chance: random.Random) -> None:
    """SIGKILL to the front: Valkey and workers end by themselves, and it is started again."""
    site.replace(signal.SIGKILL)


def stop_embedded_front(site: EmbeddedSite, chance: random.Random) -> None:
    """SIGTERM to the front, and it is started again."""
    site.replace(signal.SIGTERM)


def kill_embedded_supervisor(site: EmbeddedSite, chance: random.Random) -> None:
    """SIGKILL to the supervisor: its workers drain, the front starts another."""
    for pid in site.supervisor_pids():
        os.kill(pid, signal.SIGKILL)


def kill_embedded_broker(site: EmbeddedSite, chance: random.Random) -> None:
    """SIGKILL to the Valkey: the front starts another, which is empty."""
    os.kill(site.broker_pid(), signal.SIGKILL)


def reload_embedded(site: EmbeddedSite, chance: random.Random) -> None:
    """SIGHUP to the front: worker processes replaced one by one."""
    site.fronts[0].send_signal(signal.SIGHUP)
