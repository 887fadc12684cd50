"""What a request fault left in flight ends at its repair; a service not told of it is an error.

Where the repair of the load fails too, the service is told all the same.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from instrumentation.faults import contract
from scenarios.failures import STOPPED
from scenarios.faults.request import FaultGoesOn, carried, end_in_flight
from scenarios.load import LoadError
from stack.ports import reserve

SECRET = b"a secret of the tests, long enough"
DELAY = contract.fault_to_json(contract.Delay(seconds=1.0))


class Service:
    """A real HTTP server that reads the header as the service does."""

    def __init__(self, secret: bytes = SECRET) -> None:
        self.words: list[contract.Fault] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                bound: dict[str, Any] = {"instance": "shop-1", "method": "GET", "path": self.path}
                header = self.headers.get(contract.HEADER, "")
                try:
                    word = contract.decode(header, secret=secret, now=time.time(), **bound)
                except contract.FaultRejected:
                    self.send_response(200)
                else:
                    service.words.append(word)
                    self.send_response(204)
                    self.send_header(contract.RESULT_HEADER, word.kind)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def service() -> Iterator[Service]:
    one = Service()
    yield one
    one.server.shutdown()
    one.server.server_close()


def target(url: str, folder: Path, *, leased: bool = True, broken: bool = False) -> Any:
    secret = folder / "secret"
    secret.write_bytes(SECRET + b"\n")
    environment = {
        "INSTRUMENT_FAULT_SECRET_FILE": str(secret),
        "INSTRUMENT_INSTANCE_ID": "shop-1",
    }

    def fault_off() -> None:
        if broken:
            raise LoadError("the load generator is gone")

    return SimpleNamespace(
        id="shop",
        journey={"POST /api/users": 1},
        instance=SimpleNamespace(url=url, environment=environment),
        leased=leased,
        fault_on=lambda *_: None,
        fault_off=fault_off,
    )


def url_of(service: Service) -> str:
    return f"http://127.0.0.1:{service.server.server_port}"


@pytest.mark.parametrize("leased", [True, False])
def test_only_a_leased_target_is_told_to_end_what_is_in_flight(
    service: Service, tmp_path: Path, leased: bool
) -> None:
    with carried(target(url_of(service), tmp_path, leased=leased), DELAY, 1.0):
        assert service.words == []
    assert service.words == ([contract.End()] if leased else [])


def test_it_is_told_although_the_load_does_not_answer(service: Service, tmp_path: Path) -> None:
    with (
        pytest.raises(LoadError),
        carried(target(url_of(service), tmp_path, broken=True), DELAY, 1.0),
    ):
        pass
    assert service.words == [contract.End()]


def test_a_service_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with reserve() as nobody, pytest.raises(FaultGoesOn, match="shop was not told"):
        end_in_flight(target(f"http://127.0.0.1:{nobody.port}", tmp_path))


def test_a_service_with_another_secret_is_an_error(tmp_path: Path) -> None:
    other = Service(secret=b"another secret, as long as that")
    with pytest.raises(FaultGoesOn, match="answered 200 and said 'nothing'"):
        end_in_flight(target(url_of(other), tmp_path))
    other.server.shutdown()
    other.server.server_close()


def test_a_fault_that_goes_on_disturbs_its_drill() -> None:
    assert issubclass(FaultGoesOn, STOPPED)
