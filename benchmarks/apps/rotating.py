"""One of several processes that log to one file, which each of them rotates every second.

    python -m benchmarks.apps.rotating WAY FILE PROCESS RECORDS SECONDS

Records come in bursts at a fixed pace, so that the run spans many rotations at any speed.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path

BURSTS = 100
PERIOD_SECONDS = 1
KEPT_PERIODS = 100_000


def ours(path: Path) -> logging.Handler:
    """Make the handler of `configure_logging`, but for its period of a day."""
    from flask import Flask
    from instrumentation.log_counts import log_counts
    from instrumentation.log_format import LineFormatter, Service
    from instrumentation.log_handler import JsonFileHandler
    from instrumentation.log_redaction import Redactor

    from instrumentation.settings import InstrumentSettings

    app, settings, redactor = Flask("rotating"), InstrumentSettings(), Redactor(())
    return JsonFileHandler(
        app,
        path,
        formatter=LineFormatter(
            Service(name="rotating", version=None, environment=None),
            redactor=redactor,
            max_bytes=settings.log_record_max_bytes,
        ),
        redactor=redactor,
        counts=log_counts(app),
        retention_days=KEPT_PERIODS,
        queue_max_bytes=settings.log_queue_max_bytes,
        period_seconds=PERIOD_SECONDS,
    )


class _Json(logging.Formatter):
    """The message as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({"message": record.getMessage(), "level": record.levelname})


def standard(path: Path) -> logging.Handler:
    """Make the standard library's handler, which knows of no other process."""
    handler = TimedRotatingFileHandler(
        path, when="S", interval=PERIOD_SECONDS, utc=True, encoding="utf-8"
    )
    handler.setFormatter(_Json())
    return handler


WAYS: dict[str, Callable[[Path], logging.Handler]] = {"ours": ours, "standard": standard}


def main() -> None:
    """Log so many records in about so many seconds; each names its process and its number."""
    way, path, process, records, seconds = sys.argv[1:]
    handler = WAYS[way](Path(path))
    logger = logging.getLogger("rotating")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    began, number = time.monotonic(), 0
    for burst in range(1, BURSTS + 1):
        while number < int(records) * burst // BURSTS:
            logger.info("%s %d", process, number)
            number += 1
        time.sleep(max(0.0, began + float(seconds) * burst / BURSTS - time.monotonic()))
    logging.shutdown()


if __name__ == "__main__":
    main()
