"""A port whose threads do nothing else: it answers while every thread of the service is busy.

The master listens once, before it forks, and every worker accepts from that one socket. What a
slow or silent client can hold is bounded: so many connections, so many seconds each.
"""

import io
import logging
import os
import socket
import threading
import time
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from instrumentation.settings import SettingsError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_LOGGER = logging.getLogger(__name__)

CONNECTIONS = 16
"""Enough for a few scrapers and probes at once, and few beside the service's own threads."""

CONNECTION_SECONDS = 10.0
"""How long a client may take to send its request: Prometheus gives a scrape ten seconds too."""

_BACKLOG = 64
_PAUSE_SECONDS = 0.1
"""Before accepting again when the process has no descriptor or thread left for a connection."""

Address = tuple[str, int]

_listening: dict[Address, socket.socket] = {}
"""What a master has opened for its workers."""

_served: dict[Address, int] = {}
"""Process ids by the addresses that they serve: what was forked since serves nothing yet."""

_STARTING = threading.Lock()


def listen(bind: Address, *, beside_old_master: bool = False) -> socket.socket:
    """Listen at `bind`, for this process and those that it forks, and return the socket.

    For a master, before it forks. With `beside_old_master` the address may be held by the master
    that this one replaces. Raises SettingsError where somebody else holds it, or where it is no
    address of this machine.
    """
    listener = _listening[bind] = _listen(bind, beside_old_master=beside_old_master)
    return listener


def _listen(bind: Address, *, beside_old_master: bool = False) -> socket.socket:
    try:
        if not beside_old_master:
            # With SO_REUSEPORT two services could share a port without noticing; a first socket
            # without it fails where anybody listens.
            _bound(bind, reuse_port=False).close()
        listener = _bound(bind, reuse_port=True)
        listener.listen(_BACKLOG)
    except (OSError, UnicodeError) as error:  # the second of a host that can be nobody's name
        host, port = bind
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise SettingsError(
            f"INSTRUMENT_METRICS_BIND={host}:{port}: {reason}; expected a free "
            "port at an address of this machine: name another, or end what listens there"
        ) from error
    return listener


class OwnPort:
    """Serves one WSGI application at `bind`, in whichever process `start` is called.

    Each process has at most `connections` open at once; the next ones wait in the backlog.
    """

    def __init__(
        self,
        bind: Address,
        application: "WSGIApplication",
        *,
        connections: int = CONNECTIONS,
        connection_seconds: float = CONNECTION_SECONDS,
    ) -> None:
        self._bind = bind
        self._application = application
        self._connections = connections
        self._connection_seconds = connection_seconds
        self._pid: int | None = None
        self._server: _Server | None = None

    @property
    def address(self) -> Address | None:
        """Host and port that this process accepts at, or None before `start`."""
        server = self._server
        return None if server is None else (server.server_name, server.server_port)

    def start(self) -> None:
        """Start accepting in this process, unless it does so already.

        Without a socket that a master left, one is opened; when that fails an error is logged,
        as the service itself can answer all the same. Of several applications of one process with
        the same address the first one is served, and each other logs a warning.
        """
        if self._pid == os.getpid():
            return
        with _STARTING:
            if self._pid == os.getpid():
                return
            self._pid = os.getpid()
            if _served.get(self._bind) == self._pid:
                _LOGGER.warning(
                    "the metrics port %s:%d serves another application of this process: give this "
                    "one a metrics_bind of its own, or none",
                    *self._bind,
                )
                return
            # Taken, not shared: another application of this process must not answer here too.
            listener = _listening.pop(self._bind, None)
            inherited = listener is not None
            if listener is not None:
                # Anew: a worker of greenlets has another kind of socket than its master had.
                listener = socket.socket(fileno=listener.detach())
            try:
                listener = listener or _listen(self._bind)
            except SettingsError as error:
                _LOGGER.error(
                    "the metrics port is not served: %s; if it is another worker of this server, "
                    "set it in the server's environment instead of in code, for all to share it",
                    error,
                )
                return
            self._server = _Server(
                listener,
                self._application,
                connections=self._connections,
                connection_seconds=self._connection_seconds,
                inherited=inherited,
            )
            for address in (self._bind, _address(listener)):
                if address[1] != 0:  # which stands for another port each time
                    _served[address] = self._pid
            threading.Thread(
                target=self._server.accept_all, name="metrics-port", daemon=True
            ).start()

    def stop(self) -> None:
        """Stop accepting, for good, as an application needs that ends before its process does.

        A socket that a master left goes on serving its other workers.
        """
        if self._server is None or self._pid != os.getpid():
            return
        with _STARTING:
            for address in (self._bind, self.address):
                if address is not None:
                    _served.pop(address, None)
            self._server.stop()


class _Server(ThreadingMixIn, WSGIServer):
    """The standard library's WSGI server, on a socket that listens already."""

    daemon_threads = True
    block_on_close = False  # daemon threads are not kept in a list that nobody would clear

    def __init__(
        self,
        listener: socket.socket,
        application: "WSGIApplication",
        *,
        connections: int,
        connection_seconds: float,
        inherited: bool,
    ) -> None:
        super().__init__(("", 0), _Handler, bind_and_activate=False)
        self.socket.close()  # made by the base class for an address of its own
        self.socket = listener
        self.server_address = listener.getsockname()
        self.server_name, self.server_port = _address(listener)
        self.setup_environ()
        self.set_app(application)
        self._stopped = threading.Event()
        self._free = threading.BoundedSemaphore(connections)
        self.connection_seconds = connection_seconds
        self._inherited = inherited

    def accept_all(self) -> None:
        """Accept until stopped; a thread for each connection."""
        while not self._stopped.is_set():
            self._free.acquire()
            try:
                connection, peer = self.socket.accept()
            except OSError:  # it went away before it was accepted, or no descriptor is left
                self._free.release()
                self._stopped.wait(_PAUSE_SECONDS)
                continue
            try:
                self.process_request(connection, peer)
            except RuntimeError:  # no thread is left
                self.shutdown_request(connection)
                self._free.release()
                self._stopped.wait(_PAUSE_SECONDS)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one connection, then make room for the next."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Leave it at a line for whoever looks closely: a broken connection is its client's."""
        _LOGGER.debug("connection from %s broke", client_address, exc_info=True)

    def stop(self) -> None:
        """End `accept_all`, after one more connection where others accept from this socket too."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        if not self._inherited:  # it is the one socket of all who inherited it
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept()
        self.socket.close()


class _Handler(WSGIRequestHandler):
    """Reads a request against one deadline, however slowly its bytes come; logs nothing."""

    server: _Server

    def setup(self) -> None:
        """Put the deadline before the reading end; each write has as long until all is written."""
        super().setup()
        seconds = self.server.connection_seconds
        self.connection.settimeout(seconds)
        self.rfile = io.BufferedReader(_UntilDeadline(self.connection, seconds))

    def log_message(self, format: str, *args: Any) -> None:
        """Requests for metrics are neither counted nor logged."""


class _UntilDeadline(io.RawIOBase):
    """The reading end of a socket, with a deadline for everything that is read from it."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds

    def readable(self) -> bool:
        """Say that this is an end to read from."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what has come. Raises TimeoutError at the deadline."""
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError(f"no whole request within {self._seconds:g} s")
        self._connection.settimeout(remaining)
        try:
            return self._connection.recv_into(buffer)
        finally:
            self._connection.settimeout(self._seconds)


def _address(bound: socket.socket) -> Address:
    host, port, *_ = bound.getsockname()  # two more where it is IPv6
    return host, port


def _bound(bind: Address, *, reuse_port: bool) -> socket.socket:
    host, port = bind
    (family, kind, protocol, _, address), *_ = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound
