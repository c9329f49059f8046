"""Which connection makes room."""

from queueproxy.servers.common.open_connections import OpenConnections


class Connection:
    """One that waits or works."""

    def __init__(self, opened: OpenConnections):
        self._opened = opened
        self.gone = False
        opened.wait(self)

    def make_room(self) -> None:
        self.gone = True
        self._opened.remove(self)


def test_there_is_room_up_to_the_limit():
    opened = OpenConnections(2)
    assert opened.has_room()
    one = Connection(opened)
    assert opened.has_room()
    assert not one.gone


def test_who_waits_longest_makes_room():
    opened = OpenConnections(2)
    first, second = Connection(opened), Connection(opened)
    opened.work(first)
    opened.wait(first)  # its turn is over: now it waits shorter than the second
    assert opened.has_room()
    assert (first.gone, second.gone) == (False, True)


def test_who_works_stays():
    opened = OpenConnections(1)
    only = Connection(opened)
    opened.work(only)
    assert not opened.has_room()
    assert not only.gone


def test_others_count_as_well():
    assert OpenConnections(2).has_room(others=1)
    assert not OpenConnections(2).has_room(others=2)


def test_who_has_left_leaves_room():
    opened = OpenConnections(1)
    only = Connection(opened)
    opened.work(only)
    opened.remove(only)
    assert opened.has_room()
