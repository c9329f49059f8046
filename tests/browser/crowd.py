"""Clients that read pages, so that there is something to see."""

import random
import threading

import httpx

PAGES = (
    *["/", "/things/1/", "/things/2/", "/api/things/", "/favourites/", "/login/"] * 3,
    *["/slow/?seconds=0.4", "/slow/?seconds=1.5"] * 2,
)
REPORTS = ("/things/export.csv",)


class Crowd:
    """Clients that read pages, sometimes many of them.

    Args:
        url: of the site.
        readers: how many clients there are.
        reporters: how many of them ask for reports, and for nothing else.

    Attributes:
        eager: while it is set, those who don't ask for reports read seven times as fast.
    """

    def __init__(self, url: str, readers: int, reporters: int):
        self._url = url
        self._reporters = reporters
        self._stop = threading.Event()
        self.eager = threading.Event()
        for number in range(readers):
            threading.Thread(target=self._read, args=(number,), daemon=True).start()

    def _read(self, number: int) -> None:
        choice = random.Random(number)
        reports = number < self._reporters
        with httpx.Client(base_url=self._url, timeout=90) as client:
            while not self._stop.is_set():
                try:
                    client.get(choice.choice(REPORTS if reports else PAGES))
                except httpx.HTTPError:
                    pass  # a picture of a system under stress may show some
                mean = 0.15 if self.eager.is_set() and not reports else 1.0
                self._stop.wait(choice.expovariate(1 / mean))

    def leave(self) -> None:
        """No further requests."""
        self._stop.set()
