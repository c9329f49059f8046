"""Remembers the memory of a worker process over its whole life, so that people see it grow."""

MOST = 60  # points kept


class MemoryLog:
    """Points at even distances, of which there are never more than MOST.

    The distance begins at one heartbeat. When there are too many, every other one is left out and
    the distance is doubled: a worker that has lived for an hour has a point a minute or so, one
    that has lived for a week a point every two or three hours.
    """

    def __init__(self) -> None:
        self._points: list[int] = []
        self._distance = 1  # heartbeats
        self._since_last = 0

    def note(self, size: int) -> bool:
        """Take notice of a heartbeat's measure, in bytes; whether it has become a point."""
        self._since_last += 1
        if self._points and self._since_last < self._distance:
            return False
        self._since_last = 0
        self._points.append(size)
        if len(self._points) > MOST:
            self._points = self._points[::2]  # the newest stays: their number was odd
            self._distance *= 2
        return True

    @property
    def points(self) -> list[int]:
        """Bytes, the oldest first."""
        return list(self._points)
