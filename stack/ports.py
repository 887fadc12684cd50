"""Ports that are known before their server runs, and that nobody else is given meanwhile.

Design rule: a port is never guessed and never released before its server is gone for good. A
reservation is a socket that is bound with SO_REUSEADDR and does not listen. On Linux this means:
a server that sets SO_REUSEADDR (Go, gunicorn, asyncio, http.server) can bind it and listen, as
often as it is restarted; connections are refused while none listens; and neither bind(0) nor an
outgoing connection of any process is given the port.
"""

from __future__ import annotations

import errno
import socket
from types import TracebackType
from typing import Self

__all__ = ["LOOPBACK", "Reservation", "port_is_held", "reserve"]

LOOPBACK = "127.0.0.1"


class Reservation:
    """A TCP port of the loopback address that is ours until `close()`.

    Also a context manager. It ends by itself when this process ends, however it ends.
    """

    def __init__(self, held: socket.socket) -> None:
        self._held = held
        self._port: int = held.getsockname()[1]

    @property
    def port(self) -> int:
        """The reserved port; it stays readable after `close()`."""
        return self._port

    def close(self) -> None:
        """Give the port back to the system. Closing twice does nothing."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Reservation(port={self._port})"


def reserve() -> Reservation:
    """Reserve a free loopback port.

    Raises OSError when the system has no free port left (EADDRINUSE), naming the address.
    """
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((LOOPBACK, 0))
    except OSError as error:
        held.close()
        raise OSError(
            error.errno,
            f"no port of {LOOPBACK} could be reserved ({error.strerror}); look: ss -tan | wc -l",
        ) from error
    return Reservation(held)


def port_is_held(port: int) -> bool:
    """Tell whether any socket holds this loopback port: reserved, listening or still closing.

    The answer is what an ordinary bind, one without SO_REUSEADDR, would meet.
    Raises OSError for any other reason that forbids the bind (such as EACCES below port 1024).
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as asked:
        try:
            asked.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            raise
    return False
