"""The application that every contender wraps, and how it is called: as a server would, in process.

A prepared environ is copied for each request, the body is read to its end and closed. No test
client takes part, as it costs more than some contenders do.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, jsonify

from benchmarks.worker import Run

PATHS = ("/api/items/7", "/api/items/12345", "/api/hello")


def routes(app: Flask) -> Flask:
    """Give `app` its three routes, of which two are asked for."""

    @app.get("/api/items/<int:n>")
    def item(n: int) -> Response:
        return jsonify(id=n, name="an item", price=12.5)

    @app.get("/api/hello")
    def hello() -> str:
        return "hello"

    @app.post("/api/items")
    def add() -> tuple[Response, int]:
        return jsonify(id=1), 201

    return app


def environ_of(path: str) -> dict[str, Any]:
    """Return what gunicorn would pass behind a proxy; the request brings no ids of its own."""
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "RAW_URI": path,
        "QUERY_STRING": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_SOFTWARE": "gunicorn",
        "REMOTE_ADDR": "10.1.2.3",
        "REMOTE_PORT": "54321",
        "HTTP_HOST": "shop.example:8000",
        "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101",
        "HTTP_ACCEPT": "application/json",
        "HTTP_X_FORWARDED_FOR": "203.0.113.9",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def requests_to(app: Flask, *, settle: Callable[[], object] | None = None) -> Run:
    """Return what makes n requests, then flushes the log and calls `settle`."""
    environs = [environ_of(path) for path in PATHS]
    wsgi_app = app.wsgi_app

    def start_response(status: str, _headers: list[tuple[str, str]], _error: Any = None) -> Any:
        assert status == "200 OK", status

    def run(count: int) -> None:
        for number in range(count):
            environ = environs[number % len(environs)].copy()
            body = wsgi_app(environ, start_response)
            for _ in body:
                pass
            close = getattr(body, "close", None)
            if close is not None:
                close()
        flush_logs()
        if settle is not None:
            settle()

    return run


def flush_logs() -> None:
    """Wait until every record that was logged is in its file."""
    for handler in logging.getLogger().handlers:
        handler.flush()
