"""The access record that a team writes by hand with python-json-logger: one a request, to a file.

The formatter encodes with orjson, the faster of its encoders.
"""

from __future__ import annotations

import logging
import time
import uuid
from contextvars import ContextVar
from pathlib import Path

from flask import Flask, Response, g, request
from pythonjsonlogger.orjson import OrjsonFormatter

_ACCESS = logging.getLogger("shop.access")
_REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)


class _RequestId(logging.Filter):
    """Gives each record the id of its request."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = _REQUEST_ID.get()
        return True


def write_json_log(path: Path) -> logging.Handler:
    """Send the root logger's records to `path`, a JSON object a line."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(OrjsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    return handler


def request_ids(app: Flask, handler: logging.Handler) -> None:
    """Give each request an id, echo it, and have each record carry it."""
    handler.addFilter(_RequestId())

    @app.before_request
    def take() -> None:
        g.request_id = request.headers.get("X-Request-Id") or uuid.uuid4().hex
        g.request_id_token = _REQUEST_ID.set(g.request_id)

    @app.after_request
    def echo(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        return response

    @app.teardown_request
    def forget(_error: BaseException | None) -> None:
        _REQUEST_ID.reset(g.request_id_token)


def access_records(app: Flask) -> None:
    """Log each request once, with method, path, status and latency."""

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def record(response: Response) -> Response:
        _ACCESS.info(
            "%s %s %d",
            request.method,
            request.path,
            response.status_code,
            extra={
                "method": request.method,
                "path": request.path,
                "status": response.status_code,
                "latency_ms": round((time.perf_counter() - g.began) * 1000, 3),
                "user_id": request.headers.get("X-User-Id"),
            },
        )
        return response
