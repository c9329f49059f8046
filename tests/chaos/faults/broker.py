"""What goes wrong with the broker."""

import random
import threading
import time

from ...kit.waiting import wait_until
from ..rough_users import LARGE, WAITS
from ..site import SETTINGS, Site
from ..split_site import SplitSite
from ..users import ask

LEASE = SETTINGS["LEASE"]
HOUR = 3600  # seconds


def crash_broker(site: SplitSite, chance: random.Random) -> None:
    """SIGKILL to the broker; it comes back with its append-only file."""
    site.broker.kill()
    time.sleep(chance.random() * 2)
    site.broker.start()


def freeze_broker(site: SplitSite, chance: random.Random) -> None:
    """SIGSTOP for up to three leases, then SIGCONT: nobody is given up for it."""
    site.broker.freeze()
    time.sleep(LEASE * chance.choice((1.3, 2, 3)))
    site.broker.thaw()


def flush_broker(site: Site, chance: random.Random) -> None:
    """FLUSHALL: every key gone."""
    site.broker.client().flushall()


def flush_functions(site: Site, chance: random.Random) -> None:
    """FUNCTION FLUSH: every script gone."""
    site.broker.client().function_flush()


def pause_clients(site: Site, chance: random.Random) -> None:
    """CLIENT PAUSE: the broker answers nobody for a while."""
    length = chance.random() * 2
    site.broker.client().client_pause(int(length * 1000))
    time.sleep(length)


def kill_connections(site: Site, chance: random.Random) -> None:
    """Every connection to the broker broken at once."""
    site.broker.client().client_kill_filter(_type="normal", skipme=True)


def break_flow(site: Site, chance: random.Random) -> None:
    """The connections on which streams' progress is told break again and again under streams."""
    readers = [threading.Thread(target=_read, args=(site, chance)) for _ in range(3)]
    for reader in readers:
        reader.start()
    client = site.broker.client()
    while any(reader.is_alive() for reader in readers):
        for connection in client.client_list():
            if "worker-flow" in connection["name"] or "front-requests" in connection["name"]:
                client.client_kill_filter(_id=connection["id"])
        time.sleep(0.1)


def _read(site: Site, chance: random.Random) -> None:
    nonce = f"flow{chance.getrandbits(40):x}"
    port, query = chance.choice(site.ports), f"repeat={LARGE}"
    outcome = ask(port, nonce, "STREAM", query=query, repeat=LARGE, patience=WAITS)
    site.outcomes.append(outcome)


def refuse_writes(site: SplitSite, chance: random.Random) -> None:
    """MISCONF: after a save that failed the broker refuses all that writes."""
    site.broker.break_saves()
    _save(site, "err")
    time.sleep(chance.random() * 3)
    site.broker.mend_saves()
    _save(site, "ok")


def _save(site: SplitSite, status: str) -> None:
    client = site.broker.client()

    def saved() -> bool:
        persistence = client.info("persistence")
        if persistence["rdb_bgsave_in_progress"]:
            return False
        if persistence["rdb_last_bgsave_status"] == status:
            return True
        client.execute_command("BGSAVE", "SCHEDULE")
        return False

    wait_until(saved, f"a save that ends with {status}")


def refuse_all(site: SplitSite, chance: random.Random) -> None:
    """NOPERM: the site's user loses its rights for a while, some or all."""
    site.broker.set_rights(chance.choice(("-fcall", "-@all", "-@blocking")))
    time.sleep(chance.random() * 3)
    site.broker.set_rights("+@all")


def set_clock(site: SplitSite, chance: random.Random) -> None:
    """The clock of the broker's machine jumps by an hour, ahead or back, or is right again."""
    site.broker.shift(chance.choice((-HOUR, 0, HOUR)))
