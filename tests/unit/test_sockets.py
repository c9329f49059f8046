"""Addresses, and sockets to listen on."""

import os
import socket

import pytest

from queueproxy.exceptions import CannotListen
from queueproxy.servers.common.sockets import bind, describe, parse


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("", ("127.0.0.1", 8000)),
        ("9000", ("127.0.0.1", 9000)),
        (":9000", ("127.0.0.1", 9000)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("localhost:80", ("localhost", 80)),
        ("[::1]:80", ("::1", 80)),
    ],
)
def test_addresses(address, expected):
    assert parse(address) == expected


@pytest.mark.parametrize(
    "address", ["localhost", "a:b", "1:2:3", "::1:80", "[::1]", "65536", "99999999", "-1", "80 "]
)
def test_what_is_no_address(address):
    with pytest.raises(CannotListen, match="not a port or an address"):
        bind(address)


@pytest.mark.parametrize(
    ("address", "url"), [("127.0.0.1:0", "http://127.0.0.1:"), ("[::1]:0", "http://[::1]:")]
)
def test_listens_and_says_where(address, url):
    with bind(address) as listening:
        socket.create_connection(listening.getsockname()[:2], timeout=5).close()
        assert describe(listening).startswith(url)


def test_port_in_use_is_one_clear_line():
    with bind("127.0.0.1:0") as first:
        port = first.getsockname()[1]
        with pytest.raises(CannotListen) as caught:
            bind(f"{port}")
    assert str(caught.value) == f"Can't listen on 127.0.0.1:{port}: Address already in use."


def test_a_host_nobody_knows():
    with pytest.raises(CannotListen, match=r"Can't listen on no-such-host\.invalid:0: "):
        bind("no-such-host.invalid:0")


def test_reuse_port_lets_a_second_one_listen():
    with bind("127.0.0.1:0", reuse_port=True) as first:
        port = first.getsockname()[1]
        bind(f"127.0.0.1:{port}", reuse_port=True).close()


def test_unix_socket(tmp_path):
    address = f"unix:{tmp_path}/front.sock"
    with bind(address) as listening:
        assert describe(listening) == address
        with pytest.raises(CannotListen, match="Address already in use"):
            bind(address)  # somebody listens there
    bind(address).close()  # what the dead leave behind is replaced


def test_a_file_that_is_no_socket_stays(tmp_path):
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(CannotListen):
        bind(f"unix:{path}")
    assert path.read_text() == "data"


def test_an_inherited_socket_is_taken_over():
    given = socket.create_server(("127.0.0.1", 0))
    with given, bind("ignored", fd=os.dup(given.fileno())) as taken:
        assert taken.getsockname() == given.getsockname()


@pytest.mark.parametrize("kind", ["closed", "file", "datagram"])
def test_a_descriptor_that_is_no_listening_socket(kind, tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram, open(os.devnull) as file:
        fd = {"closed": 9999, "file": file.fileno(), "datagram": datagram.fileno()}[kind]
        with pytest.raises(CannotListen, match=f"Descriptor {fd} is not"):
            bind(fd=fd)


def test_socket_activation_names_the_first_passed_descriptor(monkeypatch):
    from queueproxy.servers.common import sockets

    with socket.create_server(("127.0.0.1", 0)) as given:
        monkeypatch.setattr(sockets, "FIRST_PASSED_FD", os.dup(given.fileno()))
        monkeypatch.setenv("LISTEN_FDS", "1")
        monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
        with bind() as taken:
            assert taken.getsockname() == given.getsockname()


def test_activation_meant_for_another_process_is_ignored(monkeypatch):
    monkeypatch.setenv("LISTEN_FDS", "1")
    monkeypatch.setenv("LISTEN_PID", "1")
    with bind("127.0.0.1:0") as listening:
        assert listening.getsockname()[1] != 0
