"""A process that somebody started in a terminal."""

import codecs
import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import threading
from collections.abc import Mapping, Sequence

CTRL_C = b"\x03"
ROWS, COLUMNS = 24, 80


class Terminal:
    """A process with a terminal of its own, and what it has written there.

    Args:
        words: program and arguments.
        environ: the whole environment.

    Attributes:
        process: the one that was started.
        written: all so far.
    """

    def __init__(self, words: Sequence[str], environ: Mapping[str, str]):
        self._fd, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            words,
            env=environ,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        self.written = ""
        self._gone, self._go = os.pipe()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")()  # a read may end within a character
        with contextlib.suppress(OSError):  # the other side has ended
            while self._gone not in select.select([self._fd, self._gone], [], [])[0]:
                self.written += decoder.decode(os.read(self._fd, 65536))
        os.close(self._gone)

    def type(self, keys: bytes) -> None:
        """Press them."""
        os.write(self._fd, keys)

    def hang_up(self) -> None:
        """Go, as a window that is closed."""
        os.close(self._go)
        self._reading.join()  # while it reads, the kernel keeps the terminal
        os.close(self._fd)

    def close(self) -> None:
        """Kill the process, and go."""
        self.process.kill()
        self.process.wait()
        self._reading.join(5)
        self.hang_up()
