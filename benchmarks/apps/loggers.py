"""Loggers that write the same record to a file, each as its documentation sets it up.

Every one writes a time, a level, a message and four fields of the caller's; plain text is what
the standard library does without any of that. A round ends when all its lines are in the file.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.worker import Run

FILE = "app.log"
_TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"

Log = Callable[[str, dict[str, Any]], object]


def ours(folder: Path) -> Run:
    """`configure_logging` with its redaction and its limits on, as they come."""
    from flask import Flask

    from instrumentation.logging_config import configure_logging

    app = Flask("shop", static_folder=None)
    configure_logging(app, log_file=folder / FILE)
    run = _standard()
    run.__dict__["app"] = app  # its log lasts as long as it does
    return run


def json_orjson(folder: Path) -> Run:
    """python-json-logger, encoding with orjson."""
    from pythonjsonlogger.orjson import OrjsonFormatter

    return _standard(_handled(folder, OrjsonFormatter(_TEXT)))


def json_standard(folder: Path) -> Run:
    """python-json-logger, encoding with the standard library's json."""
    from pythonjsonlogger.json import JsonFormatter

    return _standard(_handled(folder, JsonFormatter(_TEXT)))


def plain(folder: Path) -> Run:
    """The standard library's text, without the fields."""
    return _standard(_handled(folder, logging.Formatter(_TEXT)))


def structlog_orjson(folder: Path) -> Run:
    """Write structlog's bytes with orjson, past the standard library's logging."""
    import orjson
    import structlog

    file = (folder / FILE).open("ab")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.BytesLoggerFactory(file=file),
        cache_logger_on_first_use=True,
    )
    logger = structlog.get_logger("shop.orders")
    return _rounds(lambda message, fields: logger.info(message, **fields), file.flush)


def _handled(folder: Path, formatter: logging.Formatter) -> logging.Handler:
    handler = logging.FileHandler(folder / FILE, encoding="utf-8")
    handler.setFormatter(formatter)
    return handler


def _standard(handler: logging.Handler | None = None) -> Run:
    root = logging.getLogger()
    if handler is not None:
        root.addHandler(handler)
        root.setLevel(logging.INFO)
    logger = logging.getLogger("shop.orders")

    def flush() -> None:
        for one in root.handlers:
            one.flush()

    return _rounds(lambda message, fields: logger.info(message, extra=fields), flush)


def _rounds(log: Log, flush: Callable[[], object]) -> Run:
    def run(count: int) -> None:
        for number in range(count):
            log(
                "order placed",
                {
                    "order_id": number,
                    "customer": "c-8123",
                    "amount": 99.5,
                    "items": ["book", "lamp"],
                },
            )
        flush()

    return run
