"""Whatever a server replies, a link raises what its caller waits out, and is as good as new."""

import socketserver
import threading
from collections.abc import Iterator

import pytest

from queueproxy.broker.link.connect import BrokerAddress, server_info
from queueproxy.broker.link.links import AsyncLink, Link
from queueproxy.exceptions import BrokerUnavailable
from queueproxy.keys import Keys

REPLIES = [
    *(b"-MOVED", b"-MOVED 1", b"-MOVED 1 host", b"-MOVED x host:1", b"-MOVED 1 host:x"),
    *(b"-ASK", b"-ASK 1", b"-ASK x y z", b"-ASK 1 host:1", b"-MOVED 1 :1"),
    *(b"-", b"-ERR", b"-NOPERM", b"-LOADING", b"-CLUSTERDOWN", b"-WRONGPASS", b"-NOSCRIPT"),
    *(b"-\xff\xfe", b"-MOVED \xff", b"!what", b"*99999999999999", b"$-7"),
]
GOOD = {
    b"CLIENT": b"+OK",
    b"TYPE": b"+none",
    b"INFO": b"$14\r\nrun_id:server1",
    b"FCALL": b"+done",
}


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while head := self.rfile.readline():
            words = []
            for _ in range(int(head[1:])):
                size = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(size + 2)[:size])
            self.wfile.write(self.server.reply_to(words[0]) + b"\r\n")


class ScriptedServer(socketserver.ThreadingTCPServer):
    """A server that replies to one command, named in `spoilt`, with what it is told."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.spoilt, self.reply = b"", b""
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> BrokerAddress:
        """Where it is."""
        return BrokerAddress(f"redis://127.0.0.1:{self.server_address[1]}")

    def reply_to(self, command: bytes) -> bytes:
        """Reply to one command."""
        return self.reply if command == self.spoilt else GOOD[command]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server
        server.shutdown()


@pytest.mark.parametrize("command", GOOD)
@pytest.mark.parametrize("reply", REPLIES)
async def test_a_link_outlives_it(server, command, reply):
    asynchronous = AsyncLink(server.address, Keys("scripted"), "test", 1000)
    with Link(server.address, Keys("scripted"), "test", 1000) as blocking:
        server.spoilt, server.reply = command, reply
        if not (command == b"TYPE" and reply == b"-MOVED 1 :1"):  # it names this very server
            assert await raises(asynchronous, blocking) or command == b"TYPE"
        server.spoilt = b""
        assert blocking.script("anything") == b"done"
        assert await asynchronous.script("anything") == b"done"
    await asynchronous.close()


async def raises(asynchronous: AsyncLink, blocking: Link) -> bool:
    """Whether both say that the broker is not available; nothing else may come out of them."""
    try:
        blocking.script("anything")
    except BrokerUnavailable:
        with pytest.raises(BrokerUnavailable):
            await asynchronous.script("anything")
        return True
    await asynchronous.script("anything")
    return False


@pytest.mark.parametrize("reply", REPLIES)
def test_a_question_about_the_server_is_answered_or_not(server, reply):
    server.spoilt, server.reply = b"INFO", reply
    with pytest.raises(BrokerUnavailable):
        server_info(server.address)
