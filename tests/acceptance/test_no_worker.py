"""A front says once that nobody serves, and once that somebody does again."""

import signal

import pytest

from ..kit.waiting import wait_until

GONE, BACK = "There is no worker anywhere", "A worker is there again."


@pytest.mark.parametrize("server", ["daphne"])
def test_no_worker_is_said_once(site):
    front = site.front()

    def said() -> list[str]:
        log = front.log.read_text().splitlines()
        return [words for line in log for words in (GONE, BACK) if words in line]

    wait_until(lambda: said() == [GONE])
    workers = site.workers()
    wait_until(lambda: said() == [GONE, BACK])
    workers.send_signal(signal.SIGTERM)
    workers.wait(60)
    wait_until(lambda: said() == [GONE, BACK, GONE])
    assert site.get("/-/livez").status_code == 200
