"""A TCP proxy that can stop forwarding in one direction, as a broken network does."""

import selectors
import socket
import threading

FROM_BROKER = "from the broker"
TO_BROKER = "to the broker"


class Proxy:
    """Forwards connections from a port of its own.

    Args:
        port: of the broker, on loopback.
    """

    def __init__(self, port: int):
        self._target = ("127.0.0.1", port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        # How often it was healed, and what is blocked; set as one, for the threads that look.
        self._state: tuple[int, str | None] = (0, None)
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._listening.getsockname()[1]}"

    def block(self, direction: str) -> None:
        """From now on what comes from one side is read and thrown away."""
        self._state = (self._state[0], direction)

    def heal(self) -> None:
        """Forward again; connections that lost bytes are broken, as TCP would."""
        self._state = (self._state[0] + 1, None)  # those of before forward nothing more
        self._break_all()

    def close(self) -> None:
        """End it and all its connections."""
        self._listening.close()
        self._break_all()

    def _break_all(self) -> None:
        broken, self._open = self._open, []
        for end in broken:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._target)
            except OSError:  # the broker is away for now
                near.close()
                continue
            self._open += [near, far]
            words = (near, far, self._state[0])
            threading.Thread(target=self._forward, args=words, daemon=True).start()

    def _forward(self, near: socket.socket, far: socket.socket, healed: int) -> None:
        ways = {near: (far, TO_BROKER), far: (near, FROM_BROKER)}
        with near, far, selectors.DefaultSelector() as selector:
            for end in ways:
                selector.register(end, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    other, direction = ways[key.fileobj]
                    try:
                        data = key.fileobj.recv(65536)
                        if not data:
                            return
                        now, blocked = self._state
                        if healed == now and direction != blocked:
                            other.sendall(data)
                    except OSError:
                        return
