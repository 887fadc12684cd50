"""A TCP relay that holds back each HTTP answer until a while after its request.

One rule: it sleeps in the kernel while nothing is sent, and passes on what it does not understand.

The time is counted from the request, not from the answer: what the service takes by itself on a
busy machine is part of it, and comes on top of nothing.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, field

from stack.ports import LOOPBACK, Place

CHUNK_BYTES = 65536
CONNECT_SECONDS = 5.0
BACKLOG = 64


@dataclass(slots=True)
class Relay:
    """Listens on a port of ``host`` for the instance at ``to``, until it is closed.

    Attributes:
        port: where the instance is reached through this relay.
        delay_seconds: how long after its request an answer begins; zero passes it on at once.
    """

    to: Place
    host: str = LOOPBACK
    delay_seconds: float = 0.0
    port: int = field(init=False)
    _listener: socket.socket = field(init=False, repr=False)
    _ended: threading.Event = field(init=False, repr=False, default_factory=threading.Event)
    _lock: threading.Lock = field(init=False, repr=False, default_factory=threading.Lock)
    _open: set[socket.socket] = field(init=False, repr=False, default_factory=set)

    def __post_init__(self) -> None:
        self._listener = socket.create_server((self.host, 0), backlog=BACKLOG)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="relay", daemon=True).start()

    @property
    def address(self) -> str:
        """Where that is, as ``host:port``."""
        return f"{self.host}:{self.port}"

    def close(self) -> None:
        """End the relay, and every connection through it."""
        self._ended.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # close alone leaves accept waiting
        self._listener.close()
        with self._lock:
            for connection in self._open:
                _hang_up(connection)

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(
                target=self._relay, args=(client,), name="relay-connection", daemon=True
            ).start()

    def _relay(self, client: socket.socket) -> None:
        """Pass on what the client sends, and in a thread of its own what comes back."""
        with client:
            try:
                server = socket.create_connection((self.to.host, self.to.port), CONNECT_SECONDS)
            except OSError:  # nobody listens there: the client sees the connection end
                return
            server.settimeout(None)
            with server:
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._lock:
                    if self._ended.is_set():
                        return
                    self._open |= {client, server}
                try:
                    asked = _Asked()
                    back = threading.Thread(
                        target=self._pass_on_held,
                        args=(server, client, asked),
                        name="relay-answers",
                        daemon=True,
                    )
                    back.start()
                    _pass_on(client, server, asked)
                    back.join()
                finally:
                    with self._lock:
                        self._open -= {client, server}

    def _pass_on_held(self, server: socket.socket, client: socket.socket, asked: _Asked) -> None:
        with contextlib.suppress(OSError):
            while chunk := server.recv(CHUNK_BYTES):
                begun, asked.at = asked.at, None
                if self.delay_seconds and begun is not None:
                    left = begun + self.delay_seconds - time.monotonic()
                    if left > 0 and self._ended.wait(left):
                        break
                client.sendall(chunk)
        _hang_up(client)
        _hang_up(server)


@dataclass(slots=True)
class _Asked:
    """When the request was received whose answer has not begun, if there is one."""

    at: float | None = None


def _pass_on(client: socket.socket, server: socket.socket, asked: _Asked) -> None:
    with contextlib.suppress(OSError):
        while chunk := client.recv(CHUNK_BYTES):
            if chunk.startswith(b"GET "):
                asked.at = time.monotonic()
            server.sendall(chunk)
    _hang_up(server)
    _hang_up(client)


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
