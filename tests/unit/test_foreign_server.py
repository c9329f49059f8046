"""What is found out about a server that somebody else started."""

from queueproxy.servers import foreign_server


def test_what_uvicorn_adds_is_seen():
    class Cycle:
        default_headers = [(b"date", b"now"), (b"Server", b"uvicorn"), (b"x-a", b"1")]

        async def send(self, message):
            raise AssertionError

    assert foreign_server.headers_it_adds(Cycle().send) == {b"date", b"server"}
    assert foreign_server.headers_it_adds(lambda message: None) == frozenset()
