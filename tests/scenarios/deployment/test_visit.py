"""How a deployment is asked: again where refused, never elsewhere, and with its own token."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from scenarios.deployment.target import DeploymentTarget
from stack.clients.server import Server
from tests.scenarios.deployment.house import visit


@dataclass(slots=True)
class Answering:
    """Answers each request with the next of these statuses, the last again and again."""

    statuses: list[int]
    location: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def server() -> Iterator[Answering]:
    state = Answering(statuses=[200])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(dict(self.headers))
            status = state.statuses.pop(0) if len(state.statuses) > 1 else state.statuses[0]
            self.send_response(status)
            if state.location:
                self.send_header("Location", state.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as real:
        state.url = f"http://127.0.0.1:{real.server_port}"
        thread = threading.Thread(target=real.serve_forever, args=(0.01,))
        thread.start()
        yield state
        real.shutdown()
        thread.join()


def test_what_is_exchanged_just_now_is_asked_again(server: Answering) -> None:
    server.statuses = [503, 200]
    assert visit(DeploymentTarget()).get(Server(url=server.url)).status == 200
    assert len(server.asked) == 2


def test_what_stays_away_is_an_answer_after_three_tries(server: Answering) -> None:
    server.statuses = [503]
    assert visit(DeploymentTarget()).get(Server(url=server.url)).status == 503
    assert len(server.asked) == 3


def test_an_error_of_its_own_is_not_asked_again(server: Answering) -> None:
    server.statuses = [500]
    assert visit(DeploymentTarget()).get(Server(url=server.url)).status == 500
    assert len(server.asked) == 1


def test_a_redirection_is_told_and_not_followed(server: Answering) -> None:
    server.statuses, server.location = [302], "http://127.0.0.1:1/elsewhere"
    answer = visit(DeploymentTarget()).get(Server(url=server.url, token="a-token"))
    assert (answer.status, answer.location) == (302, "http://127.0.0.1:1/elsewhere")


def test_each_is_shown_its_own_token_and_no_others(server: Answering) -> None:
    target = DeploymentTarget(
        services=(Server(url=server.url, token="of-the-service"),),
        watchers={
            "prometheus": Server(url=server.url, token="of-prometheus"),
            "grafana": Server(url=server.url),
        },
    )
    visit(target).watcher("prometheus", "/")
    visit(target).watcher("grafana", "/")
    shown = [one.get("Authorization") for one in server.asked]
    assert shown == ["Bearer of-prometheus", None]


def test_nothing_is_taken_from_the_environment(
    server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert visit(DeploymentTarget()).get(Server(url=server.url)).status == 200


def test_a_refused_connection_is_tried_again_and_then_raised() -> None:
    with pytest.raises(requests.ConnectionError):
        visit(DeploymentTarget()).get(Server(url="http://127.0.0.1:1"))
