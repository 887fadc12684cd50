"""The bulk endpoint's double, which speaks its wire format and fails as it is told to."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Items = list[dict[str, Any]]
Answer = Callable[["BulkDouble", Items], "tuple[int, Any] | Foreign | None"]
"""Returns status and body in place of the usual answer; None for a connection that breaks."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """An answer that is not Elasticsearch's: without its header, and of any content."""

    status: int
    body: str
    content_type: str


class BulkDouble:
    """Answers `POST /_bulk` as a node does, but for the answers that wait in `next`.

    `documents` are those that it has by index and id, `requests` the ids of each request.
    """

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}
        self.requests: list[list[str]] = []
        self.sizes: list[int] = []
        self.next: deque[Answer] = deque()
        self.always: Answer | None = None
        self.lock = threading.Lock()
        self.hung = threading.Event()
        self.let_go = threading.Event()
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answered = double.answer(body)
                if answered is None:
                    self.close_connection = True
                    return
                if isinstance(answered, Foreign):
                    data, kind = answered.body.encode(), answered.content_type
                    self.send_response(answered.status)
                else:
                    status, answer = answered
                    data, kind = json.dumps(answer).encode(), "application/json"
                    self.send_response(status)
                    self.send_header("X-Elastic-Product", "Elasticsearch")
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, body: bytes) -> tuple[int, Any] | Foreign | None:
        lines = body.split(b"\n")
        assert lines.pop() == b"", "a bulk request ends with a line's end"
        items = [
            {**json.loads(action)["create"], "document": json.loads(source)}
            for action, source in zip(lines[::2], lines[1::2], strict=True)
        ]
        with self.lock:
            self.requests.append([item["_id"] for item in items])
            self.sizes.append(len(body))
            special = self.next.popleft() if self.next else self.always
        if special is not None:
            return special(self, items)
        return 200, {"items": [self.take(item) for item in items]}

    def take(self, item: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            target = (item["_index"], item["_id"])
            if target in self.documents:
                error = {"type": "version_conflict_engine_exception", "reason": "exists"}
                return {"create": {"status": 409, "error": error}}
            self.documents[target] = item["document"]
            return {"create": {"status": 201}}


@pytest.fixture
def double() -> Iterator[BulkDouble]:
    double = BulkDouble()
    thread = threading.Thread(target=double.server.serve_forever, daemon=True)
    thread.start()
    yield double
    double.let_go.set()
    double.server.shutdown()
    double.server.server_close()
    thread.join()
