"""An HTTP/1.1 server, on loopback by default, that hands every request to one function.

Design rule: it knows HTTP and nothing else, and it waits in the kernel: no thread of it wakes up
unless a byte arrives, since it lives in the process that times the drills.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Event, Lock, Thread
from typing import Any

from stack.ports import LOOPBACK

MAXIMUM_BODY_BYTES = 4 * 1024 * 1024
"""Far above any service's own limit, which its double applies; this one guards our memory."""

_JOIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, fully received. `at` is epoch seconds after the last byte of the body."""

    method: str
    path: str
    content_type: str
    body: bytes
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back over the wire."""

    status: int
    body: str
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()


def read_json(text: str | bytes) -> object:
    """Return what a body holds; None, as for `null`, for what is no JSON or too deep to be read."""
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "receiver-double"
    sys_version = ""
    wbufsize = -1  # headers and body leave in one segment, so that no delayed ACK adds 40 ms
    disable_nagle_algorithm = True
    server: HttpDouble

    def _serve(self) -> None:
        body = self._read_body()
        if body is None:
            return
        answer = self.server.respond(
            Request(
                method=self.command,
                path=self.path,
                content_type=self.headers.get_content_type(),
                body=body,
                at=time.time(),
            )
        )
        if answer is None:
            self.close_connection = True
        else:
            self._send(answer)

    def _read_body(self) -> bytes | None:
        announced = self.headers.get("Content-Length")
        if announced is None and self.command in {"GET", "DELETE"}:
            return b""
        if announced is None or not announced.isdecimal():
            self._refuse(411, "Length Required")
            return None
        length = int(announced)
        if length > MAXIMUM_BODY_BYTES:
            self._refuse(413, "Payload Too Large")
            return None
        body = self.rfile.read(length)
        if len(body) < length:  # the client went away in the middle: nothing was delivered
            self.close_connection = True
            return None
        return body

    def _refuse(self, status: int, reason: str) -> None:
        self.close_connection = True  # the unread body would be taken for the next request
        self._send(Answer(status=status, body=reason, content_type="text/plain"))

    def _send(self, answer: Answer) -> None:
        encoded = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        if answer.status != 204:  # which has no body, and so no length (RFC 9110, 8.6)
            self.send_header("Content-Length", str(len(encoded)))
        for name, value in answer.headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(encoded)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: what was received is in the deliveries."""


class HttpDouble(ThreadingHTTPServer):
    """A server on a port of this machine. A context manager; after it, the port is free.

    `respond` returns None to end the connection without an answer. `port` 0 is one that is free;
    another may be reserved (`stack.ports`), and stays so.
    """

    daemon_threads = True
    request_queue_size = 128  # the default of 5 drops connections when many alerts fire at once

    def __init__(
        self,
        name: str,
        respond: Callable[[Request], Answer | None],
        *,
        host: str = LOOPBACK,
        port: int = 0,
    ) -> None:
        self.respond = respond
        self._name = name
        self._closing = Event()
        self._lock = Lock()
        self._connections: dict[socket.socket, Thread] = {}
        super().__init__((host, port), _Handler)
        self._acceptor = Thread(target=self._accept, name=f"{name} acceptor", daemon=True)

    @property
    def url(self) -> str:
        """Scheme, host and port, without a trailing slash."""
        return f"http://{self.server_name}:{self.server_port}"

    def __enter__(self) -> HttpDouble:
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        with suppress(OSError):  # already shut by the system: then the acceptor is awake as well
            self.socket.shutdown(socket.SHUT_RDWR)
        self._acceptor.join(_JOIN_SECONDS)
        with self._lock:
            connections = list(self._connections.items())
        for connection, _thread in connections:
            with suppress(OSError):  # the client closed it meanwhile
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()
        for thread in (self._acceptor, *(thread for _, thread in connections)):
            thread.join(_JOIN_SECONDS)
            if thread.is_alive():
                raise TimeoutError(
                    f"{thread.name}: still busy {_JOIN_SECONDS:.0f} s after its connection was "
                    "closed; is on_delivery waiting for something?"
                )

    def server_bind(self) -> None:
        """Bind without asking DNS for this host's name, as HTTPServer does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()

    def _accept(self) -> None:
        # Not serve_forever(): that wakes up to look for a flag, and takes as long to stop.
        while not self._closing.is_set():
            self.handle_request()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, remembered so that it can be ended."""
        thread = Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name=f"{self._name} connection",
            daemon=True,
        )
        with self._lock:
            self._connections[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        """Close a connection that is done."""
        with self._lock:
            self._connections.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a connection that its client broke end quietly; report anything else."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)
