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
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

__all__ = ["LOOPBACK", "Fixed", "Place", "Reservation", "port_is_held", "reserve"]

LOOPBACK = "127.0.0.1"


class Place(Protocol):
    """Where a server of ours will be reached, known before it runs."""

    @property
    def host(self) -> str:
        """The IPv4 address."""
        ...

    @property
    def port(self) -> int:
        """The TCP port."""
        ...

    @property
    def address(self) -> str:
        """Both, as `host:port`."""
        ...

    def close(self) -> None:
        """Give it back. Closing twice does nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """A port at an address that only one server of ours has, so that nothing is to be reserved."""

    host: str
    port: int

    @property
    def address(self) -> str:
        """Both, as `host:port`."""
        return f"{self.host}:{self.port}"

    def close(self) -> None:
        """Do nothing: whoever gave the address takes it back."""


class Reservation:
    """A TCP port of one of this machine's addresses that is ours until `close()`.

    Also a context manager. It ends by itself when this process ends, however it ends.
    """

    def __init__(self, held: socket.socket) -> None:
        self._held = held
        self._host: str
        self._port: int
        self._host, self._port = held.getsockname()

    @property
    def host(self) -> str:
        """The address that it is a port of."""
        return self._host

    @property
    def port(self) -> int:
        """The reserved port; it stays readable after `close()`."""
        return self._port

    @property
    def address(self) -> str:
        """Both, as `host:port`."""
        return f"{self._host}:{self._port}"

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
        return f"Reservation({self.address})"


def reserve(host: str = LOOPBACK) -> Reservation:
    """Reserve a free port of one of this machine's addresses.

    Raises OSError when the system has no free port left (EADDRINUSE), or not that address
    (EADDRNOTAVAIL), naming the address.
    """
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, 0))
    except OSError as error:
        held.close()
        raise OSError(
            error.errno,
            f"no port of {host} could be reserved ({error.strerror}); look: ss -tan | wc -l",
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
