"""A TCP relay that holds each HTTP request for a while before it passes it on.

One rule: it sleeps in the kernel while nothing is sent, and passes on what it does not understand.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field

CHUNK_BYTES = 65536
CONNECT_SECONDS = 5.0
BACKLOG = 64


@dataclass(slots=True)
class Relay:
    """Listens on a loopback port of its own for the instance at ``port``, until it is closed.

    Attributes:
        delay_seconds: how long each request is held; zero passes it on at once.
    """

    to_port: int
    delay_seconds: float = 0.0
    _listener: socket.socket = field(init=False, repr=False)
    _ended: threading.Event = field(init=False, repr=False, default_factory=threading.Event)
    _lock: threading.Lock = field(init=False, repr=False, default_factory=threading.Lock)
    _open: set[socket.socket] = field(init=False, repr=False, default_factory=set)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        threading.Thread(target=self._accept, name="relay", daemon=True).start()

    @property
    def port(self) -> int:
        """The port on which the instance is reached through this relay."""
        return int(self._listener.getsockname()[1])

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
                server = socket.create_connection(("127.0.0.1", self.to_port), CONNECT_SECONDS)
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
                    back = threading.Thread(
                        target=_pass_on, args=(server, client), name="relay-answers", daemon=True
                    )
                    back.start()
                    self._pass_on_held(client, server)
                    back.join()
                finally:
                    with self._lock:
                        self._open -= {client, server}

    def _pass_on_held(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := client.recv(CHUNK_BYTES):
                if self.delay_seconds and chunk.startswith(b"GET ") and self._wait():
                    break
                server.sendall(chunk)
        _hang_up(server)
        _hang_up(client)

    def _wait(self) -> bool:
        """Hold what was received; return whether the relay was closed meanwhile."""
        return self._ended.wait(self.delay_seconds)


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(CHUNK_BYTES):
            sink.sendall(chunk)
    _hang_up(sink)
    _hang_up(source)


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
