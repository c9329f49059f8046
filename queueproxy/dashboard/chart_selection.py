"""Keeps what a person has chosen to see of the page in its address, through every action."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from .. import conf
from ..broker.observe.history import WINDOWS, Window

DEFAULT_WINDOW = "15m"


class ChartSelection(NamedTuple):
    """The chart's window, by its name, and its queue; an empty name is all of QUEUES."""

    window_name: str
    queue: str

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "ChartSelection":
        """Parse a query string; what is not known is the default."""
        window, queue = query.get("window", ""), query.get("of", "")
        return cls(
            window if window in WINDOWS else DEFAULT_WINDOW,
            queue if queue in conf.get_settings().queues else "",
        )

    @property
    def window(self) -> Window:
        """What the name stands for."""
        return WINDOWS[self.window_name]

    @property
    def queues(self) -> tuple[str, ...]:
        """The names of the queues to draw."""
        # Not the operators' lane: this page's own polls would be most of what is drawn.
        return (self.queue,) if self.queue else tuple(conf.get_settings().queues)

    @property
    def query(self) -> str:
        """The query string that `of` makes this of."""
        return urlencode({"window": self.window_name, "of": self.queue})
