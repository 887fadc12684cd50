"""A server that answers as an engine might, and notes what it is asked to do."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit


def success(data: object) -> tuple[int, object]:
    return 200, {"status": "success", "data": data}


VECTOR = success({"resultType": "vector", "result": [{"metric": {}, "value": [1.0, "1"]}]})
NO_RULES = success({"groups": []})
BASIC: Mapping[str, tuple[int, object]] = {
    "/api/v1/query": VECTOR,
    "/api/v1/rules": NO_RULES,
    "/api/v2/alerts": (200, []),
    "/api/v1/admin/tsdb/delete_series": (204, ""),
    "/metrics": (200, ""),
    "/-/reload": (200, ""),
    "/-/ready": (200, ""),
}


def rules(*names: str, every: float = 0.25) -> tuple[int, object]:
    """Return the answer of an engine that evaluates alerts of these names."""
    rule = {
        "health": "ok",
        "duration": 0,
        "lastEvaluation": "2026-01-01T00:00:00Z",
        "evaluationTime": 0.001,
        "alerts": [],
    }
    found = [{**rule, "name": name} for name in names]
    return success({"groups": [{"name": "one", "interval": every, "rules": found}]})


@dataclass
class Server:
    """Where it answers, and what it was posted."""

    url: str
    posted: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)


UNAUTHORIZED = (401, "who is asking?")


@contextmanager
def engine(
    answers: Mapping[str, tuple[int, object]] | None = None, *, token: str = ""
) -> Iterator[Server]:
    """Serve `BASIC`, and by path what differs from it, to whoever shows the token."""
    known = {**BASIC, **(answers or {})}
    server = Server(url="")

    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self) -> None:
            status, answer = known.get(urlsplit(self.path).path, (404, "not found"))
            if token and self.headers["Authorization"] != f"Bearer {token}":
                status, answer = UNAUTHORIZED
            body = answer if isinstance(answer, str) else json.dumps(answer)
            self.send_response(status)
            self.end_headers()
            if status != http.HTTPStatus.NO_CONTENT:
                self.wfile.write(body.encode())

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            server.posted.append(urlsplit(self.path).path)
            self._answer()

        def do_DELETE(self) -> None:
            server.deleted.append(urlsplit(self.path).path)
            self._answer()

        def log_message(self, format: str, *args: object) -> None:
            return

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    server.url = f"http://127.0.0.1:{listening.server_address[1]}"
    try:
        yield server
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()
