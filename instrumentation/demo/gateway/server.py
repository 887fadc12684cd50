"""The double's HTTP server: keep-alive connections, a thread each, none of which hinders its end.

One rule: a request is authorized, then answered, then logged; what is held back is never answered.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import select
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

from instrumentation.demo.gateway.behaviour import Behaviour, Control
from instrumentation.demo.gateway.intents import PaymentIntents
from instrumentation.demo.gateway.wire import (
    Answer,
    Refused,
    invalid,
    server_error,
    unauthorized,
    unknown_url,
)

HOLD_SECONDS = 30.0  # longer than any client here waits, and an end for one that waits for ever
IDLE_SECONDS = 120.0  # a connection that says nothing for this long is closed
LARGEST_BODY_BYTES = 64 * 1024

INTENTS = "/v1/payment_intents"
INTENT = re.compile(rf"{INTENTS}/(pi_[A-Za-z0-9]+)")
TEST_KEY = re.compile(r"(sk|rk)_test_[A-Za-z0-9]{8,}")
HIDDEN = "*" * 8


class GatewayDouble:
    """A gateway on a loopback port.

    Args:
        port: where to listen; 0 lets the system choose.
        api_key: the only key that is accepted; without one, every key that has a test key's form.
        control_file: names the behaviour, see ``Behaviour``; read for each request.
        log_file: gets one JSON line for each answered request.
        host: the address to listen on.

    Raises:
        OSError: the port is taken, or the log can't be opened.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        api_key: str | None = None,
        control_file: Path | None = None,
        log_file: Path | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self._api_key = api_key
        self._log_file = log_file
        self._log_lock = threading.Lock()
        self.control = Control(control_file)
        self.intents = PaymentIntents()
        if log_file is not None:
            log_file.parent.mkdir(parents=True, exist_ok=True)
            log_file.touch()
        self._server = _Server((host, port), self)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.server_port

    @property
    def url(self) -> str:
        """What a client takes for the gateway's address."""
        return f"http://{self._server.server_name}:{self.port}"

    def serve(self) -> None:
        """Answer requests until ``stop`` is called from another thread, or a signal raises."""
        self._server.serve_forever(poll_interval=0.5)

    @contextmanager
    def serving(self) -> Iterator[GatewayDouble]:
        """Answer requests in a thread until the context ends."""
        thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.02},
            name=f"gateway-{self.port}",
            daemon=True,
        )
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self.close()

    def close(self) -> None:
        """Close the port."""
        self._server.server_close()

    def authorize(self, authorization: str | None, *, refuse: bool) -> None:
        """Let a request with the right key pass.

        Raises:
            Refused: the key is missing or wrong, or every key is to be refused.
        """
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise unauthorized(
                "You did not provide an API key. You need to provide your API key in the "
                "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer "
                "YOUR_SECRET_KEY')."
            )
        if self._api_key is None:
            known = TEST_KEY.fullmatch(key) is not None
        else:
            known = hmac.compare_digest(key.encode(), self._api_key.encode())
        if refuse or not known:
            raise unauthorized(f"Invalid API Key provided: {key[:8]}{HIDDEN}{key[-4:]}")

    def note(self, **fields: object) -> None:
        """Append one line to the log, where there is one."""
        if self._log_file is None:
            return
        line = json.dumps({"at": round(time.time(), 6), **fields}) + "\n"
        with self._log_lock, self._log_file.open("a") as file:
            file.write(line)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # requests that are held must not hold up the end
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], double: GatewayDouble) -> None:
        self.double = double
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without asking the resolver for the host's name, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        host, port = self.socket.getsockname()[:2]
        self.server_address = (host, port)
        self.server_name, self.server_port = host, port

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up, which is what clients that wait too long do."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # as it came


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "gateway-double"
    sys_version = ""
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer's head and body leave together

    @property
    def double(self) -> GatewayDouble:
        return cast("_Server", self.server).double

    def handle_any(self) -> None:
        """Answer one request, or hold it."""
        behaviour = self.double.control.read()
        request_id = f"req_{secrets.token_hex(7)}"
        try:
            form = self._body()
            if behaviour is Behaviour.TIMEOUT:
                self._hold()
                return
            answer = self._answer(behaviour, form)
        except Refused as refused:
            answer = refused.answer
        # Logged first: who sees an answer finds it in the log.
        self.double.note(
            method=self.command,
            path=self.path,
            status=answer.status,
            behaviour=behaviour.value,
            request_id=request_id,
        )
        self._send(answer, request_id)

    do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - the names that http.server calls

    def _answer(self, behaviour: Behaviour, form: str) -> Answer:
        if behaviour is Behaviour.ERROR500:
            return server_error()
        self.double.authorize(
            self.headers.get("Authorization"), refuse=behaviour is Behaviour.REFUSE_KEY
        )
        path = self.path.partition("?")[0]
        if self.command == "GET" and (match := INTENT.fullmatch(path)):
            return self.double.intents.retrieve(match[1])
        if self.command != "POST" or path != INTENTS:
            raise unknown_url(self.command, path)
        kind = self.headers.get_content_type()
        if kind != "application/x-www-form-urlencoded":
            raise invalid(
                f"Invalid request: the content type is {kind}, expected "
                "application/x-www-form-urlencoded"
            )
        return self.double.intents.create(
            form,
            idempotency_key=self.headers.get("Idempotency-Key"),
            decline=behaviour is Behaviour.DECLINE,
        )

    def _body(self) -> str:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not re.fullmatch(r"[0-9]{1,9}", length):
            self.close_connection = True  # where the next request begins is unknown
            raise invalid("Invalid request: the body's length must be given")
        if int(length) > LARGEST_BODY_BYTES:
            self.close_connection = True
            raise invalid("Invalid request: the body is too large")
        return self.rfile.read(int(length)).decode("utf-8", errors="replace")

    def _hold(self) -> None:
        """Wait until the client hangs up, at most ``HOLD_SECONDS``, and close the connection."""
        self.close_connection = True
        poll = select.poll()
        poll.register(self.connection, select.POLLRDHUP)
        poll.poll(HOLD_SECONDS * 1000)

    def _send(self, answer: Answer, request_id: str) -> None:
        body = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Request-Id", request_id)
        for name in ("Idempotency-Key", "Stripe-Version"):
            if name in self.headers:
                self.send_header(name, self.headers[name])
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the log file has a line for each answer."""
