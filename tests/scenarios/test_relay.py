"""The relay passes everything on, holds answers as told, and leaves no thread when it is closed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from scenarios.relay import Relay
from stack.ports import LOOPBACK, Fixed
from stack.waiting import wait_until

PAGE = b"x" * 300_000


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def relay() -> Iterator[Relay]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    relay = Relay(Fixed(LOOPBACK, server.server_address[1]))
    yield relay
    relay.close()
    server.shutdown()
    server.server_close()


def asked(relay: Relay, session: requests.Session) -> float:
    answer = session.get(f"http://127.0.0.1:{relay.port}/", timeout=10)
    assert answer.content == PAGE
    return answer.elapsed.total_seconds()


def relay_threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name.startswith("relay")]


def test_each_answer_of_a_connection_begins_when_told(relay: Relay) -> None:
    with requests.Session() as session:
        assert asked(relay, session) < 0.4
        relay.delay_seconds = 0.5
        assert 0.5 <= asked(relay, session) < 0.9
        assert 0.5 <= asked(relay, session) < 0.9
        relay.delay_seconds = 0.0
        assert asked(relay, session) < 0.4


def test_a_closed_relay_leaves_no_thread_not_even_of_an_open_connection(relay: Relay) -> None:
    with requests.Session() as session:
        asked(relay, session)
        assert len(relay_threads()) == 3
        relay.close()
        wait_until(lambda: not relay_threads(), what="its threads to end", timeout_seconds=5)
        with pytest.raises(requests.ConnectionError):
            asked(relay, session)


def test_an_instance_that_is_down_looks_down_through_the_relay() -> None:
    relay = Relay(Fixed(LOOPBACK, 1))  # nobody listens there
    with requests.Session() as session, pytest.raises(requests.ConnectionError):
        asked(relay, session)
    relay.close()
