"""Keeps in its address what a person has chosen to see of a list."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from ..broker.operate.lists import Wanted

LISTS = ("waiting", "letters")  # pages, by the ends of their names
LONGEST = 200  # characters of what is looked for
LONGEST_WAIT = 86_400  # seconds


class ListSelection(NamedTuple):
    """Which rows, and which page of them; empty is any.

    Attributes:
        q: a part of the path or of the request id.
        waited: seconds at least.
        page: from 1 on.
    """

    q: str = ""
    queue: str = ""
    method: str = ""
    reason: str = ""
    waited: int = 0
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "ListSelection":
        """Parse a query string; what can't be understood is left out."""
        q, queue, method, reason = (
            query.get(name, "").strip()[:LONGEST] for name in ("q", "queue", "method", "reason")
        )
        waited = min(_number(query.get("waited", "")), LONGEST_WAIT)
        return cls(q, queue, method.upper(), reason, waited, max(1, _number(query.get("page", ""))))

    @property
    def query(self) -> str:
        """The query string that `of` makes this of."""
        return urlencode(
            {name: word for name, word in self._asdict().items() if word not in ("", 0)}
        )

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self._replace(page=1) == ListSelection()

    def wanted(self, until: int = 0) -> Wanted:
        """Return what the broker is asked for.

        Args:
            until: as in Wanted.
        """
        return Wanted(self.q, self.queue, self.method, self.reason, self.waited, until)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
