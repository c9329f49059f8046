"""Simulated users: each sends requests and writes down what came back."""

import hashlib
import http.client
import os
import random
import socket
import threading
import time
from dataclasses import dataclass

UNSAFE = ("POST", "UPLOAD")
KINDS = ("GET", "GET", "GET", "POST", "POST", "UPLOAD", "STREAM", "LEAVE")


@dataclass
class Outcome:
    """What a user saw. `status` 0: cut, reset or refused; -1: the user left by itself."""

    nonce: str
    kind: str
    status: int
    seconds: float
    wrong: str = ""  # what was not as it must be
    token: str = ""  # of the execution that answered


class User(threading.Thread):
    """Sends one request after another until told to stop.

    Args:
        number: of the user; its cookie.
        ports: of the fronts.
        seed: of its random choices.
        stop: ends it after the request in hand.
    """

    def __init__(self, number: int, ports: list[int], seed: int, stop: threading.Event):
        super().__init__(daemon=True)
        self.outcomes: list[Outcome] = []
        self._name = f"user{number}"
        self._ports = ports
        self._chance = random.Random(f"{seed}-{number}")
        self._stop_event = stop
        self._count = 0

    def run(self) -> None:
        while not self._stop_event.is_set():
            self._count += 1
            nonce = f"{self._name}n{self._count}"
            kind = self._chance.choice(KINDS)
            began = time.monotonic()
            status, wrong, token = self._request(nonce, kind)
            seconds = time.monotonic() - began
            self.outcomes.append(Outcome(nonce, kind, status, seconds, wrong, token))
            if status == 0:
                time.sleep(0.05)  # a front is being replaced
            elif self._chance.random() < 0.3:
                time.sleep(self._chance.random() * 0.05)

    def _request(self, nonce: str, kind: str) -> tuple[int, str, str]:
        port = self._chance.choice(self._ports)
        if kind == "LEAVE":
            return self._leave(nonce, port)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        body = self._body(kind)
        path = f"/{'stream' if kind == 'STREAM' else 'run'}/{nonce}/"
        method = "POST" if kind in UNSAFE else "GET"
        try:
            connection.request(method, path, body=body, headers={"Cookie": f"user={self._name}"})
            response = connection.getresponse()
            status, text = response.status, response.read()
        except (OSError, http.client.HTTPException):
            return 0, "", ""
        finally:
            connection.close()
        wrong = self._check(kind, nonce, body or b"", status, response, text)
        return status, wrong, response.headers.get("X-Token", "")

    def _body(self, kind: str) -> bytes | None:
        if kind == "POST":
            return os.urandom(self._chance.choice((0, 10, 1000)))
        if kind == "UPLOAD":
            return os.urandom(self._chance.choice((65_536, 65_537, 300_000, 900_000)))
        return None

    def _check(self, kind, nonce, body, status, response, text) -> str:
        if status >= 500:
            return "" if response.headers.get("Proxy-Status") else f"a {status} of nobody's"
        if status != 200:
            return f"status {status}"
        if kind == "STREAM":
            whole = b"".join(f"{nonce} {n}\n".encode() * 300 for n in range(12))
            return "" if text == whole + f"end {nonce}".encode() else "a stream cut or mixed"
        wanted = f"{nonce} {hashlib.sha256(body).hexdigest()} {self._name}"
        if text.decode("latin-1") != wanted or response.headers.get("X-Nonce") != nonce:
            return f"another's answer: {text[:80]!r}"
        return ""

    def _leave(self, nonce: str, port: int) -> tuple[int, str, str]:
        """Send a request and go, at once or after a moment."""
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                head = f"GET /run/{nonce}/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
                connection.sendall(head.encode())
                time.sleep(self._chance.choice((0, 0.001, 0.02)))
        except OSError:
            return 0, "", ""
        return -1, "", ""
