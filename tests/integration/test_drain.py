"""How a server ends: who is held is answered, who comes meanwhile is served elsewhere."""

import json
import signal
import socket
import threading
import time

import pytest

from queueproxy.servers import SERVERS

from .serving import Client, Served, ending, serving


@pytest.fixture(params=SERVERS)
def server(request) -> str:
    return request.param


def hold(served: Served) -> Client:
    """A client whose request is held."""
    client = served.client().get("/held")
    served.says("held")
    return client


def test_the_end_in_order(server):
    with serving(server) as served:
        served.terminate()
        for word in ("draining", "shutdown", "stopped"):
            served.says(word)
        assert served.exit_status() == 0


def test_nobody_new_is_accepted(server):
    with serving(server) as served, hold(served):
        served.terminate()
        served.says("draining")
        assert refuses(served.address)


def refuses(address) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(address, timeout=0.1).close()
        except ConnectionRefusedError:
            return True
        except (ConnectionResetError, TimeoutError):
            pass  # it closed in the middle of the handshake
    return False


def test_who_is_held_is_answered_and_the_connection_closed(server):
    with serving(server) as served, hold(served) as held, served.client() as other:
        other.get("/").reply()
        served.terminate()
        served.says("draining")
        assert refuses(served.address)
        other.get("/release")  # an idle connection may ask once more
        last = other.reply()
        assert last.body == b"ok"
        assert last.headers["connection"] == "close"
        answer = held.reply()
        assert answer.body == b"released"
        assert answer.headers["connection"] == "close"
        assert held.until_closed() == b""
        assert served.exit_status() == 0


def test_idle_connections_do_not_hold_the_end_up(server):
    with serving(server) as served, served.client() as idle:
        idle.get("/").reply()
        served.terminate()
        assert idle.until_closed() == b""
        assert served.exit_status() == 0


def test_when_time_is_up_the_held_are_told(server):
    with serving(server, graceful_timeout=0.5) as served, hold(served) as held:
        served.terminate()
        answer = held.reply()
        assert answer.status == 502
        assert "error=connection_terminated" in answer.headers["proxy-status"]
        assert answer.headers["cache-control"] == "no-store"
        assert served.exit_status() == 0


def test_when_time_is_up_a_stream_is_cut(server):
    with serving(server, graceful_timeout=0.5) as served, served.client() as client:
        client.get("/endless")
        served.says("endless")
        served.terminate()
        assert not client.until_closed().endswith(b"0\r\n\r\n")
        assert served.exit_status() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(server, number):
    with serving(server, graceful_timeout=60) as served, hold(served) as held:
        served.terminate()
        served.says("draining")
        served.process.send_signal(number)
        assert held.reply().status == 502
        assert served.exit_status() == 0


def test_an_application_that_cannot_start_ends_the_server(server, monkeypatch):
    monkeypatch.setenv("SERVER_APP_FAILS", "1")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        served = Served(server, listening)
    with ending(served):
        assert served.exit_status() != 0


class Crowd:
    """Clients that ask one request after another, each on its own or on one connection."""

    def __init__(self, address, *, keep_alive: bool):
        self._address = address
        self._keep_alive = keep_alive
        self._stop = threading.Event()
        self.answered = 0
        self.failures: list[str] = []
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        client = None
        while not self._stop.is_set():
            client = client or Client(self._address)
            try:
                reply = client.get(
                    "/", *([] if self._keep_alive else ["Connection: close"])
                ).reply()
                json.loads(reply.body)
                self.answered += 1
            except Exception as error:
                self.failures.append(repr(error))
                return
            if reply.headers.get("connection") == "close":
                client.close()
                client = None
        if client:
            client.close()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(10)

    def has_asked(self, more: int) -> None:
        """Wait for so many more answers."""
        wanted = self.answered + more
        deadline = time.monotonic() + 60
        while self.answered < wanted and not self.failures:
            assert time.monotonic() < deadline, f"{self.answered} of {wanted} answers"
            time.sleep(0.01)


@pytest.mark.parametrize("keep_alive", [True, False], ids=["keep-alive", "close"])
def test_a_server_is_replaced_under_load_without_one_failure(server, keep_alive):
    with socket.create_server(("127.0.0.1", 0), backlog=100) as shared:
        first = Served(server, shared)
        with ending(first):
            first.starts()
            crowd = Crowd(shared.getsockname(), keep_alive=keep_alive)
            try:
                crowd.has_asked(50)
                second = Served(server, shared)
                with ending(second):
                    second.starts()
                    first.terminate()
                    assert first.exit_status() == 0
                    crowd.has_asked(50)
                    crowd.stop()
                    assert crowd.failures == []
            finally:
                crowd.stop()


def test_a_held_request_ends_on_the_old_server_while_a_new_one_accepts(server):
    with socket.create_server(("127.0.0.1", 0), backlog=100) as shared:
        first = Served(server, shared)
        with ending(first):
            first.starts()
            with hold(first) as held, first.client() as sibling:
                sibling.get("/").reply()
                second = Served(server, shared)
                with ending(second):
                    second.starts()
                    first.terminate()
                    first.says("draining")
                    with second.client() as newcomer:
                        assert newcomer.get("/").reply().status == 200
                    sibling.get("/release").reply()
                    assert held.reply().body == b"released"
                    assert first.exit_status() == 0
                    with second.client() as newcomer:
                        assert newcomer.get("/").reply().status == 200
